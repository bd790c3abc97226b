//! Lists that need a scan and look for a text in the same place share one scan. The first list asks for it. The others join
//! until it begins.

use crate::{
    data::model::{Listing, Page, StoreError, TenantId},
    engine::Engine,
    jobs::admission::{line::Line, scans::ScanCosts, weight::Weight},
    jobs::figures::Counters,
    jobs::lane::Lane,
    jobs::limit::Limit,
    jobs::threads::{Asked, Cost, Threads},
    jobs::workers,
    store::Store,
};
use scim::lookup::Shape;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::oneshot::{self, Receiver, Sender};

/// Most lists that one scan answers.
const MOST: usize = 64;

/// The page of a list; `None` if the list needs a scan of its own.
type Answer = Result<Option<Page>, StoreError>;

/// The scans that have not begun.
#[derive(Default)]
pub(crate) struct SharedScans(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    scans: HashMap<(Line, TenantId), Vec<Scan>>,
    /// Tells scans apart.
    number: u64,
}

/// A scan that has not begun.
struct Scan {
    number: u64,
    shape: Shape,
    callers: Vec<Caller>,
    /// Those that wait for it.
    wanted: Weak<Wanted>,
}

/// A list, and where its answer goes.
struct Caller {
    listing: Listing,
    answer: Sender<Answer>,
}

/// Held by everybody who waits for a scan: without them nobody works for it.
#[derive(Default)]
struct Wanted {
    /// When the scan was put into the queue, and the limit of its job.
    queued: OnceLock<(Instant, Arc<Limit>)>,
    is_answered: AtomicBool,
}

impl Drop for Wanted {
    fn drop(&mut self) {
        if let Some((_, limit)) = self.queued.get().filter(|_| !*self.is_answered.get_mut()) {
            limit.cancel();
        }
    }
}

/// The right to carry out a scan. When it is dropped, no list can join the scan any more, and lists that have joined get no
/// answer from it: they ask again.
struct Ticket {
    together: Arc<SharedScans>,
    of: (Line, TenantId),
    number: u64,
    wanted: Weak<Wanted>,
}

/// A caller that waits.
struct Joined {
    wanted: Arc<Wanted>,
    answered: Receiver<Answer>,
}

impl SharedScans {
    fn waiting_scans(&self) -> MutexGuard<'_, Waiting> {
        // No code panics while it holds the lock. If one did, the state would still be complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many lists have joined a scan that another list has asked for.
    pub(crate) fn waiting(&self) -> u64 {
        let waiting = self.waiting_scans();
        waiting.scans.values().flatten().map(|scan| scan.callers.len().saturating_sub(1) as u64).sum()
    }

    /// Joins a scan that has not begun; with a ticket if there is none, so that the caller has to ask for it.
    fn join(
        self: &Arc<Self>,
        of: (Line, TenantId),
        shape: &Shape,
        listing: Listing,
    ) -> (Joined, Option<Ticket>) {
        let (answer, answered) = oneshot::channel();
        let caller = Caller { listing, answer };
        let mut waiting = self.waiting_scans();
        waiting.number += 1;
        let number = waiting.number;
        let scans = waiting.scans.entry(of).or_default();
        for scan in scans.iter_mut().filter(|scan| scan.shape == *shape && scan.callers.len() < MOST) {
            if let Some(wanted) = scan.wanted.upgrade().filter(|wanted| wanted.takes_more()) {
                scan.callers.push(caller);
                return (Joined { wanted, answered }, None);
            }
        }
        let wanted = Arc::new(Wanted::default());
        let (callers, weak) = (vec![caller], Arc::downgrade(&wanted));
        scans.push(Scan { number, shape: shape.clone(), callers, wanted: weak.clone() });
        let ticket = Ticket { together: Arc::clone(self), of, number, wanted: weak };
        (Joined { wanted, answered }, Some(ticket))
    }

