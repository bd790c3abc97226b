//! Group deltas from many clients lose nothing, and a group of any size is changed and read at ease.

use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_support::Backend;

const CLIENTS: usize = 16;
const DELTAS: usize = 10_000;
const PEOPLE: usize = 200;

fn delta(op: &str, id: &str) -> Value {
    let operation = match op {
        "Add" => json!({"op": "Add", "path": "members", "value": [{"value": id}]}),
        "Remove" => json!({"op": "Remove", "path": "members", "value": [{"value": id}]}),
        _ => json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}),
    };
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
}

/// Sixteen clients, each with its own people, send 10,000 adds and removes to one group at once. As no two clients
/// touch the same person, the outcome is that of any sequential run, and each client knows its part.
fn parallel(backend: Backend) {
    let world = World::start(backend);
    let tenant = world.tenant("deltas");
    let people: Vec<String> = (0..PEOPLE).map(|n| tenant.create_user(&format!("p{n}@example.com"))).collect();
    let group = tenant.create_group("Everyone", &[]);
    let path = format!("/Groups/{group}");
    let expected: BTreeSet<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (tenant, path) = (&tenant, &path);
                let mine: Vec<&String> = people.iter().skip(client).step_by(CLIENTS).collect();
                scope.spawn(move || {
                    let mut inside = BTreeSet::new();
                    // A small congruential generator: the run is the same each time.
                    let mut state = client as u64 + 1;
                    for _ in 0..DELTAS / CLIENTS {
                        state = state
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1_442_695_040_888_963_407);
                        let id = mine[(state >> 33) as usize % mine.len()];
                        let op = ["Add", "Add", "Remove", "remove"][(state >> 20) as usize % 4];
                        if op == "Add" {
                            inside.insert(id.clone());
                        } else {
                            inside.remove(id);
                        }
                        let response = tenant.patch(path, &delta(op, id));
                        assert_eq!(response.status, 204, "{:?}", response.json);
                    }
                    inside
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().expect("client")).collect()
    });
    let members = tenant.get(&path).json["members"].clone();
    let members: BTreeSet<String> = members
        .as_array()
        .map(|list| list.iter().filter_map(|member| member["value"].as_str().map(str::to_owned)).collect())
        .unwrap_or_default();
    assert_eq!(members, expected);
    // User.groups is the other side of the same truth.
    for id in people.iter().take(20) {
        let groups = tenant.get(&format!("/Users/{id}")).json["groups"].as_array().map_or(0, Vec::len);
        assert_eq!(groups, usize::from(expected.contains(id)));
    }
}

#[test]
fn ten_thousand_deltas_from_sixteen_clients_on_sqlite() {
    parallel(Backend::Sqlite);
}

#[test]
fn ten_thousand_deltas_from_sixteen_clients_on_postgres() {
    parallel(Backend::Postgres);
}

#[test]
fn a_large_group_streams_and_still_changes_by_deltas() {
    let world = World::start(Backend::Postgres);
    let tenant = world.tenant("large");
    let people: Vec<String> = (0..3000).map(|n| tenant.create_user(&format!("p{n}@example.com"))).collect();
    let ids: Vec<&str> = people.iter().map(String::as_str).collect();
    let group = tenant.create_group("Large", &ids);
    let path = format!("/Groups/{group}");
    let response = tenant.get(&path);
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    let members = response.json["members"].as_array().cloned().unwrap_or_default();
    assert_eq!(members.len(), people.len());
    assert_eq!(
        members[0]["$ref"],
        format!("{}/Users/{}", tenant.url(), members[0]["value"].as_str().unwrap_or(""))
    );
    assert_eq!(tenant.get(&format!("{path}?excludedAttributes=members")).json.get("members"), None);
    assert_eq!(tenant.patch(&path, &delta("Remove", &people[7])).status, 204);
    assert_eq!(tenant.get(&path).json["members"].as_array().map_or(0, Vec::len), people.len() - 1);
    // A filtered read of groups carries the members, unless they are excluded.
    let found = tenant.get("/Groups?filter=displayName%20eq%20%22Large%22").json;
    assert_eq!(found["Resources"][0]["members"].as_array().map_or(0, Vec::len), people.len() - 1);
}
