//! Reading JSON from strangers: bounded depth, no duplicate keys, no numbers that would be changed, no NUL.

use crate::ScimError;
use serde_json::Value;

/// Deepest nesting of a body.
pub const MAX_DEPTH: usize = 32;

/// Reads a request body.
///
/// # Errors
/// 400 `invalidSyntax`: no JSON, invalid UTF-8, nested deeper than [`MAX_DEPTH`], a key twice in one object, a number
/// that no double can hold exactly as written (beyond 2^53) or a text with U+0000.
pub fn parse(_body: &[u8]) -> Result<Value, ScimError> {
    todo!()
}
