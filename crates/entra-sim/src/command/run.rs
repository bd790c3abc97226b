//! `run`: cycles of one or more tenants at once, with changes of the directory between them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{CommandError, Output, SourceOptions, concluded, seed, source};
use crate::clock::Clock;
use crate::cycle::{CycleReport, Engine, Reset, State};
use crate::directory::changes::{Script, Step};
use crate::directory::{Directory, DirectoryError};
use crate::exit::Exit;
use crate::report::log::Status;
use crate::report::progress::{Bars, TenantBar};
use crate::report::status::{JobStatus, StatusCode};
use crate::report::{export, mail};
use crate::tenants::{Tenant, TenantList};

/// What `entra-sim run` is asked to do.
#[derive(Debug, clap::Args)]
pub struct RunOptions {
    /// The servers and the credentials
    #[command(flatten)]
    pub tenants: TenantList,
    /// Jobs and directories
    #[command(flatten)]
    pub source: SourceOptions,
    /// Cycles to run: the first is an initial one unless the state says otherwise
    #[arg(long, default_value_t = 2)]
    pub cycles: usize,
    /// Change script (TOML) for the cycles after the first; without it, a usual day's joins, moves, leaves and renames
    #[arg(long, value_name = "FILE")]
    pub changes: Option<PathBuf>,
    /// Leave the directory as it is between cycles
    #[arg(long, conflicts_with = "changes")]
    pub no_changes: bool,
    /// Seconds that the 40 minutes between two cycles take
    #[arg(long, default_value_t = 2.0)]
    pub interval_seconds: f64,
    /// Folder for the state of jobs and for generated directories; they go on from there at the next run
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Folder for provisioning logs (JSON lines and the three CSV files) and the job's status, one subfolder a tenant
    #[arg(long, value_name = "FOLDER")]
    pub report: Option<PathBuf>,
    /// Restart the jobs first; without a value as the portal does, else Graph's resetScope
    #[arg(long, value_name = "RESET_SCOPE", value_delimiter = ',', num_args = 0..)]
    pub restart: Option<Vec<Reset>>,
    /// Let the first cycle delete what was kept back
    #[arg(long)]
    pub allow_deletes: bool,
    /// The summary as JSON, with every cycle
    #[arg(long)]
    pub json: bool,
    /// No progress bars
    #[arg(long, short)]
    pub quiet: bool,
}

/// Runs the command.
pub async fn run(options: RunOptions, clock: Clock, mut output: Output<'_>) -> Exit {
    let result = execute(&options, &clock, &mut output).await;
    concluded(result, &mut output)
}

/// What came of one tenant.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    tenant: String,
    tenant_url: String,
    job_id: String,
    cycles: Vec<CycleReport>,
    failures: Vec<String>,
    status: JobStatus,
}

/// A failure is shown to people so many times.
const SHOWN_FAILURES: usize = 5;

async fn execute(options: &RunOptions, clock: &Clock, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let script = match (&options.changes, options.no_changes) {
        (Some(path), _) => Some(read_script(path)?),
        (None, true) => Some(Script { cycles: vec![Step::default(); options.cycles] }),
        (None, false) => None,
    };
    let tenants = options.tenants.tenants()?;
    let bars = Bars::new(options.quiet || options.json);
    let width = tenants.iter().map(|tenant| tenant.name.chars().count()).max().unwrap_or_default();
    let mut runs = Vec::new();
    for (index, tenant) in tenants.into_iter().enumerate() {
        runs.push(TenantRun::prepare(tenant, index, options, clock, &bars, width)?);
    }
    let summaries =
        futures_util::future::join_all(runs.into_iter().map(|run| run.all(script.as_ref()))).await;
    let summaries: Vec<Summary> = summaries.into_iter().collect::<Result<_, _>>()?;
    if options.json {
        writeln!(output.out, "{}", serde_json::to_string_pretty(&summaries).map_err(std::io::Error::from)?)?;
    } else {
        summaries.iter().try_for_each(|summary| show(summary, output))?;
    }
    Ok(summaries.iter().map(exit_of).max().unwrap_or(Exit::Success))
}

