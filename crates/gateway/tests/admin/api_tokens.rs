//! API tokens of operators: made once, used without cookie and CSRF token, and ended.

use super::{Session, add_operator, assert_problem, operator};
use crate::world::World;
use serde_json::{Value, json};
use test_support::{Backend, Database};

fn revoke(session: &Session, key_id: &str) -> test_support::Response {
    session.post(&format!("/api-tokens/{key_id}/revoke"), &json!({}))
}

fn listed(session: &Session) -> Vec<(String, String)> {
    let listed = session.read("/api-tokens");
    let tokens = listed["api_tokens"].as_array().expect("list");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    tokens.iter().map(|token| (text(&token["operator"]), text(&token["label"]))).collect()
}

#[test]
fn a_token_does_what_its_operator_may() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let anna = operator(&world, "anna", "support");
        let made = anna.post("/api-tokens", &json!({"label": " nightly "}));
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(made.header("cache-control"), Some("no-store"));
        for (name, value) in [("operator", "anna"), ("label", "nightly"), ("role", "support")] {
            assert_eq!(made.json[name], value);
        }
        assert!(made.json["last_used"].is_null() && made.json["revoked"].is_null());
        let token = made.json["api_token"].as_str().expect("token");
        let key_id = made.json["key_id"].as_str().expect("key id");
        assert!(token.starts_with(&format!("jopr_{key_id}_")) && token.len() == 63, "{token}");

        let script = Session::script(&world, token);
        assert_eq!(script.post("/tenants", &json!({"name": "Contoso"})).status, 201, "without a CSRF token");
        assert_problem(&script.get("/operators"), 403, "forbidden");
        let shown = script.read("/api-tokens");
        assert!(shown["api_tokens"][0]["last_used"].is_string(), "{shown}");
        assert!(!shown.to_string().contains(token));

        // What it did says so in the audit log.
        let rows = world.juno(&["audit", "list"]);
        let rows = rows["audit"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["action"] == "tenant.create").expect("row");
        assert_eq!(row["actor"], format!("operator anna, API token {key_id}"));
        assert!(rows.iter().any(|row| row["action"] == "api-token.create" && row["target"] == key_id));
        assert!(!json!(rows).to_string().contains(token) && !world.gateway.log().contains(token));

        // It can end itself.
        assert_eq!(revoke(&script, key_id).status, 200);
        assert_problem(&script.get("/tenants"), 401, "not-signed-in");
        assert_problem(&revoke(&anna, key_id), 404, "not-found");
    }
}

