//! Shares of the database: so many lookups and changes a second each tenant has for itself. What it asks beyond them is
//! done with what the others leave: at once while they keep the database busy for little of the time, else when the
//! tenant's own share has a place again. So a loud tenant cannot take from the others, and is not held up for nothing.
//!
//! The queues behind this are fair about turns, but a turn is not all that a request costs: with cores that are nearly
//! busy, everybody's requests take longer for whatever more there is to do (`docs/adr/0021-shares.md`).

use crate::{model::TenantId, queue::Rejected};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How much of its share a tenant that was silent may use at once: that of one second.
const BURST: Duration = Duration::from_secs(1);
/// How long a tenant that asked for more than its share counts as loud: others' spare work does not wait for its work.
const LOUD: Duration = Duration::from_secs(1);
/// Longest wait for a place; beyond it the tenant is told to come later.
const PATIENCE: Duration = Duration::from_secs(5);
/// After how much of its wait work asks again whether others leave something.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// For how much of the time the quiet tenants' work may be under way while spare work begins at once.
const BUSY: f64 = 0.25;
/// Over about which time that is judged, in seconds.
const JUDGED: f64 = 0.1;
/// Tenants that are known before those that have been silent are forgotten.
const KNOWN: usize = 1024;

/// The shares of all tenants of one process.
pub(crate) struct Shares {
    started: Instant,
    state: Mutex<State>,
    held_back: AtomicU64,
}

/// Work of a tenant, from when it may wait for the database to its end.
pub(crate) struct UnderWay(Option<Arc<Shares>>);

impl UnderWay {
    /// Work for which nobody else's waits.
    pub(crate) fn uncounted() -> UnderWay {
        UnderWay(None)
    }
}

impl Shares {
    /// So many lookups and changes a second for each tenant, at least one.
    pub(crate) fn new(a_second: u32) -> Shares {
        let state = Mutex::new(State::new(Duration::from_secs(1) / a_second.max(1)));
        Shares { started: Instant::now(), state, held_back: AtomicU64::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if one did, the state is whole all the same.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when this tenant's work may begin.
    ///
    /// # Errors
    /// [`Rejected::Full`]: the tenant has asked for far more than its share.
    pub(crate) async fn begin(self: &Arc<Self>, tenant: TenantId) -> Result<UnderWay, Rejected> {
        let Begin { wait, is_quiet } =
            self.state().begin(tenant, self.started.elapsed()).ok_or(Rejected::Full)?;
        let under_way = UnderWay(is_quiet.then(|| self.clone()));
        if !wait.is_zero() {
            self.held_back.fetch_add(1, Ordering::Relaxed);
            self.wait(tenant, wait).await;
        }
        Ok(under_way)
    }

    /// Waits for a place that is booked, or until others leave something.
    async fn wait(&self, tenant: TenantId, mut left: Duration) {
        let mut place = Place { shares: self, tenant, is_used: false };
        while !left.is_zero() {
            let part = left.min(ASK_AGAIN);
            tokio::time::sleep(part).await;
            left -= part;
            if self.state().leaves_something(self.started.elapsed()) {
                return;
            }
        }
        place.is_used = true;
    }

    /// How much has had to wait, since the start.
    pub(crate) fn held_back(&self) -> u64 {
        self.held_back.load(Ordering::Relaxed)
    }
}

/// A place of a tenant's share that is booked; given back unless it is used, also if nobody waits for it any more.
struct Place<'a> {
    shares: &'a Shares,
    tenant: TenantId,
    is_used: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            self.shares.state().give_back(self.tenant);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(shares) = self.0.take() {
            shares.state().end(shares.started.elapsed());
        }
    }
}

/// What is known at a time, which is given and never read here.
struct State {
    /// Between two places of a share.
    apart: Duration,
    tenants: HashMap<TenantId, Tenant>,
    /// At how many tenants those that have been silent are forgotten.
    forget_at: usize,
    /// Work under way that is within its tenant's share, of tenants that are not loud: the quiet ones.
    quiet: usize,
    /// For which part of the time just passed there was any, and up to when that is true.
    busy: f64,
    judged: Duration,
}

/// What a tenant has asked for lately.
struct Tenant {
    /// Up to when the places of its share are taken.
    booked: Duration,
    /// Until when it is loud.
    loud_until: Duration,
}

/// When work begins, and whether it is of a quiet tenant.
#[derive(Debug, PartialEq)]
struct Begin {
    wait: Duration,
    is_quiet: bool,
}

