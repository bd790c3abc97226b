//! The control plane: what operators and customers set up. One noun is one file: its row, its queries, its actions, and the
//! reasons why an action is refused.
//!
//! An action is a function on a transaction ([`Tx`]). It locks, reads, decides and writes, and returns the entry that the
//! audit log gets. [`Store::act`](crate::Store::act) runs it, and appends the entry in the same transaction.

pub mod act;
pub mod actor;
pub mod api_tokens;
pub mod audit;
pub mod client_secrets;
pub mod credentials;
pub mod federations;
pub mod oauth_clients;
pub mod operators;
pub mod rotations;
pub mod scratch;
pub mod secret_tokens;
pub mod sessions;
pub mod setup_links;
pub mod signing_keys;
pub mod tenants;

pub use crate::tx::Tx;
pub use act::{Acted, AuditEntries, Refused};
pub use actor::{Actor, By};
