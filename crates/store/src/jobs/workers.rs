//! What each thread of a lane does: take what waits, have the database work on it, answer, and say what it has cost.

use crate::{
    data::counts::Quotas,
    data::model::{CommitError, Committed, Row, StoreError, TenantId},
    data::plan::{self, Answers, TenantChange, Writes},
    engine::{Engine, Lookup},
    jobs::admission::{
        line::Line,
        queue::{ALONE, Portion, Which},
        weight::Weight,
        work::InFlight,
    },
    jobs::lane::Lane,
    jobs::limit::Limit,
    jobs::threads::{Job, LaneQueue, Search, Waiting, Write},
};
use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender},
    },
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Most lookups that are answered by one statement.
const LOOKUPS: Portion = Portion { jobs: 32, weight: ALONE };
/// Most batches that are committed and not yet durable.
pub(crate) const COMMITS: usize = 8;
/// How long a job may work before its time counts: below that, the network and the disk are most of it.
const NO_COST: Duration = Duration::from_millis(20);

/// A panic in an engine is a bug of ours; it fails the job at hand, not the thread that all requests need.
pub(crate) fn guarded<A>(work: impl FnOnce() -> Result<A, StoreError>) -> Result<A, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(StoreError::Failed(panic_text(&*panic))))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("of unknown kind"))
}

/// What a job has cost above its estimate, by what its answer weighs and by its time.
///
/// Ids, rows and bytes tell the cost of a job that an index serves. A long time then says that the database paused or that
/// another process held a lock, so it adds little. Only a list that reads much without an index is known by its time.
fn extra(lane: Lane, estimate: Weight, actual: Weight, time: Duration) -> Weight {
    let time = time.saturating_sub(NO_COST);
    let by_time = match lane {
        Lane::Slow => Weight::of_time(time),
        _ => estimate.max(actual).by_time(time),
    };
    actual.max(by_time).above(estimate)
}

/// Jobs that were taken together, in one order.
pub(crate) struct Together<Q, A, E> {
    costs: Vec<(Line, Weight)>,
    pub(crate) questions: Vec<Q>,
    pub(crate) answers: Vec<oneshot::Sender<Result<A, E>>>,
    limits: Vec<Arc<Limit>>,
    in_flight: Vec<InFlight>,
}

impl<Q, A, E: std::convert::From<StoreError>> Together<Q, A, E> {
    /// Waits for jobs and takes a portion, without those that nobody waits for and those that are late: they may leave
    /// nothing to do. `None` once the queue is closed and drained.
    pub(crate) fn take(
        lane: &LaneQueue<Waiting<Q, Result<A, E>>>,
        which: Which,
        portion: Portion,
    ) -> Option<Self> {
        let taken = lane.take(which, portion);
        if taken.is_empty() {
            return None;
        }
        let mut all = Together {
            costs: Vec::new(),
            questions: Vec::new(),
            answers: Vec::new(),
            limits: Vec::new(),
            in_flight: Vec::new(),
        };
        let mut dropped = Vec::new();
        for one in taken {
            let Waiting { question, in_flight, limit, answer } = one.job;
            let is_over = limit.is_over();
            if is_over || !limit.begin() {
                dropped.push((one.line, Weight::default()));
                if limit.is_cancelled() {
                    lane.counters.cancelled();
                } else if is_over && limit.begin() {
                    lane.counters.late();
                    drop(answer.send(Err(StoreError::Late.into())));
                }
                continue;
            }
            all.costs.push((one.line, one.weight));
            all.questions.push(question);
            all.answers.push(answer);
            all.limits.push(limit);
            all.in_flight.push(in_flight);
        }
        lane.queue.done(dropped);
        Some(all)
    }

