//! PostgreSQL goes away and comes back: told to clients as 503, healed without help, nothing half-written.

use crate::world::{Tenant, World};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use test_support::{Database, Postgres};

const CLIENTS: usize = 8;

/// Creates users until told to stop; returns the ids of those that were acknowledged.
fn create_users(tenant: &Tenant<'_>, client: usize, stop: &AtomicBool) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("c{client}n{n}@example.com")});
        let response = tenant.post("/Users", &user);
        match response.status {
            201 => acknowledged.push(response.json["id"].as_str().expect("id").to_owned()),
            503 => assert_unavailable(&response),
            // What was in flight when the connection broke may have been written.
            other => panic!("{other}: {}", response.text()),
        }
    }
    acknowledged
}

pub(crate) fn assert_unavailable(response: &test_support::Response) {
    assert_eq!(response.status, 503, "{}", response.text());
    assert!(
        response.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s > 0))
    );
    assert_eq!(response.json["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
    assert!(!response.text().to_lowercase().contains("postgres"), "{}", response.text());
}

#[test]
fn an_outage_is_told_and_heals_by_itself() {
    let postgres = Postgres::start(true);
    let database = postgres.fresh_database();
    let world = World::with_settings(Database::At(database.clone()), &[]);
    let tenant = world.tenant("contoso");
    let ready = || world.http.send("GET", &format!("{}/readyz", world.gateway.admin()), &[], b"").status;
    let first = tenant.create_user("first@example.com");
    assert_eq!(ready(), 200);

    let stop = AtomicBool::new(false);
    let acknowledged: Vec<String> = std::thread::scope(|scope| {
        let (tenant, stop) = (&tenant, &stop);
        let clients: Vec<_> =
            (0..CLIENTS).map(|client| scope.spawn(move || create_users(tenant, client, stop))).collect();
        let deadline = Instant::now() + Duration::from_secs(20);
        while tenant.writes() < 200 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        postgres.crash();
        // While it is away: an answer, soon, to reads and writes alike; the process lives.
        let began = Instant::now();
        assert_unavailable(&tenant.get(&format!("/Users/{first}")));
        assert_unavailable(&tenant.get("/Users"));
        assert_unavailable(&tenant.delete(&format!("/Users/{first}")));
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        assert_eq!(ready(), 503);
        let alive = world.http.send("GET", &format!("{}/healthz", world.gateway.admin()), &[], b"");
        assert_eq!(alive.status, 200);

        postgres.restart();
        let back = Instant::now();
        while tenant.get(&format!("/Users/{first}")).status != 200 {
            assert!(back.elapsed() < Duration::from_secs(20), "does not heal");
        }
        assert_eq!(ready(), 200);
        let before = tenant.writes();
        while tenant.writes() < before + 50 {
            assert!(back.elapsed() < Duration::from_secs(40), "writes do not heal");
        }
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().expect("client")).collect()
    });

    assert!(acknowledged.len() > 200, "{}", acknowledged.len());
    for id in &acknowledged {
        let found = tenant.get(&format!("/Users/{id}"));
        assert_eq!(found.status, 200, "{id} was acknowledged and is lost");
    }
    // Resource and change log are one transaction, before and after.
    let count = |sql: &str| postgres.query(&database, sql);
    let users = count("select count(*) from users");
    assert!(users.parse::<usize>().expect("count") > acknowledged.len());
    assert_eq!(count("select count(*) from change_log where is_change"), users);
    assert_eq!(
        count(
            "select count(*) from users u where not exists (select from change_log e where e.tenant_id = u.tenant_id and \
             e.resource_id = u.id and e.version = u.version)"
        ),
        "0"
    );
    let total = tenant.count("/Users");
    assert_eq!(Value::from(total).to_string(), users);
}

#[test]
fn a_gateway_without_its_database_does_not_start_and_says_why() {
    let postgres = Postgres::start(false);
    let database = postgres.fresh_database().replace("juno@", "juno:hunter2@");
    postgres.crash();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_juno"))
        .args(["serve", "--json"])
        .envs([
            ("JUNO__DATABASE__URL", database.as_str()),
            ("JUNO__SCIM__LISTEN", "127.0.0.1:0"),
            ("JUNO__ADMIN__LISTEN", "127.0.0.1:0"),
        ])
        .output()
        .expect("juno runs");
    assert_eq!(output.status.code(), Some(1));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("\"error\"") && stderr.contains("database.url"), "{stdout} {stderr}");
    assert!(!format!("{stdout}{stderr}").contains("hunter2"), "{stdout} {stderr}");
}
