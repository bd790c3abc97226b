//! Cycles: initial and incremental, with escrows, quarantine and the prevention of accidental deletions.

mod conclusion;
mod connection;
mod departure;
mod failure;
mod object;
mod on_demand;
pub mod plan;
pub mod quarantine;
mod references;
pub mod requests;
pub mod source;
pub mod state;
mod values;

use std::cell::Cell;
use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

pub use connection::{ConnectionTest, test_connection};
pub use on_demand::{OnDemand, OnDemandError};
pub use plan::CycleKind;
pub use state::{Reset, State};

use self::object::{Context, LinkChange, Outcome};
use self::plan::{Plan, Work};
use self::quarantine::Events;
use self::state::Failed;
use crate::directory::Directory;
use crate::http::{Client, Dialect};
use crate::job::{Job, ObjectType};
use crate::report::log::{Action, Envelope, ObjectSummary, Record, Status, StepType};
use crate::report::status::{Counts, Execution, JobFault, StatusCode};

/// Hears how far a cycle is; pages are what the portal's progress counts.
pub trait Observer {
    /// A cycle begins.
    fn began(&self, kind: CycleKind, pages: u64);
    /// A page is done; `counts` are those of the cycle so far.
    fn page(&self, counts: &Counts, failures: u64);
    /// The cycle ended.
    fn ended(&self, report: &CycleReport);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn began(&self, _: CycleKind, _: u64) {}
    fn page(&self, _: &Counts, _: u64) {}
    fn ended(&self, _: &CycleReport) {}
}

/// What a cycle did.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CycleReport {
    /// The kind.
    pub kind: CycleKind,
    /// Counters and times.
    pub execution: Execution,
    /// Whether the job entered quarantine, or stays in it for another reason than before.
    pub notify: bool,
    /// The records of the log.
    #[serde(skip)]
    pub logs: Vec<ObjectSummary>,
}

/// A job with its memory, ready to run cycles.
#[derive(Debug)]
pub struct Engine {
    job: Job,
    client: Client,
    state: State,
    dialect: Dialect,
    tenant_id: String,
    random: ChaCha8Rng,
}

impl Engine {
    /// Makes an engine. A configuration other than the state's starts a new initial cycle, as Entra does.
    pub fn new(job: Job, client: Client, mut state: State, mut random: ChaCha8Rng) -> Self {
        let dialect = job.dialect.unwrap_or(client.tenant().dialect());
        let tenant_id = guid(&mut random);
        if state.job_id.is_empty() {
            state.job_id = format!("scim.{}.{}", tenant_id.replace('-', ""), guid(&mut random));
        }
        let configuration = job.fingerprint();
        if state.configuration != configuration {
            state.watermark = None;
            state.configuration = configuration;
        }
        Self { job, client, state, dialect, tenant_id, random }
    }

    /// What the job remembers.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Restarts the job (see [`Reset`]).
    pub fn reset(&mut self, scopes: &[Reset]) {
        self.state.reset(scopes);
    }

    /// When the next cycle is due, after one that began at `began`; none if the job is disabled.
    pub fn next_run(&self, began: Timestamp) -> Option<Timestamp> {
        match (&self.state.status.quarantine, self.state.status.code) {
            (_, StatusCode::Paused) => None,
            (Some(quarantine), _) => Some(quarantine.next_attempt),
            (None, _) => began.saturating_add(self.job.interval).ok(),
        }
    }

