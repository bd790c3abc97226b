//! The threads that work on the database: one writer that commits whatever waits as one transaction, a flusher that
//! answers once that is durable, readers that answer lookups that wait together, and readers for everything else.

use crate::{
    engine::{Engine, Lookup},
    model::{CommitError, Committed, Row, StoreError, TenantId},
    plan::{self, Answers, TenantChange},
    queue::{FairQueue, Rejected, Share},
    shares::UnderWay,
};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, Receiver, SyncSender},
    },
    thread::{Builder, JoinHandle},
};
use tokio::sync::oneshot;

/// Something that waits, and who waits for its answer.
struct Waiting<Q, A> {
    question: Q,
    under_way: UnderWay,
    answer: oneshot::Sender<A>,
}

type Write = Waiting<TenantChange, Result<Committed, CommitError>>;
type Search = Waiting<Lookup, Result<Option<Row>, StoreError>>;
/// Answers by itself.
type Job = Box<dyn FnOnce(&dyn Engine) + Send>;

/// Most lookups that are answered by one statement.
const LOOKUPS: usize = 32;

/// The running threads and the queues before them. Dropping it ends the threads, after what is waiting is done.
pub(crate) struct Threads {
    writes: Arc<FairQueue<Write>>,
    lookups: Arc<FairQueue<Search>>,
    jobs: Arc<FairQueue<Job>>,
    running: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts the writer, the flusher and `readers` (2 or more) readers: a quarter of them for lookups, which are cheapest
    /// in large batches, the others for other jobs, of which one tenant never has all.
    pub(crate) fn start(
        engine: Arc<dyn Engine>,
        readers: usize,
        batch: usize,
        share: Share,
    ) -> Result<Threads, StoreError> {
        let for_lookups = (readers / 4).max(1);
        let for_jobs = readers - for_lookups;
        let job_share = Share { running: (for_jobs / 2).max(1), ..share };
        let mut threads = Threads {
            writes: Arc::new(FairQueue::new(share)),
            lookups: Arc::new(FairQueue::new(share)),
            jobs: Arc::new(FairQueue::new(job_share)),
            running: Vec::with_capacity(readers + 2),
        };
        let (committed, to_flush) = mpsc::sync_channel(COMMITS);
        let (queue, database) = (threads.writes.clone(), engine.clone());
        threads.spawn("store-writer", move || write_all(&queue, &*database, batch, &committed))?;
        let (queue, database) = (threads.writes.clone(), engine.clone());
        threads.spawn("store-flusher", move || flush_all(&to_flush, &queue, &*database))?;
        for _ in 0..for_lookups {
            let (queue, database) = (threads.lookups.clone(), engine.clone());
            threads.spawn("store-lookup", move || look_up_all(&queue, &*database))?;
        }
        for _ in 0..for_jobs {
            let (queue, database) = (threads.jobs.clone(), engine.clone());
            threads.spawn("store-reader", move || run_all(&queue, &*database))?;
        }
        Ok(threads)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = Builder::new().name(name.to_owned()).spawn(work);
        self.running.push(thread.map_err(|error| StoreError::Failed(format!("no thread: {error}")))?);
        Ok(())
    }

    /// Has a change written.
    pub(crate) async fn write(
        &self,
        change: TenantChange,
        under_way: UnderWay,
    ) -> Result<Committed, CommitError> {
        let (answer, answered) = oneshot::channel();
        let tenant = change.tenant;
        self.writes
            .push(tenant, Waiting { question: change, under_way, answer })
            .map_err(StoreError::from)?;
        answered.await.map_err(|_| StoreError::from(Rejected::Closed))?
    }

    /// Has a lookup answered.
    pub(crate) async fn look_up(
        &self,
        lookup: Lookup,
        under_way: UnderWay,
    ) -> Result<Option<Row>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let tenant = lookup.tenant;
        self.lookups.push(tenant, Waiting { question: lookup, under_way, answer })?;
        answered.await.map_err(|_| StoreError::from(Rejected::Closed))?
    }

    /// Has anything else done on a reader thread, in the line of this tenant.
    pub(crate) async fn run<A: Send + 'static>(
        &self,
        tenant: TenantId,
        work: impl FnOnce(&dyn Engine) -> Result<A, StoreError> + Send + 'static,
    ) -> Result<A, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |engine| drop(answer.send(guarded(|| work(engine)))));
        self.jobs.push(tenant, job)?;
        answered.await.map_err(|_| StoreError::from(Rejected::Closed))?
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writes.close();
        self.lookups.close();
        self.jobs.close();
        self.running.drain(..).for_each(|thread| drop(thread.join()));
    }
}

