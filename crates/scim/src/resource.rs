//! A resource document: what may be created or put in place of another, in canonical spelling, and its answer.
//!
//! A *document* is the JSON object that is stored: canonical attribute names, without `id`, `meta`, `groups` (User)
//! and `members` (Group), which live in columns and tables and are added when it is rendered.

use crate::{Profile, ScimError, effect::Effect, schema::ResourceType};
use serde_json::{Map, Value};

/// A validated body of POST or PUT.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The document.
    pub document: Map<String, Value>,
    /// Ids of `members` (Group only), deduplicated, in order; none if the body has no `members`.
    pub members: Option<Vec<String>>,
    /// What was coerced or ignored on the way.
    pub effects: Vec<Effect>,
}

/// Validates the body of a create (RFC 7644 section 3.3).
///
/// Read-only attributes are ignored, nulls and empty lists dropped, unknown extension objects kept, unknown attributes
/// ignored with an effect.
///
/// # Errors
/// 400 `invalidValue` (missing required attribute, wrong type), `invalidSyntax` (not an object, names that differ only in case).
pub fn create(_resource_type: &ResourceType, _profile: Profile, _body: Value) -> Result<Draft, ScimError> {
    todo!()
}

/// Validates the body of a replace (RFC 7644 section 3.5.1) against the current document: immutable attributes must
/// match, attributes that are absent are cleared.
///
/// # Errors
/// As [`create`], and 400 `mutability`.
pub fn replace(
    _resource_type: &ResourceType,
    _profile: Profile,
    _current: &Map<String, Value>,
    _body: Value,
) -> Result<Draft, ScimError> {
    todo!()
}

/// The values that the store keeps in columns, taken from a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// `userName`, folded.
    pub user_name: Option<String>,
    /// `externalId`, exact.
    pub external_id: Option<String>,
    /// `displayName`, folded.
    pub display_name: Option<String>,
    /// `active`; true when absent.
    pub active: bool,
    /// The first `emails[type eq "work"].value`, folded.
    pub work_email: Option<String>,
}

impl Keys {
    /// Reads the keys of a document.
    pub fn of(_document: &Map<String, Value>) -> Keys {
        todo!()
    }
}
