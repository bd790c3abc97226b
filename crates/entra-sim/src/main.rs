//! The program `entra-sim`: reads the command line and the clock, runs one command, says how it ended.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use entra_sim::clock::Clock;
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
    /// Microsoft's acceptance tests and the known breakages, one check each
    Check(Box<check::Options>),
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
    let exit = match cli.command {
        Command::Check(options) => check::run(*options, clock, &mut out).await,
        Command::Swarm(options) => swarm::run(*options, clock, &mut out).await,
    };
    exit.into()
}
