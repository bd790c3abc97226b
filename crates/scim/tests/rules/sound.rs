//! What holds of every stored document, whatever made it.

use scim::schema::{Attribute, Mutability, ResourceType};
use serde_json::{Map, Value};

/// Panics if a document breaks an invariant.
pub(crate) fn check(resource_type: &ResourceType, document: &Map<String, Value>) {
    let urns: Vec<&str> = std::iter::once(resource_type.schema.id.as_str())
        .chain(document.keys().filter(|key| key.contains(':')).map(String::as_str))
        .collect();
    assert_eq!(document["schemas"], serde_json::json!(urns), "schemas is what the document holds");
    for (key, value) in document {
        assert!(!is_empty(value), "{key} is stored without a value");
        if key == "schemas" {
            continue;
        }
        match resource_type.extension(key) {
            Some(schema) => {
                for (key, value) in value.as_object().expect("an extension is an object") {
                    check_attribute(find(&schema.attributes, key), value);
                }
            }
            None if key.contains(':') => {}
            None => check_attribute(find(&resource_type.schema.attributes, key), value),
        }
    }
    for required in resource_type.schema.attributes.iter().filter(|attribute| attribute.required) {
        assert!(document.contains_key(&required.name), "{} is required", required.name);
    }
}

/// Null, an empty text, list or object, anywhere.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty() || list.iter().any(is_empty),
        Value::Object(map) => map.is_empty() || map.values().any(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn find<'a>(attributes: &'a [Attribute], key: &str) -> &'a Attribute {
    let found = attributes.iter().find(|attribute| attribute.name == key);
    found.unwrap_or_else(|| panic!("{key} is not spelled as a schema spells it"))
}

fn check_attribute(attribute: &Attribute, value: &Value) {
    assert_ne!(attribute.mutability, Mutability::ReadOnly, "{} is read-only", attribute.name);
    if !attribute.multi_valued {
        return check_value(attribute, value);
    }
    let list = value.as_array().unwrap_or_else(|| panic!("{} holds a list", attribute.name));
    list.iter().for_each(|value| check_value(attribute, value));
    let primaries = list.iter().filter(|value| value["primary"] == true).count();
    assert!(primaries <= 1, "{} has {primaries} primary values", attribute.name);
}

fn check_value(attribute: &Attribute, value: &Value) {
    if attribute.is_complex() {
        let parts = value.as_object().unwrap_or_else(|| panic!("{} is complex", attribute.name));
        parts.iter().for_each(|(key, value)| check_attribute(find(&attribute.sub_attributes, key), value));
        return;
    }
    let boolean = attribute.data_type == scim::schema::AttributeType::Boolean;
    assert!(if boolean { value.is_boolean() } else { value.is_string() }, "{} has its type", attribute.name);
}
