//! Credentials of provisioning clients: Secret Tokens, OAuth client secrets, assertions of other identity providers, and the
//! access tokens that those two are exchanged for.
//!
//! A Secret Token is 256 random bits, so it is stored as its SHA-256 and checked at the cost of one digest and one cache
//! lookup (`docs/adr/0006`). An access token is verified once and then costs the same (`docs/adr/0009`). A secret is shown
//! once, when it is issued; no other value of this crate holds or prints it. [`operator`] is about the other side: the
//! people who work in the admin service.

mod access_token;
mod authenticator;
mod clients;
mod federation;
mod issuer;
mod lookups;
pub mod operator;
mod places;
mod ration;
mod recent;
mod rotation;
mod rotations;
mod secret_hash;
mod secret_token;
mod seldom;
mod setup_links;
mod setup_token;
mod token_endpoint;
mod usage;

pub use access_token::{AccessTokens, SCOPE};
pub use authenticator::{AuthenticatedClient, Authenticator, CacheSettings, Refusal};
pub use clients::{
    ClientError, ClientPolicy, ClientWithSecrets, FederationTerms, IssuedSecret, OauthClients,
};
pub use federation::Federations;
pub use issuer::{Issued, Issuer, TokenError};
pub use lookups::{Lookup, Lookups, TooManyUnknown};
pub use ration::RationSettings;
pub use rotation::{Rotating, RotationState, judge};
pub use rotations::{Judged, RotationError, Rotations, Settled};
pub use secret_token::{ApiToken, ClientSecretText, Secret, SecretToken, SetupToken};
pub use seldom::Seldom;
pub use setup_links::{
    FollowedLink, NewSetupLink, SetupError, SetupLinks, SetupPolicy, SetupSession, SetupState,
};
pub use token_endpoint::{AccessToken, ClientAuthentication, GrantError, TokenEndpoint};
pub use usage::Use;
