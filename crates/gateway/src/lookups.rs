//! The timer that keeps lookup keys of what tenants match on (docs/adr/0024). Every process has one; they do not disturb
//! each other.

use crate::clock;
use std::time::Duration;
use store::Store;

/// How often it looks what tenants have asked for meanwhile.
const INTERVAL: Duration = Duration::from_secs(10);

/// Looks at the start and then at each interval; never returns.
pub(crate) async fn tend(store: Store) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        loop {
            match store.tend_lookups(clock::now()).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(cause) => {
                    tracing::warn!(%cause, "lookup keys are not kept as they should; it is tried again");
                    break;
                }
            }
        }
    }
}
