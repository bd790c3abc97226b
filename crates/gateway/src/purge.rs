//! The timer that purges what was deleted long ago (docs/adr/0019). Every process has one; they do not disturb each other.

use crate::clock;
use prometheus::{IntCounter, Registry};
use scim::Timestamp;
use std::time::Duration;
use store::Store;

/// Most resources that are purged between two looks at the clock.
const BATCH: u32 = 100;
/// The time that deleted resources are kept is looked at so many times.
const LOOKS: u32 = 100;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3600);

/// Purges in the background.
pub(crate) struct Purge {
    store: Store,
    keep: Duration,
    purged: IntCounter,
}

impl Purge {
    /// Of what was deleted longer ago than `keep`.
    ///
    /// # Errors
    /// The metric cannot be registered.
    pub(crate) fn new(store: Store, keep: Duration, registry: &Registry) -> Result<Purge, prometheus::Error> {
        let help = "Deleted users and groups that this process has purged for good.";
        let purged = IntCounter::new("juno_purged_resources_total", help)?;
        registry.register(Box::new(purged.clone()))?;
        Ok(Purge { store, keep, purged })
    }

    /// Looks at once and then now and then; never returns.
    pub(crate) async fn run(self) {
        let mut tick = tokio::time::interval((self.keep / LOOKS).clamp(SHORTEST, LONGEST));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(cause) = self.purge_all().await {
                tracing::warn!(%cause, "what was deleted long ago is not purged; it is tried again");
            }
        }
    }

    /// Batch after batch, until nothing is due or something is wrong.
    async fn purge_all(&self) -> Result<(), store::StoreError> {
        let keep = i64::try_from(self.keep.as_millis()).unwrap_or(i64::MAX);
        loop {
            let before = Timestamp(clock::now().0.saturating_sub(keep));
            let purged = self.store.purge(before, BATCH).await?;
            self.purged.inc_by(purged.resources);
            if purged.resources > 0 {
                tracing::info!(resources = purged.resources, "purged what was deleted long ago");
            }
            if let Some(fault) = purged.fault {
                return Err(fault);
            }
            if !purged.is_more {
                return Ok(());
            }
        }
    }
}
