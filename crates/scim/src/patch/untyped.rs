//! Writing an extension that no schema describes: kept as it is sent, without nulls and empty values.

use super::Op;
use crate::{ScimError, path::Path, resource::prune};
use serde_json::{Map, Value};

/// The extension as a whole: its object is merged (add, replace) or removed.
pub(super) fn whole(
    op: Op,
    document: &mut Map<String, Value>,
    key: &str,
    value: Option<Value>,
) -> Result<bool, ScimError> {
    let before = document.get(key).cloned();
    match (op, value) {
        (Op::Remove, _) | (_, None | Some(Value::Null)) => {
            document.shift_remove(key);
        }
        (_, Some(Value::String(text))) if text.is_empty() => {
            document.shift_remove(key);
        }
        (_, Some(Value::Object(parts))) => {
            let mut object = before.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
            for (name, part) in parts {
                set_untyped(&mut object, &name, prune(part));
            }
            put_object(document, key, object);
        }
        _ => return Err(ScimError::invalid_value(format!("\"{key}\" must be an object."))),
    }
    Ok(before.as_ref() != document.get(key))
}

/// An attribute, or a part of one, of an extension that no schema describes.
pub(super) fn attribute(
    op: Op,
    document: &mut Map<String, Value>,
    key: &str,
    path: &Path,
    value: Option<Value>,
) -> Result<bool, ScimError> {
    if path.filter.is_some() {
        return Err(ScimError::invalid_path(
            "No schema describes this extension, so its values cannot be selected by brackets.",
        ));
    }
    let before = document.get(key).cloned();
    let mut object = before.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let value = value.filter(|_| op != Op::Remove).and_then(prune);
    match &path.attribute.sub_attribute {
        None => set_untyped(&mut object, &path.attribute.name, value),
        Some(sub) => {
            let current = object.iter().find(|(name, _)| name.eq_ignore_ascii_case(&path.attribute.name));
            let mut parts = current.and_then(|(_, value)| value.as_object()).cloned().unwrap_or_default();
            set_untyped(&mut parts, sub, value);
            set_untyped(
                &mut object,
                &path.attribute.name,
                (!parts.is_empty()).then_some(Value::Object(parts)),
            );
        }
    }
    put_object(document, key, object);
    Ok(before.as_ref() != document.get(key))
}

/// Sets a member by its name in any case; the spelling that is there stays.
fn set_untyped(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    let key =
        object.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned());
    match value {
        Some(value) => {
            object.insert(key, value);
        }
        None => {
            object.shift_remove(&key);
        }
    }
}

fn put_object(document: &mut Map<String, Value>, key: &str, object: Map<String, Value>) {
    if object.is_empty() {
        document.shift_remove(key);
    } else {
        document.insert(key.to_owned(), Value::Object(object));
    }
}
