//! Functions that choose and test.

use serde_json::Value;

use super::evaluate::{Call, Outcome};
use super::{is_empty, text_of};

pub(super) fn bit_and(call: &Call<'_>) -> Outcome {
    Ok(Value::from(call.number(0)? & call.number(1)?))
}

pub(super) fn to_boolean(call: &Call<'_>) -> Outcome {
    Ok(Value::from(is_true(call.value(0))))
}

/// True, a number other than zero, or a text that says so.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => {
            text.eq_ignore_ascii_case("true") || text.parse::<f64>().is_ok_and(|n| n != 0.0)
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

pub(super) fn coalesce(call: &Call<'_>) -> Outcome {
    let present = call.arguments.iter().flatten().find(|value| !value.is_null());
    Ok(present.cloned().unwrap_or(Value::Null))
}

pub(super) fn ignore_empty(call: &Call<'_>) -> Outcome {
    Ok(if is_empty(call.value(0)) { Value::Null } else { call.value(0).clone() })
}

pub(super) fn iif(call: &Call<'_>) -> Outcome {
    Ok(call.value(if is_true(call.value(0)) { 1 } else { 2 }).clone())
}

pub(super) fn is_null(call: &Call<'_>) -> Outcome {
    Ok(Value::from(call.value(0).is_null()))
}

pub(super) fn is_null_or_empty(call: &Call<'_>) -> Outcome {
    Ok(Value::from(is_empty(call.value(0))))
}

pub(super) fn is_present(call: &Call<'_>) -> Outcome {
    Ok(Value::from(!is_empty(call.value(0))))
}

pub(super) fn is_string(call: &Call<'_>) -> Outcome {
    Ok(Value::from(call.value(0).is_string()))
}

pub(super) fn not(call: &Call<'_>) -> Outcome {
    let truth = text_of(call.value(0)).eq_ignore_ascii_case("true");
    Ok(Value::from(if truth { "False" } else { "True" }))
}

pub(super) fn same(call: &Call<'_>) -> Outcome {
    Ok(call.value(0).clone())
}

/// Case-sensitive; an absent source matches the key `""`.
pub(super) fn switch(call: &Call<'_>) -> Outcome {
    let source = text_of(call.value(0));
    let mut keys = (2..call.arguments.len()).step_by(2);
    let found = keys.find(|key| text_of(call.value(*key)) == source);
    Ok(call.value(found.map_or(1, |key| key + 1)).clone())
}