    /// Ends the work on all jobs, which took `time`: charges each for what it has cost above its estimate.
    fn settle(
        &mut self,
        lane: &LaneQueue<Waiting<Q, Result<A, E>>>,
        actual: &[Weight],
        time: Duration,
        charged: Duration,
    ) {
        // The time of several jobs together is nobody's alone.
        let alone = if self.costs.len() == 1 { charged } else { Duration::ZERO };
        let mut sum = Weight::default();
        for ((cost, in_flight), actual) in self.costs.iter_mut().zip(&self.in_flight).zip(actual) {
            let extra = extra(lane.lane, cost.1, *actual, alone);
            in_flight.owe(extra);
            cost.1 = extra;
            sum += extra;
        }
        lane.counters.worked(self.costs.len(), time, sum);
    }
}

/// A batch that others see already; its callers are told once it is durable.
pub(crate) struct Commit {
    costs: Vec<(Line, Weight)>,
    answers: Vec<oneshot::Sender<Result<Committed, CommitError>>>,
    results: Answers,
}

/// How changes are committed.
#[derive(Clone, Copy)]
pub(crate) struct Batching {
    /// Most changes in one commit.
    pub(crate) most: usize,
    /// How much there may be of each tenant.
    pub(crate) quotas: Quotas,
}

/// Commits what waits, a batch at a time.
pub(crate) fn write_all(
    lane: &LaneQueue<Write>,
    engine: &dyn Engine,
    which: Which,
    Batching { most, quotas }: Batching,
    committed: &SyncSender<Commit>,
) {
    let portion = Portion { jobs: most, weight: ALONE };
    while let Some(mut batch) = Together::take(lane, which, portion) {
        if batch.questions.is_empty() {
            continue;
        }
        let began = Instant::now();
        let mut rows = HashMap::new();
        let results = commit(engine, quotas, &batch.questions, &mut rows);
        let actual = shares_of(&rows, &batch.questions);
        // Whoever waits for a lock works on nothing.
        let is_locked_out = results.contains(&Err(CommitError::Store(StoreError::Late)));
        let time = began.elapsed();
        batch.settle(lane, &actual, time, if is_locked_out { Duration::ZERO } else { time });
        if committed.send(ask_again(lane, batch, results)).is_err() {
            return;
        }
    }
}

/// Changes whose tenant's row was locked by another process wait again, as long as they have time; the others are a commit.
/// So the row of one tenant keeps the writer for [`crate::jobs::lane::Lane::lock_time`] at a time, and nobody is refused for it.
fn ask_again(
    lane: &LaneQueue<Write>,
    batch: Together<TenantChange, Committed, CommitError>,
    results: Answers,
) -> Commit {
    let mut commit = Commit { costs: Vec::new(), answers: Vec::new(), results: Vec::new() };
    let Together { costs, questions, answers, limits, in_flight } = batch;
    let jobs = questions.into_iter().zip(answers).zip(limits).zip(in_flight);
    for ((((question, answer), limit), in_flight), (cost, result)) in jobs.zip(costs.into_iter().zip(results))
    {
        if result == Err(CommitError::Store(StoreError::Late)) && !limit.is_over() {
            let weight = Weight::of_change(&question.change);
            limit.wait_again();
            let waiting = Waiting { question, in_flight, limit, answer };
            // A closed queue drops it, and its caller hears that the process is stopping.
            let _ = lane.queue.push(cost.0, weight, waiting);
            lane.queue.done([cost]);
        } else {
            commit.costs.push(cost);
            commit.answers.push(answer);
            commit.results.push(result);
        }
    }
    commit
}

/// What each change of a batch weighs by the rows that were written for its tenant.
fn shares_of(rows: &HashMap<TenantId, usize>, batch: &[TenantChange]) -> Vec<Weight> {
    let mut changes: HashMap<TenantId, usize> = HashMap::new();
    batch.iter().for_each(|change| *changes.entry(change.tenant).or_default() += 1);
    let of =
        |tenant| rows.get(tenant).copied().unwrap_or_default() / changes.get(tenant).copied().unwrap_or(1);
    batch.iter().map(|change| Weight::of_rows(of(&change.tenant))).collect()
}

