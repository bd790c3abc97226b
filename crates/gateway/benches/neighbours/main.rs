//! Many tenants at once, by the clock: does each get its 25 requests a second, and how much does it feel a neighbour that
//! sends twenty times as much? Once as the gateway is shipped, which refuses what is beyond `scim.rate_per_tenant`, once
//! where the loud one is served whatever it sends. A machine with more to do is slower whoever sends it, so the same load
//! spread over all tenants alike is measured too. The machine's moods last for longer than a round: rounds of the four
//! alternate, each kind is as often first as last, and medians are compared. The loud tenant has a swarm of its own: in that of
//! the others it would hold up their requests before they are sent, which is no doing of the gateway.
//!
//! `cargo bench -p gateway --bench neighbours`, after `cargo build --release --bin entra-sim`; `docs/PERFORMANCE.md`
//! explains the table. Prints Markdown.
#![expect(clippy::print_stdout, reason = "a benchmark")]

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
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
/// How often each kind of load is measured, a multiple of four, and for how long.
const ROUNDS: usize = 12;
const ROUND_SECONDS: u32 = 10;

fn main() {
    let postgres = Postgres::start(true);
    let database = postgres.fresh_database();
    let start = |settings: &[(&str, &str)]| {
        let settings = [&[("JUNO__LOG__LEVEL", "warn")], settings].concat();
        Gateway::start(GatewayOptions {
            binary: env!("CARGO_BIN_EXE_juno").into(),
            database: Database::At(database.clone()),
            settings: settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        })
    };
    let shipped = start(&[]);
    // Another process on the same database, where the loud tenant is held by the queues alone.
    let unlimited = start(&[("JUNO__SCIM__RATE_PER_TENANT", "1000")]);
    let folder = tempfile::tempdir().expect("folder");
    let tenants = open_tenants(&shipped);
    let at_shipped = Lists::write(&folder.path().join("shipped"), &tenants);
    let elsewhere = |tenant: &String| tenant.replace(shipped.scim(), unlimited.scim());
    let at_unlimited =
        Lists::write(&folder.path().join("unlimited"), &tenants.iter().map(elsewhere).collect::<Vec<_>>());

    postgres.run_in(&database);
    println!("| load | requests | failed | unsent | p50 ms | p99 ms | worst tenant's p99 |");
    println!("|---|---|---|---|---|---|---|");
    let held = result(swarm(&at_shipped.all, RATE, SECONDS));
    row(&format!("{TENANTS} tenants x {RATE}/s for {SECONDS} s"), &held);
    let spread = RATE * (TENANTS + FACTOR - 1) as f64 / TENANTS as f64;
    let loud = RATE * FACTOR as f64;
    let kind =
        |name: String, lists, rate, rate_of_one| Kind { name, lists, rate, rate_of_one, p99s: Vec::new() };
    let loud_name = format!("one of {TENANTS} sends {FACTOR} times its share");
    let mut kinds = [
        kind(format!("{TENANTS} tenants x {RATE}/s"), &at_shipped, RATE, RATE),
        kind(format!("{loud_name}, settings as shipped"), &at_shipped, RATE, loud),
        kind(format!("{loud_name}, and is not refused any"), &at_unlimited, RATE, loud),
        kind(
            format!("{TENANTS} tenants x {spread}/s: as much, spread over all"),
            &at_shipped,
            spread,
            spread,
        ),
    ];
    for round in 0..ROUNDS {
        postgres.query(&database, "CHECKPOINT");
        for place in 0..kinds.len() {
            let nth = (round + place) % kinds.len();
            kinds[nth].measure();
        }
    }
    for kind in &mut kinds {
        kind.p99s.sort_by(f64::total_cmp);
        println!("\n{}: p99 of the others in each round, in ms: {:.2?}", kind.name, kind.p99s);
    }
    let [alike, refused, served, more] = kinds.map(|kind| median(&kind.p99s));
    println!("\n| load | median p99 of the others, ms | against all alike |\n|---|---|---|");
    for (name, p99) in [
        ("all alike", alike),
        ("a loud one, as shipped", refused),
        ("a loud one that is served", served),
        ("as much, spread over all", more),
    ] {
        println!("| {name} | {p99:.2} | {:+.1} % |", (p99 / alike - 1.0) * 100.0);
    }
    println!(
        "\nThe swarm's own cost: {:.0} us of CPU a request.",
        number(&held["ownCost"]["cpuMicrosecondsPerRequest"])
    );
    println!("Peak memory of the gateway: {} MB.", shipped.peak_memory() / 1_000_000);
}

/// The files that say to a swarm who takes part, at one gateway.
struct Lists {
    all: PathBuf,
    others: PathBuf,
    one: PathBuf,
}

impl Lists {
    /// Writes them into this new folder.
    fn write(folder: &Path, tenants: &[String]) -> Lists {
        fs::create_dir(folder).expect("a folder");
        let list = |name: &str, tenants: &[String]| {
            let path = folder.join(name);
            fs::write(&path, tenants.concat()).expect("a list");
            path
        };
        Lists {
            all: list("all", tenants),
            others: list("others", &tenants[1..]),
            one: list("one", &tenants[..1]),
        }
    }
}

/// A kind of load.
struct Kind<'a> {
    name: String,
    lists: &'a Lists,
    /// Requests a second of each of the others, and of the one.
    rate: f64,
    rate_of_one: f64,
    /// What the others felt in each round, in milliseconds.
    p99s: Vec<f64>,
}

impl Kind<'_> {
    fn measure(&mut self) {
        // The one is ready sooner and goes on for longer.
        let of_one = swarm(&self.lists.one, self.rate_of_one, ROUND_SECONDS + 3);
        let of_others = result(swarm(&self.lists.others, self.rate, ROUND_SECONDS));
        assert_eq!(of_others["failed"], 0, "the others are served");
        let of_one = result(of_one);
        row(&format!("{}, {ROUND_SECONDS} s: the others", self.name), &of_others);
        row("the one", &of_one);
        self.p99s.push(number(&of_others["latency"]["p99"]));
    }
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
