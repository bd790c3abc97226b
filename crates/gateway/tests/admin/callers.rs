//! Route × caller over the routing table itself: every route lets in whom it says, and nobody else.

use super::{
    PASSWORD, Session, add_operator, assert_problem, code, operator, operator_with_secret, session_of,
    try_sign_in,
};
use crate::{
    console::callers::{Kept, Walker},
    world::World,
};
use admin::api::{Access, ROUTES, Route, needs_session};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use test_support::{Backend, Database, Response};

/// A body (and a query) for each route. A new route without a row here fails the test.
fn rows() -> BTreeMap<(&'static str, &'static str), (&'static str, Option<Value>)> {
    let empty = || Some(json!({}));
    BTreeMap::from([
        (("GET", "/openapi.json"), ("", None)),
        (("POST", "/session"), ("", Some(json!({"name": "nobody", "password": "nothing"})))),
        (("GET", "/session"), ("", None)),
        (("DELETE", "/session"), ("", None)),
        (
            ("PUT", "/session/password"),
            ("", Some(json!({"old_password": "wrong", "new_password": "another password"}))),
        ),
        (("POST", "/session/totp"), ("", empty())),
        (("PUT", "/session/totp"), ("", Some(json!({"code": "000000"})))),
        (("GET", "/operators"), ("", None)),
        (("POST", "/operators"), ("", Some(json!({"name": "new", "role": "viewer"})))),
        (("POST", "/operators/{name}/reset"), ("", empty())),
        (("POST", "/operators/{name}/disable"), ("", empty())),
        (("POST", "/operators/{name}/enable"), ("", empty())),
        (("PUT", "/operators/{name}/role"), ("", Some(json!({"role": "viewer"})))),
        (("GET", "/api-tokens"), ("", None)),
        (("POST", "/api-tokens"), ("", Some(json!({"label": "matrix"})))),
        (("POST", "/api-tokens/{key_id}/revoke"), ("", empty())),
        (("GET", "/tenants"), ("", None)),
        (("POST", "/tenants"), ("", Some(json!({"name": "matrix"})))),
        (("GET", "/tenants/{tenant}"), ("", None)),
        (("PATCH", "/tenants/{tenant}"), ("", Some(json!({"name": "matrix"})))),
        (("DELETE", "/tenants/{tenant}"), ("?confirm=another", None)),
        (("POST", "/tenants/{tenant}/suspend"), ("?confirm={tenant}", empty())),
        (("POST", "/tenants/{tenant}/resume"), ("?confirm={tenant}", empty())),
        (("POST", "/tenants/{tenant}/conformance"), ("", empty())),
        (("POST", "/tenants/{tenant}/export"), ("?confirm={tenant}", empty())),
        (("GET", "/tenants/{tenant}/secret-tokens"), ("", None)),
        (("POST", "/tenants/{tenant}/secret-tokens"), ("", Some(json!({"label": "matrix"})))),
        (("POST", "/tenants/{tenant}/secret-tokens/{key_id}/revoke"), ("", empty())),
        (("GET", "/tenants/{tenant}/oauth-clients"), ("", None)),
        (("POST", "/tenants/{tenant}/oauth-clients"), ("", Some(json!({"label": "matrix"})))),
        (("POST", "/tenants/{tenant}/oauth-clients/{client_id}/revoke"), ("", empty())),
        (("POST", "/tenants/{tenant}/oauth-clients/{client_id}/secrets"), ("", empty())),
        (("POST", "/tenants/{tenant}/oauth-clients/{client_id}/secrets/{key_id}/revoke"), ("", empty())),
        (("GET", "/tenants/{tenant}/setup-links"), ("", None)),
        (("POST", "/tenants/{tenant}/setup-links"), ("", Some(json!({"label": "matrix"})))),
        (("POST", "/tenants/{tenant}/setup-links/{id}/revoke"), ("", empty())),
        (("GET", "/tenants/{tenant}/federation"), ("", None)),
        (("PUT", "/tenants/{tenant}/federation"), ("", Some(super::federation::terms()))),
        (("DELETE", "/tenants/{tenant}/federation"), ("", None)),
        (("GET", "/tenants/{tenant}/rotations"), ("", None)),
        (
            ("POST", "/tenants/{tenant}/rotations"),
            ("", Some(json!({"kind": "client-secret", "key_id": "matrix"}))),
        ),
        (("GET", "/tenants/{tenant}/rotations/{id}"), ("", None)),
        (("POST", "/tenants/{tenant}/rotations/{id}/complete"), ("", empty())),
        (("POST", "/tenants/{tenant}/rotations/{id}/cancel"), ("", empty())),
        (("PUT", "/tenants/{tenant}/rotations/{id}/automatic"), ("", Some(json!({"automatic": true})))),
        (("GET", "/expiring-credentials"), ("", None)),
        (("GET", "/tenants/{tenant}/resources/{type}"), ("", None)),
        (("GET", "/tenants/{tenant}/resources/{type}/{id}"), ("", None)),
        (("GET", "/tenants/{tenant}/resources/{type}/{id}/members"), ("", None)),
        (("GET", "/tenants/{tenant}/resources/{type}/{id}/history"), ("", None)),
        (("GET", "/tenants/{tenant}/change-log"), ("", None)),
        (("GET", "/tenants/{tenant}/collisions"), ("", None)),
        (("GET", "/tenants/{tenant}/deleted"), ("", None)),
        (("POST", "/tenants/{tenant}/deleted/{id}/restore"), ("", empty())),
        (("GET", "/audit"), ("", None)),
        (("GET", "/audit/verification"), ("", None)),
    ])
}