impl State {
    fn new(apart: Duration) -> State {
        State {
            apart,
            tenants: HashMap::new(),
            forget_at: KNOWN,
            quiet: 0,
            busy: 0.0,
            judged: Duration::ZERO,
        }
    }

    /// Whether and when work may begin that is asked for now.
    fn begin(&mut self, tenant: TenantId, now: Duration) -> Option<Begin> {
        let leaves_something = self.leaves_something(now);
        self.forget_the_silent(now);
        let known = self.tenants.entry(tenant).or_insert(Tenant { booked: now, loud_until: Duration::ZERO });
        let booked = known.booked.max(now) + self.apart;
        let wait = booked.saturating_sub(now + BURST);
        if wait.is_zero() {
            known.booked = booked;
            let is_quiet = known.loud_until <= now;
            self.quiet += usize::from(is_quiet);
            return Some(Begin { wait, is_quiet });
        }
        known.loud_until = now + LOUD;
        if leaves_something {
            // Takes no place: what nobody else wants is no part of the share.
            return Some(Begin { wait: Duration::ZERO, is_quiet: false });
        }
        (wait <= PATIENCE).then(|| {
            known.booked = booked;
            Begin { wait, is_quiet: false }
        })
    }

    /// Whether work beyond a share may begin.
    fn leaves_something(&mut self, now: Duration) -> bool {
        self.judge(now);
        self.busy < BUSY
    }

    /// The last place that the tenant has booked is free again; those that wait for one keep theirs.
    fn give_back(&mut self, tenant: TenantId) {
        if let Some(known) = self.tenants.get_mut(&tenant) {
            known.booked = known.booked.saturating_sub(self.apart);
        }
    }

    /// Work of a quiet tenant is done.
    fn end(&mut self, now: Duration) {
        self.judge(now);
        self.quiet = self.quiet.saturating_sub(1);
    }

