//! The program `entra-sim`: reads the command line and the clock, runs one command, says how it ended.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use entra_sim::clock::Clock;
use entra_sim::command::{
    self, DiscoverOptions, KeySetOptions, OnDemandOptions, Output, RunOptions, TestConnectionOptions,
};
use entra_sim::exit::EXIT_CODES;
use entra_sim::{check, swarm};

/// Behaves like Microsoft Entra's provisioning service towards any SCIM 2.0 server.
#[derive(Debug, Parser)]
#[command(name = "entra-sim", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What Entra's button "Test Connection" does
    TestConnection(Box<TestConnectionOptions>),
    /// Cycles of one or more tenants at once, with changes of the directory between them
    Run(Box<RunOptions>),
    /// Provisions one user or group at once
    OnDemand(Box<OnDemandOptions>),
    /// Account Discovery: reads every user and says who is local, unassigned or assigned
    Discover(Box<DiscoverOptions>),
    /// Microsoft's acceptance tests and the known breakages, one check each
    Check(Box<check::Options>),
    /// The key set (JWKS) that lets a server check assertions signed with `--assertion-key`
    KeySet(KeySetOptions),
    /// Many tenants at once, each with Entra's mix of requests
    Swarm(Box<swarm::Options>),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    #[expect(
        clippy::disallowed_methods,
        reason = "the program reads the clock once; below it, time is a parameter"
    )]
    let clock = Clock::real(jiff::Timestamp::now());
    let mut out = std::io::stdout();
    let mut errors = std::io::stderr();
    let exit = match cli.command {
        Command::TestConnection(options) => {
            let output = Output { out: &mut out, errors: &mut errors };
            command::test_connection(*options, clock, output).await
        }
        Command::Run(options) => {
            command::run(*options, clock, Output { out: &mut out, errors: &mut errors }).await
        }
        Command::OnDemand(options) => {
            command::on_demand(*options, clock, Output { out: &mut out, errors: &mut errors }).await
        }
        Command::Discover(options) => {
            command::discover(*options, clock, Output { out: &mut out, errors: &mut errors }).await
        }
        Command::Check(options) => check::run(*options, clock, &mut out).await,
        Command::KeySet(options) => command::key_set(&options, Output { out: &mut out, errors: &mut errors }),
        Command::Swarm(options) => swarm::run(*options, clock, &mut out).await,
    };
    exit.into()
}