fn read_script(path: &Path) -> Result<Script, DirectoryError> {
    let named = |why: String| DirectoryError(format!("change script {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    Script::from_toml(&text).map_err(|error| named(error.to_string()))
}

fn exit_of(summary: &Summary) -> Exit {
    let credentials = summary.status.quarantine.as_ref().is_some_and(|quarantine| {
        quarantine.reason == crate::report::status::QuarantineReason::EncounteredQuarantineException
    });
    let unfinished = summary.cycles.last().is_some_and(|cycle| cycle.execution.counts.count_escrowed_raw > 0);
    match summary.status.code {
        StatusCode::Quarantine | StatusCode::Paused if credentials => Exit::Connection,
        StatusCode::Quarantine | StatusCode::Paused => Exit::Quarantine,
        _ if unfinished => Exit::Failures,
        _ => Exit::Success,
    }
}

/// One tenant's cycles.
struct TenantRun<'a> {
    tenant: Tenant,
    engine: Engine,
    directory: Directory,
    random: ChaCha8Rng,
    bar: TenantBar,
    options: &'a RunOptions,
}

impl<'a> TenantRun<'a> {
    fn prepare(
        tenant: Tenant,
        index: usize,
        options: &'a RunOptions,
        clock: &Clock,
        bars: &Bars,
        width: usize,
    ) -> Result<Self, CommandError> {
        let mut job = options.source.job(tenant.job.as_deref())?;
        job.dialect = options.tenants.behaviour.dialect.or(job.dialect);
        let state = match &options.state {
            Some(folder) => State::load(&folder.join(format!("{}.state.json", tenant.name)))?,
            None => State::default(),
        };
        // A compressed clock may have run ahead of the world's; time does not go back for a job.
        let last = state.status.last_execution.as_ref().map(|last| last.time_ended);
        let factor = job.interval.as_secs_f64() / options.interval_seconds.max(0.001);
        let clock = Clock::compressed(last.map_or(clock.now(), |last| last.max(clock.now())), factor);
        let own_seed = tenant.seed.unwrap_or(options.source.seed + index as u64);
        let kept =
            options.state.as_deref().map(|folder| folder.join(format!("{}.directory.json", tenant.name)));
        let own = kept.as_deref().filter(|path| path.exists()).or(tenant.directory.as_deref());
        let directory = options.source.directory(own, own_seed, &options.source.domain)?;
        let random = source::random(own_seed.wrapping_add(state.cycles << 32));
        let client = tenant.client(&options.tenants.behaviour, clock.clone())?;
        let mut engine = Engine::new(job, client, state, source::random(seed(&clock) ^ own_seed));
        if let Some(scopes) = &options.restart {
            engine.reset(if scopes.is_empty() { &Reset::PORTAL } else { scopes });
        }
        if options.allow_deletes {
            engine.reset(&[Reset::ForceDeletes]);
        }
        let bar = bars.tenant(&tenant.name, width);
        Ok(Self { tenant, engine, directory, random, bar, options })
    }

    /// All cycles; without a script, each is preceded by a usual day of a company of this size.
    async fn all(mut self, script: Option<&Script>) -> Result<Summary, CommandError> {
        let usual = Script::usual(self.directory.users.len(), self.options.cycles);
        let script = script.unwrap_or(&usual);
        let (mut cycles, mut failures) = (Vec::new(), Vec::new());
        let mut began = self.engine.client().clock().now();
        for index in 0..self.options.cycles {
            if index > 0 {
                let step = script.cycles.get(index - 1);
                let clock = self.engine.client().clock();
                // Hours of a script are skipped over; what is waited for is the job's own time.
                clock.advance(SignedDuration::from_hours(step.map_or(0, |step| step.hours)));
                let Some(due) = self.engine.next_run(began) else { break };
                self.bar.say("waiting for the next cycle");
                clock.wait_until(due).await;
                let due = clock.now();
                if let Some(step) = step {
                    step.apply(&mut self.directory, &mut self.random, due)?;
                }
                self.directory.purge_due(due);
            }
            began = self.engine.client().clock().now();
            let report = self.engine.cycle(&self.directory, &self.bar).await;
            failures.extend(failures_of(&report));
            self.keep(&report)?;
            if report.notify {
                failures.extend(self.notify().await.err().map(|error| error.to_string()));
            }
            cycles.push(report);
        }
        self.bar.finish();
        let state = self.engine.state();
        Ok(Summary {
            tenant: self.tenant.name.clone(),
            tenant_url: self.engine.client().tenant().base().to_owned(),
            job_id: state.job_id.clone(),
            cycles,
            failures,
            status: state.status.clone(),
        })
    }

    fn keep(&self, report: &CycleReport) -> Result<(), CommandError> {
        if let Some(folder) = &self.options.state {
            std::fs::create_dir_all(folder)?;
            self.engine.state().save(&folder.join(format!("{}.state.json", self.tenant.name)))?;
            let directory = self.directory.to_json()?;
            std::fs::write(folder.join(format!("{}.directory.json", self.tenant.name)), directory)?;
        }
        if let Some(folder) = &self.options.report {
            let (folder, state) = (folder.join(&self.tenant.name), self.engine.state());
            export::append(&folder, &report.logs)?;
            export::job(&folder, &state.job_id, self.engine.job().interval, &state.status)?;
        }
        Ok(())
    }

    async fn notify(&self) -> Result<(), mail::MailError> {
        let (state, job) = (self.engine.state(), self.engine.job());
        let (Some(to), Some(quarantine)) = (&job.notification, &state.status.quarantine) else {
            return Ok(());
        };
        let subject = mail::Subject {
            application: &job.name,
            job_id: &state.job_id,
            tenant_url: self.engine.client().tenant().base(),
            quarantine,
            disabled: state.status.code == StatusCode::Paused,
        };
        mail::notify(to, subject).await
    }
}

fn failures_of(report: &CycleReport) -> Vec<String> {
    let failed = report.logs.iter().filter(|log| log.provisioning_status_info.status == Status::Failure);
    let sentence = |log: &crate::report::log::ObjectSummary| {
        let error = log.provisioning_status_info.error_information.as_ref()?;
        let identity = &log.source_identity;
        Some(format!(
            "{} '{}': {}: {}",
            identity.identity_type, identity.display_name, error.error_code, error.reason
        ))
    };
    failed.filter_map(sentence).collect()
}

fn show(summary: &Summary, output: &mut Output<'_>) -> std::io::Result<()> {
    let out = &mut output.out;
    writeln!(out, "{} {} ({})", summary.tenant, summary.tenant_url, summary.job_id)?;
    for cycle in &summary.cycles {
        let counts = &cycle.execution.counts;
        let tally = |action: &str| {
            let done = |log: &&crate::report::log::ObjectSummary| {
                log.provisioning_status_info.status == Status::Success
                    && serde_json::to_value(log.provisioning_action).is_ok_and(|name| name == action)
            };
            cycle.logs.iter().filter(done).count()
        };
        writeln!(
            out,
            "  {:11} {:?}: {} read, {} in scope; {} created, {} updated, {} disabled, {} deleted; {} in escrow",
            cycle.kind.to_string(),
            cycle.execution.state,
            counts.count_imported,
            counts.count_entitled_for_provisioning,
            tally("create"),
            tally("update"),
            tally("disable"),
            tally("delete"),
            counts.count_escrowed_raw,
        )?;
    }
    let entries = summary.status.synchronized_entry_count_by_type.iter();
    let entries: Vec<String> =
        entries.map(|entry| format!("{} {}s", entry.value, entry.key.to_lowercase())).collect();
    writeln!(out, "  {:?}: {}", summary.status.code, entries.join(", "))?;
    if let Some(quarantine) = &summary.status.quarantine {
        writeln!(out, "  quarantine {:?}: {}", quarantine.reason, quarantine.error.message)?;
    }
    for failure in summary.failures.iter().take(SHOWN_FAILURES) {
        writeln!(out, "  {failure}")?;
    }
    if summary.failures.len() > SHOWN_FAILURES {
        writeln!(out, "  … and {} more failures", summary.failures.len() - SHOWN_FAILURES)?;
    }
    Ok(())
}
