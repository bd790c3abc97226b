//! The threads that work on the database, lane by lane: a writer that commits whatever waits as one transaction, a
//! flusher that answers once that is durable, threads that answer lookups that wait together, and threads for other jobs.

use crate::{
    data::lookups::SharedScans,
    data::model::{CommitError, Committed, Row, StoreError},
    data::plan::TenantChange,
    engine::{Engine, Engines, Lookup},
    jobs::admission::{
        line::Line,
        queue::{FairQueue, Portion, Rejected, Taken, Which},
        weight::Weight,
        work::InFlight,
    },
    jobs::figures::{Counters, LaneFigures},
    jobs::lane::Lane,
    jobs::limit::{CancelOnDrop, Limit},
    jobs::workers::{self, Batching},
};
use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{Builder, JoinHandle},
    time::Duration,
};
use tokio::sync::oneshot;

/// How a job is asked for.
pub(crate) struct Asked {
    pub(crate) line: Line,
    pub(crate) weight: Weight,
    pub(crate) in_flight: InFlight,
}

/// Something that waits, and who waits for its answer.
pub(crate) struct Waiting<Q, A> {
    pub(crate) question: Q,
    pub(crate) in_flight: InFlight,
    pub(crate) limit: Arc<Limit>,
    pub(crate) answer: oneshot::Sender<A>,
}

pub(crate) type Write = Waiting<TenantChange, Result<Committed, CommitError>>;
pub(crate) type Search = Waiting<Lookup, Result<Option<Row>, StoreError>>;

/// Works on the database, or is told why it may not; says what that has cost.
type Task = dyn FnOnce(Result<&dyn Engine, StoreError>) -> Cost + Send;

/// What a job has cost.
pub(crate) struct Cost {
    /// By its answers.
    pub(crate) weight: Weight,
    /// How many requests it has answered.
    pub(crate) answered: usize,
}

/// A job that answers by itself; it is given the reason where it is not begun.
pub(crate) struct Job {
    pub(crate) work: Box<Task>,
    pub(crate) in_flight: InFlight,
    pub(crate) limit: Arc<Limit>,
}

/// The jobs that wait in a lane, and what it has done.
pub(crate) struct LaneQueue<T> {
    pub(crate) lane: Lane,
    pub(crate) queue: FairQueue<T>,
    pub(crate) counters: Counters,
}

impl<T> LaneQueue<T> {
    fn new(lane: Lane, readers: usize) -> Arc<Self> {
        let queue = FairQueue::new(lane.running(readers));
        Arc::new(LaneQueue { lane, queue, counters: Counters::default() })
    }

    /// Takes a portion and notes how long it has waited; empty once the queue is closed.
    pub(crate) fn take(&self, which: Which, portion: Portion) -> Vec<Taken<T>> {
        let taken = self.queue.take(which, portion);
        taken.iter().for_each(|taken| self.counters.taken(taken.weight, taken.waited));
        taken
    }

    fn figures(&self, engines: &Engines) -> LaneFigures {
        self.counters.read(self.lane, self.queue.depth(), engines.of(self.lane).connections())
    }
}

impl LaneQueue<Write> {
    /// Has a change written. A change that a writer has begun is finished, even if its caller has gone. A change that no
    /// writer has begun in time is late, even if the writers hang.
    pub(crate) async fn write(&self, asked: Asked, change: TenantChange) -> Result<Committed, CommitError> {
        let (answer, mut answered) = oneshot::channel();
        let limit = Limit::within(Lane::Writes.time());
        let mut gone = CancelOnDrop(Some(Arc::clone(&limit)));
        let (line, weight) = (asked.line, asked.weight);
        let waiting =
            Waiting { question: change, in_flight: asked.in_flight, limit: Arc::clone(&limit), answer };
        self.queue.push(line, weight, waiting).map_err(StoreError::from)?;
        let answer = match tokio::time::timeout_at(patience(&limit), &mut answered).await {
            Ok(answer) => answer,
            Err(_) if limit.give_up() => {
                gone.disarm();
                self.counters.late();
                return Err(StoreError::Late.into());
            }
            Err(_) => answered.await,
        };
        gone.disarm();
        answer.map_err(|_| StoreError::from(Rejected::Closed))?
    }
}

impl LaneQueue<Job> {
    /// Puts work at the end of its line.
    ///
    /// # Errors
    /// `Unavailable` if the process is stopping; `Overloaded` if too many strangers wait.
    pub(crate) fn push(&self, asked: Asked, limit: Arc<Limit>, work: Box<Task>) -> Result<(), StoreError> {
        let Asked { line, weight, in_flight } = asked;
        Ok(self.queue.push(line, weight, Job { work, in_flight, limit })?)
    }
}

/// The limits of the jobs that run, so that they can be ended when the store is closed. One place for each thread.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Mutex<Vec<Option<Arc<Limit>>>>>);

