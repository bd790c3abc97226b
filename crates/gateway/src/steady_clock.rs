//! Whether what is old may be deleted, which waits after a jump of the clock (docs/adr/0030).

use prometheus::{IntGauge, Registry};
use scim::Timestamp;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use store::{ObservedClock, Store, StoreError};

/// The clock, as the timers that delete by age see it.
#[derive(Clone)]
pub(crate) struct SteadyClock {
    store: Store,
    /// 1 while they wait.
    jump: IntGauge,
    is_waiting: Arc<AtomicBool>,
}

impl SteadyClock {
    /// Of this database.
    ///
    /// # Errors
    /// The metric is registered already.
    pub(crate) fn new(store: Store, registry: &Registry) -> Result<SteadyClock, prometheus::Error> {
        let help = "1 after a jump of the clock, until it has run steadily for 24 hours: nothing is purged meanwhile.";
        let jump = IntGauge::new("juno_clock_jump", help)?;
        registry.register(Box::new(jump.clone()))?;
        Ok(SteadyClock { store, jump, is_waiting: Arc::default() })
    }

    /// Whether what is old at this time may be deleted.
    ///
    /// # Errors
    /// Faults of the database. Then nothing may be deleted.
    pub(crate) async fn is_steady(&self, now: Timestamp) -> Result<bool, StoreError> {
        let ObservedClock { is_steady, jump } = self.store.observe_clock(now).await?;
        self.jump.set((!is_steady).into());
        if let Some(millis) = jump {
            let hours = millis / 3_600_000;
            tracing::warn!(
                hours,
                "the clock has jumped, or no gateway has run for so long: nothing is purged until it has run steadily \
                 for 24 hours. Check the clock of this machine and of the others"
            );
        }
        if self.is_waiting.swap(!is_steady, Ordering::Relaxed) && is_steady {
            tracing::info!("the clock has run steadily for 24 hours: what is old is purged again");
        }
        Ok(is_steady)
    }
}