    /// Runs one cycle over the directory as it is now.
    pub async fn cycle(&mut self, directory: &Directory, observer: &dyn Observer) -> CycleReport {
        let began = self.client.clock().now();
        self.state.expire_escrows(began);
        let mut plan = plan::plan(directory, &self.job, &self.state, began);
        let kept: BTreeSet<&str> = plan.references.iter().map(|object| object.id).collect();
        self.state.drop_references(began, &kept);
        let mut run = Run::new(plan.kind, &plan, self.envelope());
        let work = std::mem::take(&mut plan.work);
        let (staged, work) = self.stage(work);
        let users = users_first(&work);
        let parts = [users, work.len() - users, plan.references.len()];
        let pages = parts.iter().map(|objects| objects.div_ceil(self.job.page_size) as u64).sum();
        observer.began(plan.kind, pages);
        run.pages = pages;
        for staged in &staged {
            self.note_staged(staged, &mut run);
        }
        self.state.staged = staged.iter().map(|work| work.id().to_owned()).collect();
        self.objects(&work, &mut run, observer).await;
        if run.fault.is_none() {
            self.references(&plan, &mut run, observer).await;
        }
        let report = self.conclude(plan, run, staged.len(), began);
        observer.ended(&report);
        report
    }

    fn envelope(&mut self) -> Envelope {
        Envelope {
            tenant_id: self.tenant_id.clone(),
            job_id: self.state.job_id.clone(),
            cycle_id: guid(&mut self.random),
            application: self.job.name.clone(),
        }
    }

