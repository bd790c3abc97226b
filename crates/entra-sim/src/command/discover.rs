//! `discover`: Account Discovery, with a report.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{CommandError, Output, SourceOptions, concluded};
use crate::accounts::{self, Discovery, DiscoveryError, Paging, Plan};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::exit::Exit;

/// What `entra-sim discover` is asked to do.
#[derive(Debug, clap::Args)]
pub struct DiscoverOptions {
    /// The server and the credential
    #[command(flatten)]
    pub connection: Connection,
    /// Job and directory
    #[command(flatten)]
    pub source: SourceOptions,
    /// How pages are asked for
    #[arg(long, value_enum, default_value_t = Paging::Index)]
    pub paging: Paging,
    /// Users asked for in one page; the server may send fewer
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub page_size: u32,
    /// Read all users twice, and report whom the second reading missed although they were there throughout
    #[arg(long)]
    pub verify: bool,
    /// Write all accounts to this file, as comma-separated values
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// The report with all accounts as JSON
    #[arg(long)]
    pub json: bool,
    /// No progress bar
    #[arg(short, long)]
    pub quiet: bool,
}

/// Runs the command.
pub async fn discover(options: DiscoverOptions, clock: Clock, mut output: Output<'_>) -> Exit {
    let result = execute(&options, clock, &mut output).await;
    concluded(result, &mut output)
}

async fn execute(
    options: &DiscoverOptions,
    clock: Clock,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let job = options.source.job(None)?;
    let directory = options.source.directory(None, options.source.seed, &options.source.domain)?;
    let client = options.connection.client(clock)?;
    let plan = Plan { paging: options.paging, page_size: options.page_size, verify: options.verify };
    let bar = bar(options.quiet);
    let mut show = |page: accounts::PageRead<'_>| {
        bar.set_length(page.total);
        bar.set_position(page.read as u64);
    };
    let discovery = accounts::discover(&client, &directory, &job, plan, &mut show).await;
    bar.finish_and_clear();
    let discovery = discovery?;
    write(options, &discovery, output)?;
    Ok(if discovery.is_complete() { Exit::Success } else { Exit::Failures })
}

fn write(
    options: &DiscoverOptions,
    discovery: &Discovery,
    output: &mut Output<'_>,
) -> Result<(), CommandError> {
    if let Some(path) = &options.csv {
        let mut file = BufWriter::new(File::create(path)?);
        accounts::write_csv(&discovery.accounts, &mut file)?;
        file.flush()?;
    }
    if options.json {
        let mut out = BufWriter::new(&mut *output.out);
        serde_json::to_writer_pretty(&mut out, discovery).map_err(std::io::Error::from)?;
        writeln!(out)?;
        Ok(out.flush()?)
    } else {
        Ok(discovery.write_text(output.out)?)
    }
}

/// A bar on standard error; none if it is not a terminal or `quiet`.
fn bar(quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    if let Ok(style) = ProgressStyle::with_template("[{bar:32}] {percent:>3} %  {pos} of {len} users") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// The exit code of a discovery that came to nothing.
pub(super) fn exit(error: &DiscoveryError) -> Exit {
    let exchange = match error {
        DiscoveryError::Matching(_) => return Exit::Usage,
        DiscoveryError::Walk(error) => error.exchange(),
    };
    match exchange.map(|exchange| exchange.status()) {
        Some(None | Some(401 | 403)) => Exit::Connection,
        Some(Some(_)) | None => Exit::Failures,
    }
}
