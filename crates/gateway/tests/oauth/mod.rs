//! OAuth 2.0 as clients meet it: token endpoint, metadata, keys; and what ends access tokens.

mod federation;
pub(crate) mod provider;

use crate::world::World;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use test_support::{Backend, Database, Response};

/// How long something may take to be felt: only failures wait so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// An OAuth client as `juno client create` shows it.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) key_id: String,
    pub(crate) token_endpoint: String,
}

impl Client {
    pub(crate) fn create(world: &World, label: &str) -> Client {
        Client::shown(&world.juno(&["client", "create", label, "--label", "Entra"]))
    }

    pub(crate) fn shown(shown: &Value) -> Client {
        let text = |key: &str| shown[key].as_str().expect(key).to_owned();
        Client {
            id: text("client_id"),
            secret: text("client_secret"),
            key_id: text("key_id"),
            token_endpoint: text("token_endpoint"),
        }
    }

    /// The request that Microsoft's test suite sends.
    pub(crate) fn form(&self) -> String {
        format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=scim",
            self.id, self.secret
        )
    }

    /// An access token, which must be issued.
    pub(crate) fn token(&self, world: &World) -> String {
        access_token(&post_form(world, &self.token_endpoint, &[], &self.form()))
    }
}

pub(crate) fn post_form(world: &World, url: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    world.http.send("POST", url, &[&form, headers].concat(), body.as_bytes())
}

pub(crate) fn access_token(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.text());
    response.json["access_token"].as_str().expect("access_token").to_owned()
}

/// A part of a token, read without a proof.
fn part(token: &str, index: usize) -> Value {
    let encoded = token.split('.').nth(index).expect("part");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// HTTP Basic; ids and secrets here have no letter that would have to be encoded first.
fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

pub(crate) fn users(world: &World, label: &str, token: &str) -> Response {
    let url = format!("{}/t/{label}/scim/v2/Users?startIndex=1&count=1", world.gateway.scim());
    world.send("GET", &url, Some(token), None)
}

/// Asks until the answer is yes.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
    }
}

fn assert_refused(response: &Response, status: u16, error: &str) {
    assert_eq!((response.status, &response.json["error"]), (status, &json!(error)), "{}", response.text());
    assert!(response.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert!(response.json["error_description"].is_string(), "{}", response.text());
}

/// Makes two tests of each function: one with a gateway on SQLite, one with a gateway on PostgreSQL.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $test() {
                super::$test(test_support::Backend::Sqlite);
            })+
        }
        mod postgres {
            $(#[test]
            fn $test() {
                super::$test(test_support::Backend::Postgres);
            })+
        }
    };
}
use on_both_databases;

on_both_databases!(
    a_client_gets_a_token_in_either_way_and_provisions_with_it,
    strangers_get_one_answer,
    metadata_says_what_is_served,
    tokens_die_with_client_secret_and_tenant,
    secrets_end_on_time,
    signing_keys_are_replaced_under_way,
    processes_share_keys_and_clients,
);

