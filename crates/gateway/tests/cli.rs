//! The command line beside a running gateway: what it answers, and how soon the gateway feels it.

use crate::world::{World, soon};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};
use test_support::{Backend, Database, Http};

/// The keys of an object, in order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("object").keys().map(String::as_str).collect()
}

const TENANT: &[&str] = &["id", "label", "name", "tenant_url", "profile", "state", "created", "overview"];
const HANDED_OVER: &[&str] = &["key_id", "secret_token", "expires"];
const TOKEN: &[&str] = &[
    "id",
    "key_id",
    "label",
    "created",
    "expires",
    "revoked",
    "first_used",
    "last_used",
    "last_used_from",
    "last_used_for",
];

#[test]
fn tenants_are_opened_listed_and_deleted() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let created =
            world.juno(&["tenant", "create", "Contoso Ltd.", "--profile", "rfc", "--expires-in", "30d"]);
        assert_eq!(keys(&created), [TENANT, HANDED_OVER].concat());
        assert_eq!(created["label"], "contoso-ltd");
        assert_eq!(created["name"], "Contoso Ltd.");
        assert_eq!(created["profile"], "rfc");
        let url = format!("{}/t/contoso-ltd/scim/v2", world.gateway.scim());
        assert_eq!(created["tenant_url"], url.as_str());
        let token = created["secret_token"].as_str().expect("token");
        assert!(
            token.starts_with(&format!("juno_{}_", created["key_id"].as_str().expect("key id")))
                && token.len() < 64
        );
        // It works at once.
        assert_eq!(world.send("GET", &format!("{url}/Users"), Some(token), None).status, 200);

        world.juno(&["tenant", "create", "another", "--label", "a2"]);
        let list = world.juno(&["tenant", "list"]);
        let labels: Vec<_> =
            list["tenants"].as_array().expect("list").iter().map(|row| &row["label"]).collect();
        assert_eq!(labels, ["a2", "contoso-ltd"]);
        let shown = world.juno(&["tenant", "show", created["id"].as_str().expect("id")]);
        assert_eq!(keys(&shown), TENANT);
        assert_eq!(shown["created"], created["created"]);

        let again = world.gateway.command(&["tenant", "create", "Contoso LTD", "--json"]);
        assert_eq!(again.status.code(), Some(1));
        let error: Value = serde_json::from_slice(&again.stdout).expect("one object");
        assert!(error["error"].as_str().is_some_and(|error| error.contains("already taken")), "{error}");

        let unsure = world.gateway.command(&["tenant", "delete", "contoso-ltd"]);
        assert_eq!(unsure.status.code(), Some(2));
        assert_eq!(world.send("GET", &format!("{url}/Users"), Some(token), None).status, 200);
        assert_eq!(
            world.juno(&["tenant", "delete", "contoso-ltd", "--confirm", "contoso-ltd"])["deleted"],
            true
        );
        assert_eq!(world.gateway.command(&["tenant", "show", "contoso-ltd"]).status.code(), Some(1));
        assert_eq!(world.juno(&["tenant", "list"])["tenants"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn what_makes_no_sense_is_exit_code_2_and_does_nothing() {
    let world = World::start(Backend::Sqlite);
    for arguments in [
        &["tenant", "create", "Müller"][..],
        &["tenant", "create", "x", "--label", "X Y"],
        &["tenant", "create", ""],
        &["token", "issue", "x", "--expires-in", "0s"],
        &["operator", "create", "a b"],
        &["tenant", "show", ""],
        &["tenant", "show", ".."],
    ] {
        let output = world.gateway.command(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("juno: ") && stderr.len() > 20, "{stderr}");
    }
    assert_eq!(world.juno(&["tenant", "list"])["tenants"], json!([]));
    assert_eq!(world.juno(&["operator", "list"])["operators"], json!([]));
}

#[test]
fn tokens_are_issued_rotated_revoked_and_never_shown_again() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let tenant = world.tenant("contoso");
        let issued = world.juno(&["token", "issue", "contoso", "--label", "second", "--expires-in", "90d"]);
        assert_eq!(keys(&issued), [TOKEN, &["secret_token"]].concat());
        let key_id = issued["key_id"].as_str().expect("key id");
        let rotated = world.juno(&["token", "rotate", "contoso", key_id]);
        assert_eq!(rotated["old_key_id"], key_id);
        assert_eq!(rotated["words"], "Waiting for the new token");
        for token in [&issued, &rotated] {
            let token = token["secret_token"].as_str();
            assert_eq!(world.send("GET", &format!("{}/Users", tenant.url()), token, None).status, 200);
        }
        let id = rotated["id"].as_str().expect("id");
        let shown = world.juno(&["rotation", "show", "contoso", id]);
        assert_eq!((&shown["key_id"], &shown["secret_token"]), (&rotated["key_id"], &Value::Null));
        let early = world.gateway.command(&["rotation", "complete", "contoso", id]);
        assert_eq!(early.status.code(), Some(1), "{early:?}");
        assert_eq!(world.juno(&["rotation", "automatic", "contoso", id])["automatic"], true);
        let listed = world.gateway.command(&["rotation", "list", "contoso"]);
        assert!(String::from_utf8_lossy(&listed.stdout).contains(id), "{listed:?}");
        let revoked =
            world.juno(&["token", "revoke", "contoso", rotated["key_id"].as_str().expect("key id")]);
        assert_eq!(keys(&revoked), TOKEN);
        assert!(revoked["revoked"].is_string());
        let output = world.gateway.command(&["token", "list", "contoso", "--json"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let list: Value = serde_json::from_str(&text).expect("one object");
        let rows = list["secret_tokens"].as_array().expect("tokens");
        assert_eq!(
            rows.iter().map(|row| row["label"].as_str().expect("label")).collect::<Vec<_>>(),
            ["first", "second", "second"]
        );
        assert!(rows.iter().all(|row| keys(row) == TOKEN));
        for token in [tenant.token(), issued["secret_token"].as_str().expect("token")] {
            assert!(!text.contains(&token[14..]), "{text}");
        }
        let again = world.gateway.command(&[
            "token",
            "revoke",
            "contoso",
            rotated["key_id"].as_str().expect("key id"),
        ]);
        assert_eq!(again.status.code(), Some(1));
        // Eight at most, of which two live.
        for _ in 0..6 {
            world.issue("contoso");
        }
        let ninth = world.gateway.command(&["token", "issue", "contoso"]);
        assert_eq!(ninth.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&ninth.stderr).contains("revoke one first"));
        assert_eq!(world.gateway.command(&["token", "issue", "nobody"]).status.code(), Some(1));
    }
}

#[test]
fn a_running_gateway_feels_suspension_and_revocation_and_tells_the_last_use() {
    for backend in Backend::ALL {
        let quick = [("JUNO__TOKENS__CACHE_TTL", "300ms"), ("JUNO__TOKENS__LAST_USED_INTERVAL", "100ms")];
        let world = World::with_settings(Database::Fresh(backend), &quick);
        let tenant = world.tenant("contoso");
        assert_eq!(tenant.get("/Users").status, 200);
        soon("last use", || {
            world.juno(&["token", "list", "contoso"])["secret_tokens"][0]["last_used"].is_string()
        });
        assert_eq!(
            world.juno(&["tenant", "suspend", "contoso", "--confirm", "contoso"])["state"],
            "suspended"
        );
        soon("suspension", || tenant.get("/Users").status == 403);
        assert_eq!(world.juno(&["tenant", "resume", "contoso", "--confirm", "contoso"])["state"], "active");
        soon("resumption", || tenant.get("/Users").status == 200);
        let key_id = tenant.token().split('_').nth(1).expect("key id").to_owned();
        world.juno(&["token", "revoke", "contoso", &key_id]);
        soon("revocation", || tenant.get("/Users").status == 401);
        // A deleted tenant is a stranger, and what it had is gone.
        let other = world.tenant("fabrikam");
        other.create_user("someone@example.com");
        world.juno(&["tenant", "delete", "fabrikam", "--confirm", "fabrikam"]);
        soon("deletion", || other.get("/Users").status == 401);
    }
}

#[test]
fn operators_see_health_and_metrics() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso").create_user("someone@example.com");
    let admin = |path: &str| world.http.send("GET", &format!("{}{path}", world.gateway.admin()), &[], b"");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(admin(path).status, 200, "{path}");
    }
    let metrics = admin("/metrics");
    assert!(metrics.header("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    for line in [
        "juno_credential_queries_total 1",
        "juno_held_back_total 0",
        "juno_build_info{version=\"0.1.0\"} 1",
        "juno_scim_requests_total{method=\"POST\",route=\"/Users\",status=\"201\",tenant=\"contoso\"} 1",
    ] {
        assert!(metrics.text().contains(line), "{line} is not in {}", metrics.text());
    }
    assert!(!metrics.text().contains("someone"));
    assert_eq!(world.http.send("GET", &format!("{}/metrics", world.gateway.scim()), &[], b"").status, 404);
}

#[test]
fn a_process_for_operators_alone_serves_no_provisioning_client() {
    let folder = tempfile::tempdir().expect("folder");
    let listen = |key: &str| (format!("JUNO__{key}__LISTEN"), "127.0.0.1:0".to_owned());
    let mut juno = Command::new(env!("CARGO_BIN_EXE_juno"))
        .args(["serve", "--role", "admin", "--json"])
        .envs([listen("SCIM"), listen("ADMIN")])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("juno runs");
    let mut line = String::new();
    BufReader::new(juno.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
    let listening: Value = serde_json::from_str(&line).expect("one object");
    assert_eq!(keys(&listening), ["admin"]);
    let admin = listening["admin"].as_str().expect("address");
    assert_eq!(Http::new().send("GET", &format!("{admin}/readyz"), &[], b"").status, 200);
    assert!(folder.path().join("data/juno.db").exists());
    juno.kill().expect("killed");
    juno.wait().expect("gone");
}
