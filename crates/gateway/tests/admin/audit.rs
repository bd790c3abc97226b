//! The audit log: acts of the API and of the command line, in one chain; nothing secret in it.

use super::{PASSWORD, operator};
use crate::world::World;
use serde_json::{Value, json};
use test_support::{Backend, Database, Postgres};

#[test]
fn acts_of_the_api_and_of_the_command_line_stand_in_one_chain() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let root = operator(&world, "root", "admin");
        assert_eq!(root.post("/tenants", &json!({"name": "contoso"})).status, 201);
        let issued = root.post("/tenants/contoso/secret-tokens", &json!({}));
        let by_command = world.juno(&["token", "issue", "contoso"]);
        world.juno(&["tenant", "suspend", "contoso", "--confirm", "contoso"]);
        assert_eq!(root.post("/tenants/contoso/resume?confirm=contoso", &json!({})).status, 200);
        world.juno(&["token", "revoke", "contoso", by_command["key_id"].as_str().expect("key id")]);

        let audit = root.get("/audit?tenant=contoso");
        let rows = audit.json["audit"].as_array().expect("rows");
        let acts: Vec<(&str, bool)> = rows
            .iter()
            .rev()
            .map(|row| {
                let actor = row["actor"].as_str().expect("actor");
                assert!(actor == "operator root" || actor.starts_with("command line "), "{actor}");
                (row["action"].as_str().expect("action"), actor == "operator root")
            })
            .collect();
        assert_eq!(
            acts,
            [
                ("tenant.create", true),
                ("secret-token.issue", true),
                ("secret-token.issue", false),
                ("tenant.suspend", false),
                ("tenant.resume", true),
                ("secret-token.revoke", false),
            ]
        );
        assert_eq!(rows[5]["origin"], "127.0.0.1");
        assert_eq!(rows[1]["before"], json!({"state": "suspended"}));
        assert_eq!(rows[1]["after"], json!({"state": "active"}));

        let all = root.get("/audit").text();
        let listed = world.gateway.command(&["audit", "list", "--json"]);
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for text in [&all, &listed, &world.gateway.log()] {
            for secret in [&issued.json["secret_token"], &by_command["secret_token"]] {
                assert!(!text.contains(&secret.as_str().expect("token")[14..]), "{text}");
            }
            assert!(!text.contains(PASSWORD) && !text.contains("argon2id"), "{text}");
        }
        let verified = world.juno(&["audit", "verify"]);
        assert_eq!(verified["verified"], true);
        assert_eq!(verified["rows"], 5 + 6, "five of the operator's first sign-in");
        assert_eq!(verified["hash"].as_str().map(str::len), Some(64));
    }
}

#[test]
fn the_command_finds_a_tampered_row() {
    let database = Postgres::shared().fresh_database();
    let world = World::with_settings(Database::At(database.clone()), &[]);
    world.juno(&["tenant", "create", "contoso"]);
    world.juno(&["tenant", "suspend", "contoso", "--confirm", "contoso"]);
    assert_eq!(world.juno(&["audit", "verify"])["rows"], 3);
    let sql = "ALTER TABLE audit_log DISABLE TRIGGER ALL; UPDATE audit_log SET actor = 'operator ben' WHERE position = 2";
    Postgres::shared().query(&database, sql);
    let output = world.gateway.command(&["audit", "verify", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert!(error["error"].as_str().is_some_and(|error| error.contains("position 2 was changed")), "{error}");
}

#[test]
fn a_request_of_an_operator_leaves_its_route_and_nothing_of_its_content() {
    let json_lines = [("JUNO__LOG__FORMAT", "json"), ("JUNO__LOG__LEVEL", "debug")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &json_lines);
    let root = operator(&world, "marker-root", "admin");
    assert_eq!(root.post("/tenants", &json!({"name": "Marker One", "label": "t1"})).status, 201);
    let found = root.get("/tenants/t1/resources/Users?filter=userName%20eq%20%22marker2%22");
    assert_eq!(found.status, 200);
    assert_eq!(root.get("/tenants/marker3").status, 404);
    let log = world.gateway.log();
    let request = found.header("x-request-id").expect("x-request-id");
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.into_iter().find(|line| line["target"] == "access" && line["span"]["id"] == request);
    let line = line.unwrap_or_else(|| panic!("no line of {request} in {log}"));
    assert_eq!(line["route"], "/api/v1/tenants/{tenant}/resources/{type}");
    assert_eq!((&line["method"], &line["status"]), (&json!("GET"), &json!(200)));
    assert!(!log.to_lowercase().contains("marker"), "{log}");
}

/// Behind a proxy the address that the proxy was asked from is the origin, in the audit log and for the throttle.
#[test]
fn behind_a_trusted_proxy_the_origin_is_the_one_that_it_names() {
    for (trusted, expected) in [("127.0.0.0/8", "203.0.113.7"), ("", "127.0.0.1")] {
        let settings = [("JUNO__ADMIN__TRUSTED_PROXIES", trusted)];
        let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
        let anna = operator(&world, "anna", "admin");
        let forwarded = [("x-forwarded-for", "198.51.100.1, 203.0.113.7")];
        let opened = anna.send_with("POST", "/tenants", &forwarded, "{\"name\": \"Contoso\"}");
        assert_eq!(opened.status, 201, "{}", opened.text());
        let rows = anna.read("/audit");
        let row = rows["audit"].as_array().expect("rows").iter().find(|row| row["action"] == "tenant.create");
        assert_eq!(row.expect("row")["origin"], expected);
    }
}
