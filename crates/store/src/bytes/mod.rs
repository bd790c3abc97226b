//! The budget of bytes: how much memory requests may hold, each holder for itself and all together
//! (`docs/adr/0028-bytes-in-flight.md`).
//!
//! A request reserves what it will hold before it holds it, and gives it back when it is answered. What is not free is waited
//! for; a request that waits too long is refused. A request never waits with more than it has to hold meanwhile.

mod state;

use crate::{data::model::TenantId, jobs::admission::line::Line};
use state::{PATIENCE, Served, State};
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Whose requests hold memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The provisioning clients of a tenant.
    Tenant(TenantId),
    /// Operators, whichever tenant they look at: a tenant must not be able to keep support from looking.
    Operators,
}

/// How many bytes may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// By one holder. A request for more is charged as much and served alone.
    pub per_holder: usize,
    /// By all holders together, beyond a little that each may hold in any case. Not less than `per_holder`.
    pub total: usize,
}

/// A request was refused: the memory that it needs did not become free in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When it is likely to be free.
    pub retry_after: Duration,
}

/// The budget of one process. Cheap to clone.
#[derive(Clone)]
pub struct Budget(Arc<Shared>);

struct Shared {
    started: Instant,
    state: Mutex<State<oneshot::Sender<Reservation>>>,
    refused: AtomicU64,
}

/// Bytes that a request holds; given back when it is dropped.
pub struct Reservation {
    budget: Budget,
    holder: Holder,
    bytes: usize,
    /// The size of the largest resource that the request has met, in bytes; 0 if it has met none.
    largest: usize,
    /// How long the request has waited for bytes.
    waited: Duration,
}

impl Budget {
    /// A budget of which nothing is held.
    pub fn new(limits: Limits) -> Budget {
        let limits = Limits { total: limits.total.max(limits.per_holder), ..limits };
        Budget(Arc::new(Shared {
            started: Instant::now(),
            state: Mutex::new(State::new(limits)),
            refused: AtomicU64::new(0),
        }))
    }

    /// Bytes that are held now.
    pub fn in_flight(&self) -> usize {
        self.state().held()
    }

    /// How many requests were refused, since the start.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Reserves bytes for a request, in the line of its holder.
    ///
    /// # Errors
    /// [`Refused`] if they do not become free within 10 seconds, or too many requests of this holder wait already.
    pub async fn reserve(&self, holder: Holder, bytes: usize) -> Result<Reservation, Refused> {
        self.reserve_as(holder, |_| bytes).await
    }

    /// Reserves what a request needs that holds one resource `copies` times, and not less than `least`. The resource is
    /// probably as large as the largest that requests of this holder have met lately ([`Reservation::note_resource`]).
    ///
    /// # Errors
    /// As [`Budget::reserve`].
    pub async fn reserve_for_resource(
        &self,
        holder: Holder,
        copies: usize,
        least: usize,
    ) -> Result<Reservation, Refused> {
        self.reserve_as(holder, |largest| least.max(copies * largest)).await
    }

    /// Reserves the bytes that `needed` says for the size of the largest resource met lately.
    async fn reserve_as(
        &self,
        holder: Holder,
        needed: impl FnOnce(usize) -> usize,
    ) -> Result<Reservation, Refused> {
        let (bytes, ticket, served) = {
            let mut state = self.state();
            let needed = needed(state.largest_resource(holder));
            let bytes = state.charge(needed);
            if state.take(holder, bytes) {
                return Ok(self.reservation(holder, bytes));
            }
            let (wake, served) = oneshot::channel();
            match state.line_up(holder, bytes, wake) {
                Some(ticket) => (bytes, ticket, served),
                None => return Err(self.refuse(&state, holder, bytes)),
            }
        };
        self.wait((holder, ticket), bytes, served, Duration::ZERO).await
    }

    /// Waits for bytes in the name of a request that has `waited` so long before.
    async fn wait(
        &self,
        (holder, ticket): (Holder, u64),
        bytes: usize,
        served: oneshot::Receiver<Reservation>,
        waited: Duration,
    ) -> Result<Reservation, Refused> {
        let began = tokio::time::Instant::now();
        // Leaves the line also if nobody waits for the request any more.
        let place = Place { budget: self, holder, ticket };
        let served = tokio::time::timeout(PATIENCE.saturating_sub(waited), served).await;
        drop(place);
        match served {
            Ok(Ok(mut reservation)) => {
                reservation.waited = waited + began.elapsed();
                Ok(reservation)
            }
            _ => Err(self.refuse(&self.state(), holder, bytes)),
        }
    }

    fn reservation(&self, holder: Holder, bytes: usize) -> Reservation {
        Reservation { budget: self.clone(), holder, bytes, largest: 0, waited: Duration::ZERO }
    }

