//! What the endpoints share: use cases, authentication, limits, metrics. Nothing of a tenant.

use crate::Metrics;
use provisioning::{DocumentLimits, Provisioning};
use scim::{Timestamp, search::PageLimits};
use std::time::Duration;
use store::{Store, bytes::Budget};
use tokens::Authenticator;

/// Published limits; beyond them a SCIM error, never a crash.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Page sizes.
    pub page: PageLimits,
    /// Largest body, in bytes: 413 beyond.
    pub max_body: usize,
    /// How long a client may take to send its body: 408 beyond.
    pub body_timeout: Duration,
    /// Most operations of one bulk request: 413 beyond.
    pub bulk_max_operations: usize,
    /// The largest page, in bytes of its resources; beyond it a page by cursor is shorter, one by index 400.
    pub page_bytes: usize,
    /// How long a client may take to read a piece of an answer; beyond it the connection is closed.
    pub write_timeout: Duration,
    /// How large a document may become: 400 beyond.
    pub document: DocumentLimits,
}

/// The state of the SCIM listener, shared by its workers.
pub struct App {
    pub(crate) provisioning: Provisioning,
    pub(crate) authenticator: Authenticator,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) budget: Budget,
    pub(crate) now: fn() -> Timestamp,
    public_url: String,
}

impl App {
    /// `budget` is what the requests of all tenants may hold in memory; `public_url` is where clients reach the listener, without a path or with a prefix, and without a final slash;
    /// `now` is the clock.
    pub fn new(
        store: Store,
        authenticator: Authenticator,
        metrics: Metrics,
        limits: Limits,
        budget: Budget,
        public_url: impl Into<String>,
        now: fn() -> Timestamp,
    ) -> Self {
        let provisioning = Provisioning::new(store.for_clients()).with_limits(limits.document);
        App { provisioning, authenticator, limits, metrics, budget, now, public_url: public_url.into() }
    }

    /// The Tenant URL by path.
    pub(crate) fn tenant_url(&self, label: &str) -> String {
        format!("{}/t/{label}/scim/v2", self.public_url)
    }

    /// The budget of bytes, for metrics.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Authentication, for the gateway's timers.
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }
}

/// The Tenant URL as the client called it, when the tenant was routed by host name: set in the request's extensions
/// by the gateway.
#[derive(Clone, Debug)]
pub struct TenantBase(pub String);
