//! Credentials are rotated in steps, over the API, with the requests of a provisioning client as evidence; and warned of
//! before they end.

use super::{Session, assert_problem, operator};
use crate::world::{Tenant, World, soon};
use serde_json::{Value, json};
use test_support::{Backend, Database};

const SILENCE: (&str, &str) = ("JUNO__TOKENS__SILENCE", "2s");
const QUICK: (&str, &str) = ("JUNO__TOKENS__ROTATION_INTERVAL", "100ms");
/// Never within a test: what is seen in time was written at once.
const RARE: (&str, &str) = ("JUNO__TOKENS__LAST_USED_INTERVAL", "1h");
const OFTEN: (&str, &str) = ("JUNO__TOKENS__LAST_USED_INTERVAL", "50ms");

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_owned()
}

/// The key id of a tenant's first token.
fn key_id(tenant: &Tenant<'_>) -> String {
    tenant.token().split('_').nth(1).expect("key id").to_owned()
}

/// A rotation that was started, as the operator sees it.
struct Started<'s> {
    operator: &'s Session,
    path: String,
    secret: String,
    new_key_id: String,
}

impl Started<'_> {
    fn start<'s>(operator: &'s Session, tenant: &str, body: &Value) -> Started<'s> {
        let started = operator.post(&format!("/tenants/{tenant}/rotations"), body);
        assert_eq!(started.status, 201, "{}", started.text());
        assert_eq!(started.json["state"], "waiting", "{}", started.text());
        let location = started.header("location").expect("location");
        let path = location.strip_prefix("/api/v1").expect("under the API").to_owned();
        let secret = ["secret_token", "client_secret"].into_iter().find_map(|key| started.json[key].as_str());
        Started {
            operator,
            path,
            secret: secret.expect("a secret").to_owned(),
            new_key_id: text(&started.json["new"], "key_id"),
        }
    }

    fn of_token<'s>(operator: &'s Session, key_id: &str, automatic: bool) -> Started<'s> {
        let body = json!({"kind": "secret-token", "key_id": key_id, "automatic": automatic});
        Started::start(operator, "contoso", &body)
    }

    fn show(&self) -> Value {
        self.operator.read(&self.path)
    }

    fn state(&self) -> String {
        text(&self.show(), "state")
    }

    fn becomes(&self, state: &str) {
        soon(state, || self.state() == state);
    }

    fn end(&self, how: &str, body: &Value) -> test_support::Response {
        self.operator.post(&format!("{}/{how}", self.path), body)
    }
}

#[test]
fn a_token_is_rotated_in_steps_on_evidence() {
    for backend in Backend::ALL {
        let world = World::with_settings(Database::Fresh(backend), &[SILENCE, RARE]);
        let contoso = world.tenant("contoso");
        let user = contoso.create_user("ana@contoso.com");
        let anna = operator(&world, "anna", "support");
        let rotation = Started::of_token(&anna, &key_id(&contoso), false);
        let shown = rotation.show();
        assert_eq!(
            (&shown["words"], &shown["automatic"]),
            (&json!("Waiting for the new token"), &json!(false))
        );
        assert_eq!(shown["new"]["first_used"], Value::Null);
        let again = json!({"kind": "secret-token", "key_id": key_id(&contoso)});
        assert_problem(&anna.post("/tenants/contoso/rotations", &again), 409, "conflict");
        let of_new = json!({"kind": "secret-token", "key_id": rotation.new_key_id});
        assert_problem(&anna.post("/tenants/contoso/rotations", &of_new), 409, "conflict");
        assert_problem(&rotation.end("complete", &json!({})), 409, "conflict");

        // At another tenant's address the new one proves nothing.
        let elsewhere = world.tenant("fabrikam");
        let url = format!("{}/Users", elsewhere.url());
        assert_eq!(world.send("GET", &url, Some(&rotation.secret), None).status, 401);
        // The first use is felt at once, though what is usual is written in an hour.
        let url = format!("{}/Users/{user}?attributes=userName", contoso.url());
        assert_eq!(world.send("GET", &url, Some(&rotation.secret), None).status, 200);
        soon("the first use", || rotation.show()["new"]["first_used"].is_string());
        let new = &rotation.show()["new"];
        assert_eq!(
            (&new["last_used_from"], &new["last_used_for"]),
            (&json!("127.0.0.1"), &json!("GET /Users/{id}"))
        );
        let silent = rotation.show();
        if silent["state"] == "old-silent" {
            assert!(silent["silent_since"].as_str() < silent["safe_at"].as_str(), "{silent}");
            assert!(text(&silent, "words").starts_with("Old token silent since "), "{silent}");
        }
        rotation.becomes("safe");
        // The same time is silence for the tenant's health.
        soon("silence", || anna.read("/tenants/contoso")["overview"]["health"]["level"] == "warning");
        let completed = rotation.end("complete", &json!({}));
        assert_eq!((completed.status, &completed.json["state"]), (200, &json!("completed")));
        assert!(completed.json["old"]["revoked"].is_string() && completed.json["ended"].is_string());
        // Felt at once by the process that has done it.
        assert_eq!(contoso.get("/Users").status, 401);
        assert_eq!(world.send("GET", &url, Some(&rotation.secret), None).status, 200);
        assert_problem(&rotation.end("cancel", &json!({})), 409, "conflict");

        let acts = world.juno(&["audit", "list", "--tenant", "contoso"]);
        let done = &acts["audit"][0];
        assert_eq!((&done["action"], &done["actor"]), (&json!("rotation.complete"), &json!("operator anna")));
        assert_eq!(done["after"]["early"], false, "{done}");
        let log = world.gateway.log();
        assert!(!log.contains(&rotation.secret) && !log.contains(&user), "nothing secret is in the log");
    }
}

