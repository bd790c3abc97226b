//! What a process remembers of scans and lookups until it has told the database.

use crate::data::model::TenantId;
use scim::lookup::LookupPath;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Scans of one path within [`WINDOW`] that begin its keys: more than a script makes that tries each attribute.
const SCANS: u32 = 5;
const WINDOW: Duration = Duration::from_secs(3600);
/// How often the uses of a path are told, at most.
const TOLD: Duration = Duration::from_secs(3600);
/// Paths that are remembered, of all tenants, before old ones are forgotten.
const KNOWN: usize = 4096;
/// Paths that are remembered of one tenant.
const OF_TENANT: usize = 64;

/// A path that a tenant should have keys of.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) tenant: TenantId,
    pub(crate) path: LookupPath,
    /// How many scans a day the keys would save.
    pub(crate) a_day: i64,
}

/// What is not told yet.
pub(crate) struct Memory {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    scans: HashMap<(TenantId, String), Scans>,
    uses: HashMap<(TenantId, i64), Uses>,
}

struct Scans {
    path: LookupPath,
    since: Instant,
    count: u32,
}

#[derive(Default)]
struct Uses {
    count: i64,
    told: Option<Instant>,
}

impl Memory {
    pub(crate) fn new() -> Memory {
        Memory { state: Mutex::new(State::default()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock. If one did, the state would still be complete.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A scan that keys of this path would have saved.
    pub(crate) fn scanned(&self, tenant: TenantId, path: LookupPath) {
        self.state().scanned(tenant, path, Instant::now());
    }

    /// Keys of this path have answered.
    pub(crate) fn used(&self, tenant: TenantId, path: i64) {
        self.state().uses.entry((tenant, path)).or_default().count += 1;
    }

    /// The paths of which there were several scans within an hour.
    pub(crate) fn take_wanted(&self) -> Vec<Wanted> {
        self.state().take_wanted()
    }

    /// What was scanned of this tenant is counted anew.
    pub(crate) fn forget(&self, tenant: TenantId) {
        self.state().scans.retain(|(of, _), scans| *of != tenant || scans.count < SCANS);
    }

    /// Uses that are to be told, by tenant and path.
    pub(crate) fn take_uses(&self) -> Vec<(TenantId, i64, i64)> {
        self.state().take_uses(Instant::now())
    }
}

impl State {
    fn scanned(&mut self, tenant: TenantId, path: LookupPath, now: Instant) {
        let key = (tenant, format!("{:?} {path}", path.kind()));
        if !self.scans.contains_key(&key) {
            self.scans.retain(|_, scans| now.duration_since(scans.since) < WINDOW);
            let of_tenant = self.scans.keys().filter(|(of, _)| *of == tenant).count();
            if self.scans.len() >= KNOWN || of_tenant >= OF_TENANT {
                return;
            }
        }
        let scans = self.scans.entry(key).or_insert(Scans { path, since: now, count: 0 });
        if now.duration_since(scans.since) >= WINDOW {
            (scans.since, scans.count) = (now, 0);
        }
        scans.count = scans.count.saturating_add(1);
    }

    fn take_wanted(&mut self) -> Vec<Wanted> {
        let wanted = self.scans.iter().filter(|(_, scans)| scans.count >= SCANS);
        wanted
            .map(|((tenant, _), scans)| Wanted {
                tenant: *tenant,
                path: scans.path.clone(),
                a_day: i64::from(scans.count) * 24,
            })
            .collect()
    }

    fn take_uses(&mut self, now: Instant) -> Vec<(TenantId, i64, i64)> {
        let mut told = Vec::new();
        self.uses.retain(|(tenant, path), uses| {
            let is_due = uses.told.is_none_or(|told| now.duration_since(told) >= TOLD);
            if is_due && uses.count > 0 {
                told.push((*tenant, *path, uses.count));
                *uses = Uses { count: 0, told: Some(now) };
            }
            // One that was not used since it was told last is forgotten.
            !is_due || uses.told == Some(now)
        });
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::schema::ResourceKind;
    use uuid::Uuid;

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    fn path(text: &str) -> LookupPath {
        LookupPath::parse(ResourceKind::User, text).unwrap()
    }

    fn wanted(state: &mut State) -> Vec<String> {
        let mut wanted: Vec<_> = state.take_wanted().iter().map(|wanted| wanted.path.to_string()).collect();
        wanted.sort();
        wanted
    }

    #[test]
    fn several_scans_within_an_hour_are_wanted() {
        let (mut state, start) = (State::default(), Instant::now());
        for n in 0..SCANS {
            state.scanned(tenant(1), path("title"), start + Duration::from_secs(60) * n);
            // A script that tries each attribute now and then.
            state.scanned(tenant(1), path("nickName"), start + WINDOW * n);
            assert_eq!(wanted(&mut state).is_empty(), n + 1 < SCANS);
        }
        assert_eq!(wanted(&mut state), ["title"]);
        assert_eq!(state.take_wanted()[0].a_day, i64::from(SCANS) * 24);
    }

    #[test]
    fn uses_are_told_once_an_hour() {
        let (memory, start) = (Memory::new(), Instant::now());
        for _ in 0..3 {
            memory.used(tenant(1), 7);
        }
        let told = |later| memory.state().take_uses(start + later);
        assert_eq!(told(Duration::ZERO), [(tenant(1), 7, 3)]);
        memory.used(tenant(1), 7);
        assert_eq!(told(TOLD / 2), []);
        assert_eq!(told(TOLD), [(tenant(1), 7, 1)]);
        assert_eq!(told(2 * TOLD), []);
        assert!(memory.state().uses.is_empty());
    }
}
