//! `attributes` and `excludedAttributes` (RFC 7644 section 3.9), with `returned` of the schema.

use crate::{ScimError, schema::ResourceType};
use serde_json::{Map, Value};

/// Which attributes an answer holds. The default one returns what is `returned: default` or `always`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    // the builder of this room chooses the fields
}

impl Projection {
    /// Reads the two comma-separated lists.
    ///
    /// # Errors
    /// 400 `invalidValue` if both are given, `invalidPath` for a malformed name. Unknown names select nothing.
    pub fn parse(
        _resource_type: &ResourceType,
        _attributes: Option<&str>,
        _excluded: Option<&str>,
    ) -> Result<Projection, ScimError> {
        todo!()
    }

    /// Whether a top-level core attribute (canonical name, such as `members` or `groups`) is in the answer: decides
    /// whether it is fetched at all.
    pub fn returns(&self, _attribute: &str) -> bool {
        todo!()
    }

    /// Whether a stored document (which holds no `id`, `meta`, `groups`, `members`) is returned whole, so that its
    /// text need not be parsed.
    pub fn keeps_document_whole(&self) -> bool {
        todo!()
    }

    /// Cuts a complete resource (with `id`, `meta`, …) down to what is asked for.
    pub fn apply(&self, _resource: &mut Map<String, Value>) {
        todo!()
    }
}