#[test]
fn what_is_still_in_use_is_not_ended_unless_confirmed() {
    for backend in Backend::ALL {
        let world = World::with_settings(Database::Fresh(backend), &[OFTEN]);
        let contoso = world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        let rotation = Started::of_token(&anna, &key_id(&contoso), true);
        let users = format!("{}/Users", contoso.url());
        assert_eq!(world.send("GET", &users, Some(&rotation.secret), None).status, 200);
        rotation.becomes("old-silent");
        // Tested, but not saved: the old one is back.
        soon("the old one", || {
            assert_eq!(contoso.get("/Users").status, 200);
            rotation.state() == "both-in-use"
        });
        let refused = rotation.end("complete", &json!({}));
        assert_problem(&refused, 409, "conflict");
        assert!(text(&refused.json, "detail").contains("Both in use"), "{}", refused.text());
        assert_problem(&rotation.end("complete", &json!({"force": "yes"})), 400, "invalid");
        assert_eq!(rotation.end("complete", &json!({"force": true})).json["state"], "completed");
        assert_eq!(contoso.get("/Users").status, 401);
        let acts = world.juno(&["audit", "list", "--tenant", "contoso"]);
        assert_eq!(acts["audit"][0]["after"]["early"], true, "{acts}");
        assert_eq!(acts["audit"][0]["before"]["state"], "Both in use", "{acts}");
    }
}

#[test]
fn a_cancelled_rotation_leaves_the_old_token() {
    let world = World::start(Backend::Sqlite);
    let contoso = world.tenant("contoso");
    let (anna, ben) = (operator(&world, "anna", "support"), operator(&world, "ben", "viewer"));
    let key_id = key_id(&contoso);
    let first = Started::of_token(&anna, &key_id, false);
    assert_eq!(first.end("cancel", &json!({})).json["state"], "cancelled");
    assert_eq!(world.send("GET", &format!("{}/Users", contoso.url()), Some(&first.secret), None).status, 401);
    assert_eq!(contoso.get("/Users").status, 200);
    // A rotation whose new token was revoked otherwise is over too, and makes room for another at once.
    let second = Started::of_token(&anna, &key_id, false);
    let revoke = format!("/tenants/contoso/secret-tokens/{}/revoke", second.new_key_id);
    assert_eq!(anna.post(&revoke, &json!({})).status, 200);
    assert_eq!(second.state(), "cancelled");
    let third = Started::of_token(&anna, &key_id, false);
    let automatic = |on: bool| anna.put(&format!("{}/automatic", third.path), &json!({"automatic": on}));
    for on in [true, true, false] {
        assert_eq!(automatic(on).json["automatic"], on);
    }

    let mut seen = Vec::new();
    let mut path = "/tenants/contoso/rotations?count=2".to_owned();
    loop {
        let page = ben.read(&path);
        seen.extend(page["rotations"].as_array().expect("rotations").iter().map(|row| text(row, "state")));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/tenants/contoso/rotations?count=2&cursor={next}");
    }
    assert_eq!(seen, ["waiting", "cancelled", "cancelled"]);
    world.tenant("fabrikam");
    let elsewhere = third.path.replace("contoso", "fabrikam");
    assert_problem(&ben.get(&elsewhere), 404, "not-found");
    assert_problem(&anna.post(&format!("{elsewhere}/complete"), &json!({"force": true})), 404, "not-found");
    assert_problem(&ben.get("/tenants/contoso/rotations/none"), 404, "not-found");
    let unknown = json!({"kind": "secret-token", "key_id": "none"});
    assert_problem(&anna.post("/tenants/contoso/rotations", &unknown), 404, "not-found");
    let federation = json!({"kind": "federation", "key_id": "none"});
    assert_problem(&anna.post("/tenants/contoso/rotations", &federation), 400, "invalid");
}

