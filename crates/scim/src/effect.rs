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
    /// A short fixed word (a metric label) for coerced and ignored: `booleanText`, `operationCase`, `unknownAttribute`,
    /// `readOnly`, `managerText`, `roleJson`, `removeMembersByValue`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
}

/// Longest path that an effect shows, in characters: the names in it are the client's.
const MAX_PATH: usize = 200;

impl Effect {
    /// An effect; a longer path is cut.
    pub(crate) fn new(operation: usize, path: &str, outcome: Outcome, rule: Option<&'static str>) -> Effect {
        let end = path.char_indices().nth(MAX_PATH).map_or(path.len(), |(end, _)| end);
        Effect { operation, path: path[..end].to_owned(), outcome, rule }
    }
}
