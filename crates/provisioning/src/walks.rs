//! Walks by index: a page whose `startIndex` continues an earlier page of the same query begins behind the last resource of
//! that page. So it costs as much as the first page. It also misses no resource that exists throughout the walk, even if
//! others are deleted meanwhile. If two clients walk with one credential and one query, they may see a resource twice; only
//! with `sortBy` they may miss one. Any other `startIndex` is an offset.

use crate::Context;
use scim::{
    schema::ResourceKind,
    search::{Position, Query, SortKey},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::TenantId;
use uuid::Uuid;

/// The longest time between two pages of a walk, in milliseconds.
const MAX_PAUSE: i64 = 10 * 60_000;
/// Credentials whose walks are remembered.
const MAX_CREDENTIALS: usize = 1024;
/// Walks of one credential that are remembered.
const MAX_WALKS: usize = 16;
/// Pages of a walk that are remembered, so that a client can ask for one again.
const MAX_PAGES: usize = 3;
/// The longest sort key that is remembered, in bytes.
const MAX_KEY: usize = 512;

/// Where the last pages of walks ended, in the memory of this process. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Walks(Arc<Mutex<HashMap<Credential, Walked>>>);

/// A walk: a query of a credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    credential: Credential,
    query: QueryKey,
}

/// Whose walk it is.
type Credential = (TenantId, Option<Uuid>);
/// What it asks for: the resource type, and the digest of filter and sort order.
type QueryKey = (ResourceKind, [u8; 8]);

/// The walks of a credential.
#[derive(Default)]
struct Walked {
    /// When the last page ended.
    at: i64,
    /// The walk that went on last comes first.
    walks: VecDeque<Pages>,
}

/// The last pages of a walk, the latest first.
struct Pages {
    query: QueryKey,
    at: i64,
    ends: VecDeque<End>,
}

/// The end of a page.
struct End {
    at: i64,
    /// The `startIndex` of the next page.
    next_index: u64,
    /// The last resource of the page.
    last: Position,
}

impl Walk {
    pub(crate) fn of(context: &Context, kind: ResourceKind, query: &Query) -> Walk {
        Walk { credential: (context.tenant, context.actor), query: (kind, query.fingerprint) }
    }
}

impl Walks {
    /// The resource behind which the page at `start_index` begins. `None` if the page does not continue a remembered one.
    pub(crate) fn last_before(&self, walk: &Walk, start_index: u64, now: i64) -> Option<Position> {
        let known = self.lock();
        let walks = &known.get(&walk.credential)?.walks;
        let pages = walks.iter().find(|pages| pages.query == walk.query)?;
        let end = pages.ends.iter().find(|end| end.next_index == start_index)?;
        (now - pages.at < MAX_PAUSE).then(|| end.last.clone())
    }