#[test]
fn every_route_has_a_row() {
    let rows = rows();
    for route in ROUTES {
        assert!(rows.contains_key(&(route.method, route.path)), "{route:?} has no row in the caller matrix");
    }
    assert_eq!(ROUTES.len(), rows.len(), "a row without a route");
}

/// Callers that no route lets in but those for everybody.
fn strangers(world: &World) -> Vec<(&'static str, Session)> {
    let admin = operator(world, "strange-admin", "admin");
    let with = |cookie: String| Session { cookie, ..clone(&admin) };
    let signed_out = operator(world, "gone", "admin");
    let token_of = |operator: &Session| operator.make_api_token(&json!({"label": "stranger"}));
    let (of_signed_out, key_id) = token_of(&signed_out);
    assert_eq!(signed_out.post(&format!("/api-tokens/{key_id}/revoke"), &json!({})).status, 200);
    assert_eq!(signed_out.send("DELETE", "/session", None).status, 204);
    let disabled = operator(world, "disabled", "admin");
    let (of_disabled, _) = token_of(&disabled);
    world.juno(&["operator", "disable", "disabled"]);
    let reset = operator(world, "reset", "admin");
    let (of_reset, _) = token_of(&reset);
    world.juno(&["operator", "reset", "reset"]);
    let secret_token = world.tenant("stranger").token().to_owned();
    let unknown = of_reset.replace("jopr_", "juno_");
    let script = |token: &str| Session::script(world, token);
    vec![
        ("a revoked API token", script(&of_signed_out)),
        ("an API token of a disabled operator", script(&of_disabled)),
        ("an API token of a reset operator", script(&of_reset)),
        ("an API token with another prefix", script(&unknown)),
        ("a Secret Token", script(&secret_token)),
        ("an empty bearer", script("")),
        ("no session", with("other=1".to_owned())),
        ("garbage", with("juno_session=garbage".to_owned())),
        ("unknown session", with(format!("juno_session={}", "0".repeat(64)))),
        ("signed out", signed_out),
        ("disabled", disabled),
        ("reset", reset),
    ]
}

fn clone(session: &Session) -> Session {
    Session {
        base: session.base.clone(),
        http: session.http.clone(),
        cookie: session.cookie.clone(),
        csrf: session.csrf.clone(),
        api_token: session.api_token.clone(),
    }
}

/// A session that has run out: begun at another gateway of the same database, whose sessions last no time.
fn expired(world: &World, database: &str) -> Session {
    let (_, secret) = operator_with_secret(world, "late", "admin");
    let brief = [("JUNO__ADMIN__SESSION_LIFETIME", "1ms")];
    let other = World::with_settings(Database::At(database.to_owned()), &brief);
    let given = json!({"name": "late", "password": PASSWORD, "code": code(&secret, 1)});
    let begun = session_of(&other, &try_sign_in(&other, &given));
    Session { base: super::base(world), ..begun }
}

/// An API token that has ended: made at another gateway of the same database, where they last no time.
fn expired_script(world: &World, database: &str) -> Session {
    let (_, secret) = operator_with_secret(world, "tardy", "admin");
    let brief = [("JUNO__ADMIN__API_TOKEN_LIFETIME", "1ms")];
    let other = World::with_settings(Database::At(database.to_owned()), &brief);
    let given = json!({"name": "tardy", "password": PASSWORD, "code": code(&secret, 1)});
    let session = session_of(&other, &try_sign_in(&other, &given));
    Session::script(world, &session.make_api_token(&json!({"label": "brief"})).0)
}

