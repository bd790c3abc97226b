//! Places in which secrets wait for a hash: few in all, fewer of one tenant, and fewest of all strangers together, so that
//! nobody takes those of others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::TenantId;

/// Most in all; each waits some 15 ms for each that is before it.
const MAX: usize = 64;
/// Most of one tenant.
pub(crate) const MAX_OF_TENANT: usize = 8;
/// Most of those whose secret is nobody's.
const MAX_OF_STRANGERS: usize = 4;

/// Whose a secret seems to be: a tenant's, or nobody's.
type Whose = Option<TenantId>;

/// How many places are taken, and by whom; whoever waits for nothing is not in it.
#[derive(Default)]
pub(crate) struct Places(Mutex<HashMap<Whose, usize>>);

/// A place that is taken until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    whose: Whose,
}

impl Places {
    /// Takes a place, if one is free.
    pub(crate) fn take(self: &Arc<Places>, whose: Whose) -> Option<Place> {
        let mut taken = self.taken();
        let most = if whose.is_some() { MAX_OF_TENANT } else { MAX_OF_STRANGERS };
        let (all, own) = (taken.values().sum::<usize>(), taken.get(&whose).map_or(0, |own| *own));
        if all >= MAX || own >= most {
            return None;
        }
        taken.insert(whose, own + 1);
        Some(Place { places: Arc::clone(self), whose })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Whose, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        match taken.get_mut(&self.whose) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.remove(&self.whose)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn tenant(n: u128) -> Whose {
        Some(TenantId(Uuid::from_u128(n)))
    }

    #[test]
    fn nobody_takes_the_places_of_others() {
        let places = Arc::new(Places::default());
        let take = |whose| (0..2 * MAX).map_while(|_| places.take(whose)).collect::<Vec<_>>();
        let strangers = take(None);
        assert_eq!(strangers.len(), MAX_OF_STRANGERS);
        let mut loud = take(tenant(1));
        assert_eq!(loud.len(), MAX_OF_TENANT);
        loud.pop();
        assert_eq!(take(tenant(1)).len(), 1, "one is free again");
        assert_eq!(take(tenant(2)).len(), MAX_OF_TENANT);
        let all: Vec<_> = (3..100).flat_map(|n| take(tenant(n))).collect();
        assert_eq!(strangers.len() + loud.len() + all.len(), MAX);
        drop((strangers, loud, all));
        assert!(places.taken().is_empty(), "whoever has gone is forgotten");
    }
}
