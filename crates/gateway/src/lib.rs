//! The binary `juno`: settings, tenant routing, listeners, logging, shutdown, command line. The only reader of files,
//! environment, signals and the clock.

mod access_log;
mod answer;
mod cli;
mod clock;
mod command;
mod connections;
mod credentials;
mod duration;
mod host;
mod logging;
mod lookups;
mod loopback;
mod metrics;
mod oauth;
mod origin;
mod purge;
mod routing;
mod serve;
mod settings;
mod size;
mod steady_clock;
mod trial;
mod unread;
mod user_names;

use answer::{Answer, CommandError};
use clap::Parser;
use cli::{Cli, Command, ConfigCommand};
use settings::{Environment, Settings};
use std::process::ExitCode;

/// Runs the command line of this process. Exit codes: 0 done, 1 failed, 2 wrong command line or settings.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = execute(&cli);
    answer::print(outcome, cli.json)
}

fn execute(cli: &Cli) -> Result<Option<Answer>, CommandError> {
    let settings = || settings(cli);
    match &cli.command {
        Command::Config(ConfigCommand::Check) => Ok(Some(command::config::check(&settings()?))),
        Command::Serve(serve) => serve::serve(&settings()?, serve, cli.json).map(|()| None),
        Command::Migrate => command::migrate(&settings()?).map(Some),
        Command::Operators(command) => command::run(&cli.way, command, settings).map(Some),
    }
}

/// The settings of this machine; from then on it is logged as they say.
fn settings(cli: &Cli) -> Result<Settings, CommandError> {
    // Variables that are not UTF-8 cannot be ours.
    let environment: Environment = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = Settings::load(cli.config.as_deref(), environment).map_err(CommandError::Settings)?;
    logging::start(&settings.log);
    Ok(settings)
}
