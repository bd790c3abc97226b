//! What became of each operation of a request: nothing is dropped in silence.

use serde::Serialize;

/// How one operation ended. A refused operation refuses its whole request and is a [`crate::ScimError`] instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Changed the resource as the standard says.
    Applied,
    /// The resource already was as asked.
    AlreadyTrue,
    /// Changed the resource after a deviation from the standard was translated; `rule` says which.
    Coerced,
    /// Changed nothing on purpose; `rule` says why.
    Ignored,
}

/// The effect of one operation (of a PATCH: one `Operations` element; of a create or replace: one attribute that was
/// coerced or ignored).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// Index of the operation in its request, from 0.
    pub operation: usize,
    /// Attribute path as resolved; never a value.
    pub path: String,
    /// How it ended.
    pub outcome: Outcome,
    /// For coerced and ignored: one of [`COERCED`] or [`IGNORED`] (a metric label).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
}

/// The rules by which a deviation from the standard is translated.
pub const COERCED: [&str; 15] = [
    // A boolean as the text of it.
    "booleanText",
    // A number or a boolean where a text belongs.
    "textFromScalar",
    // `[x]` or `{"value": x}` where x belongs.
    "wrappedValue",
    // One value where a list of values belongs.
    "singleValue",
    // A bare text where an object with `value` belongs.
    "plainValue",
    // The same, of a manager.
    "managerText",
    // A role as the JSON text of an app role assignment.
    "roleJson",
    // `displayName` of a role.
    "roleDisplayName",
    // More than one primary value: the first stays so.
    "primaryOnce",
    // A value path that selects nothing: the element is made.
    "createdByFilter",
    // Remove with values: these are removed, not all.
    "removeByValue",
    // The same, of members.
    "removeMembersByValue",
    // `Add` for `add`.
    "operationCase",
    // An attribute path as a key of a path-less value.
    "pathAsKey",
    // An attribute of an extension without its URN.
    "bareExtensionAttribute",
];

/// The rules by which a part of a request changes nothing.
pub const IGNORED: [&str; 4] = [
    // No schema knows the attribute.
    "unknownAttribute",
    // The service provider sets it.
    "readOnly",
    // A password is accepted and not kept.
    "passwordNotKept",
    // An element without a value, of which type and primary alone are left.
    "emptyElement",
];

/// Longest path that an effect shows, in characters: the names in it are the client's.
const MAX_PATH: usize = 200;

impl Effect {
    /// An effect; a longer path is cut.
    pub(crate) fn new(operation: usize, path: &str, outcome: Outcome, rule: Option<&'static str>) -> Effect {
        let end = path.char_indices().nth(MAX_PATH).map_or(path.len(), |(end, _)| end);
        Effect { operation, path: path[..end].to_owned(), outcome, rule }
    }
}