    fn remove(&self, of: (Line, TenantId), number: u64) -> Option<Scan> {
        let mut waiting = self.waiting_scans();
        let scans = waiting.scans.get_mut(&of)?;
        let place = scans.iter().position(|scan| scan.number == number)?;
        let scan = scans.swap_remove(place);
        if scans.is_empty() {
            waiting.scans.remove(&of);
        }
        Some(scan)
    }
}

impl Wanted {
    /// Whether a caller that comes now can have its whole time before the job is over.
    fn takes_more(&self) -> bool {
        self.queued.get().is_none_or(|(since, _)| since.elapsed() < Lane::Slow.time())
    }
}

impl Ticket {
    /// Those who wait for the scan; from now on nobody can join.
    fn callers(&self) -> Option<(Shape, Vec<Caller>)> {
        let mut scan = self.together.remove(self.of, self.number)?;
        scan.callers.retain(|caller| !caller.answer.is_closed());
        Some((scan.shape, scan.callers))
    }

    /// Everybody who waits is told this.
    fn refuse(self, error: &StoreError) {
        for caller in self.callers().into_iter().flat_map(|(_, callers)| callers) {
            // A caller that has gone away does not want to know.
            let _ = caller.answer.send(Err(error.clone()));
        }
    }

    /// Carries it out and answers everybody who waits.
    fn work(self, engine: Result<&dyn Engine, StoreError>) -> Cost {
        let Some((shape, callers)) = self.callers() else { return Cost { weight: Weight::ONE, answered: 0 } };
        let (listings, answers): (Vec<Listing>, Vec<Sender<Answer>>) =
            callers.into_iter().map(|caller| (caller.listing, caller.answer)).unzip();
        let tenant = self.of.1;
        let found = engine.and_then(|engine| {
            workers::guarded(|| match listings.as_slice() {
                // It ends with the page.
                [listing] => {
                    engine.snapshot(|tx| tx.list(tenant, listing, None)).map(|page| vec![Some(page)])
                }
                listings => engine.snapshot(|tx| tx.list_together(tenant, &shape, listings)),
            })
        });
        if let Some(wanted) = self.wanted.upgrade() {
            wanted.is_answered.store(true, Ordering::Relaxed);
        }
        let weight =
            found.as_ref().map_or(Weight::ONE, |pages| pages.iter().flatten().map(Weight::of_page).sum());
        let answered = answers.len();
        let each = match found {
            Ok(pages) => pages.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error); answered],
        };
        answers.into_iter().zip(each).for_each(|(answer, page)| drop(answer.send(page)));
        Cost { weight, answered }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        drop(self.together.remove(self.of, self.number));
    }
}

impl Joined {
    /// The answer, if it comes in time. The time begins when the scan is in the queue. Before that, the first caller waits for
    /// the scan's admission. `None` if that caller has gone, so that another one has to ask.
    ///
    /// # Errors
    /// `Late`, and what the scan has ended with.
    async fn answer(mut self, counters: &Counters) -> Result<Option<Option<Page>>, StoreError> {
        loop {
            let is_queued = self.wanted.queued.get().is_some();
            match tokio::time::timeout(Lane::Slow.time() + A_LITTLE, &mut self.answered).await {
                Ok(answer) => return answer.ok().transpose(),
                Err(_) if is_queued => {
                    counters.late();
                    return Err(StoreError::Late);
                }
                Err(_) => {}
            }
        }
    }
}

/// The thread knows better where the time went, so it is first.
const A_LITTLE: Duration = Duration::from_millis(100);

impl Threads {
    /// Puts a scan into the queue.
    fn scan(
        &self,
        tenant: TenantId,
        asked: Asked,
        ticket: Ticket,
        joined: &Joined,
        costs: Arc<ScanCosts>,
    ) -> Result<(), StoreError> {
        // A caller that joins in the last moment also has its whole time. Without callers the scan is cancelled.
        let limit = Limit::within(2 * Lane::Slow.time());
        joined.wanted.queued.get_or_init(|| (Instant::now(), Arc::clone(&limit)));
        let work = Box::new(move |engine: Result<&dyn Engine, StoreError>| match engine {
            Ok(engine) => costs.note(tenant, || ticket.work(Ok(engine))),
            Err(error) => ticket.work(Err(error)),
        });
        self.jobs_of(Lane::Slow)?.push(asked, limit, work)
    }
}

