//! The only SQL of the product: two engines (PostgreSQL, SQLite) behind one [`Store`].
//!
//! The tenant is the first argument of every call; nothing can be asked without it. All writes of the SCIM side go
//! through [`Store::commit`], where a writer thread takes what waits, of any tenants in turn, and writes it as one
//! transaction; each caller gets its own answer. Each [`Lane`] has threads and connections of its own. Lookups that wait
//! together are answered by one statement. What a tenant may ask for is a matter of its [`Budget`].

mod act;
mod administration;
mod admission;
mod api_tokens;
mod audit;
pub mod bytes;
mod clock;
mod counts;
mod credential;
mod credential_records;
mod credential_store;
mod deeds;
mod engine;
mod erase;
mod figures;
mod history;
mod lane;
mod limit;
mod locks;
mod lookups;
pub mod model;
pub mod oauth;
mod oauth_records;
mod oauth_store;
mod old_values;
mod operator;
mod operator_records;
mod overview;
mod pages;
mod plan;
mod postgres;
mod purge;
mod records;
mod schema;
mod setup_links;
mod sql;
mod sqlite;
mod store;
mod threads;
mod user_names;
mod workers;

pub use admission::{
    line::{Line, Network},
    turns::{Turn, Turns},
    work::Budget,
};
pub use api_tokens::ApiTokenRow;
pub use audit::{AuditHead, AuditRow, BrokenChain, By, Deed, Verified};
pub use clock::ObservedClock;
pub use counts::{Counts, Quota, Quotas};
pub use credential::*;
pub use figures::{COUNTS, Connections, Distribution, LaneFigures, TIMES};
pub use history::{ChangeRow, DeletedRow};
pub use lane::Lane;
pub use model::*;
pub use oauth::*;
pub use old_values::OldValues;
pub use operator::{Operator, OperatorChange, Proof, Role, Session, Totp};
pub use overview::{CredentialUse, NamedResource, TenantFigures, TenantSearch};
pub use pages::{PageBounds, Slice};
pub use purge::Purged;
pub use setup_links::{SetupLink, SetupOpening, SetupReplacement, SetupRevocation};
pub use store::{MEMBERS_AT_ONCE, OpenError, Settings, Store};
pub use user_names::{NamedUser, RekeyedUserNames, UserNameCollision};
