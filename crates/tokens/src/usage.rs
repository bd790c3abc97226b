//! When credentials were last used: noted in memory on the hot path, written now and then.

use scim::Timestamp;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};
use store::{Store, StoreError, TenantId};
use uuid::Uuid;

/// Which table a credential is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    SecretToken,
    /// A client secret or a federation.
    Oauth,
}

/// The last use of one credential.
#[derive(Debug)]
pub(crate) struct LastUse {
    kind: Kind,
    tenant: TenantId,
    used: AtomicI64,
    written: AtomicI64,
}

impl LastUse {
    /// Notes a use; never moves the time back.
    pub(crate) fn note(&self, now: Timestamp) {
        self.used.fetch_max(now.0, Ordering::Relaxed);
    }
}

/// The credentials that were used since they were last written, at most so many.
pub(crate) struct Usage {
    capacity: usize,
    uses: Mutex<HashMap<Uuid, Arc<LastUse>>>,
}

impl Usage {
    pub(crate) fn new(capacity: usize) -> Usage {
        Usage { capacity, uses: Mutex::default() }
    }

    /// Where to note uses of a credential. Beyond the capacity they are noted where nobody looks: the time of last
    /// use is for people and may be lost, memory may not grow.
    pub(crate) fn of(&self, kind: Kind, tenant: TenantId, credential: Uuid) -> Arc<LastUse> {
        let mut uses = self.lock();
        if let Some(known) = uses.get(&credential) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(LastUse { kind, tenant, used: AtomicI64::new(0), written: AtomicI64::new(0) });
        if uses.len() < self.capacity {
            uses.insert(credential, Arc::clone(&fresh));
        }
        fresh
    }

    /// Writes what was noted since the last call and forgets credentials that no cache entry holds any more. On an
    /// error it is all kept for the next call.
    pub(crate) async fn flush(&self, store: &Store) -> Result<usize, StoreError> {
        let noted: Vec<(Uuid, Arc<LastUse>, i64)> = self
            .lock()
            .iter()
            .map(|(credential, last)| (*credential, Arc::clone(last), last.used.load(Ordering::Relaxed)))
            .filter(|(_, last, used)| *used > last.written.load(Ordering::Relaxed))
            .collect();
        let of_kind = |kind| -> Vec<_> {
            let noted = noted.iter().filter(|(_, last, _)| last.kind == kind);
            noted.map(|(credential, last, used)| (last.tenant, *credential, Timestamp(*used))).collect()
        };
        let (tokens, oauth) = (of_kind(Kind::SecretToken), of_kind(Kind::Oauth));
        if !tokens.is_empty() {
            store.touch_secret_tokens(tokens).await?;
        }
        if !oauth.is_empty() {
            store.touch_oauth(oauth).await?;
        }
        for (_, last, used) in &noted {
            last.written.store(*used, Ordering::Relaxed);
        }
        let count = noted.len();
        drop(noted);
        self.lock().retain(|_, last| {
            Arc::strong_count(last) > 1
                || last.used.load(Ordering::Relaxed) > last.written.load(Ordering::Relaxed)
        });
        Ok(count)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<LastUse>>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_never_moves_back_and_memory_is_bounded() {
        let usage = Usage::new(1);
        let tenant = TenantId(Uuid::from_u128(1));
        let first = usage.of(Kind::SecretToken, tenant, Uuid::from_u128(2));
        first.note(Timestamp(20));
        usage.of(Kind::SecretToken, tenant, Uuid::from_u128(2)).note(Timestamp(10));
        assert_eq!(first.used.load(Ordering::Relaxed), 20);
        usage.of(Kind::SecretToken, tenant, Uuid::from_u128(3)).note(Timestamp(30));
        assert_eq!(usage.lock().len(), 1);
    }
}
