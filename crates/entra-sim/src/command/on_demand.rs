//! `on-demand`: provisions one object at once and shows the five steps.

use std::path::PathBuf;

use super::{CommandError, Output, SourceOptions, concluded, seed, source};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::cycle::{Engine, OnDemand, State};
use crate::exit::Exit;

/// What `entra-sim on-demand` is asked to do.
#[derive(Debug, clap::Args)]
pub struct OnDemandOptions {
    /// objectId or userPrincipalName of a user, or objectId or displayName of a group
    pub object: String,
    /// Members of the group to provision with it, at most five; repeatable
    #[arg(long = "member")]
    pub members: Vec<String>,
    /// The server and the credential
    #[command(flatten)]
    pub connection: Connection,
    /// Job and directory
    #[command(flatten)]
    pub source: SourceOptions,
    /// The job's state file, read and written
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub async fn on_demand(options: OnDemandOptions, clock: Clock, mut output: Output<'_>) -> Exit {
    let result = execute(&options, clock, &mut output).await;
    concluded(result, &mut output)
}

async fn execute(
    options: &OnDemandOptions,
    clock: Clock,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let job = options.source.job(None)?;
    let directory = options.source.directory(None, options.source.seed, &options.source.domain)?;
    let state = options.state.as_deref().map_or_else(|| Ok(State::default()), State::load)?;
    let random = source::random(seed(&clock));
    let mut engine = Engine::new(job, options.connection.client(clock)?, state, random);
    let result = engine.on_demand(&directory, &options.object, &options.members).await?;
    if let Some(path) = &options.state {
        engine.state().save(path)?;
    }
    if options.json {
        writeln!(output.out, "{}", serde_json::to_string_pretty(&result).map_err(std::io::Error::from)?)?;
    } else {
        show(&result, output)?;
    }
    Ok(if result.succeeded { Exit::Success } else { Exit::Failures })
}

fn show(result: &OnDemand, output: &mut Output<'_>) -> std::io::Result<()> {
    writeln!(output.out, "scope: {}", result.scope)?;
    for record in &result.records {
        for step in &record.provisioning_steps {
            writeln!(
                output.out,
                "{:?} {:?}: {}",
                step.provisioning_step_type, step.status, step.description
            )?;
        }
        for property in &record.modified_properties {
            let (old, new) = (property.old_value.as_deref(), property.new_value.as_deref());
            writeln!(
                output.out,
                "  {}: {:?} -> {:?}",
                property.display_name,
                old.unwrap_or(""),
                new.unwrap_or("")
            )?;
        }
        if let Some(error) = &record.provisioning_status_info.error_information {
            writeln!(output.out, "  {}: {}", error.error_code, error.reason)?;
        }
    }
    Ok(())
}