/// Answers each batch when it is durable: those that were committed while the disk was busy share the next flush.
pub(crate) fn flush_all(committed: &Receiver<Commit>, lane: &LaneQueue<Write>, engine: &dyn Engine) {
    while let Ok(first) = committed.recv() {
        let commits: Vec<Commit> = std::iter::once(first).chain(committed.try_iter()).collect();
        let flushed = guarded(|| engine.flush());
        for Commit { costs, answers, results } in commits {
            for (answer, result) in answers.into_iter().zip(results) {
                // A caller that has gone away does not want to know.
                let _ = answer
                    .send(result.and_then(|done| flushed.clone().map(|()| done).map_err(CommitError::Store)));
            }
            lane.queue.done(costs);
        }
    }
}

/// Commits a batch, and counts the rows of each tenant. If the database refuses the batch as a whole, or ends it for its
/// time, nothing of it was written. Then it is tried in parts, so that no change takes its neighbours down: each change
/// alone if one is at fault, and each tenant's changes together if the time is, since a tenant's row may be locked.
fn commit(
    engine: &dyn Engine,
    quotas: Quotas,
    batch: &[TenantChange],
    rows: &mut HashMap<TenantId, usize>,
) -> Answers {
    let error = match guarded(|| transact(engine, quotas, batch, rows)) {
        Ok(answers) => return answers,
        Err(error) => error,
    };
    let parts: Vec<Vec<usize>> = match error {
        StoreError::Failed(_) => (0..batch.len()).map(|index| vec![index]).collect(),
        StoreError::Late => by_tenant(batch),
        _ => Vec::new(),
    };
    if parts.len() < 2 {
        return batch.iter().map(|_| Err(CommitError::Store(error.clone()))).collect();
    }
    let mut answers: Vec<_> = batch.iter().map(|_| Err(CommitError::Store(error.clone()))).collect();
    for part in parts {
        let changes: Vec<TenantChange> = part.iter().map(|index| batch[*index].clone()).collect();
        for (index, answer) in part.into_iter().zip(commit(engine, quotas, &changes, rows)) {
            answers[index] = answer;
        }
    }
    answers
}

/// Where in a batch the changes of each tenant are.
fn by_tenant(batch: &[TenantChange]) -> Vec<Vec<usize>> {
    let mut parts: BTreeMap<TenantId, Vec<usize>> = BTreeMap::new();
    batch.iter().enumerate().for_each(|(index, change)| parts.entry(change.tenant).or_default().push(index));
    parts.into_values().collect()
}

fn transact(
    engine: &dyn Engine,
    quotas: Quotas,
    batch: &[TenantChange],
    rows: &mut HashMap<TenantId, usize>,
) -> Result<Answers, StoreError> {
    let (mut answers, mut written) = (Answers::new(), HashMap::new());
    engine.transact(&plan::questions(batch), &mut |facts| {
        let (writes, decided) = plan::plan(batch, facts, quotas);
        answers = decided;
        written = count(&writes);
        writes
    })?;
    written.into_iter().for_each(|(tenant, count)| *rows.entry(tenant).or_default() += count);
    Ok(answers)
}

/// Counts the rows of memberships and groups of each tenant, which its changes need not name.
fn count(writes: &Writes) -> HashMap<TenantId, usize> {
    let mut rows = HashMap::new();
    if writes.left.len() + writes.joined.len() + writes.groups.len() <= 2 * writes.log.len() {
        return rows;
    }
    let left = writes.left.iter().map(|(tenant, _)| *tenant);
    let joined = writes.joined.iter().map(|((tenant, _), _)| *tenant);
    let groups = writes.groups.iter().map(|group| group.tenant);
    left.chain(joined).chain(groups).for_each(|tenant| *rows.entry(tenant).or_default() += 1);
    rows
}

