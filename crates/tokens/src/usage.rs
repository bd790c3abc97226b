//! Evidence of the use of credentials: noted in memory on the hot path, written now and then, and news at once.

use scim::Timestamp;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::{CredentialKind, NotedUse, Seen, Store, StoreError, TenantId};
use tokio::sync::Notify;
use uuid::Uuid;

/// The use after so long a silence, in milliseconds, is news that somebody may be waiting for.
const SILENCE: i64 = 60_000;

/// One use of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// When.
    pub at: Timestamp,
    /// The address that the request came from: that of a proxy that is not trusted, where there is one in front.
    pub from: Option<IpAddr>,
    /// HTTP method.
    pub method: &'static str,
    /// A route of a routing table; never a path, a query or an id.
    pub route: &'static str,
}

/// Where uses of one credential are noted.
#[derive(Debug)]
pub(crate) struct LastUse {
    kind: CredentialKind,
    tenant: TenantId,
    noted: Mutex<Noted>,
    news: Arc<Notify>,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    /// The first use here that nobody may have written.
    first: Option<Timestamp>,
    /// The last use of which this process knows, noted here or read from the database.
    last: Timestamp,
    /// The use at that time, if it was noted here.
    used: Option<Use>,
    /// The last one that is in the database.
    written: Timestamp,
}

impl LastUse {
    /// Notes a use; never moves the time back.
    pub(crate) fn note(&self, used: Use) {
        let mut noted = lock(&self.noted);
        if used.at <= noted.last {
            return;
        }
        let is_news = used.at.0.saturating_sub(noted.last.0) > SILENCE;
        *noted = Noted {
            first: noted.first.or(Some(used.at)),
            last: used.at,
            used: Some(used),
            written: noted.written,
        };
        drop(noted);
        if is_news {
            self.news.notify_one();
        }
    }

    /// What the database does not know yet.
    fn unwritten(&self, id: Uuid) -> Option<NotedUse> {
        let Noted { first, last, used, written } = *lock(&self.noted);
        let used = used.filter(|_| last > written)?;
        let seen = Seen {
            first: first.unwrap_or(last),
            last,
            from: used.from.map(|address| address.to_canonical().to_string()),
            doing: Some(format!("{} {}", used.method, used.route)),
        };
        Some(NotedUse { kind: self.kind, tenant: self.tenant, id, seen })
    }
}

/// The credentials that were used since they were last written. Automatic completion of rotations stands on this evidence,
/// so none is dropped; what bounds the memory is that only operators make credentials: some 200 bytes for each in use.
#[derive(Default)]
pub(crate) struct Usage {
    uses: Mutex<HashMap<Uuid, Arc<LastUse>>>,
    news: Arc<Notify>,
}

impl Usage {
    /// Where to note uses of a credential, of which the database knows this much.
    pub(crate) fn of(
        &self,
        kind: CredentialKind,
        tenant: TenantId,
        credential: Uuid,
        seen: Option<&Seen>,
    ) -> Arc<LastUse> {
        let mut uses = lock(&self.uses);
        if let Some(known) = uses.get(&credential) {
            return Arc::clone(known);
        }
        let last = seen.map_or(Timestamp(i64::MIN), |seen| seen.last);
        let noted = Mutex::new(Noted { first: None, last, used: None, written: last });
        let fresh = Arc::new(LastUse { kind, tenant, noted, news: Arc::clone(&self.news) });
        uses.insert(credential, Arc::clone(&fresh));
        fresh
    }

    /// Waits for a first use, or one after a long silence, since the last call.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    /// Writes what was noted since the last call and forgets credentials that no cache entry holds any more. On an
    /// error it is all kept for the next call.
    pub(crate) async fn flush(&self, store: &Store) -> Result<usize, StoreError> {
        let mut noted: Vec<(Arc<LastUse>, NotedUse)> = lock(&self.uses)
            .iter()
            .filter_map(|(credential, last)| Some((Arc::clone(last), last.unwritten(*credential)?)))
            .collect();
        // In the order of every other process, so that none waits for a row of this one's while this one waits for its.
        noted.sort_unstable_by_key(|(_, used)| used.id);
        if !noted.is_empty() {
            store.note_uses(noted.iter().map(|(_, used)| used.clone()).collect()).await?;
        }
        for (last, used) in &noted {
            lock(&last.noted).written = used.seen.last;
        }
        let count = noted.len();
        drop(noted);
        lock(&self.uses)
            .retain(|credential, last| Arc::strong_count(last) > 1 || last.unwritten(*credential).is_some());
        Ok(count)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::Ipv4Addr, time::Instant};
    use tokio::time::{Duration, timeout};

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));
    const TOKEN: Uuid = Uuid::from_u128(2);

    fn at(millis: i64) -> Use {
        let from = Some(Ipv4Addr::LOCALHOST.into());
        Use { at: Timestamp(millis), from, method: "GET", route: "/Users/{id}" }
    }

    async fn is_news(usage: &Usage) -> bool {
        timeout(Duration::ZERO, usage.news()).await.is_ok()
    }

    #[test]
    fn a_use_never_moves_back() {
        let usage = Usage::default();
        let of = |id| usage.of(CredentialKind::SecretToken, TENANT, id, None);
        let first = of(TOKEN);
        assert_eq!(first.unwritten(TOKEN), None);
        for millis in [20, 30, 10, 30] {
            of(TOKEN).note(at(millis));
        }
        let seen = first.unwritten(TOKEN).expect("used").seen;
        assert_eq!((seen.first, seen.last), (Timestamp(20), Timestamp(30)));
        assert_eq!(
            (seen.from.as_deref(), seen.doing.as_deref()),
            (Some("127.0.0.1"), Some("GET /Users/{id}"))
        );
    }

    #[tokio::test]
    async fn a_first_use_and_one_after_a_silence_are_news() {
        let usage = Usage::default();
        let last = usage.of(CredentialKind::SecretToken, TENANT, TOKEN, None);
        assert!(!is_news(&usage).await);
        for (millis, expected) in
            [(1, true), (2, false), (SILENCE + 2, false), (2 * SILENCE + 3, true), (5, false)]
        {
            last.note(at(millis));
            assert_eq!(is_news(&usage).await, expected, "{millis}");
        }
        // Of a credential that another process has seen lately it is not.
        let seen = Seen { first: Timestamp(1), last: Timestamp(100), from: None, doing: None };
        let known = usage.of(CredentialKind::SecretToken, TENANT, Uuid::from_u128(3), Some(&seen));
        for (millis, expected) in [(100, None), (101, Some(101))] {
            known.note(at(millis));
            assert!(!is_news(&usage).await);
            let unwritten = known.unwritten(TOKEN).map(|used| used.seen.last);
            assert_eq!(unwritten, expected.map(Timestamp));
        }
    }

    /// `cargo test --release -p tokens --lib -- --ignored --nocapture what_a_note_costs`
    #[test]
    #[ignore = "a measurement, not a test"]
    fn what_a_note_costs() {
        let usage = Usage::default();
        let last = usage.of(CredentialKind::SecretToken, TENANT, TOKEN, None);
        let rounds = 10_000_000_u32;
        let begin = Instant::now();
        (0..rounds).for_each(|millis| last.note(at(i64::from(millis))));
        println!("{:?} a note", begin.elapsed() / rounds);
        assert_eq!(last.unwritten(TOKEN).map(|used| used.seen.last.0), Some(i64::from(rounds) - 1));
    }
}
