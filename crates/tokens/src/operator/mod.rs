//! What operators prove who they are with: passwords, second factors, sessions; and the brake on guessing.

mod discovery;
mod id_token;
mod openid;
mod password;
mod session;
mod throttle;
mod totp;

pub use openid::{OpenId, OpenIdBegun, OpenIdError, OpenIdKept, OpenIdReturn, OpenIdSettings};
pub use password::{PasswordError, Passwords, WeakPassword};
pub use session::SessionToken;
pub(crate) use session::csrf_of;
pub use throttle::{Blocked, Throttle, ThrottleSettings};
pub use totp::{Enrolment, TotpError, check_code, enrol, enrolment};

use scim::Timestamp;
use uuid::Uuid;

/// UUID version 7 of this moment.
///
/// # Errors
/// The operating system has no random bytes.
pub fn new_id(now: Timestamp) -> Result<Uuid, getrandom::Error> {
    let mut random = [0u8; 10];
    getrandom::fill(&mut random)?;
    Ok(uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or(0), &random).into_uuid())
}
