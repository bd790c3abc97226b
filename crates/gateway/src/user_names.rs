//! The timer that keeps the keys of `userName` (docs/adr/0034). Every process has one; they do not disturb each other.

use std::{collections::BTreeSet, time::Duration};
use store::{Store, StoreError, TenantId};

/// How often it looks whether collisions are over.
const INTERVAL: Duration = Duration::from_secs(10);

/// Looks at the start and then at each interval; never returns.
pub(crate) async fn tend(store: Store) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut names = UserNames::default();
    loop {
        tick.tick().await;
        if let Err(cause) = names.tend(&store).await {
            tracing::warn!(%cause, "keys of user names are not up to date; it is tried again");
        }
    }
}

/// What a process knows of the user names of all tenants.
#[derive(Default)]
struct UserNames {
    /// Whether all keys are of this version: then no collision begins any more.
    are_keyed: bool,
    with_collisions: BTreeSet<TenantId>,
}

impl UserNames {
    async fn tend(&mut self, store: &Store) -> Result<(), StoreError> {
        if !self.are_keyed {
            let done = store.rekey_user_names().await?;
            if done.users > 0 {
                tracing::info!(users = done.users, "made the keys of user names anew");
            }
            self.with_collisions = done.with_collisions;
            if let Some(fault) = done.fault {
                return Err(fault);
            }
            self.are_keyed = true;
            if !self.with_collisions.is_empty() {
                let tenants = self.with_collisions.len();
                tracing::warn!(tenants, "users have equal user names; see juno tenant collisions TENANT");
            }
        }
        let mut fault = None;
        for tenant in std::mem::take(&mut self.with_collisions) {
            match store.settle_user_names(tenant).await {
                Ok(false) => {}
                Ok(true) => drop(self.with_collisions.insert(tenant)),
                Err(error) => {
                    self.with_collisions.insert(tenant);
                    fault = fault.or(Some(error));
                }
            }
        }
        fault.map_or(Ok(()), Err)
    }
}
