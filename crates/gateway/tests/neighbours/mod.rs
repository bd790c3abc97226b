//! Hostile neighbours by cost: one tenant sends requests of one costly shape, as fast as a few clients can, while another
//! asks gently. The gentle one is served, the gateway stays ready, and the hostile one is answered in SCIM's words.

mod shapes;

use crate::world::{Tenant, World, soon};
use serde_json::{Value, json};
use shapes::{SHAPES, Shape};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};
use test_support::{Backend, Response};

/// Clients of the hostile tenant.
const CLIENTS: usize = 8;
/// How often the gentle tenant asks for each of its things while one shape is at work.
const ROUNDS: usize = 2;
/// The shapes are this part of what the limits let through: a debug build is slow.
const PART: usize = 4;
/// The most memory that the gateway may have used at any time, in bytes: a debug build.
const MEMORY: u64 = 900 << 20;

/// What the hostile tenant has.
pub(super) struct Victim {
    /// Users who are in every small group.
    pub(super) users: Vec<String>,
    /// Small groups, each in the next one.
    pub(super) groups: Vec<String>,
    /// A user with an extension as large as it may be.
    pub(super) wide: String,
}

#[test]
fn nobody_feels_a_costly_neighbour_on_sqlite() {
    nobody_feels_a_costly_neighbour(Backend::Sqlite);
}

#[test]
fn nobody_feels_a_costly_neighbour_on_postgres() {
    nobody_feels_a_costly_neighbour(Backend::Postgres);
}

fn nobody_feels_a_costly_neighbour(backend: Backend) {
    let world = World::start(backend);
    let (hostile, gentle) = (world.tenant("hostile"), world.tenant("gentle"));
    let victim = shapes::prepare(&hostile);
    // Its credential is known, as that of every tenant that is at work.
    assert_eq!(gentle.get("/Users?count=1").status, 200);
    for shape in SHAPES {
        beside(&world, shape, &hostile, &victim, &gentle);
    }
    let slow = ["lane=\"slow\""];
    soon("that a client has left", || {
        world.gateway.metric(&world.http, "juno_lane_cancelled_total", &slow) > 0.0
    });
    let peak = world.gateway.peak_memory();
    assert!(peak < MEMORY, "{} MB", peak >> 20);
    let log = world.gateway.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

/// The gentle tenant works while clients of the hostile one send requests of a shape until it is done.
fn beside(world: &World, shape: &Shape, hostile: &Tenant<'_>, victim: &Victim, gentle: &Tenant<'_>) {
    let (is_done, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let answered: usize = thread::scope(|scope| {
        let (is_done, sent) = (&is_done, &sent);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| scope.spawn(move || attack(world, shape, hostile, victim, client, is_done, sent)))
            .collect();
        // Once each client has a request in flight.
        while sent.load(Ordering::Acquire) < CLIENTS as u64 {
            thread::yield_now();
        }
        for round in 0..ROUNDS {
            work(world, shape, gentle, round);
        }
        is_done.store(true, Ordering::Release);
        clients.into_iter().map(|client| client.join().expect("a client")).sum()
    });
    assert!(answered >= CLIENTS, "{}: {answered} requests were answered", shape.name);
}

/// One client of the hostile tenant; how many of its requests came to their end.
fn attack(
    world: &World,
    shape: &Shape,
    hostile: &Tenant<'_>,
    victim: &Victim,
    client: usize,
    is_done: &AtomicBool,
    sent: &AtomicU64,
) -> usize {
    let mut answered = 0;
    while !is_done.load(Ordering::Acquire) {
        sent.fetch_add(1, Ordering::AcqRel);
        if let Some(answer) = (shape.send)(world, hostile, victim, client + CLIENTS * answered) {
            assert_in_words(shape.name, &answer);
        }
        answered += 1;
    }
    answered
}

/// Success, or an error of SCIM that is the client's, or the word to come again later.
fn assert_in_words(shape: &str, answer: &Response) {
    let status = answer.status;
    if (200..300).contains(&status) {
        return;
    }
    assert!((400..500).contains(&status) || status == 503, "{shape}: {status} {}", answer.text());
    assert!(![401, 403].contains(&status), "{shape}: {status} {}", answer.text());
    let is_scim = answer.json["schemas"][0] == "urn:ietf:params:scim:api:messages:2.0:Error";
    assert!(is_scim, "{shape}: {status} {}", answer.text());
    if [429, 503].contains(&status) {
        let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
        assert!(seconds.is_some_and(|seconds| seconds > 0), "{shape}: {status} without Retry-After");
    }
}

/// What a tenant asks all the time: all of it is served.
fn work(world: &World, shape: &Shape, gentle: &Tenant<'_>, round: usize) {
    let check = |what: &str, answer: Response, status: u16| -> Value {
        assert_eq!(answer.status, status, "{what} beside {}: {}", shape.name, answer.text());
        answer.json
    };
    let ready = world.http.send("GET", &format!("{}/readyz", world.gateway.admin()), &[], b"");
    assert_eq!(ready.status, 200, "beside {}: {}", shape.name, ready.text());
    let name = format!("{}-{round}@example.com", shape.name);
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
        "externalId": name});
    let id = check("create", gentle.post("/Users", &user), 201)["id"].as_str().expect("id").to_owned();
    let path = format!("/Users/{id}");
    check("read", gentle.get(&path), 200);
    let found = check("match", gentle.get(&format!("/Users?filter=externalId%20eq%20%22{name}%22")), 200);
    assert_eq!(found["totalResults"], 1, "beside {}", shape.name);
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
    assert_eq!(check("PATCH", gentle.patch(&path, &patch), 200)["active"], false);
    check("page", gentle.get("/Users?count=10"), 200);
    assert_eq!(gentle.delete(&path).status, 204, "delete beside {}", shape.name);
}
