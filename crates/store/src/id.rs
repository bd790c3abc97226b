//! New ids.

use scim::Timestamp;
use uuid::Uuid;

/// UUID version 7 (RFC 9562 section 5.7) of this moment: the order of ids is the order of creation.
///
/// # Errors
/// The operating system has no random bytes.
pub fn new_id(now: Timestamp) -> Result<Uuid, getrandom::Error> {
    let mut random = [0u8; 10];
    getrandom::fill(&mut random)?;
    Ok(uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or(0), &random).into_uuid())
}
