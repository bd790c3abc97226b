//! Many tenants at once, by the clock: does each get its 25 requests a second, and how much does it feel a neighbour that
//! sends twenty times as much? A machine with more to do is slower whoever sends it, so as much more, spread over all
//! tenants alike, is measured too.
//!
//! A machine's moods last for seconds, so the three are compared within each round: the others send without a break while a
//! second swarm (in that of the others the loud tenant would hold up their requests before they are sent) plays the three
//! in turn, and what the others felt is read from the seconds in which one of them was at work. Each is as often first as
//! last, and as often behind one as behind the other. Of the rounds' ratios the median is told, and how sure it is.
//!
//! `cargo bench -p gateway --bench neighbours`, after `cargo build --release --bin entra-sim`; numbers behind `--` are
//! another rate than 25 and another number of rounds. `docs/PERFORMANCE.md` explains the table. Prints Markdown.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark")]

use scim::Timestamp;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use test_support::{Database, Gateway, GatewayOptions, Postgres};

const TENANTS: usize = 100;
/// Requests a second of a tenant: what Microsoft asks for.
const RATE: f64 = 25.0;
/// How long the rate is held at first.
const SECONDS: u32 = 60;
/// How many times its share the loud tenant sends.
const FACTOR: f64 = 20.0;
/// How often each kind of load is measured, best a multiple of six, and for how many seconds.
const ROUNDS: usize = 18;
const PHASE: u32 = 6;
/// Seconds in which a swarm makes its users, at most.
const PREPARED: u32 = 3;
/// Milliseconds at the beginning of a phase that are not counted: connections are made.
const SETTLED: i64 = 300;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<f64>().ok());
    let rate = numbers.next().unwrap_or(RATE);
    let rounds = numbers.next().map_or(ROUNDS, |rounds| rounds.clamp(6.0, 1000.0) as usize);
    let postgres = Postgres::start(true);
    let database = postgres.fresh_database();
    let gateway = Gateway::start(GatewayOptions {
        binary: env!("CARGO_BIN_EXE_juno").into(),
        database: Database::At(database.clone()),
        settings: vec![("JUNO__LOG__LEVEL".to_owned(), "warn".to_owned())],
    });
    let folder = tempfile::tempdir().expect("folder");
    let tenants = open_tenants(&gateway);
    let list = |name: &str, tenants: &[String]| {
        let path = folder.path().join(name);
        fs::write(&path, tenants.concat()).expect("a list");
        path
    };
    let (all, one) = (list("all", &tenants), list("one", &tenants[..1]));
    let others = list("others", &tenants[1..]);

    postgres.run_in(&database);
    println!("| load | requests | failed | unsent | p50 ms | p99 ms | worst tenant's p99 |");
    println!("|---|---|---|---|---|---|---|");
    let held = result(swarm(&all, rate, SECONDS));
    row(&format!("{TENANTS} tenants x {rate}/s for {SECONDS} s"), &held);
    let mut kinds = [
        Kind::new("all alike", &one, rate),
        Kind::new("one sends 20 times its share", &one, rate * FACTOR),
        Kind::new("as much, spread over all", &all, rate * FACTOR / TENANTS as f64),
    ];
    for round in 0..rounds {
        postgres.query(&database, "CHECKPOINT");
        measure(&mut kinds, round, &others, rate);
        let last: Vec<_> = kinds.iter().filter_map(|kind| kind.p99s.last()).collect();
        eprintln!("round {} of {rounds}, p99 of the others in ms: {last:.2?}", round + 1);
    }
    report(&kinds);
    println!(
        "\nThe swarm's own cost: {:.0} us of CPU a request.",
        number(&held["ownCost"]["cpuMicrosecondsPerRequest"])
    );
    println!("Peak memory of the gateway: {} MB.", gateway.peak_memory() / 1_000_000);
}

/// A kind of load, and what the others felt meanwhile.
struct Kind<'a> {
    name: &'static str,
    /// Who sends beside the others, and how much a second each.
    list: &'a Path,
    rate: f64,
    /// How much of it was served, how much refused, and how much not sent, since it was held up for too long.
    served: u64,
    refused: u64,
    unsent: u64,
    /// Of the others in each round: the median of its seconds, in milliseconds.
    p50s: Vec<f64>,
    p99s: Vec<f64>,
}

impl Kind<'_> {
    fn new<'a>(name: &'static str, list: &'a Path, rate: f64) -> Kind<'a> {
        Kind { name, list, rate, served: 0, refused: 0, unsent: 0, p50s: Vec::new(), p99s: Vec::new() }
    }
}