    /// Keeps deletions back when there are too many of them and nobody allowed them.
    fn stage<'a>(&self, work: Vec<Work<'a>>) -> (Vec<Work<'a>>, Vec<Work<'a>>) {
        let counted = work.iter().filter(|work| work.counts_as_deletion(&self.state)).count() as u64;
        let too_many = self.job.delete_threshold.is_some_and(|threshold| counted >= threshold.max(1));
        if !too_many || self.state.deletes_allowed {
            return (Vec::new(), work);
        }
        work.into_iter().partition(|work| work.counts_as_deletion(&self.state))
    }

    fn note_staged(&mut self, work: &Work<'_>, run: &mut Run) {
        let name = match work {
            Work::Provision(object) | Work::Deprovision(object, _) | Work::Skip(object, _) => object.name(),
            Work::Purge { id, .. } => id,
        };
        let mut record = Record::new(work.object_type(), work.id(), name);
        record.action = Action::StagedDelete;
        let sentence = "The deletion is kept back: too many deletions in this cycle".to_owned();
        record.step(StepType::Processing, "EntryStagedDelete", Status::Skipped, sentence);
        record.skip(
            "TooManyDeletes",
            "the number of deletions reached the threshold; allow them or correct the cause",
        );
        self.seal(record, run);
    }

    fn seal(&mut self, record: Record, run: &mut Run) {
        let ids = [guid(&mut self.random), guid(&mut self.random)];
        run.logs.push(run.envelope.seal(record, self.client.clock().now(), ids));
    }

    fn context(&mut self, kind: CycleKind) -> Context<'_> {
        let seed = self.random.random();
        Context {
            client: &self.client,
            job: &self.job,
            state: &self.state,
            dialect: self.dialect,
            kind,
            now: self.client.clock().now(),
            seed,
            escrowed: self.state.escrowed_objects(),
            halted: Cell::new(false),
        }
    }

    async fn objects(&mut self, work: &[Work<'_>], run: &mut Run, observer: &dyn Observer) {
        let (size, concurrency) = (self.job.page_size, self.job.concurrency);
        // Users and groups do not share a page: a group is not begun before the users are done.
        let users =
            work.iter().position(|work| work.object_type() == ObjectType::Group).unwrap_or(work.len());
        let (users, groups) = work.split_at(users);
        for page in users.chunks(size).chain(groups.chunks(size)) {
            let outcomes: Vec<(usize, Option<Outcome>)> = {
                let context = self.context(run.kind);
                let tasks = page.iter().enumerate().map(|(at, work)| {
                    let context = &context;
                    async move { (at, context.run(work).await) }
                });
                futures_util::stream::iter(tasks).buffered(concurrency).collect().await
            };
            for (at, outcome) in outcomes {
                if let Some(outcome) = outcome {
                    self.settle(page[at].object_type(), page[at].id(), false, outcome, run);
                }
            }
            observer.page(&run.counts, run.failures());
            run.done += 1;
            if run.fault.is_some() {
                return;
            }
        }
    }

    async fn references(&mut self, plan: &Plan<'_>, run: &mut Run, observer: &dyn Observer) {
        let (size, concurrency) = (self.job.page_size, self.job.concurrency);
        for page in plan.references.chunks(size) {
            let outcomes: Vec<(usize, Option<Outcome>, bool)> = {
                let context = self.context(run.kind);
                let tasks = page.iter().enumerate().map(|(at, object)| {
                    let context = &context;
                    async move { (at, context.references(object).await, context.is_unresolved(object)) }
                });
                futures_util::stream::iter(tasks).buffered(concurrency).collect().await
            };
            for (at, outcome, unresolved) in outcomes {
                let object = &page[at];
                let failed = outcome.as_ref().is_some_and(|outcome| outcome.failure.is_some());
                match outcome {
                    Some(outcome) => self.settle(object.object_type, object.id, true, outcome, run),
                    None => self.state.release(object.id, true),
                }
                if unresolved && !failed {
                    self.state.await_reference(object.object_type, object.id, self.client.clock().now());
                }
            }
            observer.page(&run.counts, run.failures());
            run.done += 1;
            if run.fault.is_some() {
                return;
            }
        }
    }

    /// Keeps what came of an object.
    fn settle(
        &mut self,
        object_type: ObjectType,
        id: &str,
        reference: bool,
        outcome: Outcome,
        run: &mut Run,
    ) {
        match outcome.link {
            LinkChange::Keep => {}
            LinkChange::Set(link) => self.state.set_link(id, *link),
            LinkChange::Remove => {
                self.state.links.remove(id);
                self.state.escrows.retain(|_, escrow| escrow.source_id != id);
            }
        }
        run.counts.count_exports += u64::from(outcome.export);
        run.counts.count_imported_reference_deltas += u64::from(reference);
        match outcome.failure {
            None => {
                self.state.release(id, reference);
                run.counts.count_exported += u64::from(outcome.export);
                run.events.successes += u64::from(outcome.record.status == Status::Success);
            }
            Some(failure) => {
                let tally =
                    if reference { &mut run.events.reference_failures } else { &mut run.events.failures };
                *tally += 1;
                // An error of the job is not the object's: the watermark stays, and all is read again.
                if failure.job.is_none() {
                    let now = self.client.clock().now();
                    let failed = Failed { object_type, source_id: id, reference, code: failure.code };
                    self.state.escrow(failed, now, self.job.interval);
                }
                run.fault = run.fault.take().or(failure.job);
            }
        }
        self.seal(outcome.record, run);
    }
}

/// A cycle under way.
struct Run {
    kind: CycleKind,
    envelope: Envelope,
    counts: Counts,
    events: Events,
    logs: Vec<ObjectSummary>,
    fault: Option<JobFault>,
    pages: u64,
    done: u64,
}

impl Run {
    fn new(kind: CycleKind, plan: &Plan<'_>, envelope: Envelope) -> Self {
        let counts = Counts {
            count_imported: plan.imported,
            count_imported_deltas: plan.changed,
            count_entitled: plan.entitled,
            count_entitled_for_provisioning: plan.in_scope,
            ..Counts::default()
        };
        let (events, logs) = (Events::default(), Vec::new());
        Self { kind, envelope, counts, events, logs, fault: None, pages: 0, done: 0 }
    }

    fn failures(&self) -> u64 {
        self.events.failures + self.events.reference_failures
    }
}

/// How many entries stand before the first group.
fn users_first(work: &[Work<'_>]) -> usize {
    work.iter().position(|work| work.object_type() == ObjectType::Group).unwrap_or(work.len())
}

fn guid(random: &mut ChaCha8Rng) -> String {
    let bytes: [u8; 16] = random.random();
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
