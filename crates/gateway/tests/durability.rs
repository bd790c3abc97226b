//! No acknowledged write is lost when the process is killed under load.

use crate::world::{Tenant, World};
use serde_json::json;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use test_support::Backend;

const KILLS: usize = 5;
const CLIENTS: usize = 8;

/// What a client was told is durable.
#[derive(Default)]
struct Acknowledged {
    created: Vec<(String, String)>,
    titled: Vec<(String, String)>,
    joined: Vec<String>,
    deleted: Vec<String>,
}

fn survive(backend: Backend) {
    let mut world = World::start(backend);
    let group = world.tenant("durable").create_group("Joined", &[]);
    let mut told = Acknowledged::default();
    for round in 0..KILLS {
        let killed = AtomicBool::new(false);
        let tenant = world.tenant("durable");
        let parts: Vec<Acknowledged> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (tenant, killed, group) = (&tenant, &killed, &group);
                    scope.spawn(move || {
                        let mut told = Acknowledged::default();
                        for n in 0.. {
                            if killed.load(Ordering::Relaxed)
                                || !one_person(tenant, group, &mut told, (round, client, n))
                            {
                                break;
                            }
                        }
                        told
                    })
                })
                .collect();
            // Kill once a good number of writes is under way; no fixed time, the load itself decides.
            let deadline = Instant::now() + Duration::from_secs(20);
            while tenant.writes() < 150 && Instant::now() < deadline {
                std::thread::yield_now();
            }
            world.kill();
            killed.store(true, Ordering::Relaxed);
            clients.into_iter().map(|client| client.join().expect("client")).collect()
        });
        for part in parts {
            told.created.extend(part.created);
            told.titled.extend(part.titled);
            told.joined.extend(part.joined);
            told.deleted.extend(part.deleted);
        }
        drop(tenant);
        world.restart();
    }
    let tenant = world.tenant("durable");
    assert!(told.created.len() > 100, "only {} creates were acknowledged", told.created.len());
    for (id, user_name) in &told.created {
        let response = tenant.get(&format!("/Users/{id}"));
        if told.deleted.contains(id) {
            assert_eq!(response.status, 404, "{user_name} came back");
        } else {
            // The client may have been killed between a delete that was written and its answer.
            let maybe_deleted = response.status == 404 && user_name.ends_with("-leaver@example.com");
            assert!(maybe_deleted || response.json["userName"] == user_name.as_str(), "{user_name} was lost");
        }
    }
    for (id, title) in &told.titled {
        let response = tenant.get(&format!("/Users/{id}"));
        assert!(
            response.status == 404 || response.json["title"] == title.as_str(),
            "a PATCH of {id} was lost"
        );
    }
    let members = tenant.get(&format!("/Groups/{group}")).json["members"].to_string();
    for id in &told.joined {
        assert!(members.contains(id.as_str()), "a membership of {id} was lost");
    }
}

/// Creates, patches, and either joins or deletes one person; false once the gateway is gone.
fn one_person(
    tenant: &Tenant<'_>,
    group: &str,
    told: &mut Acknowledged,
    (round, client, n): (usize, usize, usize),
) -> bool {
    let leaver = n % 3 == 0;
    let suffix = if leaver { "-leaver" } else { "" };
    let user_name = format!("r{round}c{client}n{n}{suffix}@example.com");
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name});
    let Some(created) = tenant.try_send("POST", "/Users", Some(&user)) else { return false };
    assert_eq!(created.status, 201, "{:?}", created.json);
    let id = created.json["id"].as_str().unwrap_or_default().to_owned();
    told.created.push((id.clone(), user_name.clone()));
    let patch = |operation| json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
    let title = patch(json!({"op": "Add", "path": "title", "value": user_name}));
    let Some(patched) = tenant.try_send("PATCH", &format!("/Users/{id}"), Some(&title)) else { return false };
    assert_eq!(patched.status, 200, "{:?}", patched.json);
    told.titled.push((id.clone(), user_name));
    if leaver {
        let Some(deleted) = tenant.try_send("DELETE", &format!("/Users/{id}"), None) else { return false };
        assert_eq!(deleted.status, 204);
        told.deleted.push(id);
    } else {
        let join = patch(json!({"op": "Add", "path": "members", "value": [{"value": id}]}));
        let Some(joined) = tenant.try_send("PATCH", &format!("/Groups/{group}"), Some(&join)) else {
            return false;
        };
        assert_eq!(joined.status, 204, "{:?}", joined.json);
        told.joined.push(id);
    }
    true
}

#[test]
fn acknowledged_writes_survive_sigkill_on_sqlite() {
    survive(Backend::Sqlite);
}

#[test]
fn acknowledged_writes_survive_sigkill_on_postgres() {
    survive(Backend::Postgres);
}
