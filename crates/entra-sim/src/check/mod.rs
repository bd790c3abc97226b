//! Conformance: Microsoft's acceptance tests and the known breakages, one check each.

mod attribute;
mod causes;
mod junit;
mod outcome;
mod probe;
mod registry;
mod report;
mod sample;
mod schemas;

pub use outcome::{Failure, Outcome};
pub use registry::{Applies, Check, Level, checks};
pub use report::{Report, Tally};

use crate::clock::Clock;
use crate::connection::Connection;
use crate::exit::Exit;
use crate::http::{Client, ClientError, Credentials};
use futures_util::StreamExt;
use probe::Probe;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What `entra-sim check` is asked to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A Secret Token and OAuth fields may be given together: the token opens the SCIM endpoint, and the \
                  OAuth client is what tests 21 and 22 try.\n\n\
                  Checks that fail for the same cause count as one failure, of the check that judges this cause. The \
                  others are reported as blocked. A cause has the highest level of the checks that fail because of it."
)]
pub struct Options {
    /// The server and the credential.
    #[command(flatten)]
    pub connection: Connection,
    /// What the server claims to understand
    #[arg(long, value_enum, default_value_t = Profile::Entra)]
    pub profile: Profile,
    /// Only the checks whose name contains this; repeatable
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Only the checks of this level or a higher one
    #[arg(long, value_enum, default_value_t = Level::Should)]
    pub level: Level,
    /// The lowest level whose failures fail the run; other failures are warnings. Microsoft's suite does the same with
    /// its optional tests
    #[arg(long, value_enum, default_value_t = Level::Must, value_name = "LEVEL")]
    pub fail_on: Level,
    /// Write the results as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the results as JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// List the checks with level and source; needs no Tenant URL and sends nothing
    #[arg(long)]
    pub list: bool,
    /// How many checks run at a time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
}

/// What a server claims to understand, and is held to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Entra's deviations from the RFC, in both PATCH dialects
    #[default]
    Entra,
    /// RFC 7643 and 7644 to the letter
    Rfc,
    /// The same, within the IPSIE AL SCIM profile and draft-zollner-scim-interop-profile-02
    Interop,
}

impl Applies {
    /// Whether a check that applies so is carried out in `profile`.
    pub fn to(self, profile: Profile) -> bool {
        match self {
            Applies::Always => true,
            Applies::Entra => profile == Profile::Entra,
            Applies::Strict => profile != Profile::Entra,
            Applies::NotInterop => profile != Profile::Interop,
            Applies::Interop => profile == Profile::Interop,
        }
    }
}

/// One check that was carried out, and what came of it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// Its result.
    pub outcome: Outcome,
    /// The failed check that judges the cause, if this check failed for a cause that another check judges.
    pub cause: Option<&'static str>,
    /// How long it took, cleaning up included.
    pub duration: Duration,
    /// The features that its requests used.
    features: causes::Features,
}

/// Runs the checks and writes their results to `out`.
pub async fn run(options: Options, clock: Clock, out: &mut (dyn Write + Send)) -> Exit {
    let named = |check: &Check| {
        options.only.is_empty() || options.only.iter().any(|word| check.name.contains(word.as_str()))
    };
    let chosen: Vec<_> = checks()
        .filter(|check| check.applies.to(options.profile) && check.level >= options.level && named(check))
        .collect();
    if options.list {
        return written(report::list(&chosen, out));
    }
    if chosen.is_empty() {
        return told(out, "no check has such a name, profile and level; --list shows them", Exit::Usage);
    }
    let (client, oauth) = match clients(&options, &clock) {
        Ok(clients) => clients,
        Err(error) => return told(out, &error.to_string(), Exit::from(&error)),
    };
    let target = Target { client, oauth, profile: options.profile, run: run_name(&clock) };
    if let Err(why) = reach(&target.client).await {
        return told(out, &why, Exit::Connection);
    }
    let report = Report {
        tenant_url: target.client.tenant().base().to_owned(),
        profile: options.profile,
        fail_on: options.fail_on,
        findings: examine(&target, &chosen, usize::from(options.concurrency)).await,
    };
    if let Some(path) = &options.junit
        && let Err(error) = std::fs::write(path, junit::document(&report))
    {
        return told(out, &format!("{}: {error}", path.display()), Exit::Files);
    }
    match written(if options.json { report.write_json(out) } else { report.write_text(out) }) {
        Exit::Success if report.tally().failed > 0 => Exit::Failures,
        exit => exit,
    }
}

