//! Use cases: what a SCIM request means. Each ends in one commit that carries the resource, the change log and the event.
//!
//! Every use case takes a [`Context`] first: whose tenant, who asks, and when. Nothing about a tenant lives here, except where
//! the last pages of its walks ended.

mod bulk;
mod create;
mod delete;
mod failure;
mod heavy;
mod id;
mod member;
mod patch;
mod precondition;
mod read;
mod render;
mod replace;
mod restore;
mod update;
mod walks;

pub use bulk::{AT_ONCE as BULK_AT_ONCE, BulkDone, BulkOutcome, BulkOutcomes};
pub use failure::Failure;
pub use heavy::off_worker;
pub use patch::Changed;
pub use precondition::Precondition;
pub use read::{Found, is_lookup};
pub use render::open_resource;

pub use scim::limits::DocumentLimits;

use scim::{
    Profile, Timestamp,
    effect::Effect,
    search::{PageLimits, QueryScope},
};
use store::{Row, Store, TenantId};
use uuid::Uuid;

/// Whose request it is, and when it came.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The tenant of the authenticated credential.
    pub tenant: TenantId,
    /// The dialect of its provisioning client.
    pub profile: Profile,
    /// The credential that asks; none for a command of an operator.
    pub actor: Option<Uuid>,
    /// When the request arrived.
    pub now: Timestamp,
}

impl Context {
    /// What the tenant's queries are checked by.
    pub fn query_scope(&self, limits: PageLimits) -> QueryScope {
        QueryScope { tenant: self.tenant.0.into_bytes(), profile: self.profile, limits }
    }
}

/// The use cases over one store. Cheap to clone.
#[derive(Clone)]
pub struct Provisioning {
    store: Store,
    limits: DocumentLimits,
    walks: walks::Walks,
}

impl Provisioning {
    /// Use cases over `store`, with the published limits of documents.
    pub fn new(store: Store) -> Self {
        Provisioning { store, limits: DocumentLimits::default(), walks: walks::Walks::default() }
    }

    /// The same with other limits of documents.
    #[must_use]
    pub fn with_limits(self, limits: DocumentLimits) -> Self {
        Provisioning { limits, ..self }
    }
}

/// A resource after a request that may have changed it.
#[derive(Clone, Debug)]
pub struct Written {
    /// The resource as it is now.
    pub row: Row,
    /// Whether the request changed it.
    pub changed: bool,
    /// What became of each part of the request.
    pub effects: Vec<Effect>,
}

/// How often a request is computed again after it lost a race for the same resource. Each race is lost to a request that
/// was carried out, and no more than a few hundred of one tenant are under way at any time: whoever waits so long is
/// starved by a client gone wild.
const MAX_RACES: usize = 256;

/// JSON text of something that always has one.
fn to_text(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Internal(format!("not serialisable: {error}")))
}

/// The document of a row, which was valid when it was stored.
fn parse_document(row: &Row) -> Result<serde_json::Map<String, serde_json::Value>, Failure> {
    serde_json::from_str(&row.document)
        .map_err(|error| Failure::Internal(format!("stored document: {error}")))
}
