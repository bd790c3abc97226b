//! [`ScanCosts`]: what a list costs that no index serves, by what such lists of the same tenant have cost lately.
//!
//! The cost is the number of rows times what the filter asks of each. Both are in the time that the last ones took.

use super::weight::Weight;
use crate::data::model::TenantId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The estimate for a tenant of which nothing is known.
const UNKNOWN: Weight = Weight(64);
/// Tenants that are known before those with the smallest costs are forgotten.
const KNOWN: usize = 1024;

/// The costs of scans, by tenant. One for the process.
#[derive(Default)]
pub(crate) struct ScanCosts(Mutex<HashMap<TenantId, Weight>>);

impl ScanCosts {
    /// What the next scan of the tenant will probably cost.
    pub(crate) fn of(&self, tenant: TenantId) -> Weight {
        self.costs().get(&tenant).copied().unwrap_or(UNKNOWN)
    }

    /// Does a scan of the tenant and notes what it has cost, also if it fails.
    pub(crate) fn note<A>(&self, tenant: TenantId, scan: impl FnOnce() -> A) -> A {
        let began = Instant::now();
        let answer = scan();
        self.add(tenant, began.elapsed());
        answer
    }

    fn add(&self, tenant: TenantId, time: Duration) {
        let mut costs = self.costs();
        if costs.len() >= KNOWN && !costs.contains_key(&tenant) {
            costs.retain(|_, cost| *cost > UNKNOWN);
            // Each of them is heavier than the usual estimate. To know none of them costs one wrong estimate each.
            if costs.len() >= KNOWN {
                costs.clear();
            }
        }
        let cost = costs.entry(tenant).or_default();
        // Fades with the scans that follow, by a quarter each.
        *cost = Weight::of_time(time).max(Weight(cost.0 - cost.0 / 4)).max(Weight::ONE);
    }

    fn costs(&self) -> MutexGuard<'_, HashMap<TenantId, Weight>> {
        // No code panics while it holds the lock. If one did, the costs would still be complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn tenant(n: usize) -> TenantId {
        TenantId(Uuid::from_u128(n as u128))
    }

    #[test]
    fn the_next_scan_weighs_what_the_last_ones_took() {
        let costs = ScanCosts::default();
        assert_eq!(costs.of(tenant(1)), UNKNOWN);
        costs.add(tenant(1), Duration::from_millis(100));
        assert_eq!((costs.of(tenant(1)), costs.of(tenant(2))), (Weight(1000), UNKNOWN));
        costs.add(tenant(1), Duration::ZERO);
        assert_eq!(costs.of(tenant(1)), Weight(750));
        (0..40).for_each(|_| costs.add(tenant(1), Duration::ZERO));
        assert!(costs.of(tenant(1)) < UNKNOWN, "a small tenant is not charged for a large one");
    }

    #[test]
    fn what_is_known_is_bounded() {
        let costs = ScanCosts::default();
        (0..3 * KNOWN).for_each(|n| costs.add(tenant(n), Duration::from_secs(1)));
        assert!(costs.costs().len() <= KNOWN);
    }
}