/// One round: the others send, the three kinds of load come in turn.
fn measure(kinds: &mut [Kind], round: usize, others: &Path, rate: f64) {
    let seconds = kinds.len() as u32 * (PHASE + PREPARED) + PREPARED;
    let of_others = swarm(others, rate, seconds);
    thread::sleep(Duration::from_secs(PREPARED.into()));
    let phases: Vec<_> = (0..kinds.len())
        .map(|place| {
            // In three rounds one way round, in three the other.
            let nth = (round + place * (1 + round / kinds.len() % 2)) % kinds.len();
            (nth, result(swarm(kinds[nth].list, kinds[nth].rate, PHASE)))
        })
        .collect();
    let of_others = result(of_others);
    assert_eq!(of_others["failed"], 0, "the others are served: {}", of_others["errors"]);
    for (nth, phase) in phases {
        let kind = &mut kinds[nth];
        let count = |key: &str| phase[key].as_u64().expect("a number");
        let failed = count("failed");
        kind.served += count("requests") - failed;
        kind.refused += failed;
        kind.unsent += count("unsent");
        assert_eq!(
            phase["errors"]["429"].as_u64().unwrap_or(0),
            failed,
            "{}: {}",
            kind.name,
            phase["errors"]
        );
        let seconds = seconds_within(&of_others, &phase);
        let of = |key: &str| median(seconds.iter().map(|window| number(&window["latency"][key])));
        kind.p50s.push(of("p50"));
        kind.p99s.push(of("p99"));
    }
}

/// The whole seconds of the others' load in which that of the phase was at work.
fn seconds_within<'a>(of_others: &'a Value, phase: &Value) -> Vec<&'a Value> {
    let started =
        |outcome: &Value| Timestamp::parse(outcome["startedAt"].as_str().expect("text")).expect("a time").0;
    let milliseconds = |seconds: &Value| (number(seconds) * 1000.0) as i64;
    let from = started(phase) + SETTLED;
    // A loud one that is held up sends what is late for longer.
    let until = started(phase) + milliseconds(&phase["seconds"]).min(i64::from(PHASE) * 1000);
    let is_within = |window: &&Value| {
        let begins = started(of_others) + milliseconds(&window["from"]);
        from <= begins && begins + 1000 <= until
    };
    let windows: Vec<_> =
        of_others["windows"].as_array().expect("windows").iter().filter(is_within).collect();
    assert!(
        windows.len() + 2 >= PHASE as usize,
        "the phase lies within the load of the others: {}",
        windows.len()
    );
    windows
}

fn report(kinds: &[Kind]) {
    for kind in kinds {
        println!("\n{}: p99 of the others in each round, in ms: {:.2?}", kind.name, kind.p99s);
    }
    println!(
        "\n| beside 99 tenants | served | refused | not sent | others' p50 ms | others' p99 ms | p99 against all alike | 95 % sure |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let alike = &kinds[0];
    for kind in kinds {
        let mut ratios: Vec<_> =
            kind.p99s.iter().zip(&alike.p99s).map(|(p99, alike)| (p99 / alike - 1.0) * 100.0).collect();
        ratios.sort_by(f64::total_cmp);
        let least = surely_below_the_middle(ratios.len());
        println!(
            "| {} | {} | {} | {} | {:.2} | {:.2} | {:+.1} % | {:+.1} to {:+.1} % |",
            kind.name,
            kind.served,
            kind.refused,
            kind.unsent,
            median(kind.p50s.iter().copied()),
            median(kind.p99s.iter().copied()),
            median(ratios.iter().copied()),
            ratios[least],
            ratios[ratios.len() - 1 - least],
        );
    }
}

/// Of so many values in the order of size, one below which the middle of all that could be measured is not, and as far from
/// the end one above which it is not, with 95 % certainty: a value is as often below as above, as a coin falls.
fn surely_below_the_middle(values: usize) -> usize {
    let mut heads = 0.5_f64.powi(values as i32);
    let (mut chance, mut count) = (heads, 0);
    while chance <= 0.025 {
        count += 1;
        heads *= (values - count + 1) as f64 / count as f64;
        chance += heads;
    }
    count.saturating_sub(1)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_by(f64::total_cmp);
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

fn swarm(list: &Path, rate: f64, seconds: u32) -> Child {
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
            "--window",
            "1",
            "--keep",
            "--timeout",
            "2",
            "--tenants",
        ])
        .arg(list)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().expect("target/release/entra-sim runs: build it first")
}

fn result(swarm: Child) -> Value {
    let output = swarm.wait_with_output().expect("the swarm ends");
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&said).expect(&said)
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