impl From<Rejected> for StoreError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Full => StoreError::Overloaded,
            Rejected::Closed => StoreError::Unavailable("the process is stopping".to_owned()),
        }
    }
}

/// A panic in an engine is a bug of ours; it fails what was under way, not the thread that all requests need.
fn guarded<A>(work: impl FnOnce() -> Result<A, StoreError>) -> Result<A, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(StoreError::Failed(panic_text(&*panic))))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("of unknown kind"))
}

/// What was taken from a queue together, in one order.
struct Taken<Q, A> {
    tenants: Vec<TenantId>,
    questions: Vec<Q>,
    answers: Vec<oneshot::Sender<A>>,
    under_way: Vec<UnderWay>,
}

impl<Q, A> Taken<Q, A> {
    /// Waits for something, and takes at most so much; nothing once the queue is closed and drained.
    fn from(queue: &FairQueue<Waiting<Q, A>>, most: usize) -> Self {
        let taken = queue.take(most);
        let mut all =
            Taken { tenants: Vec::new(), questions: Vec::new(), answers: Vec::new(), under_way: Vec::new() };
        for (tenant, Waiting { question, under_way, answer }) in taken {
            all.tenants.push(tenant);
            all.questions.push(question);
            all.answers.push(answer);
            all.under_way.push(under_way);
        }
        all
    }
}

/// A batch that others see already; who waits for it is told once it is durable.
struct Commit {
    tenants: Vec<TenantId>,
    answers: Vec<oneshot::Sender<Result<Committed, CommitError>>>,
    results: Answers,
}

/// Most batches that are committed and not yet durable.
const COMMITS: usize = 8;

fn write_all(queue: &FairQueue<Write>, engine: &dyn Engine, most: usize, committed: &SyncSender<Commit>) {
    loop {
        let Taken { tenants, questions, answers, under_way } = Taken::from(queue, most);
        if tenants.is_empty() {
            return;
        }
        let results = commit(engine, &questions);
        drop(under_way);
        if committed.send(Commit { tenants, answers, results }).is_err() {
            return;
        }
    }
}

/// Answers each batch when it is durable: those that were committed while the disk was busy share the next flush.
fn flush_all(committed: &Receiver<Commit>, queue: &FairQueue<Write>, engine: &dyn Engine) {
    while let Ok(first) = committed.recv() {
        let commits: Vec<Commit> = std::iter::once(first).chain(committed.try_iter()).collect();
        let flushed = guarded(|| engine.flush());
        for Commit { tenants, answers, results } in commits {
            for (answer, result) in answers.into_iter().zip(results) {
                // Who has gone away does not want to know.
                let _ = answer
                    .send(result.and_then(|done| flushed.clone().map(|()| done).map_err(CommitError::Store)));
            }
            queue.done(tenants);
        }
    }
}

/// Commits a batch. If the database refuses it as a whole, which no request should bring about, each change is tried
/// alone, so that one cannot take its neighbours down.
fn commit(engine: &dyn Engine, batch: &[TenantChange]) -> Answers {
    match guarded(|| transact(engine, batch)) {
        Ok(answers) => answers,
        Err(StoreError::Failed(_)) if batch.len() > 1 => {
            batch.iter().flat_map(|change| commit(engine, std::slice::from_ref(change))).collect()
        }
        Err(error) => batch.iter().map(|_| Err(CommitError::Store(error.clone()))).collect(),
    }
}

fn transact(engine: &dyn Engine, batch: &[TenantChange]) -> Result<Answers, StoreError> {
    let mut answers = Answers::new();
    engine.transact(&plan::questions(batch), &mut |facts| {
        let (writes, decided) = plan::plan(batch, facts);
        answers = decided;
        writes
    })?;
    Ok(answers)
}

fn look_up_all(queue: &FairQueue<Search>, engine: &dyn Engine) {
    loop {
        let Taken { tenants, questions, answers, under_way } = Taken::from(queue, LOOKUPS);
        if tenants.is_empty() {
            return;
        }
        let found = guarded(|| engine.look_up(&questions));
        drop(under_way);
        match found {
            Ok(rows) => answers.into_iter().zip(rows).for_each(|(answer, row)| drop(answer.send(Ok(row)))),
            Err(error) => answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone())))),
        }
        queue.done(tenants);
    }
}

fn run_all(queue: &FairQueue<Job>, engine: &dyn Engine) {
    loop {
        let taken = queue.take(1);
        if taken.is_empty() {
            return;
        }
        for (tenant, job) in taken {
            job(engine);
            queue.done([tenant]);
        }
    }
}