    fn state(&self) -> MutexGuard<'_, State<oneshot::Sender<Reservation>>> {
        // No code panics while it holds the lock. If one did, the state would still be complete.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.0.started.elapsed()
    }

    fn refuse<W>(&self, state: &State<W>, holder: Holder, bytes: usize) -> Refused {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        Refused { retry_after: state.retry_after(holder, bytes, self.now()) }
    }

    fn give_back(&self, holder: Holder, bytes: usize) {
        let served = self.state().give_back(holder, bytes, self.now());
        self.hand_over(served);
    }

    /// Tells requests that they were served. The lock is not held: one that is gone gives its bytes back at once.
    fn hand_over(&self, served: Vec<Served<oneshot::Sender<Reservation>>>) {
        for Served { holder, bytes, wake } in served {
            drop(wake.send(self.reservation(holder, bytes)));
        }
    }
}

impl Reservation {
    /// The line in which other work of the request waits.
    pub fn line(&self) -> Line {
        match self.holder {
            Holder::Tenant(tenant) => Line::Tenant(tenant),
            Holder::Operators => Line::Operators,
        }
    }

    /// How many bytes are reserved.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives back what is more than `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        if surplus > 0 {
            self.bytes -= surplus;
            self.budget.give_back(self.holder, surplus);
        }
    }

    /// Raises the reservation to `bytes`, before they are held. Whatever is reserved beyond `keep` is given back while it
    /// waits: `keep` is what the request has to hold meanwhile, and should be little, as requests that hold much and wait
    /// for more would wait for each other.
    ///
    /// # Errors
    /// [`Refused`], as for [`Budget::reserve`]; then `keep` is still reserved.
    pub async fn raise_to(&mut self, bytes: usize, keep: usize) -> Result<(), Refused> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let keep = keep.min(self.bytes);
        let (ticket, more, served, others) = {
            let mut state = self.budget.state();
            let more = state.charge(bytes).saturating_sub(self.bytes);
            if more == 0 || state.take(self.holder, more) {
                self.bytes += more;
                return Ok(());
            }
            let more = state.charge(bytes).saturating_sub(keep);
            let (wake, served) = oneshot::channel();
            // Before it gives anything back: that would go to those behind it.
            let ticket = match keep {
                0 => state.line_up(self.holder, more, wake),
                _ => Some(state.line_up_to_go_on(self.holder, more, wake)),
            };
            let Some(ticket) = ticket else { return Err(self.budget.refuse(&state, self.holder, more)) };
            let surplus = self.bytes - keep;
            self.bytes = keep;
            let others = state.give_back(self.holder, surplus, self.budget.now());
            (ticket, more, served, others)
        };
        self.budget.hand_over(others);
        let mut added = self.budget.wait((self.holder, ticket), more, served, self.waited).await?;
        self.waited = added.waited;
        self.bytes += std::mem::take(&mut added.bytes);
        Ok(())
    }

    /// Sets the reservation to what is held already, more or less than was reserved.
    pub fn correct_to(&mut self, bytes: usize) {
        self.shrink_to(bytes);
        let more = bytes.saturating_sub(self.bytes);
        if more > 0 {
            self.budget.state().owe(self.holder, more);
            self.bytes += more;
        }
    }

    /// Notes the size of a resource that the request has met, in bytes. The budget learns of it when the reservation ends;
    /// see [`Budget::reserve_for_resource`].
    pub fn note_resource(&mut self, bytes: usize) {
        self.largest = self.largest.max(bytes);
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {:?}", self.bytes, self.holder)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let (largest, bytes) = (std::mem::take(&mut self.largest), std::mem::take(&mut self.bytes));
        if largest == 0 && bytes == 0 {
            return;
        }
        let served = {
            let mut state = self.budget.state();
            if largest > 0 {
                state.note_resource(self.holder, largest);
            }
            state.give_back(self.holder, bytes, self.budget.now())
        };
        self.budget.hand_over(served);
    }
}

