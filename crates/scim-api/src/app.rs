//! What the endpoints share: use cases, authentication, limits, metrics. Nothing of a tenant but its rate.

use crate::Metrics;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use provisioning::Provisioning;
use scim::{Timestamp, search::PageLimits};
use std::{num::NonZeroU32, time::Duration};
use store::{Store, TenantId};
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
    /// Requests a second of one tenant: 429 beyond. The last wall, well above the 25 that Entra must be given.
    pub rate_per_tenant: NonZeroU32,
}

/// The state of the SCIM listener, shared by its workers.
pub struct App {
    pub(crate) provisioning: Provisioning,
    pub(crate) authenticator: Authenticator,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) now: fn() -> Timestamp,
    public_url: String,
    rate: DefaultKeyedRateLimiter<TenantId>,
}

impl App {
    /// `public_url` is where clients reach the listener, without a path or with a prefix, and without a final slash;
    /// `now` is the clock.
    pub fn new(
        store: Store,
        authenticator: Authenticator,
        metrics: Metrics,
        limits: Limits,
        public_url: impl Into<String>,
        now: fn() -> Timestamp,
    ) -> Self {
        let rate = RateLimiter::keyed(Quota::per_second(limits.rate_per_tenant));
        let provisioning = Provisioning::new(store.held_to_shares());
        App { provisioning, authenticator, limits, metrics, now, public_url: public_url.into(), rate }
    }

    /// Whether this tenant may send one more request now.
    pub(crate) fn admit(&self, tenant: TenantId) -> bool {
        self.rate.check_key(&tenant).is_ok()
    }

    /// The Tenant URL by path.
    pub(crate) fn tenant_url(&self, label: &str) -> String {
        format!("{}/t/{label}/scim/v2", self.public_url)
    }

    /// Authentication, for the gateway's timers.
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// Forgets the rates of tenants that have been silent; called now and then by the gateway.
    pub fn forget_idle_tenants(&self) {
        self.rate.retain_recent();
    }
}

/// The Tenant URL as the client called it, when the tenant was routed by host name: set in the request's extensions
/// by the gateway.
#[derive(Clone, Debug)]
pub struct TenantBase(pub String);