impl Running {
    fn place(&self) -> usize {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.push(None);
        places.len() - 1
    }

    fn set(&self, place: usize, limit: Option<Arc<Limit>>) {
        if let Some(slot) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *slot = limit;
        }
    }

    fn cancel_all(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        running.into_iter().flatten().for_each(|limit| limit.cancel());
    }
}

/// The running threads and the queues before them. Dropping it ends the threads; what is written is finished first.
pub(crate) struct Threads {
    writes: Arc<LaneQueue<Write>>,
    lookups: Arc<LaneQueue<Search>>,
    jobs: Vec<Arc<LaneQueue<Job>>>,
    engines: Engines,
    pub(crate) scans: Arc<SharedScans>,
    running: Running,
    threads: Vec<JoinHandle<()>>,
}

/// The lanes of jobs that are done one by one.
const ONE_BY_ONE: [Lane; 4] = [Lane::Vital, Lane::Operators, Lane::Quick, Lane::Slow];

impl Threads {
    /// Starts the threads of each lane (see [`Lane::threads`]), the writer and the flusher.
    pub(crate) fn start(engines: Engines, readers: usize, batching: Batching) -> Result<Threads, StoreError> {
        let mut threads = Threads {
            writes: LaneQueue::new(Lane::Writes, readers),
            lookups: LaneQueue::new(Lane::Lookups, readers),
            jobs: ONE_BY_ONE.iter().map(|lane| LaneQueue::new(*lane, readers)).collect(),
            engines,
            scans: Arc::default(),
            running: Running::default(),
            threads: Vec::new(),
        };
        threads.start_writers(batching)?;
        for _ in 0..Lane::Lookups.threads(readers) {
            let (lane, engine, running) =
                (threads.lookups.clone(), threads.engines.of(Lane::Lookups), threads.running.clone());
            let place = running.place();
            threads.spawn("store-lookups", move || {
                workers::look_up_all(&lane, &*engine, |limit| running.set(place, limit));
            })?;
        }
        for lane in threads.jobs.clone() {
            for _ in 0..lane.lane.threads(readers) {
                let (lane, engine, running) =
                    (lane.clone(), threads.engines.of(lane.lane), threads.running.clone());
                let place = running.place();
                threads.spawn(&format!("store-{}", lane.lane.name()), move || {
                    workers::run_all(&lane, &*engine, |limit| running.set(place, limit));
                })?;
            }
        }
        Ok(threads)
    }

    fn start_writers(&mut self, batching: Batching) -> Result<(), StoreError> {
        let engine = self.engines.of(Lane::Writes);
        let (committed, to_flush) = mpsc::sync_channel(workers::COMMITS);
        let apart: &[(&str, Which)] = &[("store-writer", Which::Light), ("store-heavy", Which::Heavy)];
        let together: &[(&str, Which)] = &[("store-writer", Which::All)];
        let writers = if engine.writes_heavy_changes_apart() { apart } else { together };
        for &(name, which) in writers {
            let (lane, engine, committed) = (self.writes.clone(), engine.clone(), committed.clone());
            self.spawn(name, move || workers::write_all(&lane, &*engine, which, batching, &committed))?;
        }
        let lane = self.writes.clone();
        self.spawn("store-flusher", move || workers::flush_all(&to_flush, &lane, &*engine))
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = Builder::new().name(name.to_owned()).spawn(work);
        self.threads.push(thread.map_err(|error| StoreError::Failed(format!("no thread: {error}")))?);
        Ok(())
    }

    /// Has a change written.
    pub(crate) async fn write(&self, asked: Asked, change: TenantChange) -> Result<Committed, CommitError> {
        self.writes.write(asked, change).await
    }

