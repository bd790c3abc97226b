//! The clock: the one place of the product that reads it.

use scim::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Now.
#[expect(clippy::disallowed_methods, reason = "everyone else is told the time; somebody must read it")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// An id made from the time and random bits.
#[expect(clippy::disallowed_methods, reason = "an id of this process' own: of a request, of a tenant")]
pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}
