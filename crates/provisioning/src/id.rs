//! Ids of new resources.

use crate::Failure;
use scim::Timestamp;
use store::{ResourceId, id::new_id};

/// A new id; the random part comes from the operating system.
pub(crate) fn new(now: Timestamp) -> Result<ResourceId, Failure> {
    new_id(now).map(ResourceId).map_err(|error| Failure::Internal(format!("no random bytes: {error}")))
}
