//! Values in an extension that no schema describes: names ignore case, and a list stands for its elements, those of lists in
//! lists included (docs/adr/0032). The same in SQL: `crates/store/src/data/sql/undescribed.rs`.

use crate::steps;
use serde_json::{Map, Value};

/// Whether some value of this name passes the test.
pub(crate) fn any_member(
    object: &Map<String, Value>,
    name: &str,
    test: &mut dyn FnMut(&Value) -> bool,
) -> bool {
    steps::take(object.len());
    object.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).any(|(_, value)| any_value(value, test))
}

/// Whether some part of this name of a value passes the test. A value without parts is its own `value`.
pub(crate) fn any_part(value: &Value, name: &str, test: &mut dyn FnMut(&Value) -> bool) -> bool {
    match value {
        Value::Object(object) => any_member(object, name, test),
        Value::Null | Value::Array(_) => false,
        simple => name.eq_ignore_ascii_case("value") && test(simple),
    }
}

/// Whether the value passes the test or, if it is a list, one of its elements does.
fn any_value(value: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool {
    steps::take(1);
    test(value) || value.as_array().is_some_and(|list| list.iter().any(|element| any_value(element, test)))
}