#[test]
fn with_a_key_a_rotation_is_started_once_and_its_secret_shown_once() {
    const ROTATIONS: &str = "/tenants/contoso/rotations";
    for backend in Backend::ALL {
        let world = World::start(backend);
        let contoso = world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        let client = anna.post("/tenants/contoso/oauth-clients", &json!({"label": "Entra"}));
        for (kind, key_id, secret) in [
            ("secret-token", key_id(&contoso), "secret_token"),
            ("client-secret", text(&client.json, "key_id"), "client_secret"),
        ] {
            let body = json!({"kind": kind, "key_id": key_id});
            let first = anna.post_with_key(ROTATIONS, kind, &body);
            assert!(first.status == 201 && first.json[secret].is_string(), "{}", first.text());
            let again = anna.post_with_key(ROTATIONS, kind, &body);
            let mut expected = first.json.clone();
            expected[secret] = Value::Null;
            assert_eq!((again.status, &again.json), (201, &expected));
            assert_eq!(again.header("location"), first.header("location"));
            for (key, value) in [("key_id", json!("x")), ("expires_in_seconds", json!(40_000_000))] {
                let mut other = body.clone();
                other[key] = value;
                assert_problem(&anna.post_with_key(ROTATIONS, kind, &other), 422, "idempotency-key-reused");
            }
            // The request stays the same when somebody has the rotation complete by itself since.
            let automatic = format!("{ROTATIONS}/{}/automatic", text(&first.json, "id"));
            assert_eq!(anna.send("PUT", &automatic, Some(&json!({"automatic": true}))).status, 200);
            let again = anna.post_with_key(ROTATIONS, kind, &body);
            assert_eq!((again.status, &again.json["automatic"]), (201, &json!(true)));
            assert_problem(&anna.post_with_key(ROTATIONS, "other", &body), 409, "conflict");
            // It stays the one that it is, also when it is over.
            let complete = format!("{ROTATIONS}/{}/complete", text(&first.json, "id"));
            assert_eq!(anna.post(&complete, &json!({"force": true})).status, 200);
            let again = anna.post_with_key(ROTATIONS, kind, &body);
            assert_eq!((&again.json["id"], &again.json["state"]), (&first.json["id"], &json!("completed")));
        }
        assert_eq!(anna.read(ROTATIONS)["rotations"].as_array().map(Vec::len), Some(2));
    }
}

#[test]
fn of_several_processes_one_completes_what_may_complete_by_itself() {
    for backend in Backend::ALL {
        let folder = tempfile::tempdir().expect("folder");
        let database = Database::At(backend.fresh_database(folder.path()));
        let settings = [SILENCE, QUICK, OFTEN, ("JUNO__TOKENS__CACHE_TTL", "100ms")];
        let world = World::with_settings(database.clone(), &settings);
        let _other = World::with_settings(database, &settings);
        let contoso = world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        let rotation = Started::of_token(&anna, &key_id(&contoso), true);
        let users = format!("{}/Users", contoso.url());
        // The new one goes on being used, as Entra does.
        soon("completion", || {
            assert_eq!(world.send("GET", &users, Some(&rotation.secret), None).status, 200);
            rotation.state() == "completed"
        });
        soon("the end of the old one", || contoso.get("/Users").status == 401);
        let acts = world.juno(&["audit", "list", "--tenant", "contoso"]);
        let acts: Vec<&Value> = acts["audit"].as_array().expect("audit").iter().collect();
        let completed: Vec<&&Value> =
            acts.iter().filter(|act| act["action"] == "rotation.complete").collect();
        assert_eq!(completed.len(), 1, "{acts:?}");
        assert_eq!(
            (&completed[0]["actor"], &completed[0]["after"]["early"]),
            (&json!("automatic"), &json!(false))
        );
    }
}