/// A place in the line of a holder.
struct Place<'b> {
    budget: &'b Budget,
    holder: Holder,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let served = self.budget.state().leave(self.holder, self.ticket);
        self.budget.hand_over(served);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };
    use uuid::Uuid;

    const MB: usize = 1024 * 1024;

    fn tenant(n: u128) -> Holder {
        Holder::Tenant(TenantId(Uuid::from_u128(n)))
    }
    fn budget() -> Budget {
        Budget::new(Limits { per_holder: 4 * MB, total: 8 * MB })
    }
    /// Lets a future go on as far as it can now.
    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_until_bytes_come_back() {
        let budget = budget();
        let first = budget.reserve(tenant(1), 3 * MB).await.unwrap();
        let mut second = Box::pin(budget.reserve(tenant(1), 2 * MB));
        assert!(poll(second.as_mut()).is_pending());
        assert_eq!(budget.in_flight(), 3 * MB);
        drop(first);
        let second = second.await.unwrap();
        assert_eq!((second.bytes(), budget.in_flight()), (2 * MB, 2 * MB));
        drop(second);
        assert_eq!((budget.in_flight(), budget.refused()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_refused_and_told_when_to_come_again() {
        let budget = budget();
        let held = budget.reserve(tenant(1), 4 * MB).await.unwrap();
        let before = tokio::time::Instant::now();
        let refused = budget.reserve(tenant(1), MB).await.map(|_| ()).unwrap_err();
        assert_eq!(before.elapsed(), PATIENCE);
        assert!(refused.retry_after >= Duration::from_secs(1), "{refused:?}");
        assert_eq!((budget.refused(), budget.in_flight()), (1, 4 * MB));
        drop(held);
        assert!(budget.reserve(tenant(1), 4 * MB).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_leaves_nothing_behind() {
        let budget = budget();
        let held = budget.reserve(tenant(1), 4 * MB).await.unwrap();
        let mut gone = Box::pin(budget.reserve(tenant(1), 4 * MB));
        let mut behind = Box::pin(budget.reserve(tenant(1), MB));
        assert!(poll(gone.as_mut()).is_pending() && poll(behind.as_mut()).is_pending());
        // One was served and has not taken it yet; the other waits behind it.
        drop(held);
        assert!(poll(behind.as_mut()).is_pending());
        drop(gone);
        assert_eq!(behind.await.unwrap().bytes(), MB);
        assert_eq!(budget.in_flight(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_raised_waits_with_no_more_than_it_keeps() {
        let budget = budget();
        let mut growing = budget.reserve(tenant(1), 2 * MB).await.unwrap();
        growing.raise_to(3 * MB, 0).await.unwrap();
        assert_eq!(budget.in_flight(), 3 * MB);
        let other = budget.reserve(tenant(1), MB).await.unwrap();
        let mut raised = Box::pin(growing.raise_to(4 * MB, 1000));
        assert!(poll(raised.as_mut()).is_pending());
        assert_eq!(budget.in_flight(), MB + 1000);
        drop(other);
        raised.await.unwrap();
        assert_eq!((growing.bytes(), budget.in_flight()), (4 * MB, 4 * MB));
        growing.shrink_to(10);
        assert_eq!(budget.in_flight(), 10);
        growing.correct_to(9 * MB);
        assert_eq!(budget.in_flight(), 9 * MB);
        drop(growing);
        assert_eq!(budget.in_flight(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_raise_keeps_what_was_asked_to_be_kept() {
        let budget = budget();
        let mut growing = budget.reserve(tenant(1), 2 * MB).await.unwrap();
        let other = budget.reserve(tenant(1), MB).await.unwrap();
        assert!(growing.raise_to(4 * MB, 1000).await.is_err());
        assert_eq!((growing.bytes(), budget.in_flight()), (1000, MB + 1000));
        drop((growing, other));
        assert_eq!(budget.in_flight(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_ten_seconds_in_all() {
        let budget = budget();
        let begun = tokio::time::Instant::now();
        let held = budget.reserve(tenant(1), 4 * MB).await.unwrap();
        let mut growing = Box::pin(budget.reserve(tenant(1), MB));
        assert!(poll(growing.as_mut()).is_pending());
        tokio::time::advance(Duration::from_secs(7)).await;
        drop(held);
        let mut growing = growing.await.unwrap();
        let _other = budget.reserve(tenant(1), 3 * MB).await.unwrap();
        assert!(growing.raise_to(2 * MB, 0).await.is_err());
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    /// As `/Bulk` asks: for what its operations will hold, then for its body as well, then for the values of it.
    #[tokio::test(start_paused = true)]
    async fn many_requests_that_are_raised_step_by_step_do_not_wait_for_each_other() {
        let budget = budget();
        let request = |_| {
            let budget = budget.clone();
            async move {
                let mut memory = budget.reserve(tenant(1), 1000).await?;
                memory.raise_to(MB / 4, 0).await?;
                memory.raise_to(MB / 2, 0).await?;
                // Others go on meanwhile.
                tokio::time::sleep(Duration::from_millis(1)).await;
                memory.raise_to(MB, MB / 12).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok::<_, Refused>(())
            }
        };
        let all = (0..64).map(request).collect::<tokio::task::JoinSet<_>>().join_all().await;
        assert_eq!(all.into_iter().filter(Result::is_err).count(), 0);
        assert_eq!((budget.in_flight(), budget.refused()), (0, 0));
    }
}
