//! `members` of a group (RFC 7643 section 4.2): a change of membership is a delta that never needs the group itself.

use crate::condition::Condition;

/// One step of a change of membership, in the order of the request. Ids are texts here: the store decides whether
/// they exist.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberStep {
    /// Add these ids; present ones stay.
    Add(Vec<String>),
    /// Remove these ids; absent ones stay absent.
    Remove(Vec<String>),
    /// Remove every member.
    RemoveAll,
    /// Remove the members whose element (`value`, `type`, `$ref`, `display`) fulfils the condition; only for value
    /// paths that are not plain `value eq "…"` (joined by `or`), which become [`MemberStep::Remove`].
    RemoveWhere(Condition),
}