/// Answers lookups, those that wait together by one statement. `running` is told the limit of what runs.
pub(crate) fn look_up_all(
    lane: &LaneQueue<Search>,
    engine: &dyn Engine,
    running: impl Fn(Option<Arc<Limit>>),
) {
    while let Some(mut together) = Together::take(lane, Which::All, LOOKUPS) {
        if together.questions.is_empty() {
            continue;
        }
        let began = Instant::now();
        let found = look_up(engine, &together, lane.lane.time(), &running);
        let actual: Vec<Weight> = found.iter().map(weigh).collect();
        let time = began.elapsed();
        together.settle(lane, &actual, time, time);
        let Together { costs, answers, in_flight, .. } = together;
        drop(in_flight);
        answers.into_iter().zip(found).for_each(|(answer, row)| drop(answer.send(row)));
        lane.queue.done(costs);
    }
}

/// Lookups together. Where that takes longer than half of their time, each is done alone in the time that it has left, so
/// that one cannot take its neighbours down, and nobody works for a caller that has gone.
fn look_up(
    engine: &dyn Engine,
    together: &Together<Lookup, Option<Row>, StoreError>,
    time: Duration,
    running: &impl Fn(Option<Arc<Limit>>),
) -> Vec<Result<Option<Row>, StoreError>> {
    let lookups = together.questions.as_slice();
    let limit = Limit::within(if lookups.len() > 1 { time / 2 } else { time });
    match look_up_within(engine, lookups, &limit, running) {
        Ok(rows) => rows.into_iter().map(Ok).collect(),
        Err(StoreError::Late) if lookups.len() > 1 && !limit.is_cancelled() => {
            let alone = |(lookup, limit): (&Lookup, &Arc<Limit>)| {
                if limit.is_over() {
                    return Err(StoreError::Late);
                }
                let found = look_up_within(engine, std::slice::from_ref(lookup), limit, running);
                found.map(|rows| rows.into_iter().next().flatten())
            };
            lookups.iter().zip(&together.limits).map(alone).collect()
        }
        Err(error) => lookups.iter().map(|_| Err(error.clone())).collect(),
    }
}

fn look_up_within(
    engine: &dyn Engine,
    lookups: &[Lookup],
    limit: &Arc<Limit>,
    running: &impl Fn(Option<Arc<Limit>>),
) -> Result<Vec<Option<Row>>, StoreError> {
    running(Some(Arc::clone(limit)));
    let found = limit.run(|| guarded(|| engine.look_up(lookups)));
    running(None);
    found
}

/// What a row weighs: its groups and its document.
fn weigh(found: &Result<Option<Row>, StoreError>) -> Weight {
    let row = found.as_ref().ok().and_then(Option::as_ref);
    row.map_or(Weight::ONE, Weight::of_row)
}

/// Does jobs one by one. `running` is told the limit of the one that runs.
pub(crate) fn run_all(lane: &LaneQueue<Job>, engine: &dyn Engine, running: impl Fn(Option<Arc<Limit>>)) {
    loop {
        let taken = lane.take(Which::All, Portion::ONE);
        if taken.is_empty() {
            return;
        }
        for one in taken {
            let Job { work, in_flight, limit } = one.job;
            let mut extra_weight = Weight::default();
            if limit.is_cancelled() {
                lane.counters.cancelled();
            } else if limit.is_over() {
                lane.counters.late();
                work(Err(StoreError::Late));
            } else {
                let began = Instant::now();
                running(Some(Arc::clone(&limit)));
                let cost = limit.run(|| work(Ok(engine)));
                running(None);
                if limit.is_cancelled() {
                    lane.counters.cancelled();
                }
                extra_weight = extra(lane.lane, one.weight, cost.weight, began.elapsed());
                in_flight.owe(extra_weight);
                lane.counters.worked(cost.answered, began.elapsed(), extra_weight);
            }
            drop(in_flight);
            lane.queue.done([(one.line, extra_weight)]);
        }
    }
}

#[cfg(test)]
#[path = "workers_tests.rs"]
mod tests;
