//! Many tenants at once, by the clock: does each get its 25 requests a second, and how much does it feel a neighbour that
//! sends twenty times as much? A machine with more to do is slower whoever sends it, so the same load spread over all
//! tenants alike is measured too. The machine's moods last for longer than a round: rounds of the three alternate, each
//! kind is as often first, second and third, and medians are compared. The loud tenant has a swarm of its own: in that of
//! the others it would hold up their requests before they are sent, which is no doing of the gateway.
//!
//! `cargo bench -p gateway --bench neighbours`, after `cargo build --release --bin entra-sim`; `docs/PERFORMANCE.md`
//! explains the table. Prints Markdown.
#![expect(clippy::print_stdout, reason = "a benchmark")]

use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};
use test_support::{Database, Gateway, GatewayOptions, Postgres};

const TENANTS: usize = 100;
/// Requests a second of a tenant: what Microsoft asks for.
const RATE: f64 = 25.0;
/// How long the rate is held at first.
const SECONDS: u32 = 60;
/// How many times its share the loud tenant sends.
const FACTOR: usize = 20;
/// How often each kind of load is measured, a multiple of three, and for how long.
const ROUNDS: usize = 12;
const ROUND_SECONDS: u32 = 10;

fn main() {
    let postgres = Postgres::start(true);
    let database = postgres.fresh_database();
    let gateway = Gateway::start(GatewayOptions {
        binary: env!("CARGO_BIN_EXE_juno").into(),
        database: Database::At(database.clone()),
        // The loud tenant is to be held by the queues alone, not by the last wall.
        settings: [("JUNO__SCIM__RATE_PER_TENANT", "1000"), ("JUNO__LOG__LEVEL", "warn")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    });
    let folder = tempfile::tempdir().expect("folder");
    let [all, others, one] = ["all", "others", "one"].map(|name| folder.path().join(name));
    let tenants = open_tenants(&gateway);
    fs::write(&all, tenants.concat()).expect("a list");
    fs::write(&others, tenants[1..].concat()).expect("a list");
    fs::write(&one, &tenants[0]).expect("a list");

    postgres.run_in(&database);
    println!("| load | requests | failed | unsent | p50 ms | p99 ms | worst tenant's p99 |");
    println!("|---|---|---|---|---|---|---|");
    let held = result(swarm(&all, RATE, SECONDS));
    row(&format!("{TENANTS} tenants x {RATE}/s for {SECONDS} s"), &held);
    let spread = RATE * (TENANTS + FACTOR - 1) as f64 / TENANTS as f64;
    // The rate of the others, and that of the one.
    let kinds = [
        (format!("{} of {TENANTS} x {RATE}/s", TENANTS - 1), RATE, RATE),
        (format!("{} of {TENANTS} x {spread}/s", TENANTS - 1), spread, spread),
        (format!("one of {TENANTS} sends {FACTOR} times its share: the others"), RATE, RATE * FACTOR as f64),
    ];
    let mut p99s: [Vec<f64>; 3] = Default::default();
    for round in 0..ROUNDS {
        postgres.query(&database, "CHECKPOINT");
        for place in 0..kinds.len() {
            let kind = (round + place) % kinds.len();
            let (name, rate, rate_of_one) = &kinds[kind];
            // The one is ready sooner and goes on for longer.
            let of_one = swarm(&one, *rate_of_one, ROUND_SECONDS + 3);
            let outcome = result(swarm(&others, *rate, ROUND_SECONDS));
            assert_eq!(result(of_one)["failed"], 0, "the one is served as well");
            row(&format!("{name}, {ROUND_SECONDS} s"), &outcome);
            p99s[kind].push(number(&outcome["latency"]["p99"]));
        }
    }
    for ((name, ..), p99s) in kinds.iter().zip(&mut p99s) {
        p99s.sort_by(f64::total_cmp);
        println!("\n{name}: p99 of the rounds, in ms: {p99s:.2?}");
    }
    let [alike, more, neighbour] = p99s.map(|sorted| median(&sorted));
    let percent = |new: f64, old: f64| (new / old - 1.0) * 100.0;
    println!();
    println!(
        "Median p99: {alike:.2} ms; with the load of the loud one spread over all {more:.2} ms; with the loud one {neighbour:.2} ms."
    );
    println!(
        "The loud neighbour moves the others' p99 by {:.1} % (goal: under 10 %),",
        percent(neighbour, alike)
    );
    println!("and by {:.1} % against the same load spread over all.", percent(neighbour, more));
    println!(
        "The swarm's own cost: {:.0} us of CPU a request.",
        number(&held["ownCost"]["cpuMicrosecondsPerRequest"])
    );
    println!("Peak memory of the gateway: {} MB.", gateway.peak_memory() / 1_000_000);
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// Opens the tenants; each as a swarm's list has it.
fn open_tenants(gateway: &Gateway) -> Vec<String> {
    let open = |n| {
        let opened = gateway.juno(&["tenant", "create", &format!("tenant{n}")]);
        let text = |key: &str| opened[key].as_str().expect("text").to_owned();
        let (url, token) = (text("tenant_url"), text("secret_token"));
        format!("[[tenant]]\nname = \"tenant{n}\"\ntenant_url = \"{url}\"\nsecret_token = \"{token}\"\n")
    };
    (0..TENANTS).map(open).collect()
}

fn swarm(tenants: &Path, rate: f64, seconds: u32) -> Child {
    let binary = Path::new(env!("CARGO_BIN_EXE_juno")).with_file_name("entra-sim");
    let mut command = Command::new(&binary);
    command
        .args([
            "swarm",
            "--json",
            "--rate",
            &rate.to_string(),
            "--duration",
            &seconds.to_string(),
            "--tenants",
        ])
        .arg(tenants)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().expect("target/release/entra-sim runs: build it first")
}

fn result(swarm: Child) -> Value {
    let output = swarm.wait_with_output().expect("the swarm ends");
    serde_json::from_slice(&output.stdout).expect("the swarm's result")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn row(name: &str, outcome: &Value) {
    let (latency, fairness) = (&outcome["latency"], &outcome["fairness"]);
    println!(
        "| {name} | {} | {} | {} | {:.2} | {:.2} | {:.2} |",
        outcome["requests"],
        outcome["failed"],
        outcome["unsent"],
        number(&latency["p50"]),
        number(&latency["p99"]),
        number(&fairness["worstP99"]),
    );
}