impl Store {
    /// A list that a scan answers, which may answer others of its shape beside it. The scan is work of the tenant once, and
    /// what each page weighs is added. `None` if all pages together would be larger than one page may be, and this list has
    /// to be read alone.
    pub(super) async fn list_together(
        &self,
        tenant: TenantId,
        shape: &Shape,
        listing: &Listing,
    ) -> Result<Option<Page>, StoreError> {
        let of = (self.line_of(tenant), tenant);
        loop {
            let (joined, ticket) = self.threads.scans.join(of, shape, listing.clone());
            if let Some(ticket) = ticket {
                match self.admit(tenant, Weight::of_listing(listing, Some(self.scans.of(tenant)))).await {
                    Ok(asked) => {
                        self.threads.scan(tenant, asked, ticket, &joined, Arc::clone(&self.scans))?
                    }
                    Err(error) => {
                        ticket.refuse(&error);
                        return Err(error);
                    }
                }
            }
            if let Some(page) = joined.answer(&self.threads.jobs_of(Lane::Slow)?.counters).await? {
                return Ok(page);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::model::From;
    use scim::{
        filter::Filter,
        schema::{ResourceKind::User, ResourceType},
    };
    use uuid::Uuid;

    fn join(together: &Arc<SharedScans>, tenant: u128, filter: &str) -> (Joined, Option<Ticket>) {
        let condition = Filter::parse(filter).unwrap().resolve(ResourceType::of(User)).unwrap();
        let shape = Shape::of(User, &condition).unwrap().0;
        let listing = Listing {
            kind: User,
            condition: Some(condition),
            sort: None,
            from: From::Offset(0),
            limit: 1,
            max_bytes: usize::MAX,
            with_groups: false,
        };
        together.join((Line::Operators, TenantId(Uuid::from_u128(tenant))), &shape, listing)
    }

    async fn outcome(joined: Joined) -> Result<bool, StoreError> {
        joined.answer(&Counters::default()).await.map(|page| page.is_some())
    }

    #[tokio::test]
    async fn whoever_joined_a_scan_that_nobody_asks_for_any_more_asks_for_it() {
        let together = Arc::default();
        let (first, ticket) = join(&together, 1, "title eq \"a\"");
        assert!(ticket.is_some());
        let (second, none) = join(&together, 1, "title eq \"b\"");
        assert!(none.is_none());
        assert!(join(&together, 1, "nickName eq \"b\"").1.is_some(), "another shape");
        assert!(join(&together, 2, "title eq \"b\"").1.is_some(), "another tenant");
        assert_eq!(together.waiting(), 1);
        // The first one goes while it waits for its admission.
        drop((first, ticket));
        assert_eq!(outcome(second).await, Ok(false));
        let (third, ticket) = join(&together, 1, "title eq \"b\"");
        assert!(ticket.is_some());
        drop((third, ticket));
        assert!(together.waiting_scans().scans.is_empty());
    }

    #[tokio::test]
    async fn what_is_not_admitted_is_refused_to_all() {
        let together = Arc::default();
        let (first, ticket) = join(&together, 1, "title eq \"a\"");
        let (second, _) = join(&together, 1, "title eq \"b\"");
        ticket.unwrap().refuse(&StoreError::Overloaded(3));
        for joined in [first, second] {
            assert_eq!(outcome(joined).await, Err(StoreError::Overloaded(3)));
        }
        assert!(join(&together, 1, "title eq \"c\"").1.is_some());
    }

    #[test]
    fn a_scan_takes_no_more_than_it_may() {
        let together = Arc::default();
        let joined: Vec<_> = (0..=MOST).map(|n| join(&together, 1, &format!("title eq \"{n}\""))).collect();
        let tickets: Vec<usize> = (0..=MOST).filter(|n| joined[*n].1.is_some()).collect();
        assert_eq!(tickets, [0, MOST]);
    }
}
