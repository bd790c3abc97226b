//! New resource ids: UUID version 7, so that the order of ids is the order of creation.

use crate::Failure;
use scim::Timestamp;
use store::ResourceId;

/// A new id; the random part comes from the operating system.
pub(crate) fn new(now: Timestamp) -> Result<ResourceId, Failure> {
    let mut random = [0u8; 10];
    getrandom::fill(&mut random).map_err(|error| Failure::Internal(format!("no random bytes: {error}")))?;
    let millis = u64::try_from(now.0).unwrap_or(0);
    Ok(ResourceId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()))
}
