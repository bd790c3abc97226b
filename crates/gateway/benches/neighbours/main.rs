//! Many tenants at once, by the clock: does each get its 25 requests a second, and how much does it feel a neighbour that
//! sends twenty times as much? A machine with more to do is slower whoever sends it, so the same load spread over all
//! tenants alike is measured too; rounds of the three alternate, and medians are compared.
//!
//! `cargo bench -p gateway --bench neighbours`, after `cargo build --release --bin entra-sim`; `docs/PERFORMANCE.md`
//! explains the table. Prints Markdown.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark")]

use serde_json::Value;
use std::{fmt::Write, path::Path, process::Command};
use test_support::{Database, Gateway, GatewayOptions, Postgres};

const TENANTS: usize = 100;
/// Requests a second of a tenant: what Microsoft asks for.
const RATE: f64 = 25.0;
/// How long the rate is held at first.
const SECONDS: u32 = 60;
/// How many times its share the loud tenant sends.
const FACTOR: usize = 20;
/// Each kind of load is measured so often, for so long.
const ROUNDS: usize = 3;
const ROUND_SECONDS: u32 = 20;

fn main() {
    let postgres = Postgres::start(true);
    let gateway = Gateway::start(GatewayOptions {
        binary: env!("CARGO_BIN_EXE_juno").into(),
        database: Database::At(postgres.fresh_database()),
        // The loud tenant is to be held by the queues alone, not by the last wall.
        settings: [("JUNO__SCIM__RATE_PER_TENANT", "1000"), ("JUNO__LOG__LEVEL", "warn")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    });
    let folder = tempfile::tempdir().expect("folder");
    let tenants = folder.path().join("tenants.toml");
    std::fs::write(&tenants, open_tenants(&gateway)).expect("tenants.toml");

    println!("| load | requests | failed | unsent | p50 ms | p99 ms | worst tenant's p99 |");
    println!("|---|---|---|---|---|---|---|");
    let held = swarm(&tenants, RATE, SECONDS, &[]);
    row(&format!("{TENANTS} tenants x {RATE}/s for {SECONDS} s"), &held);
    let spread = RATE * (TENANTS + FACTOR - 1) as f64 / TENANTS as f64;
    let loud = format!("tenant0={FACTOR}");
    let kinds = [
        (format!("{TENANTS} x {RATE}/s"), RATE, vec![]),
        (format!("{TENANTS} x {spread}/s"), spread, vec![]),
        (format!("one of {TENANTS} sends {FACTOR} times its share: the others"), RATE, vec!["--loud", &loud]),
    ];
    let mut p99s: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for ((name, rate, more), p99s) in kinds.iter().zip(&mut p99s) {
            let outcome = swarm(&tenants, *rate, ROUND_SECONDS, more);
            row(&format!("{name}, {ROUND_SECONDS} s"), &outcome);
            p99s.push(number(&outcome["fairness"]["quiet"]["p99"]));
        }
    }
    let [alike, more, neighbour] = p99s.map(median);
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Opens the tenants and lists them for the swarm.
fn open_tenants(gateway: &Gateway) -> String {
    let mut list = String::new();
    for n in 0..TENANTS {
        let opened = gateway.juno(&["tenant", "create", &format!("tenant{n}")]);
        let text = |key: &str| opened[key].as_str().expect("text").to_owned();
        writeln!(
            list,
            "[[tenant]]\nname = \"tenant{n}\"\ntenant_url = \"{}\"\nsecret_token = \"{}\"",
            text("tenant_url"),
            text("secret_token")
        )
        .expect("text");
    }
    list
}

fn swarm(tenants: &Path, rate: f64, seconds: u32, more: &[&str]) -> Value {
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
        .args(more);
    let output = command.output().expect("target/release/entra-sim runs: build it first");
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the swarm's result")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn row(name: &str, outcome: &Value) {
    let (quiet, fairness) = (&outcome["fairness"]["quiet"], &outcome["fairness"]);
    println!(
        "| {name} | {} | {} | {} | {:.2} | {:.2} | {:.2} |",
        outcome["requests"],
        outcome["failed"],
        outcome["unsent"],
        number(&quiet["p50"]),
        number(&quiet["p99"]),
        number(&fairness["worstP99"]),
    );
}
