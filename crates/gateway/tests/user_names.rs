//! Two users whose names an earlier version took for different ones, from the upgrade until support has told the customer.

use crate::{
    console::operator,
    scim2_tester::python,
    world::{Tenant, World, soon},
};
use serde_json::{Value, json};
use std::process::Command;
use test_support::{Backend, Database, Postgres, Response};

/// One name: composed, decomposed, and in fullwidth letters.
const NFC: &str = "jos\u{e9}@example.com";
const NFD: &str = "jose\u{301}@example.com";
const WIDE: &str = "\u{ff2a}OS\u{c9}@example.com";

fn user(user_name: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name})
}

fn rename(user_name: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "userName", "value": user_name}]})
}

/// The ids that a filter by `userName eq` finds.
fn found(tenant: &Tenant, user_name: &str) -> Vec<String> {
    let encoded: String = user_name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let response = tenant.get(&format!("/Users?filter=userName%20eq%20%22{encoded}%22"));
    assert_eq!(response.status, 200, "{}", response.text());
    let list = response.json["Resources"].as_array().expect("Resources");
    list.iter().map(|resource| resource["id"].as_str().expect("id").to_owned()).collect()
}

fn assert_taken(response: &Response) {
    assert_eq!(
        (response.status, &response.json["scimType"]),
        (409, &json!("uniqueness")),
        "{}",
        response.text()
    );
}

#[test]
fn equal_user_names_are_taken_in_every_profile() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        for profile in ["entra", "rfc", "interop"] {
            let tenant = world.tenant_of_profile(profile, profile);
            let jose = tenant.create_user(NFC);
            let other = tenant.create_user("other@example.com");
            for name in [NFD, WIDE, &NFD.to_uppercase()] {
                assert_taken(&tenant.post("/Users", &user(name)));
                assert_taken(&tenant.put(&format!("/Users/{other}"), &user(name)));
                assert_taken(&tenant.patch(&format!("/Users/{other}"), &rename(name)));
                assert_eq!(found(&tenant, name), [jose.as_str()]);
                // The user itself may spell its name in any way.
                assert_eq!(tenant.patch(&format!("/Users/{jose}"), &rename(name)).status, 200);
                assert_eq!(tenant.get(&format!("/Users/{jose}")).json["userName"], name);
                assert_eq!(tenant.put(&format!("/Users/{jose}"), &user(NFC)).status, 200);
            }
            let operation = |id: &str, name: &str| json!({"method": "POST", "path": "/Users", "bulkId": id, "data": user(name)});
            let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [operation("1", "\u{ff21}na"), operation("2", "ana"), operation("3", NFD)]});
            let answer = tenant.post("/Bulk", &bulk).json;
            let statuses: Vec<&Value> = answer["Operations"]
                .as_array()
                .expect("Operations")
                .iter()
                .map(|one| &one["status"])
                .collect();
            assert_eq!(statuses, ["201", "409", "409"], "{answer}");
            // Names that the PRECIS class would not allow are compared, too.
            tenant.create_user("with space@example.com");
            assert_taken(&tenant.post("/Users", &user("With\u{3000}space@example.com")));
            assert_eq!(tenant.delete(&format!("/Users/{jose}")).status, 204);
            let equal = tenant.create_user(NFD);
            let restored = world.gateway.command(&["restore", profile, &jose]);
            assert_eq!(restored.status.code(), Some(1));
            assert_eq!(tenant.delete(&format!("/Users/{equal}")).status, 204);
            world.juno(&["restore", profile, &jose]);
        }
    }
}

/// Changes the database of a gateway that does not run.
fn execute(url: &str, sql: &str) {
    match url.strip_prefix("sqlite://") {
        Some(file) => {
            let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])";
            let done = Command::new(python()).args(["-c", script, file, sql]).status().expect("python runs");
            assert!(done.success(), "{sql}");
        }
        None => drop(Postgres::shared().query(url, sql)),
    }
}

/// What an earlier version has stored: two users whose names it took for different ones.
fn two_of_one_name(world: &mut World, url: &str) -> (String, String) {
    let tenant = world.tenant("contoso");
    let (first, second) = (tenant.create_user(NFC), tenant.create_user("other@example.com"));
    world.kill();
    let text = |column: &str, kind: &str| {
        let as_text = format!("CAST({column} AS text)");
        format!("{column} = CAST(replace({as_text}, 'other@example.com', '{NFD}') AS {kind})")
    };
    let json = if url.starts_with("sqlite") { "text" } else { "json" };
    execute(
        url,
        &format!(
            "UPDATE users SET {}, {} WHERE user_name = 'other@example.com'; \
             UPDATE feeds SET user_name_key_version = 1;",
            text("user_name", "text"),
            text("document", json)
        ),
    );
    world.restart();
    (first, second)
}

#[test]
fn two_users_of_one_name_are_told_apart_until_one_is_renamed() {
    for backend in Backend::ALL {
        let folder = tempfile::tempdir().expect("folder");
        let url = backend.fresh_database(folder.path());
        let mut world = World::with_settings(Database::At(url.clone()), &[]);
        let (first, second) = two_of_one_name(&mut world, &url);
        let collisions = || world.juno(&["tenant", "collisions", "contoso"])["collisions"].clone();
        soon("the collision", || collisions() != json!([]));
        let listed = json!([{"id": second, "user_name": NFD, "equal_id": first, "equal_user_name": NFC}]);
        assert_eq!(collisions(), listed);
        let text = world.gateway.command(&["tenant", "collisions", "contoso"]);
        assert!(String::from_utf8_lossy(&text.stdout).contains(&second));
        let viewer = operator(&world, "viewer", "viewer");
        let page = viewer.page("/tenants/contoso");
        for part in ["Users with equal names", &format!("/users/{first}"), &format!("/users/{second}")] {
            assert!(page.contains(part), "{part}: {page}");
        }

        let tenant = world.tenant("contoso");
        let each_finds_itself = || {
            assert_eq!(found(&tenant, NFC), [first.as_str()]);
            assert_eq!(found(&tenant, NFD), [second.as_str()]);
            assert_eq!(found(&tenant, &NFD.to_uppercase()), [second.as_str()]);
            assert_eq!(found(&tenant, WIDE), [first.as_str()]);
        };
        each_finds_itself();
        // What Entra does in each cycle changes nothing of it.
        for (id, name) in [(&first, NFC), (&second, NFD)] {
            let path = format!("/Users/{id}");
            assert_eq!(tenant.put(&path, &user(name)).status, 200);
            let value = json!({"userName": name, "title": "Lead"});
            let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "value": value}]});
            assert_eq!(tenant.patch(&path, &patch).status, 200);
            each_finds_itself();
        }
        assert_taken(&tenant.post("/Users", &user(WIDE)));
        assert_eq!(collisions(), listed);

        assert_eq!(tenant.patch(&format!("/Users/{first}"), &rename("other@example.com")).status, 200);
        assert_eq!(collisions(), json!([]));
        assert!(!viewer.page("/tenants/contoso").contains("Users with equal names"));
        soon("the key", || found(&tenant, WIDE) == [second.as_str()]);
        assert_taken(&tenant.post("/Users", &user(NFC)));
    }
}
