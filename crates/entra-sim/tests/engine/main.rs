//! The engine against a small stand-in SCIM server: what it sends, in which order, and what it makes of answers.

mod commands;
mod credentials;
mod cycles;
mod directories;
mod flows;
mod jobs;
mod mails;
mod requests;
mod standin;
mod troubles;

use entra_sim::clock::Clock;
use entra_sim::cycle::{CycleReport, Engine, Silent, State};
use entra_sim::directory::Directory;
use entra_sim::directory::changes::Script;
use entra_sim::http::{Client, Credentials, FaultRule, Settings};
use entra_sim::job::Job;
use entra_sim::report::log::{ObjectSummary, Status};
use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use standin::{Standin, TOKEN};

/// A stand-in, an engine and the small directory of the fixtures.
struct Bench {
    server: Standin,
    engine: Engine,
    directory: Directory,
    clock: Clock,
}

fn start() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().expect("a moment")
}

fn directory() -> Directory {
    Directory::from_json(include_str!("../fixtures/directory.json")).expect("the fixture is valid")
}

/// One request at a time unless the job says otherwise: the stand-in numbers what it makes in the order of arrival.
fn job(toml: &str) -> Job {
    let one = if toml.contains("concurrency") { "" } else { "concurrency = 1\n" };
    Job::from_toml(&format!("{one}{toml}")).expect("the job is valid")
}

fn client(server: &Standin, query: &str, token: &str, faults: &[&str], clock: &Clock) -> Client {
    let faults: Vec<FaultRule> = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
    let settings = Settings { faults, ..Settings::default() };
    let url = format!("{}{query}", server.url).parse().expect("a Tenant URL");
    Client::new(url, Credentials::Bearer(token.into()), settings, clock.clone()).expect("a client")
}

impl Bench {
    fn new(toml: &str) -> Self {
        Self::with(toml, "", &[])
    }

    fn with(toml: &str, query: &str, faults: &[&str]) -> Self {
        let (server, clock) = (Standin::start(), Clock::standing(start()));
        let client = client(&server, query, TOKEN, faults, &clock);
        let engine = Engine::new(job(toml), client, State::default(), ChaCha8Rng::seed_from_u64(1));
        Self { server, engine, directory: directory(), clock }
    }

    /// The same server and directory with another job or client, and what the old engine remembers.
    fn again(self, toml: &str, token: &str, faults: &[&str]) -> Self {
        let client = client(&self.server, "", token, faults, &self.clock);
        let state = self.engine.state().clone();
        let engine = Engine::new(job(toml), client, state, ChaCha8Rng::seed_from_u64(2));
        Self { engine, ..self }
    }

    async fn cycle(&mut self) -> CycleReport {
        self.engine.cycle(&self.directory, &Silent).await
    }

    /// Waits for the next cycle, lets the changes happen, and runs it.
    async fn next(&mut self, changes: &str) -> CycleReport {
        self.clock.advance(SignedDuration::from_mins(40));
        self.change(changes);
        self.cycle().await
    }

    fn change(&mut self, changes: &str) {
        let script = Script::from_toml(&format!("[[cycle]]\nchange = [{changes}]")).expect("a script");
        let mut random = ChaCha8Rng::seed_from_u64(3);
        for step in &script.cycles {
            step.apply(&mut self.directory, &mut random, self.clock.now()).expect("it applies");
        }
    }
}

/// The status and error code of an object in the log of a cycle.
fn logged<'a>(report: &'a CycleReport, name: &str) -> Vec<(Status, Option<&'a str>)> {
    let of =
        |log: &&ObjectSummary| log.source_identity.display_name == name || log.source_identity.id == name;
    let status = |log: &'a ObjectSummary| {
        let info = &log.provisioning_status_info;
        (info.status, info.error_information.as_ref().map(|error| error.error_code.as_str()))
    };
    report.logs.iter().filter(of).map(status).collect()
}