fn a_client_gets_a_token_in_either_way_and_provisions_with_it(backend: Backend) {
    let world =
        World::with_settings(Database::Fresh(backend), &[("JUNO__TOKENS__LAST_USED_INTERVAL", "100ms")]);
    let own = world.tenant("own");
    let client = Client::create(&world, "own");
    assert_eq!(client.token_endpoint, format!("{}/t/own/oauth/token", world.gateway.scim()));
    let granted = post_form(&world, &client.token_endpoint, &[], &client.form());
    assert_eq!(granted.header("cache-control"), Some("no-store"));
    assert_eq!(granted.json["token_type"], "Bearer");
    assert_eq!(granted.json["scope"], "scim");
    assert_eq!(granted.json["expires_in"], 3600);
    let by_body = access_token(&granted);

    let basic = basic(&client.id, &client.secret);
    let headers = [("authorization", basic.as_str())];
    let by_basic =
        access_token(&post_form(&world, &client.token_endpoint, &headers, "grant_type=client_credentials"));
    assert_ne!(by_body, by_basic);

    let user =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ana@example.com"});
    let created = world.send("POST", &format!("{}/Users", own.url()), Some(&by_body), Some(&user));
    assert_eq!(created.status, 201, "{}", created.text());
    let listed = users(&world, "own", &by_basic);
    assert_eq!((listed.status, &listed.json["totalResults"]), (200, &json!(1)));

    eventually("the time of last use is written", || {
        world.juno(&["client", "list", "own"])["oauth_clients"][0]["secrets"][0]["last_used"].is_string()
    });
    let second = Client::shown(&world.juno(&["client", "add-secret", "own", &client.id]));
    for client in [&client, &second] {
        assert_eq!(users(&world, "own", &client.token(&world)).status, 200);
    }
    let log = world.gateway.log();
    for secret in [&client.secret, &second.secret, &by_body, &by_basic] {
        assert!(!log.contains(secret.as_str()));
    }
    let listed = world.juno(&["client", "list", "own"]).to_string();
    assert!(!listed.contains(&client.secret) && !listed.contains("argon2"), "{listed}");
    let audit = world.juno(&["audit", "list"]).to_string();
    assert!(audit.contains("oauth-client.create") && audit.contains("client-secret.issue"), "{audit}");
    assert!(!audit.contains(&client.secret) && !audit.contains("argon2"), "{audit}");
}

fn strangers_get_one_answer(backend: Backend) {
    let world = World::start(backend);
    world.tenant("own");
    world.tenant("other");
    let client = Client::create(&world, "own");
    let other = Client::create(&world, "other");
    let suspended = Client::create(&world, "other");
    world.juno(&["client", "revoke", "other", &suspended.id]);
    let mut bodies = Vec::new();
    for (label, id, secret) in [
        ("own", &client.id, &other.secret),
        ("own", &other.id, &other.secret),
        ("own", &client.id, &"wrong".to_owned()),
        ("own", &"nobody".to_owned(), &client.secret),
        ("nobody", &client.id, &client.secret),
        ("other", &client.id, &client.secret),
        ("other", &suspended.id, &suspended.secret),
    ] {
        let url = format!("{}/t/{label}/oauth/token", world.gateway.scim());
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let refused = post_form(&world, &url, &[], &form);
        assert_refused(&refused, 401, "invalid_client");
        assert_eq!(refused.header("www-authenticate"), None);
        bodies.push(refused.text());
        let basic = basic(id, secret);
        let refused = post_form(&world, &url, &[("authorization", &basic)], "grant_type=client_credentials");
        assert_refused(&refused, 401, "invalid_client");
        assert!(refused.header("www-authenticate").is_some_and(|value| value.starts_with("Basic")));
        bodies.push(refused.text());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    // A Secret Token is no client secret, nor the other way round.
    assert_eq!(users(&world, "own", &client.secret).status, 401);
    assert_eq!(users(&world, "own", &other.token(&world)).status, 401);
}

fn metadata_says_what_is_served(backend: Backend) {
    let world = World::start(backend);
    world.tenant("own");
    let client = Client::create(&world, "own");
    let get = |url: &str| world.http.send("GET", url, &[], b"");
    let scim = world.gateway.scim();
    let metadata = get(&format!("{scim}/.well-known/oauth-authorization-server/t/own"));
    assert_eq!(metadata.status, 200);
    let beside = get(&format!("{scim}/t/own/.well-known/oauth-authorization-server"));
    assert_eq!(metadata.json, beside.json);
    let text = |key: &str| metadata.json[key].as_str().expect(key);
    assert_eq!(text("issuer"), format!("{scim}/t/own"));
    assert_eq!(text("token_endpoint"), client.token_endpoint);
    assert_eq!(metadata.json["grant_types_supported"], json!(["client_credentials"]));

    let token = client.token(&world);
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    assert_eq!(claims["iss"], text("issuer"));
    assert_eq!(claims["aud"], format!("{scim}/t/own/scim/v2"));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(client.id), &json!(client.id)));
    let seconds = |key: &str| claims[key].as_i64().expect(key);
    assert_eq!(seconds("exp") - seconds("iat"), 3600);
    let keys = get(text("jwks_uri"));
    let keys = keys.json["keys"].as_array().expect("keys");
    assert!(keys.iter().any(|key| key["kid"] == header["kid"] && key["crv"] == "Ed25519"));
    assert!(keys.iter().all(|key| key.get("d").is_none()), "no private part");
    // Nobody learns from it which tenants there are.
    let unknown = get(&format!("{scim}/.well-known/oauth-authorization-server/t/nobody"));
    assert_eq!(unknown.text(), metadata.text().replace("/t/own", "/t/nobody"));
}