    /// Remembers that the page behind `last` begins at `next_index`.
    pub(crate) fn page_ended(&self, walk: &Walk, next_index: u64, last: Position, now: i64) {
        if matches!(&last.key, Some(SortKey::Text(key)) if key.len() > MAX_KEY) {
            return;
        }
        let mut known = self.lock();
        if known.len() >= MAX_CREDENTIALS && !known.contains_key(&walk.credential) {
            forget_oldest(&mut known, now);
        }
        let walked = known.entry(walk.credential).or_default();
        walked.at = now;
        let place = walked.walks.iter().position(|pages| pages.query == walk.query);
        let mut pages = place.and_then(|place| walked.walks.remove(place)).unwrap_or_else(|| Pages {
            query: walk.query,
            at: now,
            ends: VecDeque::new(),
        });
        pages.at = now;
        let place = pages.ends.iter().position(|end| end.next_index == next_index);
        let before = place.and_then(|place| pages.ends.remove(place));
        // Two clients may walk with one credential, and resources in front were deleted in between. In the order of ids the
        // earlier end is in front of the later one, so from there neither client misses a resource.
        let is_kept = |end: &End| last.key.is_none() && now - end.at < MAX_PAUSE && end.last.id < last.id;
        let end = before.filter(is_kept).unwrap_or(End { at: now, next_index, last });
        pages.ends.push_front(end);
        pages.ends.truncate(MAX_PAGES);
        walked.walks.push_front(pages);
        walked.walks.truncate(MAX_WALKS);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Credential, Walked>> {
        // No code panics while it holds the lock. If one did, the walks would still be complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the credentials whose walks have ended, and the one whose last page is the oldest.
fn forget_oldest(known: &mut HashMap<Credential, Walked>, now: i64) {
    known.retain(|_, walked| now - walked.at < MAX_PAUSE);
    let oldest = known.iter().min_by_key(|(_, walked)| walked.at).map(|(credential, _)| *credential);
    if known.len() >= MAX_CREDENTIALS {
        oldest.and_then(|oldest| known.remove(&oldest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(actor: u128, query: u8) -> Walk {
        let credential = (TenantId(Uuid::nil()), Some(Uuid::from_u128(actor)));
        Walk { credential, query: (ResourceKind::User, [query; 8]) }
    }

    fn position(n: u64) -> Position {
        Position { key: None, id: n.to_string() }
    }

    #[test]
    fn a_walk_is_remembered_for_a_time_and_for_its_credential() {
        let walks = Walks::default();
        for page in 1..=5 {
            walks.page_ended(&walk(1, 0), page * 100 + 1, position(page), 0);
        }
        let last = |walk: Walk, index, now| walks.last_before(&walk, index, now);
        assert_eq!(last(walk(1, 0), 501, MAX_PAUSE - 1), Some(position(5)));
        assert_eq!(last(walk(1, 0), 301, 0), Some(position(3)), "a client can ask for a page again");
        assert_eq!(last(walk(1, 0), 201, 0), None);
        assert_eq!(last(walk(1, 0), 500, 0), None);
        assert_eq!(last(walk(1, 0), 501, MAX_PAUSE), None);
        assert_eq!(last(walk(2, 0), 501, 0), None);
        assert_eq!(last(walk(1, 1), 501, 0), None);
        let groups = Walk { query: (ResourceKind::Group, [0; 8]), ..walk(1, 0) };
        assert_eq!(last(groups, 501, 0), None);
    }

    #[test]
    fn of_two_pages_that_end_at_one_index_the_one_in_front_is_continued() {
        let walks = Walks::default();
        for n in [2, 1, 3] {
            walks.page_ended(&walk(1, 0), 11, position(n), 0);
            walks.page_ended(&walk(1, 0), 21, position(n), 0);
        }
        assert_eq!(walks.last_before(&walk(1, 0), 11, 0), Some(position(1)));
        // After the longest pause the other walk has ended.
        walks.page_ended(&walk(1, 0), 11, position(3), MAX_PAUSE);
        assert_eq!(walks.last_before(&walk(1, 0), 11, MAX_PAUSE), Some(position(3)));
    }

    /// Which of two places in another order is in front, only the database can tell.
    #[test]
    fn in_another_order_a_page_ends_where_it_ended_last() {
        let walks = Walks::default();
        let position = |n: u64| Position { key: Some(SortKey::Text(n.to_string())), id: String::new() };
        for n in [1, 2] {
            walks.page_ended(&walk(1, 0), 11, position(n), 0);
        }
        assert_eq!(walks.last_before(&walk(1, 0), 11, 0), Some(position(2)));
    }

    #[test]
    fn one_credential_pushes_out_its_own_walks_only() {
        let walks = Walks::default();
        walks.page_ended(&walk(2, 0), 11, position(1), 0);
        for query in 0..100 {
            walks.page_ended(&walk(1, query), 11, position(1), 1);
        }
        assert!(walks.last_before(&walk(2, 0), 11, 1).is_some());
        let kept = (0..100).filter(|query| walks.last_before(&walk(1, *query), 11, 1).is_some());
        assert_eq!(kept.collect::<Vec<_>>(), (84..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_credential_that_paused_longest_goes_first() {
        let walks = Walks::default();
        let all = MAX_CREDENTIALS as i64 + 1;
        for actor in 0..all {
            walks.page_ended(&walk(actor as u128, 0), 11, position(1), actor);
        }
        assert_eq!(walks.lock().len(), MAX_CREDENTIALS);
        assert!(walks.last_before(&walk(0, 0), 11, all).is_none());
        assert!(walks.last_before(&walk(1, 0), 11, all).is_some());
        walks.page_ended(&walk(u128::MAX, 0), 11, position(1), all + MAX_PAUSE);
        assert_eq!(walks.lock().len(), 1);
    }

    #[test]
    fn a_large_sort_key_is_not_kept() {
        let walks = Walks::default();
        let last = |length| Position { key: Some(SortKey::Text("x".repeat(length))), id: String::new() };
        walks.page_ended(&walk(1, 0), 11, last(MAX_KEY), 0);
        walks.page_ended(&walk(1, 0), 21, last(MAX_KEY + 1), 0);
        assert!(walks.last_before(&walk(1, 0), 11, 0).is_some());
        assert!(walks.last_before(&walk(1, 0), 21, 0).is_none());
    }
}