/// Why a caller is kept out, if it is.
fn refusal(response: &Response) -> Option<(u16, String)> {
    let kind = response.json["type"].as_str()?.strip_prefix("urn:juno:problem:")?.to_owned();
    let kinds = ["not-signed-in", "wrong-csrf-token", "not-ready", "needs-session", "forbidden"];
    kinds.contains(&kind.as_str()).then_some((response.status, kind))
}

struct Matrix<'w> {
    world: &'w World,
    values: [(&'static str, String); 7],
}

impl Matrix<'_> {
    fn send(&self, route: &Route, session: &Session) -> Response {
        let (query, body) = &rows()[&(route.method, route.path)];
        let address = format!("{}{query}", route.path);
        let address = self.values.iter().fold(address, |address, (name, value)| address.replace(name, value));
        session.send(route.method, &address, body.as_ref())
    }

    /// Every route refuses this caller in these words, but those that `lets_in` says.
    fn walk(
        &self,
        caller: &str,
        session: &Session,
        expected: impl Fn(&Route) -> Option<(u16, &'static str)>,
    ) {
        for route in ROUTES {
            let expected = expected(route);
            // Signing out ends the caller; it is tried in `session.rs`.
            if expected.is_none() && (route.method, route.path) == ("DELETE", "/session") {
                continue;
            }
            let response = self.send(route, session);
            match expected {
                Some((status, kind)) => {
                    assert_eq!(refusal(&response), Some((status, kind.to_owned())), "{caller} on {route:?}");
                    assert_problem(&response, status, kind);
                }
                None => {
                    assert_eq!(refusal(&response), None, "{caller} on {route:?}: {}", response.text());
                    assert!(response.status < 500, "{caller} on {route:?}: {}", response.text());
                }
            }
        }
    }

    /// The same for the pages of the console.
    fn walk_pages(&self, caller: &str, session: &Session, expected: impl Fn(&Route) -> Option<Kept>) {
        let base = self.world.gateway.admin();
        let (header, value) = session.credential();
        let walker = Walker { base, http: &session.http, credential: (header, &value), csrf: &session.csrf };
        walker.walk(caller, &self.values, expected);
    }

    fn audit_rows(&self) -> Value {
        self.world.juno(&["audit", "verify"])["rows"].clone()
    }
}

fn matrix(backend: Backend) {
    let folder = tempfile::tempdir().expect("folder");
    let database = backend.fresh_database(folder.path());
    let world = World::with_settings(Database::At(database.clone()), &[]);
    let contoso = world.tenant("contoso");
    let id = contoso.create_user("victim@example.com");
    let key_id = contoso.token().split('_').nth(1).expect("key id").to_owned();
    add_operator(&world, "spare", "viewer");
    let client = world.juno(&["client", "create", "contoso"]);
    let values = [
        ("{client_id}", client["client_id"].as_str().expect("client id").to_owned()),
        ("{tenant}", "contoso".to_owned()),
        ("{type}", "Users".to_owned()),
        ("{id}", id.clone()),
        ("{key_id}", key_id),
        ("{name}", "spare".to_owned()),
        ("{file}", "nothing".to_owned()),
    ];
    let matrix = Matrix { world: &world, values };
    let mut strangers = strangers(&world);
    strangers.push(("expired", expired(&world, &database)));
    strangers.push(("an expired API token", expired_script(&world, &database)));
    let once = add_operator(&world, "newcomer", "admin");
    let newcomer = session_of(&world, &try_sign_in(&world, &json!({"name": "newcomer", "password": once})));
    let roles = [("viewer", Access::Viewer), ("support", Access::Support), ("admin", Access::Admin)];
    let operators = roles.map(|(role, access)| (role, operator(&world, role, role), access));
    // All of the same admin: it is the token's role that counts.
    let scripts = roles.map(|(role, access)| {
        let (token, _) = operators[2].1.make_api_token(&json!({"label": role, "role": role}));
        (role, Session::script(&world, &token), access)
    });
    let no_csrf = Session { csrf: newcomer.csrf.clone(), ..clone(&operators[2].1) };

    let before = matrix.audit_rows();
    for (caller, session) in &strangers {
        matrix
            .walk(caller, session, |route| (route.access > Access::Public).then_some((401, "not-signed-in")));
        matrix.walk_pages(caller, session, |route| (route.access > Access::Public).then_some(Kept::SignIn));
    }
    matrix.walk("wrong CSRF", &no_csrf, |route| {
        (route.access > Access::Public && route.method != "GET").then_some((403, "wrong-csrf-token"))
    });
    matrix.walk_pages("wrong CSRF", &no_csrf, |route| {
        (route.access > Access::Public && route.method != "GET").then_some(Kept::WrongCsrf)
    });
    assert_eq!(matrix.audit_rows(), before, "nobody has done anything");
    matrix
        .walk("newcomer", &newcomer, |route| (route.access > Access::Newcomer).then_some((403, "not-ready")));
    matrix.walk_pages("newcomer", &newcomer, |route| {
        (route.access > Access::Newcomer).then_some(Kept::FirstSignIn)
    });
    for (role, session, access) in &operators {
        matrix.walk(role, session, |route| (route.access > *access).then_some((403, "forbidden")));
        matrix.walk_pages(role, session, |route| (route.access > *access).then_some(Kept::Forbidden));
    }
    for (role, script, access) in &scripts {
        matrix.walk(&format!("API token of role {role}"), script, |route| match route.access {
            Access::Public => None,
            _ if needs_session(route) => Some((403, "needs-session")),
            needed => (needed > *access).then_some((403, "forbidden")),
        });
        // Pages are for whoever sits at a browser.
        matrix.walk_pages(role, script, |route| (route.access > Access::Public).then_some(Kept::SignIn));
    }
    // What they were let in to do was done; the tenant is there, as erasing it was confirmed by another name.
    let tokens = operators[0].1.read("/tenants/contoso/secret-tokens");
    assert!(tokens["secret_tokens"][0]["revoked"].is_string(), "{tokens}");
    assert_eq!(operators[0].1.read("/tenants/contoso")["state"], "active");
    assert!(matrix.audit_rows().as_i64() > before.as_i64());
    let log = world.gateway.log();
    let api_token = scripts[2].1.api_token.as_deref().expect("API token");
    for secret in [PASSWORD, &once, &newcomer.csrf, api_token, &newcomer.cookie[13..], "victim@example.com"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn every_route_lets_in_whom_it_says_on_sqlite() {
    matrix(Backend::Sqlite);
}

#[test]
fn every_route_lets_in_whom_it_says_on_postgres() {
    matrix(Backend::Postgres);
}

#[test]
fn unknown_paths_and_methods_are_problems() {
    let world = World::start(Backend::Sqlite);
    let anna = operator(&world, "anna", "admin");
    assert_problem(&anna.get("/nothing"), 404, "not-found");
    let response = anna.send("PUT", "/tenants", Some(&json!({})));
    assert_problem(&response, 405, "method-not-allowed");
    assert_eq!(response.header("allow"), Some("GET, POST"));
    assert_problem(&anna.get("/tenants/contoso"), 404, "not-found");
    assert_problem(&anna.get("/tenants?surprise=1"), 400, "invalid");
    assert_problem(&anna.get("/tenants?cursor=x"), 400, "invalid");
    assert_problem(&anna.send_with("POST", "/tenants", &[], "{\"name\": 7}"), 400, "invalid");
    assert_problem(
        &anna.send_with("POST", "/tenants", &[], "{\"name\": \"x\", \"owner\": \"y\"}"),
        400,
        "invalid",
    );
    assert_problem(&anna.send_with("POST", "/tenants", &[], "not json"), 400, "invalid");
    let large = json!({ "name": "x".repeat(100_000) });
    assert_problem(&anna.send("POST", "/tenants", Some(&large)), 413, "too-large");
    let url = format!("{}/session", super::base(&world));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_problem(&world.http.send("POST", &url, &form, b"name=anna&password=x"), 415, "wrong-media-type");
}

#[test]
fn the_description_is_served_to_everybody() {
    let world = World::start(Backend::Sqlite);
    let response = world.http.send("GET", &format!("{}/openapi.json", super::base(&world)), &[], b"");
    assert_eq!(response.status, 200);
    assert_eq!(response.json["openapi"], "3.1.0");
    let paths = response.json["paths"].as_object().expect("paths");
    for route in ROUTES {
        let operation = &paths[&format!("/api/v1{}", route.path)][route.method.to_lowercase()];
        assert!(operation.is_object(), "{route:?}");
    }
}