#[test]
fn what_a_token_may_not_be_is_refused() {
    let settings = [("JUNO__ADMIN__MAX_API_TOKENS", "2"), ("JUNO__ADMIN__MAX_API_TOKEN_LIFETIME", "100d")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
    let anna = operator(&world, "anna", "support");
    for body in [
        json!({}),
        json!({"label": ""}),
        json!({"label": "  "}),
        json!({"label": "x".repeat(101)}),
        json!({"label": "a\u{7}b"}),
        json!({"label": "x", "role": "admin"}),
        json!({"label": "x", "role": "king"}),
        json!({"label": "x", "expires_in_seconds": 0}),
        json!({"label": "x", "expires_in_seconds": 100 * 86_400 + 1}),
        json!({"label": "x", "expires_in_seconds": -1}),
        json!({"label": "x", "operator": "root"}),
    ] {
        assert_problem(&anna.post("/api-tokens", &body), 400, "invalid");
    }
    let (_, first) = anna.make_api_token(&json!({"label": "one", "expires_in_seconds": 100 * 86_400}));
    anna.make_api_token(&json!({"label": "two", "role": "viewer", "expires_in_seconds": 3600}));
    assert_problem(&anna.post("/api-tokens", &json!({"label": "three"})), 409, "conflict");
    assert_eq!(revoke(&anna, &first).status, 200);
    anna.make_api_token(&json!({"label": "three"}));
}

#[test]
fn with_a_key_a_token_is_made_once_and_shown_once() {
    for backend in Backend::ALL {
        let most = [("JUNO__ADMIN__MAX_API_TOKENS", "1")];
        let world = World::with_settings(Database::Fresh(backend), &most);
        let (anna, ben) = (operator(&world, "anna", "support"), operator(&world, "ben", "support"));
        let body = json!({"label": "nightly", "role": "viewer", "expires_in_seconds": 3600});
        let first = anna.post_with_key("/api-tokens", "k", &body);
        assert!(first.status == 201 && first.json["api_token"].is_string(), "{}", first.text());
        // The one that is there is not one too many.
        let again = anna.post_with_key("/api-tokens", "k", &body);
        let mut expected = first.json.clone();
        expected["api_token"] = Value::Null;
        assert_eq!((again.status, &again.json), (201, &expected));
        for (key, value) in
            [("label", json!("x")), ("role", json!("support")), ("expires_in_seconds", json!(7200))]
        {
            let mut other = body.clone();
            other[key] = value;
            assert_problem(&anna.post_with_key("/api-tokens", "k", &other), 422, "idempotency-key-reused");
        }
        assert_problem(&anna.post_with_key("/api-tokens", "other", &body), 409, "conflict");
        let theirs = ben.post_with_key("/api-tokens", "k", &body);
        assert!(theirs.json["api_token"].is_string(), "another operator's: {}", theirs.text());
    }
}

#[test]
fn tokens_are_their_operators_and_the_admins() {
    let world = World::start(Backend::Sqlite);
    let anna = operator(&world, "anna", "viewer");
    let ben = operator(&world, "ben", "support");
    let root = operator(&world, "root", "admin");
    let (_, of_anna) = anna.make_api_token(&json!({"label": "a"}));
    let (_, of_ben) = ben.make_api_token(&json!({"label": "b"}));
    let (weak, _) = root.make_api_token(&json!({"label": "weak", "role": "support"}));
    let weak = Session::script(&world, &weak);
    let pair = |operator: &str, label: &str| (operator.to_owned(), label.to_owned());
    assert_eq!(listed(&anna), [pair("anna", "a")]);
    assert_eq!(listed(&root), [pair("anna", "a"), pair("ben", "b"), pair("root", "weak")]);
    assert_eq!(listed(&weak), [pair("root", "weak")], "the token's role counts");
    for (caller, key_id) in [(&anna, &of_ben), (&ben, &of_anna), (&weak, &of_ben)] {
        assert_problem(&revoke(caller, key_id), 404, "not-found");
    }
    assert_eq!(revoke(&root, &of_anna).status, 200);
    assert_eq!(revoke(&ben, &of_ben).status, 200);

    // The audit log says whose they were.
    let rows = root.read("/audit");
    let revoked =
        rows["audit"].as_array().expect("rows").iter().find(|row| row["target"] == of_anna.as_str());
    let row = revoked.expect("row");
    assert_eq!((&row["action"], &row["actor"]), (&json!("api-token.revoke"), &json!("operator root")));
    assert_eq!((&row["before"]["operator"], &row["after"]["operator"]), (&json!("anna"), &json!("anna")));
}

/// How a script gets its first token, where nobody has a password yet.
#[test]
fn the_command_line_makes_tokens_of_any_operator() {
    let world = World::start(Backend::Sqlite);
    add_operator(&world, "robot", "support");
    let made =
        world.juno(&["operator", "api-token", "create", "robot", "--role", "viewer", "--expires-in", "30d"]);
    assert_eq!(
        (&made["operator"], &made["role"], &made["label"]),
        (&json!("robot"), &json!("viewer"), &json!("command line"))
    );
    let created = &world.juno(&["audit", "list"])["audit"][0];
    assert_eq!(
        (&created["action"], &created["after"]["operator"]),
        (&json!("api-token.create"), &json!("robot"))
    );
    let script = Session::script(&world, made["api_token"].as_str().expect("token"));
    assert_eq!(script.get("/tenants").status, 200, "though robot has not signed in yet");
    assert_problem(&script.post("/tenants", &json!({"name": "x"})), 403, "forbidden");
    for wrong in [
        &["operator", "api-token", "create", "nobody"][..],
        &["operator", "api-token", "create", "robot", "--role", "admin"],
        &["operator", "api-token", "create", "robot", "--expires-in", "366d"],
        &["operator", "api-token", "revoke", "nothing0"],
    ] {
        assert!(!world.gateway.command(wrong).status.success(), "{wrong:?}");
    }
    let listed = world.juno(&["operator", "api-token", "list"]);
    assert_eq!(listed["api_tokens"].as_array().map(Vec::len), Some(1));
    world.juno(&["operator", "api-token", "revoke", made["key_id"].as_str().expect("key id")]);
    assert_problem(&script.get("/tenants"), 401, "not-signed-in");
    assert_eq!(world.juno(&["operator", "role", "robot", "admin"])["role"], "admin");
    assert_eq!(world.juno(&["operator", "enable", "robot"])["active"], true);
}

#[test]
fn a_wrong_token_is_not_helped_by_a_cookie() {
    let world = World::start(Backend::Sqlite);
    let root = operator(&world, "root", "admin");
    let (token, _) = root.make_api_token(&json!({"label": "x"}));
    let with =
        |authorization: &str| root.send_with("GET", "/tenants", &[("authorization", authorization)], "");
    for good in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER  {token} ")] {
        assert_eq!(with(&good).status, 200, "{good}");
    }
    for bad in [
        "Bearer x".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {token}x"),
        format!("Bearer {token} {token}"),
    ] {
        assert_problem(&with(&bad), 401, "not-signed-in");
    }
    // Another scheme is nothing of ours: the cookie counts.
    assert_eq!(with("Basic eDp5").status, 200);
}
