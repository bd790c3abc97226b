//! Measures what one request costs a client: reqwest against the plain hyper connections of the swarm.
//!
//! `cargo run --release -p entra-sim --example client_cost -- TENANT_URL SECRET_TOKEN [REQUESTS]`, against a server in
//! another process: only this process's processor time is counted.

use entra_sim::clock::Clock;
use entra_sim::connection::Behaviour;
use entra_sim::http::{Credentials, SCIM_JSON, Secret};
use entra_sim::swarm::{Mix, Plan, Until, load};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

/// Connections, or requests at a time, of both clients.
const AT_ONCE: usize = 4;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, token, rest @ ..] = arguments.as_slice() else {
        return Err("TENANT_URL SECRET_TOKEN [REQUESTS]".into());
    };
    let count: usize = rest.first().map_or(Ok(20_000), |count| count.parse())?;
    let clock = Clock::standing(jiff::Timestamp::UNIX_EPOCH);
    let token_of = Credentials::Bearer(Secret::new(token.as_str()));
    let client = Behaviour::default().client(url, token_of, clock.clone())?;
    let plan = Plan {
        tenants: vec![("tenant".to_owned(), client)],
        rate: None,
        until: Until::Count(count as u64),
        mix: "match=1".parse::<Mix>()?,
        loud: Vec::new(),
        connections: AT_ONCE,
        threads: 1,
        users: 1,
        timeout: Duration::from_secs(30),
        seed: 1,
        window: None,
        keep: false,
        tag: "cost".to_owned(),
        clock,
    };
    let mut out = std::io::stdout();
    for _ in 0..3 {
        let through_reqwest = reqwest(url, token, count).await?;
        let (outcome, _) = load(Plan {
            tenants: plan.tenants.clone(),
            loud: Vec::new(),
            tag: plan.tag.clone(),
            clock: plan.clock.clone(),
            ..plan
        })
        .await?;
        let through_swarm = outcome.own_cost.cpu_microseconds_per_request;
        writeln!(out, "reqwest {through_reqwest:.1} µs, swarm {through_swarm:.1} µs of processor a request")?;
    }
    Ok(())
}

/// Microseconds of processor for one matching query through reqwest, with a prebuilt address and headers.
async fn reqwest(url: &str, token: &str, count: usize) -> Result<f64, Box<dyn Error>> {
    let client = reqwest::Client::builder().tcp_nodelay(true).build()?;
    let address =
        reqwest::Url::parse(&format!("{url}/Users?filter=userName+eq+%22nobody%40entra-sim.example%22"))?;
    let before = used()?;
    let one = |share: usize| {
        let (client, address) = (client.clone(), address.clone());
        async move {
            for _ in 0..share {
                let request = client.get(address.clone()).bearer_auth(token).header("accept", SCIM_JSON);
                request.send().await?.bytes().await?;
            }
            Ok::<(), reqwest::Error>(())
        }
    };
    futures_util::future::try_join_all((0..AT_ONCE).map(|_| one(count / AT_ONCE))).await?;
    Ok((used()? - before) as f64 / count as f64)
}

/// Processor time of this process, in microseconds.
fn used() -> nix::Result<i64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
}