fn tokens_die_with_client_secret_and_tenant(backend: Backend) {
    let world = World::with_settings(Database::Fresh(backend), &[("JUNO__TOKENS__CACHE_TTL", "500ms")]);
    world.tenant("own");
    let client = Client::create(&world, "own");
    let second = Client::shown(&world.juno(&["client", "add-secret", "own", &client.id]));
    let (by_first, by_second) = (client.token(&world), second.token(&world));
    let status = |token: &str| users(&world, "own", token).status;
    assert_eq!((status(&by_first), status(&by_second)), (200, 200));

    world.juno(&["client", "revoke-secret", "own", &client.id, &client.key_id]);
    assert_refused(&post_form(&world, &client.token_endpoint, &[], &client.form()), 401, "invalid_client");
    eventually("the token of a revoked secret ends", || status(&by_first) == 401);
    assert_eq!(status(&by_second), 200);

    world.juno(&["tenant", "suspend", "own", "--confirm", "own"]);
    let refused = post_form(&world, &second.token_endpoint, &[], &second.form());
    assert_refused(&refused, 400, "unauthorized_client");
    eventually("a suspended tenant's token is refused", || status(&by_second) == 403);
    world.juno(&["tenant", "resume", "own", "--confirm", "own"]);
    eventually("a resumed tenant's token is good", || status(&by_second) == 200);

    world.juno(&["client", "revoke", "own", &client.id]);
    eventually("the token of a revoked client ends", || status(&by_second) == 401);

    let other = Client::create(&world, "own");
    let token = other.token(&world);
    world.juno(&["tenant", "delete", "own", "--confirm", "own"]);
    eventually("the token of a deleted tenant ends", || status(&token) == 401);
    assert_refused(&post_form(&world, &other.token_endpoint, &[], &other.form()), 401, "invalid_client");
}

fn secrets_end_on_time(backend: Backend) {
    let world = World::with_settings(Database::Fresh(backend), &[("JUNO__OAUTH__MIN_SECRET_LIFETIME", "1s")]);
    world.tenant("own");
    let client = Client::shown(&world.juno(&["client", "create", "own", "--expires-in", "10s"]));
    let granted = post_form(&world, &client.token_endpoint, &[], &client.form());
    assert!(granted.json["expires_in"].as_i64().is_some_and(|seconds| seconds <= 10), "{}", granted.text());
    let token = access_token(&granted);
    assert_eq!(users(&world, "own", &token).status, 200);
    eventually("the token ends with its secret", || users(&world, "own", &token).status == 401);
    eventually("the secret ends", || {
        post_form(&world, &client.token_endpoint, &[], &client.form()).status == 401
    });
}

fn signing_keys_are_replaced_under_way(backend: Backend) {
    let settings = [("JUNO__OAUTH__SIGNING_KEY_LIFETIME", "2s")];
    let world = World::with_settings(Database::Fresh(backend), &settings);
    world.tenant("own");
    let client = Client::create(&world, "own");
    let first = client.token(&world);
    let jwks = || world.http.send("GET", &client.token_endpoint.replace("/token", "/jwks"), &[], b"").json;
    eventually("another key signs", || {
        let granted = post_form(&world, &client.token_endpoint, &[], &client.form());
        if granted.status == 429 {
            return false;
        }
        let token = access_token(&granted);
        let kid = &part(&token, 0)["kid"];
        let published = jwks();
        let published = published["keys"].as_array().expect("keys");
        assert!(published.iter().any(|key| &key["kid"] == kid), "a key is published before it signs");
        assert_eq!(users(&world, "own", &token).status, 200);
        kid != &part(&first, 0)["kid"]
    });
    assert_eq!(users(&world, "own", &first).status, 200, "tokens of the old key stay good");
}

