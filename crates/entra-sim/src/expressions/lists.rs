//! Functions on multi-valued attributes.

use serde_json::Value;

use super::evaluate::{Call, Outcome};
use super::{is_empty, text_of};

fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.clone(),
        single => vec![single.clone()],
    }
}

pub(super) fn count(call: &Call<'_>) -> Outcome {
    Ok(Value::from(items(call.value(0)).len()))
}

/// Counted from 1.
pub(super) fn item(call: &Call<'_>) -> Outcome {
    let index = call.number(1)?;
    let index = usize::try_from(index).ok().and_then(|index| index.checked_sub(1));
    let index = index.ok_or_else(|| call.wrong("items are counted from 1"))?;
    Ok(items(call.value(0)).get(index).cloned().unwrap_or(Value::Null))
}

/// Absent and empty values are left out: Microsoft's example `Join(", ", "", [surname], [givenName])` gives `Doe, John`.
pub(super) fn join(call: &Call<'_>) -> Outcome {
    let separator = text_of(call.value(0));
    let sources = call.arguments.iter().skip(1).flatten().flat_map(items);
    let parts: Vec<String> = sources.filter(|value| !is_empty(value)).map(|value| text_of(&value)).collect();
    Ok(Value::from(parts.join(&separator)))
}

pub(super) fn remove_duplicates(call: &Call<'_>) -> Outcome {
    let mut unique: Vec<Value> = Vec::new();
    for value in items(call.value(0)) {
        if !unique.contains(&value) {
            unique.push(value);
        }
    }
    Ok(Value::from(unique))
}

pub(super) fn split(call: &Call<'_>) -> Outcome {
    let Some(source) = call.text(0) else { return Ok(Value::Null) };
    let delimiter = text_of(call.value(1));
    if delimiter.is_empty() {
        return Err(call.wrong("the delimiter is empty"));
    }
    Ok(source.split(delimiter.as_str()).map(|part| Value::from(part.trim())).collect())
}
