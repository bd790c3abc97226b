//! Route × caller: every route of the routing table refuses every caller but the tenant's own, in the same words.

use crate::{oauth::Client, world::World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use test_support::{Backend, Response};

/// Callers, and the status each must get on every route.
const CALLERS: &[(&str, u16)] = &[
    ("no token", 401),
    ("garbage", 401),
    ("mistyped", 401),
    ("revoked", 401),
    ("expired", 401),
    ("other tenant's", 401),
    ("unknown tenant", 401),
    ("suspended tenant", 403),
    ("changed access token", 401),
    ("access token of a revoked client", 401),
    ("access token of a revoked secret", 401),
    ("other tenant's access token", 401),
    ("suspended tenant's access token", 403),
    ("client secret", 401),
];

/// A body for each route that takes one. A new route without a row here fails the test.
fn rows() -> BTreeMap<(&'static str, &'static str), Option<Value>> {
    let user =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "matrix@example.com"});
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Matrix"});
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "displayName", "value": "x"}]});
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []});
    BTreeMap::from([
        (("GET", "/Users"), None),
        (("POST", "/Users"), Some(user.clone())),
        (("POST", "/Users/.search"), Some(search.clone())),
        (("GET", "/Users/{id}"), None),
        (("PUT", "/Users/{id}"), Some(user)),
        (("PATCH", "/Users/{id}"), Some(patch.clone())),
        (("DELETE", "/Users/{id}"), None),
        (("GET", "/Groups"), None),
        (("POST", "/Groups"), Some(group.clone())),
        (("POST", "/Groups/.search"), Some(search.clone())),
        (("GET", "/Groups/{id}"), None),
        (("PUT", "/Groups/{id}"), Some(group)),
        (("PATCH", "/Groups/{id}"), Some(patch)),
        (("DELETE", "/Groups/{id}"), None),
        (("POST", "/.search"), Some(search)),
        (("POST", "/Bulk"), Some(bulk)),
        (("GET", "/Me"), None),
        (("POST", "/Me"), None),
        (("PUT", "/Me"), None),
        (("PATCH", "/Me"), None),
        (("DELETE", "/Me"), None),
        (("GET", "/Schemas"), None),
        (("GET", "/Schemas/{id}"), None),
        (("GET", "/ResourceTypes"), None),
        (("GET", "/ResourceTypes/{id}"), None),
        (("GET", "/ServiceProviderConfig"), None),
    ])
}

#[test]
fn every_route_has_a_row() {
    let rows = rows();
    let table: Vec<_> = scim_api::routes::ROUTES.iter().map(|route| (route.method, route.path)).collect();
    for route in &table {
        assert!(rows.contains_key(route), "{route:?} has no row in the caller matrix");
    }
    assert_eq!(table.len(), rows.len(), "a row without a route");
}

