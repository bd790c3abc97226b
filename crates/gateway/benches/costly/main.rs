//! What five gentle tenants feel of one that sends costly requests: the shapes of `tests/neighbours`, at default settings.
//!
//! For each shape the five first ask without it, then beside it, in the same run. A gentle tenant sends ten requests a
//! second: create, read, match, PATCH, delete. What is judged is their 99th percentile beside the shape: at most five
//! times that without it, or 100 ms. On SQLite one atomic change holds the only write lock; writes wait for it once.
//!
//! `cargo bench -p gateway --bench costly -- [sqlite|postgres] [shape]…`. Prints Markdown (`docs/PERFORMANCE.md`).
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::panic, reason = "a benchmark")]
#![expect(dead_code, reason = "the tests use more of what they share")]

#[path = "../../tests/raw.rs"]
mod raw;
#[path = "../../tests/world/mod.rs"]
mod world;

#[path = "../../tests/neighbours/shapes.rs"]
mod shapes;

/// What the hostile tenant has.
pub(crate) struct Victim {
    pub(crate) users: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) wide: String,
}

use serde_json::json;
use shapes::{SHAPES, Shape};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use test_support::Backend;
use world::{Tenant, World};

/// The shapes are as large as the limits let through.
const PART: usize = 1;
/// Gentle tenants.
const GENTLE: usize = 5;
/// Time between two requests of a gentle tenant.
const APART: Duration = Duration::from_millis(100);
/// Requests of each gentle tenant in one measurement: with those of the others, 600 samples.
const REQUESTS: usize = 120;
/// Clients of the hostile tenant.
const CLIENTS: usize = 16;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let names = |backend: Backend| if matches!(backend, Backend::Sqlite) { "sqlite" } else { "postgres" };
    let chosen: Vec<Backend> =
        Backend::ALL.into_iter().filter(|backend| words.iter().any(|word| word == names(*backend))).collect();
    let backends = if chosen.is_empty() { Backend::ALL.to_vec() } else { chosen };
    println!(
        "| database | shape | p50 ms alone | p99 ms alone | p50 ms beside | p99 ms beside | failed | the hostile one's answers | |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for backend in backends {
        let is_chosen = |shape: &&Shape| {
            let shapes: Vec<&String> =
                words.iter().filter(|word| *word != "sqlite" && *word != "postgres").collect();
            shapes.is_empty() || shapes.iter().any(|word| shape.name.contains(word.as_str()))
        };
        let world = World::start(backend);
        let (hostile, gentle) =
            (world.tenant("hostile"), (0..GENTLE).map(|n| world.tenant(&format!("gentle{n}"))));
        let gentle: Vec<Tenant<'_>> = gentle.collect();
        let victim = shapes::prepare(&hostile);
        for shape in SHAPES.iter().filter(is_chosen) {
            measure(&world, names(backend), shape, &hostile, &victim, &gentle);
        }
    }
}

/// What the gentle tenants felt: how long each request took, and how many failed.
#[derive(Default)]
struct Felt {
    times: Vec<Duration>,
    failed: usize,
}

impl Felt {
    fn percentile(&mut self, part: f64) -> f64 {
        self.times.sort();
        let last = self.times.len().saturating_sub(1);
        let place = (last as f64 * part).round() as usize;
        self.times.get(place).map_or(0.0, Duration::as_secs_f64) * 1000.0
    }
}

fn measure(
    world: &World,
    database: &str,
    shape: &Shape,
    hostile: &Tenant<'_>,
    victim: &Victim,
    gentle: &[Tenant<'_>],
) {
    let mut alone = ask(gentle, &format!("{}-alone", shape.name));
    let is_done = AtomicBool::new(false);
    let (mut beside, answers) = thread::scope(|scope| {
        let is_done = &is_done;
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| scope.spawn(move || attack(world, shape, hostile, victim, client, is_done)))
            .collect();
        let beside = ask(gentle, &format!("{}-beside", shape.name));
        is_done.store(true, Ordering::Release);
        let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
        clients
            .into_iter()
            .flat_map(|client| client.join().expect("a client"))
            .for_each(|status| *answers.entry(status).or_default() += 1);
        (beside, answers)
    });
    let (p99, limit) = (beside.percentile(0.99), (5.0 * alone.percentile(0.99)).max(100.0));
    let verdict = if p99 <= limit && beside.failed == 0 { "" } else { "**missed**" };
    println!(
        "| {database} | {} | {:.2} | {:.2} | {:.2} | {p99:.2} | {} | {answers:?} | {verdict} |",
        shape.name,
        alone.percentile(0.5),
        alone.percentile(0.99),
        beside.percentile(0.5),
        alone.failed + beside.failed,
    );
    eprintln!("{database} {}: {} MB at most", shape.name, world.gateway.peak_memory() >> 20);
}

fn attack(
    world: &World,
    shape: &Shape,
    hostile: &Tenant<'_>,
    victim: &Victim,
    client: usize,
    is_done: &AtomicBool,
) -> Vec<u16> {
    let mut statuses = Vec::new();
    while !is_done.load(Ordering::Acquire) {
        let answer = (shape.send)(world, hostile, victim, client + CLIENTS * statuses.len());
        statuses.push(answer.map_or(0, |answer| answer.status));
    }
    statuses
}

/// All gentle tenants ask, each by the clock: the time counts from when a request was due.
fn ask(gentle: &[Tenant<'_>], name: &str) -> Felt {
    let began = Instant::now();
    thread::scope(|scope| {
        let tenants: Vec<_> =
            gentle.iter().map(|tenant| scope.spawn(move || ask_one(tenant, name, began))).collect();
        tenants.into_iter().map(|tenant| tenant.join().expect("a tenant")).fold(
            Felt::default(),
            |mut all, one| {
                all.times.extend(one.times);
                all.failed += one.failed;
                all
            },
        )
    })
}

fn ask_one(tenant: &Tenant<'_>, name: &str, began: Instant) -> Felt {
    let (mut felt, mut id) = (Felt::default(), String::new());
    for n in 0..REQUESTS {
        let due = began + APART * u32::try_from(n).unwrap_or(u32::MAX);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let path = format!("/Users/{id}");
        let answer = match n % 5 {
            0 => {
                let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                    "userName": format!("{name}-{n}@example.com")});
                tenant.try_send("POST", "/Users", Some(&user))
            }
            1 => tenant.try_send("GET", &path, None),
            2 => tenant.try_send(
                "GET",
                &format!("/Users?filter=userName%20eq%20%22{name}-{}%40example.com%22", n - 2),
                None,
            ),
            3 => {
                let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
                tenant.try_send("PATCH", &path, Some(&patch))
            }
            _ => tenant.try_send("DELETE", &path, None),
        };
        felt.times.push(due.elapsed());
        let is_served = answer.as_ref().is_some_and(|answer| (200..300).contains(&answer.status));
        felt.failed += usize::from(!is_served);
        if let (0, Some(answer)) = (n % 5, answer) {
            answer.json["id"].as_str().unwrap_or_default().clone_into(&mut id);
        }
    }
    felt
}
