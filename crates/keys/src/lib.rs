//! Keys by which tokens are signed and verified: ours, and the published ones of identity providers (docs/adr/0038).

mod jws;
mod key_sets;
mod signing_keys;

pub use jws::{Unverified, VerifyingKey};
pub use key_sets::{KeySetSettings, KeySets, NoKey, check_address};
pub use signing_keys::{KeyError, MAX_TOKEN_LIFETIME, SigningKeys};
