//! Extensions that no schema describes, for a profile that accepts no new ones.

use crate::{Profile, ScimError, schema::ResourceType, steps};
use serde_json::{Map, Value};

/// Checks the extensions of a document that is about to be stored in place of `before` (`None`: the resource is new). A profile
/// may refuse extensions that no schema describes. Those that are equal to what is stored are accepted in every profile: a
/// client that reads a resource and puts it back must succeed. Removing one is accepted too.
///
/// # Errors
/// 400 `invalidSyntax` if such an extension is new or changed (draft-zollner-scim-interop-profile-02).
pub fn check(
    profile: Profile,
    resource_type: &ResourceType,
    before: Option<&Map<String, Value>>,
    after: &Map<String, Value>,
) -> Result<(), ScimError> {
    if profile.rules().keeps_undescribed_extensions {
        return Ok(());
    }
    steps::take(after.len());
    let is_new = |key: &str, value: &Value| before.is_none_or(|before| before.get(key) != Some(value));
    let refused = after.iter().find(|(key, value)| {
        key.contains(':') && resource_type.extension(key).is_none() && is_new(key, value)
    });
    match refused {
        Some((key, _)) => Err(ScimError::invalid_syntax(format!(
            "No schema describes the extension \"{key}\". Remove its attributes from the mapping. See /Schemas."
        ))),
        None => Ok(()),
    }
}
