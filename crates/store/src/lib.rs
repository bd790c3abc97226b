//! The only SQL of the product: two engines (PostgreSQL, SQLite) behind one [`Store`].
//!
//! The tenant is the first argument of every call; nothing can be asked without it. All writes of the SCIM side go
//! through [`Store::commit`], where a writer thread takes what waits, of any tenants in turn, and writes it as one
//! transaction; each caller gets its own answer. Each [`Lane`] has threads and connections of its own. Lookups that wait
//! together are answered by one statement. What a tenant may ask for is a matter of its [`Budget`].

pub mod bytes;
mod clock;
mod connection;
pub mod control;
mod data;
mod engine;
mod erase;
mod history;
pub mod id;
mod jobs;
pub mod label;
mod overview;
mod pages;
mod postgres;
mod purge;
mod schema;
mod sqlite;
mod store;
mod tx;

pub use clock::ObservedClock;
pub use control::{
    actor::{Actor, By},
    api_tokens::ApiTokenRow,
    audit::{AuditEntry, AuditHead, AuditRow, BrokenChain, Verified},
    client_secrets::ClientSecret,
    credentials::{CredentialKind, EndingCredential, NotedUse, Seen, UsedToken},
    federations::Federation,
    oauth_clients::{OauthClient, OauthClientOwner},
    operators::{Operator, Role, Totp},
    rotations::{Ending, Outcome, Rotation, Successor},
    secret_tokens::{SecretTokenOwner, SecretTokenRow},
    sessions::{Proof, Session},
    setup_links::{SetupLink, SetupOpening, SetupReplacement, SetupRevocation},
    signing_keys::SigningKey,
    tenants::{Tenant, TenantState, TenantUpdate},
};
pub use data::counts::{Counts, Quota, Quotas};
pub use data::model::*;
pub use data::old_values::OldValues;
pub use data::user_names::{NamedUser, RekeyedUserNames, UserNameCollision};
pub use history::{ChangeRow, DeletedRow};
pub use jobs::admission::{
    line::{Line, Network},
    turns::{Turn, Turns},
    work::Budget,
};
pub use jobs::figures::{COUNTS, Connections, Distribution, LaneFigures, TIMES};
pub use jobs::lane::Lane;
pub use overview::{CredentialUse, NamedResource, TenantFigures, TenantSearch};
pub use pages::{PageBounds, Slice};
pub use purge::Purged;
pub use store::{MEMBERS_AT_ONCE, OpenError, Settings, Store};
