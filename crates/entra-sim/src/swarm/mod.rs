//! Load: many tenants at once, each with Entra's mix of requests, by the clock and not by the server's leisure.

mod alarm;
pub(crate) mod connection;
mod cost;
mod lane;
mod live;
mod mix;
mod pace;
mod record;
mod report;
mod requests;
mod stage;
mod windows;

pub use mix::{Mix, Operation};
pub use pace::Until;
pub use report::{Fairness, Outcome, OwnCost, Percentiles, TenantResult};
pub use windows::Window;

use crate::clock::Clock;
use crate::exit::Exit;
use crate::http::Client;
use crate::tenants::TenantList;
use cost::Cost;
use lane::Lane;
use live::Live;
use pace::Pace;
use stage::{Common, Part};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use windows::Windows;

/// What `entra-sim swarm` is asked to do.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The tenants that take part.
    #[command(flatten)]
    pub tenants: TenantList,
    /// Requests a second of each tenant; 0: as fast as it may
    #[arg(long, default_value_t = 25.0, value_parser = rate)]
    pub rate: f64,
    /// How long, in seconds
    #[arg(long, default_value_t = 60.0, value_parser = seconds)]
    pub duration: f64,
    /// So many requests of each tenant, instead of a time
    #[arg(long, conflicts_with = "duration")]
    pub count: Option<u64>,
    /// Weights of match, create, get, patch and members
    #[arg(long, default_value_t = Mix::default())]
    pub mix: Mix,
    /// Multiply the rate of one tenant: a noisy neighbour; repeatable
    #[arg(long, value_name = "TENANT=FACTOR", value_parser = loud)]
    pub loud: Vec<(String, f64)>,
    /// Most connections of each tenant
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub connections: u16,
    /// Threads that send
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: u16,
    /// Users of each tenant that are made before the load
    #[arg(long, default_value_t = 10)]
    pub users: u64,
    /// Seed of the order of requests
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Report each window of so many seconds by itself too, 3600 of them at most
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub window: Option<f64>,
    /// Leave what was made on the server
    #[arg(long)]
    pub keep: bool,
    /// Write the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the result as JSON to this file too
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1e6)
}

fn seconds(text: &str) -> Result<f64, String> {
    number(text, 0.001..=86_400.0)
}

fn loud(text: &str) -> Result<(String, f64), String> {
    let (tenant, factor) = text.rsplit_once('=').ok_or("TENANT=FACTOR is wanted")?;
    Ok((tenant.to_owned(), number(factor, 0.001..=1e4)?))
}

fn number(text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("a number from {} to {} is wanted", range.start(), range.end()))
}

/// A load that is to be run.
pub struct Plan {
    /// The tenants: name and client.
    pub tenants: Vec<(String, Client)>,
    /// Requests a second of each; `None`: as fast as it may.
    pub rate: Option<f64>,
    /// When it ends.
    pub until: Until,
    /// What is asked for.
    pub mix: Mix,
    /// Factors by which the rates of some tenants are multiplied.
    pub loud: Vec<(String, f64)>,
    /// Most connections of each tenant.
    pub connections: usize,
    /// Threads that send.
    pub threads: usize,
    /// Users of each tenant that are made beforehand.
    pub users: u64,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// Seed of the order of requests.
    pub seed: u64,
    /// How long the windows are that are reported by themselves.
    pub window: Option<Duration>,
    /// Whether what was made stays.
    pub keep: bool,
    /// Begins the name of every object.
    pub tag: String,
    /// Tells when it began.
    pub clock: Clock,
}

/// Runs the load and writes its result to `out`.
pub async fn run(options: Options, clock: Clock, out: &mut (dyn Write + Send)) -> Exit {
    let clients = match options.tenants.clients(&clock) {
        Ok(clients) => clients,
        Err(error) => return told(out, &error.to_string(), Exit::from(&error)),
    };
    let tenants: Vec<_> = clients.into_iter().map(|(tenant, client)| (tenant.name, client)).collect();
    if let Some((stranger, _)) =
        options.loud.iter().find(|(loud, _)| tenants.iter().all(|(name, _)| name != loud))
    {
        let names: Vec<_> = tenants.iter().map(|(name, _)| name.as_str()).collect();
        return told(
            out,
            &format!("--loud: no tenant is called {stranger}; there are {}", names.join(", ")),
            Exit::Usage,
        );
    }
    if !options.loud.is_empty() && options.rate <= 0.0 {
        return told(out, "--loud multiplies a rate, so --rate must be above 0", Exit::Usage);
    }
    let plan = Plan {
        tenants,
        rate: (options.rate > 0.0).then_some(options.rate),
        until: options
            .count
            .map_or_else(|| Until::Time(Duration::from_secs_f64(options.duration)), Until::Count),
        mix: options.mix,
        loud: options.loud,
        connections: usize::from(options.connections),
        threads: usize::from(options.threads),
        users: options.users,
        timeout: Duration::from_secs(options.tenants.behaviour.timeout.max(1)),
        seed: options.seed,
        window: options.window.map(Duration::from_secs_f64),
        keep: options.keep,
        tag: format!("swarm-{:x}", clock.now().as_millisecond()),
        clock,
    };
    let (outcome, left) = match load(plan).await {
        Ok(done) => done,
        Err(why) => return told(out, &why, Exit::Connection),
    };
    let json = serde_json::to_string_pretty(&outcome).unwrap_or_default();
    if let Some(path) = &options.report
        && let Err(error) = std::fs::write(path, &json)
    {
        return told(out, &format!("{}: {error}", path.display()), Exit::Files);
    }
    let clean = if outcome.is_clean() { Exit::Success } else { Exit::Failures };
    let text = if options.json { json } else { outcome.to_string() };
    match told(out, &text, clean) {
        exit if left > 0 && !options.json => {
            told(out, &format!("{left} objects could not be removed again"), exit)
        }
        exit => exit,
    }
}