    /// Has a lookup answered.
    pub(crate) async fn look_up(&self, asked: Asked, lookup: Lookup) -> Result<Option<Row>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let limit = Limit::within(Lane::Lookups.time());
        let (line, weight) = (asked.line, asked.weight);
        let waiting =
            Waiting { question: lookup, in_flight: asked.in_flight, limit: Arc::clone(&limit), answer };
        self.lookups.queue.push(line, weight, waiting)?;
        in_time(limit, answered, &self.lookups.counters).await
    }

    /// Has anything else done in a lane of jobs that are done one by one. `weigh` says what the answer has cost.
    pub(crate) async fn run<A: Send + 'static>(
        &self,
        lane: Lane,
        asked: Asked,
        work: impl FnOnce(&dyn Engine) -> Result<A, StoreError> + Send + 'static,
        weigh: impl FnOnce(&A) -> Weight + Send + 'static,
    ) -> Result<A, StoreError> {
        let queue = self.jobs_of(lane)?;
        let (answer, answered) = oneshot::channel();
        let limit = Limit::within(lane.time());
        let work = Box::new(move |engine: Result<&dyn Engine, StoreError>| {
            let done = engine.and_then(|engine| workers::guarded(|| work(engine)));
            let weight = done.as_ref().map_or(Weight::ONE, weigh);
            drop(answer.send(done));
            Cost { weight, answered: 1 }
        });
        queue.push(asked, Arc::clone(&limit), work)?;
        in_time(limit, answered, &queue.counters).await
    }

    /// The jobs of a lane.
    ///
    /// # Errors
    /// `Failed` if the lane does its jobs in batches.
    pub(crate) fn jobs_of(&self, lane: Lane) -> Result<&LaneQueue<Job>, StoreError> {
        let queue = self.jobs.iter().find(|jobs| jobs.lane == lane);
        queue
            .map(|queue| &**queue)
            .ok_or_else(|| StoreError::Failed(format!("no jobs in lane {}", lane.name())))
    }

    /// What each lane has done.
    pub(crate) fn figures(&self) -> Vec<LaneFigures> {
        let jobs = self.jobs.iter().map(|lane| {
            // Lists that have joined another list's scan are not in the queue.
            let others = if lane.lane == Lane::Slow { self.scans.waiting() } else { 0 };
            let figures = lane.figures(&self.engines);
            LaneFigures { depth: figures.depth + others, ..figures }
        });
        jobs.chain([self.lookups.figures(&self.engines), self.writes.figures(&self.engines)]).collect()
    }
}

/// Until when a caller waits. The thread ends the job a little earlier, because it knows where the time went.
fn patience(limit: &Limit) -> tokio::time::Instant {
    tokio::time::Instant::from_std(limit.deadline() + Duration::from_millis(100))
}

/// The answer to a job, if it comes before the job's deadline. A job whose caller has gone is cancelled.
async fn in_time<A>(
    limit: Arc<Limit>,
    answered: oneshot::Receiver<Result<A, StoreError>>,
    counters: &Counters,
) -> Result<A, StoreError> {
    let mut gone = CancelOnDrop(Some(Arc::clone(&limit)));
    let Ok(answer) = tokio::time::timeout_at(patience(&limit), answered).await else {
        counters.late();
        return Err(StoreError::Late);
    };
    gone.disarm();
    answer.map_err(|_| StoreError::from(Rejected::Closed))?
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writes.queue.close();
        self.lookups.queue.close();
        self.jobs.iter().for_each(|lane| lane.queue.close());
        // Nobody has a handle any more, so nobody waits for what is read.
        self.running.cancel_all();
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

impl From<Rejected> for StoreError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Full => StoreError::Overloaded(1),
            Rejected::Closed => StoreError::Unavailable("the process is stopping".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{jobs::admission::queue::ALONE, jobs::workers::Together};
    use scim::{Timestamp, event::EventKind, schema::ResourceKind};
    use uuid::Uuid;

    fn change() -> (Asked, TenantChange) {
        let tenant = crate::TenantId(Uuid::from_u128(1));
        let change = crate::Change {
            kind: ResourceKind::User,
            id: crate::ResourceId(Uuid::from_u128(2)),
            at: Timestamp(0),
            actor: None,
            action: crate::Action::Delete { expected: None },
            event: EventKind::Delete,
            effects: String::new(),
            member_count: 0,
        };
        let asked =
            Asked { line: Line::Tenant(tenant), weight: Weight::ONE, in_flight: InFlight::uncounted() };
        (asked, TenantChange { tenant, change, by: None })
    }

    /// The database hangs, and so does the writer.
    #[tokio::test(start_paused = true)]
    async fn a_change_that_no_writer_begins_with_is_late_and_never_done() {
        let lane = LaneQueue::new(Lane::Writes, 2);
        let (asked, asked_for) = change();
        assert_eq!(lane.write(asked, asked_for).await, Err(StoreError::Late.into()));
        let portion = Portion { jobs: 8, weight: ALONE };
        let taken = Together::take(&lane, Which::All, portion).expect("it is in the queue");
        assert!(taken.questions.is_empty(), "the writer must not begin with it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_a_writer_has_begun_with_is_waited_for() {
        let lane = LaneQueue::new(Lane::Writes, 2);
        let (asked, asked_for) = change();
        let writer = {
            let lane = Arc::clone(&lane);
            std::thread::spawn(move || {
                Together::take(&lane, Which::All, Portion { jobs: 8, weight: ALONE }).expect("a change")
            })
        };
        let mut written = Box::pin(lane.write(asked, asked_for));
        // It is in the queue.
        tokio::select! {
            biased;
            _ = &mut written => panic!("nobody has answered"),
            () = std::future::ready(()) => {}
        }
        let taken = writer.join().expect("the writer");
        // Longer than any deadline.
        let late = tokio::time::timeout(Duration::from_secs(3600), &mut written).await;
        assert!(late.is_err(), "only the database knows whether it is written");
        taken.answers.into_iter().for_each(|answer| drop(answer.send(Err(CommitError::NotFound))));
        assert_eq!(written.await, Err(CommitError::NotFound));
    }
}
