//! The issuer of Secret Tokens: their format, issue, rotation with overlap, revocation, and authentication by them.
//!
//! A Secret Token is 256 random bits, so it is stored as its SHA-256 and checked at the cost of one digest and one cache
//! lookup (`docs/adr/0006`). A token is shown once, when it is issued; no other value of this crate holds or prints it.

mod authenticator;
mod issuer;
pub mod operator;
mod secret_token;
mod usage;

pub use authenticator::{AuthenticatedClient, Authenticator, CacheSettings, Refusal};
pub use issuer::{Issued, Issuer, Rotated, TokenError};
pub use secret_token::SecretToken;