fn processes_share_keys_and_clients(backend: Backend) {
    let folder = tempfile::tempdir().expect("folder");
    let database = backend.fresh_database(folder.path());
    let start = || {
        let settings = [("JUNO__SCIM__PUBLIC_URL", "https://scim.example.com")];
        World::with_settings(Database::At(database.clone()), &settings)
    };
    let (one, two) = (start(), start());
    one.tenant("own");
    let mut client = Client::create(&one, "own");
    client.token_endpoint = format!("{}/t/own/oauth/token", one.gateway.scim());
    let token = client.token(&one);
    assert_eq!(part(&token, 1)["iss"], "https://scim.example.com/t/own");
    for world in [&one, &two] {
        assert_eq!(users(world, "own", &token).status, 200);
    }
}

#[test]
fn requests_are_bounded_and_answered_in_the_words_of_oauth() {
    let world =
        World::with_settings(Database::Fresh(Backend::Sqlite), &[("JUNO__OAUTH__RATE_PER_CLIENT", "2")]);
    world.tenant("own");
    let client = Client::create(&world, "own");
    let url = &client.token_endpoint;
    let large = format!("{}&x={}", client.form(), "x".repeat(40_000));
    assert_refused(&post_form(&world, url, &[], &large), 413, "invalid_request");
    let json = world.http.send("POST", url, &[("content-type", "application/json")], b"{}");
    assert_refused(&json, 400, "invalid_request");
    let get = world.http.send("GET", url, &[], b"");
    assert_refused(&get, 405, "invalid_request");
    assert_eq!(get.header("allow"), Some("POST"));
    for (body, status, error) in [
        ("", 400, "invalid_request"),
        ("grant_type=password", 400, "unsupported_grant_type"),
        ("grant_type=client_credentials", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=%00&client_secret=%ff", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=a&client_id=b&client_secret=c", 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=a&client_assertion=b", 400, "invalid_request"),
    ] {
        assert_refused(&post_form(&world, url, &[], body), status, error);
    }
    let mut statuses = Vec::new();
    eventually("a loud client is throttled", || {
        let response = post_form(&world, url, &[], &client.form());
        statuses.push(response.status);
        if response.status == 429 {
            assert_refused(&response, 429, "slow_down");
            assert_eq!(response.header("retry-after"), Some("1"));
        }
        response.status == 429
    });
    assert!(statuses.contains(&200), "{statuses:?}");
    let other = Client::create(&world, "own");
    assert_eq!(post_form(&world, url, &[], &other.form()).status, 200, "its neighbour is not");
    let bounds = world.gateway.command(&["client", "create", "own", "--expires-in", "10d"]);
    assert_eq!(bounds.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bounds.stderr).contains("365 days at least and 1095 days at most"));
}

#[test]
fn an_access_token_lives_for_as_long_as_six_hours_if_it_is_set() {
    let settings = [("JUNO__OAUTH__TOKEN_LIFETIME", "6h")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
    world.tenant("own");
    let client = Client::create(&world, "own");
    let granted = post_form(&world, &client.token_endpoint, &[], &client.form());
    assert_eq!(granted.json["expires_in"], 21_600, "{}", granted.text());
    let token = access_token(&granted);
    let claims = part(&token, 1);
    let seconds = |name: &str| claims[name].as_i64().expect(name);
    assert_eq!(seconds("exp") - seconds("iat"), 21_600);
    assert_eq!(users(&world, "own", &token).status, 200);
}