    /// Brings the judgement up to date: an average in which the past fades.
    fn judge(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.judged);
        let was = if self.quiet > 0 { 1.0 } else { 0.0 };
        self.busy = was + (self.busy - was) * (-passed.as_secs_f64() / JUDGED).exp();
        self.judged = self.judged.max(now);
    }

    /// Who has its whole share free and is not loud is as one that was never seen.
    fn forget_the_silent(&mut self, now: Duration) {
        if self.tenants.len() >= self.forget_at {
            self.tenants.retain(|_, tenant| tenant.booked > now || tenant.loud_until > now);
            self.forget_at = KNOWN.max(2 * self.tenants.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const AT_ONCE_WITHIN: Begin = Begin { wait: Duration::ZERO, is_quiet: true };
    const AT_ONCE_BEYOND: Begin = Begin { wait: Duration::ZERO, is_quiet: false };

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }
    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }
    /// Ten places a second.
    fn state() -> State {
        State::new(ms(100))
    }
    /// Uses up what tenant 1 has at once, at this time.
    fn spend(state: &mut State, now: Duration) {
        for _ in 0..10 {
            assert_eq!(state.begin(tenant(1), now), Some(AT_ONCE_WITHIN));
        }
        (0..10).for_each(|_| state.end(now));
    }
    /// Work of tenant 2 is under way from 0 to this time, and longer.
    fn busy(state: &mut State) -> Duration {
        assert_eq!(state.begin(tenant(2), ms(0)), Some(AT_ONCE_WITHIN));
        ms(1000)
    }

    #[test]
    fn beyond_its_share_a_tenant_waits_for_its_next_places_while_others_are_at_work() {
        let mut state = state();
        let now = busy(&mut state);
        spend(&mut state, now);
        for place in 1..=3 {
            assert_eq!(state.begin(tenant(1), now), Some(Begin { wait: ms(100 * place), is_quiet: false }));
        }
        assert_eq!(state.begin(tenant(3), now), Some(AT_ONCE_WITHIN), "another has its own share");
    }

    #[test]
    fn beyond_its_share_a_tenant_does_not_wait_while_the_others_do_little() {
        let mut state = state();
        state.begin(tenant(2), ms(0));
        state.end(ms(20));
        spend(&mut state, ms(20));
        assert_eq!(state.begin(tenant(1), ms(20)), Some(AT_ONCE_BEYOND));
        // A share that nothing was taken from is there when the others come.
        state.begin(tenant(2), ms(20));
        assert_eq!(state.begin(tenant(1), ms(300)).map(|begin| begin.wait), Some(ms(0)));
        assert_eq!(state.begin(tenant(1), ms(300)).map(|begin| begin.wait), Some(ms(0)));
        assert_eq!(state.begin(tenant(1), ms(300)).map(|begin| begin.wait), Some(ms(20)));
    }

    #[test]
    fn loud_tenants_do_not_hold_up_each_other() {
        let mut state = state();
        spend(&mut state, ms(0));
        assert_eq!(state.begin(tenant(1), ms(0)), Some(AT_ONCE_BEYOND));
        // Its share's next place: still the work of a loud one.
        assert_eq!(state.begin(tenant(1), ms(100)), Some(AT_ONCE_BEYOND));
        assert_eq!(state.quiet, 0);
        for n in 0..30 {
            let begin = state.begin(tenant(2), ms(600)).expect("it may begin");
            assert_eq!((begin.wait, begin.is_quiet), (ms(0), n < 10));
            if begin.is_quiet {
                state.end(ms(600));
            }
        }
    }

    #[test]
    fn a_tenant_that_was_loud_is_quiet_again_after_a_while() {
        let mut state = state();
        spend(&mut state, ms(0));
        assert_eq!(state.begin(tenant(1), ms(0)), Some(AT_ONCE_BEYOND));
        assert_eq!(state.begin(tenant(1), ms(999)), Some(AT_ONCE_BEYOND));
        assert_eq!(state.begin(tenant(1), ms(1000)), Some(AT_ONCE_WITHIN));
    }

    #[test]
    fn nobody_waits_for_longer_than_patience() {
        let mut state = state();
        let now = busy(&mut state);
        spend(&mut state, now);
        for _ in 0..50 {
            assert!(state.begin(tenant(1), now).is_some_and(|begin| begin.wait <= PATIENCE));
        }
        assert_eq!(state.begin(tenant(1), now), None);
        assert!(state.begin(tenant(1), now + ms(100)).is_some(), "a refusal takes no place");
    }

    #[test]
    fn the_silent_are_forgotten() {
        let mut state = state();
        for n in 0..10 * KNOWN as u128 {
            state.begin(tenant(n), ms(100 * n as u64));
            state.end(ms(100 * n as u64));
        }
        assert!(state.tenants.len() <= KNOWN, "{}", state.tenants.len());
    }

    /// Shares of one place a second, and the work of a quiet tenant that keeps the database busy.
    async fn busy_shares() -> (Arc<Shares>, UnderWay) {
        let shares = Arc::new(Shares::new(1));
        let work = shares.begin(tenant(2)).await.expect("a place");
        assert_eq!(shares.state().quiet, 1);
        shares.state().busy = 1.0;
        drop(shares.begin(tenant(1)).await);
        (shares, work)
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for_while_others_are_at_work() {
        let (shares, work) = busy_shares().await;
        let before = tokio::time::Instant::now();
        drop(shares.begin(tenant(1)).await);
        assert!(before.elapsed() > ms(100), "{:?}", before.elapsed());
        assert_eq!(shares.held_back(), 1);
        let booked = shares.state().tenants[&tenant(1)].booked;
        assert!(booked >= ms(2000), "two places are used: {booked:?}");
        drop(work);
        assert_eq!(shares.state().quiet, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_begins_when_the_others_are_done_and_gives_its_place_back() {
        let (shares, work) = busy_shares().await;
        let mut waits = Box::pin(shares.begin(tenant(1)));
        assert!(has_to_wait(waits.as_mut()).await, "it waits");
        drop(work);
        shares.state().busy = 0.0;
        drop(waits.await);
        let booked = shares.state().tenants[&tenant(1)].booked;
        assert!(booked < ms(2000), "one place is used: {booked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_wait_any_more_gives_its_place_back() {
        let (shares, _work) = busy_shares().await;
        let mut waits = Box::pin(shares.begin(tenant(1)));
        assert!(has_to_wait(waits.as_mut()).await, "it waits");
        drop(waits);
        let booked = shares.state().tenants[&tenant(1)].booked;
        assert!(booked < ms(2000), "one place is used: {booked:?}");
    }

    /// Lets a future go on as far as it can now; whether it has to wait.
    async fn has_to_wait(mut future: std::pin::Pin<&mut impl Future>) -> bool {
        std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending()))
            .await
    }
}
