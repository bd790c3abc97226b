//! `test-connection`: what Entra's button does.

use std::path::PathBuf;

use rand::RngExt as _;

use super::{CommandError, Output, concluded, seed, source};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::cycle;
use crate::exit::Exit;
use crate::job::Job;

/// What `entra-sim test-connection` is asked to do.
#[derive(Debug, clap::Args)]
pub struct TestConnectionOptions {
    /// The server and the credential
    #[command(flatten)]
    pub connection: Connection,
    /// Job configuration, for its matching attributes
    #[arg(long, value_name = "FILE")]
    pub job: Option<PathBuf>,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub async fn test_connection(options: TestConnectionOptions, clock: Clock, mut output: Output<'_>) -> Exit {
    let result = execute(&options, clock, &mut output).await;
    concluded(result, &mut output)
}

async fn execute(
    options: &TestConnectionOptions,
    clock: Clock,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let job = options.job.as_deref().map_or_else(|| Ok(Job::default()), Job::load)?;
    let bytes: [u8; 16] = source::random(seed(&clock)).random();
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
    let tests = cycle::test_connection(&options.connection.client(clock)?, &job, &id).await;
    if options.json {
        writeln!(output.out, "{}", serde_json::to_string_pretty(&tests).map_err(std::io::Error::from)?)?;
    } else {
        for test in &tests {
            let milliseconds = test.exchange.duration.as_millis();
            let verdict = if test.passed { "ok" } else { "FAILED" };
            writeln!(output.out, "{:8} {verdict:6} {milliseconds:>5} ms", test.step)?;
            if let (Some(code), Some(reason)) = (&test.error_code, &test.reason) {
                writeln!(output.out, "  {code}: {reason}\n{}", test.exchange.describe(400))?;
            }
        }
    }
    Ok(if tests.iter().all(|test| test.passed) { Exit::Success } else { Exit::Connection })
}