/// Whether the server answers and takes the credentials: without that, each check would fail for the same cause.
async fn reach(client: &Client) -> Result<(), String> {
    let exchange = client.get("/Users", &[("startIndex", "1"), ("count", "1")]).await;
    match exchange.outcome {
        Ok(response) if matches!(response.status, 401 | 403) => Err(format!(
            "the server refuses the credentials: GET /Users is answered with {}",
            response.status
        )),
        Ok(_) => Ok(()),
        Err(failure) => Err(format!("the server cannot be reached: {failure}")),
    }
}

/// What checks are carried out against.
#[derive(Clone, Debug)]
pub struct Target {
    /// The way to the SCIM endpoint.
    pub client: Client,
    /// A client that gets its own access token, for tests 21 and 22.
    pub oauth: Option<Client>,
    /// What the server is held to.
    pub profile: Profile,
    /// Part of the name of every object, so that no two runs meet.
    pub run: String,
}

/// Carries out `checks`, `concurrency` at a time; those that need to be alone come last, one by one. The findings are in
/// the order of `checks`.
pub async fn examine(target: &Target, checks: &[&'static Check], concurrency: usize) -> Vec<Finding> {
    let numbered = checks.iter().copied().enumerate();
    let (alone, together): (Vec<_>, Vec<_>) = numbered.partition(|(_, check)| check.alone);
    let together: Vec<_> = together.into_iter().map(|(nth, check)| examine_one(target, nth, check)).collect();
    let mut findings: Vec<_> =
        futures_util::stream::iter(together).buffer_unordered(concurrency.max(1)).collect().await;
    for (nth, check) in alone {
        findings.push(examine_one(target, nth, check).await);
    }
    findings.sort_by_key(|(nth, _)| *nth);
    let mut findings: Vec<_> = findings.into_iter().map(|(_, finding)| finding).collect();
    causes::attribute(&mut findings);
    findings
}

async fn examine_one(target: &Target, nth: usize, check: &'static Check) -> (usize, Finding) {
    let begun = Instant::now();
    let tag = format!("{}-{nth}", target.run);
    let probe = Probe::new(target.client.clone(), target.oauth.clone(), target.profile, tag);
    let verdict = check.run(&probe).await;
    let features = probe.features();
    probe.clean_up().await;
    (nth, Finding { check, outcome: verdict.into(), cause: None, duration: begun.elapsed(), features })
}

/// The client of the SCIM endpoint, and the one that gets access tokens if OAuth fields were given.
fn clients(options: &Options, clock: &Clock) -> Result<(Client, Option<Client>), ClientError> {
    let Connection { secret_token, oauth, behaviour, .. } = &options.connection;
    let tenant_url = options.connection.tenant_url()?;
    let client = |credentials| behaviour.client(tenant_url, credentials, clock.clone());
    let token = secret_token.clone().map(Credentials::Bearer);
    let grant = oauth.client_id.is_some().then(|| oauth.credentials(None)).transpose()?;
    let main = match token.or_else(|| grant.clone()) {
        Some(credentials) => credentials,
        None => oauth.credentials(None)?,
    };
    Ok((client(main)?, grant.map(client).transpose()?))
}

/// A short name for this run, out of its time.
fn run_name(clock: &Clock) -> String {
    format!("{:x}", clock.now().as_millisecond())
}

fn told(out: &mut (dyn Write + Send), words: &str, exit: Exit) -> Exit {
    match writeln!(out, "{words}") {
        Ok(()) => exit,
        Err(_) => Exit::Files,
    }
}

fn written(result: std::io::Result<()>) -> Exit {
    if result.is_ok() { Exit::Success } else { Exit::Files }
}