fn assert_refused(caller: &str, route: &str, status: u16, response: &Response) {
    assert_eq!(response.status, status, "{caller} on {route}: {:?}", response.json);
    assert_eq!(response.header("content-type"), Some("application/scim+json"), "{caller} on {route}");
    assert_eq!(
        response.json["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error",
        "{caller} on {route}"
    );
    assert_eq!(response.json["status"], status.to_string(), "{caller} on {route}");
    if status == 401 {
        assert!(
            response.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")),
            "{route}"
        );
    }
}

fn matrix(backend: Backend) {
    let world = World::start(backend);
    let own = world.tenant("own");
    let id = own.create_user("victim@example.com");
    let group = own.create_group("Victims", &[&id]);
    let other = world.tenant("other");
    let suspended = world.tenant("suspended");
    let of_suspended = Client::create(&world, "suspended").token(&world);
    world.juno(&["tenant", "suspend", "suspended", "--confirm", "suspended"]);
    let revoked = world.issue("own");
    world.juno(&["token", "revoke", "own", &revoked.key_id]);
    let expired = world.issue_expired("own");
    let mut mistyped = own.token().to_owned();
    let last = mistyped.pop();
    mistyped.push(if last == Some('A') { 'B' } else { 'A' });

    let client = Client::create(&world, "own");
    let mut changed = client.token(&world);
    // The middle of the signature: its last letter has bits that say nothing.
    let place = changed.len() - 20;
    let letter = if &changed[place..=place] == "A" { "B" } else { "A" };
    changed.replace_range(place..=place, letter);
    let others = Client::create(&world, "other").token(&world);
    let revoked_client = Client::create(&world, "own");
    let of_revoked_client = revoked_client.token(&world);
    world.juno(&["client", "revoke", "own", &revoked_client.id]);
    let revoked_secret = Client::create(&world, "own");
    let of_revoked_secret = revoked_secret.token(&world);
    world.juno(&["client", "revoke-secret", "own", &revoked_secret.id, &revoked_secret.key_id]);

    let mut words: BTreeMap<u16, String> = BTreeMap::new();
    for ((method, path), body) in rows() {
        let id = if path.starts_with("/Groups") { &group } else { &id };
        let path = path.replace("{id}", id);
        for (caller, status) in CALLERS {
            let (base, token): (&str, Option<&str>) = match *caller {
                "no token" => (own.url(), None),
                "garbage" => (own.url(), Some("garbage")),
                "mistyped" => (own.url(), Some(&mistyped)),
                "revoked" => (own.url(), Some(&revoked.token)),
                "expired" => (own.url(), Some(&expired.token)),
                "other tenant's" => (own.url(), Some(other.token())),
                "unknown tenant" => (&own.url().replace("/own/", "/nobody/"), Some(own.token())),
                "suspended tenant" => (suspended.url(), Some(suspended.token())),
                "changed access token" => (own.url(), Some(&changed)),
                "access token of a revoked client" => (own.url(), Some(&of_revoked_client)),
                "access token of a revoked secret" => (own.url(), Some(&of_revoked_secret)),
                "other tenant's access token" => (own.url(), Some(&others)),
                "suspended tenant's access token" => (suspended.url(), Some(&of_suspended)),
                "client secret" => (own.url(), Some(&client.secret)),
                other => panic!("caller {other}"),
            };
            let response = world.send(method, &format!("{base}{path}"), token, body.as_ref());
            assert_refused(caller, &format!("{method} {path}"), *status, &response);
            let detail = response.json["detail"].to_string();
            assert_eq!(
                words.entry(*status).or_insert_with(|| detail.clone()),
                &detail,
                "{caller} on {method} {path}"
            );
        }
    }
    // Nobody changed anything.
    assert_eq!(own.get(&format!("/Users/{id}")).json["userName"], "victim@example.com");
    assert_eq!(own.get(&format!("/Groups/{group}")).json["members"][0]["value"], json!(id));
    assert_eq!(own.get("/Users").json["totalResults"], 1);
}

#[test]
fn strangers_are_refused_on_sqlite() {
    matrix(Backend::Sqlite);
}

#[test]
fn strangers_are_refused_on_postgres() {
    matrix(Backend::Postgres);
}

#[test]
fn unknown_methods_and_paths_are_scim_errors() {
    let world = World::start(Backend::Sqlite);
    let own = world.tenant("own");
    let response = world.send("DELETE", &format!("{}/Users", own.url()), Some(own.token()), None);
    assert_refused("own", "DELETE /Users", 405, &response);
    assert_eq!(response.header("allow"), Some("GET, POST"));
    let response = world.send("GET", &format!("{}/Nothing", own.url()), Some(own.token()), None);
    assert_refused("own", "GET /Nothing", 404, &response);
    let response = world.send("GET", &format!("{}/Nothing", own.url()), None, None);
    assert_refused("stranger", "GET /Nothing", 401, &response);
    assert_eq!(own.get("/Me").status, 501);
}
