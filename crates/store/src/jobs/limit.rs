//! [`Limit`]: what ends a job of the database before it is done: its deadline, or its caller's going away.
//!
//! A job runs on one thread of the store, under its limit ([`Limit::run`]). SQLite asks in that thread whether the
//! statement may go on; of PostgreSQL, [`Limit`] knows which session is at work and has it cancelled.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
        mpsc::Sender,
    },
    time::{Duration, Instant},
};

/// Takes jobs that nobody waits for, each with the number of the session that may work on it.
pub(crate) type Canceller = Sender<(Arc<Limit>, i32)>;

/// The limit of one job.
#[derive(Debug)]
pub(crate) struct Limit {
    deadline: Instant,
    is_cancelled: AtomicBool,
    phase: AtomicU8,
    session: Mutex<Option<Session>>,
}

/// The job waits for a thread.
const WAITING: u8 = 0;
/// A thread has begun with the job.
const BEGUN: u8 = 1;
/// The caller has given the job up before a thread began with it.
const GIVEN_UP: u8 = 2;

/// A session of PostgreSQL that works on a job.
#[derive(Debug)]
struct Session {
    backend: i32,
    canceller: Canceller,
    /// Whether the server was asked to cancel what the session does.
    is_shot: bool,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Limit>>> = const { RefCell::new(None) };
}

impl Limit {
    /// A job that has this much time from now on.
    pub(crate) fn within(time: Duration) -> Arc<Limit> {
        Arc::new(Limit {
            deadline: Instant::now() + time,
            is_cancelled: AtomicBool::new(false),
            phase: AtomicU8::new(WAITING),
            session: Mutex::new(None),
        })
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// Whether the job must end.
    pub(crate) fn is_over(&self) -> bool {
        self.is_cancelled() || Instant::now() >= self.deadline
    }

    /// A thread begins with the job; `false`: it must not, since its caller has given it up.
    pub(crate) fn begin(&self) -> bool {
        self.becomes(BEGUN, WAITING)
    }

    /// The job goes back to those that wait.
    pub(crate) fn wait_again(&self) {
        self.becomes(WAITING, BEGUN);
    }

    /// The caller gives up a job that no thread has begun with; `false`: a thread has.
    pub(crate) fn give_up(&self) -> bool {
        self.becomes(GIVEN_UP, WAITING)
    }

    fn becomes(&self, next: u8, before: u8) -> bool {
        self.phase.compare_exchange(before, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Nobody waits for the job any more: it need not begin, and if it runs it is ended.
    pub(crate) fn cancel(self: &Arc<Self>) {
        self.is_cancelled.store(true, Ordering::Release);
        if let Some(session) = &*self.session() {
            // No canceller any more: the store is closed and its sessions with it.
            let _ = session.canceller.send((Arc::clone(self), session.backend));
        }
    }

    /// Runs a job of this thread under the limit.
    pub(crate) fn run<A>(self: &Arc<Self>, job: impl FnOnce() -> A) -> A {
        struct Before(Option<Arc<Limit>>);
        impl Drop for Before {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _before = Before(CURRENT.replace(Some(Arc::clone(self))));
        job()
    }

    /// Whether the job that this thread runs must end. A thread without a job has all the time there is.
    pub(crate) fn is_over_here() -> bool {
        CURRENT.with_borrow(|current| current.as_ref().is_some_and(|limit| limit.is_over()))
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        // No code panics while it holds the lock.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The canceller's part: `shoot` is called if the session still works on this job, and while it cannot end it. So no
    /// other job of the session is hit.
    pub(crate) fn shoot(&self, backend: i32, shoot: impl FnOnce(i32)) {
        if let Some(session) = self.session().as_mut().filter(|session| session.backend == backend) {
            session.is_shot = true;
            shoot(backend);
        }
    }
}

/// A session at work on the job of this thread, until it is dropped or [`AtWork::ends`].
pub(crate) struct AtWork(Option<Arc<Limit>>);

impl AtWork {
    /// Notes which session works on the job of this thread, if it has one.
    pub(crate) fn begin(backend: i32, canceller: &Canceller) -> AtWork {
        let current = CURRENT.with_borrow(Clone::clone);
        if let Some(limit) = &current {
            let session = Session { backend, canceller: canceller.clone(), is_shot: false };
            *limit.session() = Some(session);
            // Cancelled before its session was known.
            if limit.is_cancelled() {
                limit.cancel();
            }
        }
        AtWork(current)
    }

    /// Whether the session was shot at. The shot may hit late, so such a session is not used again.
    pub(crate) fn ends(mut self) -> bool {
        let limit = self.0.take();
        limit.and_then(|limit| limit.session().take()).is_some_and(|session| session.is_shot)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(limit) = self.0.take() {
            *limit.session() = None;
        }
    }
}

/// Cancels its job when it is dropped, unless the job has answered.
pub(crate) struct CancelOnDrop(pub(crate) Option<Arc<Limit>>);

impl CancelOnDrop {
    /// The job has answered.
    pub(crate) fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(limit) = self.0.take() {
            limit.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn a_job_is_begun_or_given_up_and_never_both() {
        let limit = Limit::within(LONG);
        assert!(limit.begin());
        assert!(!limit.give_up());
        limit.wait_again();
        assert!(limit.give_up());
        assert!(!limit.begin());
        limit.wait_again();
        assert!(!limit.begin(), "it stays given up");
    }

    #[test]
    fn a_job_is_over_at_its_deadline_or_when_it_is_cancelled() {
        let late = Limit::within(Duration::ZERO);
        assert!(late.is_over() && !late.is_cancelled());
        let cancelled = Limit::within(LONG);
        assert!(!cancelled.is_over());
        drop(CancelOnDrop(Some(Arc::clone(&cancelled))));
        assert!(cancelled.is_over());
    }

    #[test]
    fn a_thread_knows_the_job_that_it_runs() {
        let (outer, inner) = (Limit::within(LONG), Limit::within(Duration::ZERO));
        assert!(!Limit::is_over_here());
        outer.run(|| {
            assert!(!Limit::is_over_here());
            inner.run(|| assert!(Limit::is_over_here()));
            assert!(!Limit::is_over_here());
        });
        assert!(!Limit::is_over_here());
    }

    #[test]
    fn only_the_session_of_the_job_is_shot_at() {
        let (canceller, shots) = mpsc::channel();
        let limit = Limit::within(LONG);
        limit.run(|| {
            let at_work = AtWork::begin(7, &canceller);
            limit.cancel();
            let (shot, backend) = shots.try_recv().expect("a shot");
            let mut hit = Vec::new();
            shot.shoot(backend, |backend| hit.push(backend));
            assert_eq!(hit, [7]);
            assert!(at_work.ends(), "the session is not used again");
            shot.shoot(backend, |_| unreachable!("the job has ended"));
        });
        let another = Limit::within(LONG);
        another.run(|| assert!(!AtWork::begin(7, &canceller).ends()));
    }

    #[test]
    fn a_job_that_is_cancelled_before_it_has_a_session_is_shot_at_when_it_has_one() {
        let (canceller, shots) = mpsc::channel();
        let limit = Limit::within(LONG);
        limit.cancel();
        limit.run(|| {
            let _at_work = AtWork::begin(7, &canceller);
            assert!(shots.try_recv().is_ok());
        });
    }
}