/// Carries out a load: prepares the tenants, sends by the clock, clears up. The result, and how many objects it could not
/// remove again.
///
/// # Errors
/// A sentence, when a tenant cannot be prepared or the system gives no thread.
pub async fn load(plan: Plan) -> Result<(Outcome, usize), String> {
    let Plan {
        tenants,
        rate,
        until,
        mix,
        loud,
        connections,
        threads,
        users,
        timeout,
        seed,
        window,
        keep,
        tag,
        clock,
    } = plan;
    let count = tenants.len();
    let part = |(nth, (name, client)): (usize, (String, Client))| {
        let factor = loud.iter().find(|(loud, _)| *loud == name).map_or(1.0, |(_, factor)| *factor);
        let phase = nth as f64 / count as f64;
        let until = match until {
            // A count is of a quiet tenant; a loud one sends its factor more in the same time.
            Until::Count(count) if rate.is_some() => Until::Count((count as f64 * factor).round() as u64),
            until => until,
        };
        // The true start is set when all are ready.
        let pace = Pace { start: Instant::now(), rate: rate.map(|rate| rate * factor), phase, until };
        Part { name, client, factor, pace, seed: seed.wrapping_add(nth as u64) }
    };
    let parts = tenants.into_iter().enumerate().map(part).collect();
    let ready = stage::prepare(parts, &Common { tag, mix, users, timeout }).await?;
    let (mut lanes, leftovers): (Vec<_>, Vec<_>) = ready.into_iter().map(stage::Ready::split).unzip();
    let windows = window.map(|length| Arc::new(Windows::new(length)));
    let (start, started_at) = (Instant::now() + SETTLE, clock.now() + SETTLE);
    for lane in &mut lanes {
        lane.pace.start = start;
        lane.windows.clone_from(&windows);
    }
    let lanes: Vec<_> = lanes.into_iter().map(Arc::new).collect();
    let before = Cost::now();
    send(&lanes, connections, threads, start).await?;
    let windows = windows.map(|windows| windows.results());
    let outcome = Outcome::of(&lanes, started_at, start.elapsed(), windows, Cost::now().since(before));
    let mut left = 0;
    if !keep {
        for (lane, leftover) in lanes.iter().zip(&leftovers) {
            let created = std::mem::take(&mut lane.state().created);
            left += leftover.clear(&created).await;
        }
    }
    Ok((outcome, left))
}

/// Between the start of the threads and the first request.
const SETTLE: Duration = Duration::from_millis(50);

/// Runs the lanes on threads of their own, and shows on a terminal how it goes.
async fn send(lanes: &[Arc<Lane>], connections: usize, threads: usize, start: Instant) -> Result<(), String> {
    let threads = threads.clamp(1, lanes.len().max(1));
    let share = |nth: usize| lanes.iter().skip(nth).step_by(threads).cloned().collect::<Vec<_>>();
    let running: Vec<_> = (0..threads)
        .map(|nth| {
            let lanes = share(nth);
            tokio::task::spawn_blocking(move || lane::run(lanes, connections))
        })
        .collect();
    let mut done = futures_util::future::try_join_all(running);
    let (mut live, mut ticks) = (Live::new(), tokio::time::interval(live::PERIOD));
    let results = loop {
        tokio::select! {
            results = &mut done => break results,
            _ = ticks.tick() => live.draw(lanes, start.elapsed()),
        }
    };
    live.clear();
    let results = results.map_err(|error| error.to_string())?;
    results.into_iter().collect::<std::io::Result<()>>().map_err(|error| error.to_string())
}

fn told(out: &mut (dyn Write + Send), words: &str, exit: Exit) -> Exit {
    match writeln!(out, "{words}") {
        Ok(()) => exit,
        Err(_) => Exit::Files,
    }
}