#[test]
fn a_client_secret_is_rotated_on_the_use_of_its_access_tokens() {
    for backend in Backend::ALL {
        let world = World::with_settings(Database::Fresh(backend), &[SILENCE, OFTEN]);
        let contoso = world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        let made = anna.post("/tenants/contoso/oauth-clients", &json!({"label": "Entra"}));
        assert_eq!(made.status, 201, "{}", made.text());
        let client = text(&made.json, "client_id");
        let token_of = |secret: &str| {
            let form = [("content-type", "application/x-www-form-urlencoded")];
            let body = format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
            world.http.send("POST", &text(&made.json, "token_endpoint"), &form, body.as_bytes())
        };
        let old_secret = text(&made.json, "client_secret");
        let old_token = text(&token_of(&old_secret).json, "access_token");
        let users = format!("{}/Users", contoso.url());
        assert_eq!(world.send("GET", &users, Some(&old_token), None).status, 200);

        let body = json!({"kind": "client-secret", "key_id": made.json["key_id"]});
        let rotation = Started::start(&anna, "contoso", &body);
        assert_eq!(rotation.show()["client_id"], client);
        let new_token = text(&token_of(&rotation.secret).json, "access_token");
        assert_eq!(world.send("GET", &users, Some(&new_token), None).status, 200);
        rotation.becomes("safe");
        assert_eq!(rotation.end("complete", &json!({})).json["state"], "completed");
        // The access token of the old secret ends with it.
        assert_eq!(world.send("GET", &users, Some(&old_token), None).status, 401);
        assert_eq!(world.send("GET", &users, Some(&new_token), None).status, 200);
        assert_eq!(token_of(&old_secret).status, 401);
        assert_eq!(token_of(&rotation.secret).status, 200);
    }
}

#[test]
fn credentials_that_end_soon_are_listed_and_counted() {
    for backend in Backend::ALL {
        let world = World::with_settings(Database::Fresh(backend), &[QUICK]);
        world.tenant("contoso");
        world.tenant("fabrikam");
        let anna = operator(&world, "anna", "support");
        let day = 86_400;
        for (tenant, days, label) in
            [("contoso", 20, "b"), ("fabrikam", 50, "c"), ("contoso", 5, "a"), ("fabrikam", 90, "d")]
        {
            let body = json!({"label": label, "expires_in_seconds": days * day});
            assert_eq!(anna.post(&format!("/tenants/{tenant}/secret-tokens"), &body).status, 201);
        }
        let ended = world.issue_expired("fabrikam");
        let mut rows = Vec::new();
        let mut path = "/expiring-credentials?count=3".to_owned();
        loop {
            let page = anna.read(&path);
            rows.extend(page["expiring_credentials"].as_array().expect("rows").iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            path = format!("/expiring-credentials?count=3&cursor={next}");
        }
        let told: Vec<_> =
            rows.iter().map(|row| [text(row, "tenant"), text(row, "label"), text(row, "within")]).collect();
        assert_eq!(
            told,
            [
                ["fabrikam", "", "expired"],
                ["contoso", "a", "7d"],
                ["contoso", "b", "30d"],
                ["fabrikam", "c", "60d"]
            ]
        );
        assert_eq!((&rows[0]["key_id"], &rows[0]["kind"]), (&json!(ended.key_id), &json!("secret-token")));
        let gauge = |kind: &str, within: &str| {
            let labels = [format!("kind=\"{kind}\""), format!("within=\"{within}\"")];
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            world.gateway.metric(&world.http, "juno_credentials_expiring", &labels)
        };
        for within in ["expired", "7d", "30d", "60d"] {
            soon(within, || gauge("secret-token", within) == 1.0 && gauge("client-secret", within) == 0.0);
        }
    }
}
