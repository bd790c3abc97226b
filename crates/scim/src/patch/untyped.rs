//! Writing an extension that no schema describes: kept as it is sent, without nulls and empty values. Every function says
//! whether it changed anything.

use super::{Op, fields::Fields};
use crate::{ScimError, path::Path, resource::prune};
use serde_json::Value;

/// The extension as a whole: its object is merged (add, replace) or removed.
pub(super) fn whole(
    op: Op,
    document: &mut Fields,
    key: &str,
    value: Option<Value>,
) -> Result<bool, ScimError> {
    match (op, value) {
        (Op::Remove, _) | (_, None | Some(Value::Null)) => Ok(document.set(key, None)),
        (_, Some(Value::String(text))) if text.is_empty() => Ok(document.set(key, None)),
        (_, Some(Value::Object(parts))) => Ok(document.inside(key, |extension| {
            let set = |changed, (name, part): (String, _)| extension.set(&name, prune(part)) || changed;
            parts.into_iter().fold(false, set)
        })),
        _ => Err(ScimError::invalid_value(format!("\"{key}\" must be an object."))),
    }
}

/// An attribute, or a part of one, of an extension that no schema describes.
pub(super) fn attribute(
    op: Op,
    document: &mut Fields,
    key: &str,
    path: &Path,
    value: Option<Value>,
) -> Result<bool, ScimError> {
    if path.filter.is_some() {
        return Err(ScimError::invalid_path(
            "No schema describes this extension, so its values cannot be selected by brackets.",
        ));
    }
    let value = value.filter(|_| op != Op::Remove).and_then(prune);
    let name = &path.attribute.name;
    Ok(document.inside(key, |extension| match &path.attribute.sub_attribute {
        None => extension.set(name, value),
        Some(sub) => extension.inside(name, |parts| parts.set(sub, value)),
    }))
}
