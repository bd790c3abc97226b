//! How large a document may become. The limits refuse growth only, so that a document above them, stored when they were
//! higher, can still be deactivated, cut down and deleted.

use crate::{ScimError, json, schema::ResourceType};
use serde_json::{Map, Value};

/// Limits of one document (docs/adr/0022).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Bytes of its JSON text. The attribute `active` does not count.
    pub bytes: usize,
    /// Keys of one extension that no schema describes. Those of objects inside it count as well.
    pub extension_keys: usize,
    /// Extensions that no schema describes.
    pub extensions: usize,
}

impl Default for DocumentLimits {
    /// 256 KB, 500 keys, 50 extensions.
    fn default() -> Self {
        DocumentLimits { bytes: 262_144, extension_keys: 500, extensions: 50 }
    }
}

/// A document with the length of its JSON text.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'d> {
    /// The document.
    pub document: &'d Map<String, Value>,
    /// Length of its text, in bytes.
    pub length: usize,
}

impl Measured<'_> {
    fn bytes(&self) -> usize {
        // With its comma. An operation that deactivates must not fail for the letter that "false" is longer.
        let active = match self.document.get("active") {
            Some(Value::Bool(true)) => r#","active":true"#.len(),
            Some(Value::Bool(false)) => r#","active":false"#.len(),
            _ => 0,
        };
        self.length.saturating_sub(active)
    }

    fn is_active(&self) -> bool {
        self.document.get("active").and_then(Value::as_bool).unwrap_or(true)
    }

    /// The extensions that no schema describes.
    fn undescribed(&self, resource_type: &ResourceType) -> impl Iterator<Item = (&String, &Value)> {
        self.document.iter().filter(|(key, _)| key.contains(':') && resource_type.extension(key).is_none())
    }
}

impl DocumentLimits {
    /// Checks a new document (`before` is `None`) or a change.
    ///
    /// A change that deactivates a user may go up to twice each limit: Entra sends other changes along, and the user must
    /// not stay active because of them.
    ///
    /// # Errors
    /// 400 `invalidValue` if the document is above a limit and further above it than before. Entra counts a 400 as a
    /// failure of this one user or group.
    pub fn check(
        &self,
        resource_type: &ResourceType,
        before: Option<Measured<'_>>,
        after: Measured<'_>,
    ) -> Result<(), ScimError> {
        let deactivates = before.is_some_and(|before| before.is_active()) && !after.is_active();
        let factor = if deactivates { 2 } else { 1 };
        let check = Check { limits: self, resource_type, factor, before, after };
        check.bytes()?;
        check.extensions()?;
        check.keys()
    }
}

/// One document that is held to the limits.
struct Check<'c> {
    limits: &'c DocumentLimits,
    resource_type: &'c ResourceType,
    /// By how much the limits are raised for this change.
    factor: usize,
    before: Option<Measured<'c>>,
    after: Measured<'c>,
}

impl Check<'_> {
    fn bytes(&self) -> Result<(), ScimError> {
        let Check { limits, resource_type, factor, before, after } = *self;
        let allowed = limits.bytes.saturating_mul(factor).max(before.map_or(0, |before| before.bytes()));
        if after.bytes() <= allowed {
            return Ok(());
        }
        let sizes = after.document.iter().map(|(key, value)| (json::size(value), key));
        let (size, largest) = sizes.max().map_or((0, ""), |(size, key)| (size, key.as_str()));
        Err(ScimError::invalid_value(format!(
            "The {} would take {} bytes; at most {} can be kept. \"{largest}\" takes {size} of them. Send a shorter \
             value, or remove the attribute from the attribute mapping.",
            resource_type.name,
            after.bytes(),
            limits.bytes,
        )))
    }

    fn extensions(&self) -> Result<(), ScimError> {
        let Check { limits, resource_type, factor, before, after } = *self;
        let count = after.undescribed(resource_type).count();
        if count <= limits.extensions.saturating_mul(factor) {
            return Ok(());
        }
        if count <= before.map_or(0, |before| before.undescribed(resource_type).count()) {
            return Ok(());
        }
        Err(ScimError::invalid_value(format!(
            "The {} would have {count} extensions that /Schemas does not describe; at most {} can be kept. Remove some \
             of them from the attribute mapping, or put their attributes into one extension.",
            resource_type.name, limits.extensions,
        )))
    }

    fn keys(&self) -> Result<(), ScimError> {
        let Check { limits, resource_type, factor, before, after } = *self;
        for (urn, extension) in after.undescribed(resource_type) {
            let count = count_keys(extension);
            if count <= limits.extension_keys.saturating_mul(factor) {
                continue;
            }
            if count <= before.and_then(|before| before.document.get(urn)).map_or(0, count_keys) {
                continue;
            }
            return Err(ScimError::invalid_value(format!(
                "The extension \"{urn}\" would have {count} attributes, those inside of others included; at most {} can \
                 be kept. Remove some of them from the attribute mapping.",
                limits.extension_keys,
            )));
        }
        Ok(())
    }
}

/// How many keys a value has, at any depth.
fn count_keys(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.len() + map.values().map(count_keys).sum::<usize>(),
        Value::Array(list) => list.iter().map(count_keys).sum(),
        _ => 0,
    }
}
