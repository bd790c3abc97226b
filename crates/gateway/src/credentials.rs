//! What a gateway does now and then about the credentials of all tenants: it completes rotations that may complete by
//! themselves, and counts the credentials that end soon.

use crate::{clock, host};
use prometheus::{IntGaugeVec, Opts, Registry};
use std::time::Duration;
use store::{Actor, By, Store, StoreError};
use tokens::{RotationState, Rotations, Settled};

/// Looks after credentials; one a process, and any number of processes on one database.
pub(crate) struct CredentialWatch {
    store: Store,
    silence: Duration,
    origin: String,
    expiring: IntGaugeVec,
    rotations: IntGaugeVec,
}

impl CredentialWatch {
    /// Registers its metrics. `silence` is how long the old credential of a rotation must not be used.
    pub(crate) fn new(
        store: Store,
        silence: Duration,
        registry: &Registry,
    ) -> prometheus::Result<CredentialWatch> {
        let help = "Credentials of all tenants that nobody revoked, by kind and by how soon they end.";
        let expiring = IntGaugeVec::new(Opts::new("juno_credentials_expiring", help), &["kind", "within"])?;
        let help = "Rotations of credentials of all tenants that are under way, by state.";
        let rotations = IntGaugeVec::new(Opts::new("juno_rotations", help), &["state"])?;
        registry.register(Box::new(expiring.clone()))?;
        registry.register(Box::new(rotations.clone()))?;
        Ok(CredentialWatch { store, silence, origin: host::name(), expiring, rotations })
    }

    /// Looks after them this often; never returns. `have_ended` is called when credentials have.
    pub(crate) async fn run(self, interval: Duration, have_ended: impl Fn()) {
        let mut tick = tokio::time::interval(interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match self.look().await {
                Ok(0) => {}
                Ok(ended) => {
                    tracing::info!(ended, "rotations have ended by themselves");
                    have_ended();
                }
                Err(cause) => {
                    tracing::warn!(%cause, "credentials are not looked after; it is tried again soon")
                }
            }
        }
    }

    /// Returns how many rotations were ended.
    async fn look(&self) -> Result<usize, StoreError> {
        let now = clock::now();
        let by = By { actor: Actor::Automatic, origin: self.origin.clone(), at: now };
        let settled = Rotations::new(self.store.clone(), self.silence).settle(&by).await?;
        self.show_rotations(&settled);
        for (kind, within, count) in admin::expiry::counts(&self.store, now).await? {
            self.expiring.with_label_values(&[kind, within.as_str()]).set(gauge(count));
        }
        Ok(settled.ended)
    }

    fn show_rotations(&self, settled: &Settled) {
        for word in RotationState::UNDER_WAY {
            let count = settled.under_way.iter().filter(|state| state.as_str() == word).count();
            self.rotations.with_label_values(&[word]).set(gauge(count));
        }
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
