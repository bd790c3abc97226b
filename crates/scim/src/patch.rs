//! PATCH (RFC 7644 section 3.5.2) and both dialects of Entra: a document and operations in, a document and effects out.

use crate::{Profile, ScimError, effect::Effect, member::MemberStep, schema::ResourceType};
use serde_json::{Map, Value};

/// `op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Add.
    Add,
    /// Replace.
    Replace,
    /// Remove.
    Remove,
}

/// One element of `Operations`, its words checked but not yet resolved against a schema.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What to do.
    pub op: Op,
    /// Where; none means the resource itself.
    pub path: Option<crate::path::Path>,
    /// With what.
    pub value: Option<Value>,
    /// The deviations already translated while reading (the case of `op`, …).
    pub coerced: Option<&'static str>,
}

/// A PATCH request.
#[derive(Clone, Debug)]
pub struct PatchRequest {
    /// In the order of the request.
    pub operations: Vec<Operation>,
}

/// What a PATCH does to a resource.
#[derive(Clone, Debug)]
pub struct Patched {
    /// The new document; equal to the old one if nothing changed.
    pub document: Map<String, Value>,
    /// Whether the document changed.
    pub changed: bool,
    /// Steps of membership (Group only), in order.
    pub members: Vec<MemberStep>,
    /// One or more for each operation.
    pub effects: Vec<Effect>,
}

impl PatchRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// 400 `invalidSyntax` for a shape that is no PATCH or an unknown `op`, `invalidPath`, each naming the operation's index.
    pub fn parse(_profile: Profile, _body: Value) -> Result<PatchRequest, ScimError> {
        todo!()
    }

    /// Whether every operation concerns `members` alone, so that the group itself need not be read.
    pub fn is_members_only(&self, _resource_type: &ResourceType) -> bool {
        todo!()
    }

    /// Applies the operations in order; the first refused one refuses the request and nothing has happened.
    ///
    /// # Errors
    /// 400 with the `scimType` of RFC 7644 table 9.
    pub fn apply(
        &self,
        _resource_type: &ResourceType,
        _profile: Profile,
        _document: &Map<String, Value>,
    ) -> Result<Patched, ScimError> {
        todo!()
    }
}
