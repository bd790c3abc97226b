//! Workload identity federation with a real OpenID provider, and what is refused.

use super::{
    access_token, assert_refused, eventually, on_both_databases, part, post_form,
    provider::{Provider, SUBJECT},
    users,
};
use crate::world::World;
use serde_json::Value;
use test_support::{Backend, Database, Response};

/// Settings under which the provider of the test, at a loopback address and without TLS, may be asked.
const NEARBY: [(&str, &str); 3] = [
    ("JUNO__FEDERATION__ALLOW_HTTP", "true"),
    ("JUNO__FEDERATION__ALLOW_PRIVATE_NETWORKS", "true"),
    ("JUNO__TOKENS__CACHE_TTL", "500ms"),
];

on_both_databases!(
    assertions_of_a_real_provider_are_exchanged,
    assertions_that_are_not_of_the_terms_are_refused,
    changed_terms_end_the_tokens_of_the_old_ones,
);

fn set(world: &World, label: &str, provider: &Provider, alg: &str) -> Value {
    set_with(world, label, &provider.issuer, SUBJECT, &Provider::audience(alg), &provider.jwks_url())
}

fn set_with(
    world: &World,
    label: &str,
    issuer: &str,
    subject: &str,
    audience: &str,
    jwks_url: &str,
) -> Value {
    let terms = ["--issuer", issuer, "--subject", subject, "--audience", audience, "--jwks-url", jwks_url];
    world.juno(&[&["federation", "set", label], &terms[..]].concat())
}

/// The request that Microsoft documents.
fn exchange(world: &World, shown: &Value, assertion: &str) -> Response {
    let text = |key: &str| shown[key].as_str().expect(key);
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
         client-assertion-type%3Ajwt-bearer&client_assertion={assertion}&scope=scim&baseAddress=x",
        text("client_id")
    );
    post_form(world, text("token_endpoint"), &[], &form)
}

fn assertions_of_a_real_provider_are_exchanged(backend: Backend) {
    let provider = Provider::start();
    let world = World::with_settings(Database::Fresh(backend), &NEARBY);
    world.tenant("own");
    let mut client_ids = Vec::new();
    for alg in ["RS256", "ES256", "EdDSA"] {
        let shown = set(&world, "own", &provider, alg);
        client_ids.push(shown["client_id"].clone());
        let assertion = provider.assertion(&world.http, alg);
        assert_eq!(part(&assertion, 0)["alg"], alg);
        let granted = exchange(&world, &shown, &assertion);
        assert_eq!(granted.json["expires_in"], 3600, "{}", granted.text());
        assert_eq!(users(&world, "own", &access_token(&granted)).status, 200);
        // The assertion itself is no access token, and is good once.
        assert_eq!(users(&world, "own", &assertion).status, 401);
        assert_refused(&exchange(&world, &shown, &assertion), 401, "invalid_client");
        let next = provider.assertion(&world.http, alg);
        assert_eq!(exchange(&world, &shown, &next).status, 200);
        assert!(!world.gateway.log().contains(&assertion));
    }
    client_ids.dedup();
    assert_eq!(client_ids.len(), 1, "the client id is typed into Entra once");
}

fn assertions_that_are_not_of_the_terms_are_refused(backend: Backend) {
    let (provider, stranger) = (Provider::start(), Provider::start());
    let world = World::with_settings(Database::Fresh(backend), &NEARBY);
    world.tenant("own");
    world.tenant("other");
    let own = set(&world, "own", &provider, "RS256");
    let refuse = |shown: &Value, assertion: &str| {
        assert_refused(&exchange(&world, shown, assertion), 401, "invalid_client");
    };
    refuse(&own, &stranger.assertion(&world.http, "RS256"));
    refuse(&own, &provider.assertion(&world.http, "ES256"));
    // Signed by the provider, changed by the bearer.
    let (good, other) = (provider.assertion(&world.http, "RS256"), provider.assertion(&world.http, "RS256"));
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    refuse(&own, &format!("{header}.{}.{signature}", other.split('.').nth(1).expect("claims")));
    refuse(&own, &format!("{header}.{claims}."));
    refuse(&own, &format!("eyJhbGciOiJub25lIn0.{claims}."));
    refuse(&own, "garbage");

    // The same provider for another tenant and another subject: a good assertion is none there.
    let issuer = &provider.issuer;
    let audience = Provider::audience("RS256");
    let theirs = set_with(&world, "other", issuer, "another-subject", &audience, &provider.jwks_url());
    refuse(&theirs, &provider.assertion(&world.http, "RS256"));
    let mut mixed = own.clone();
    mixed["client_id"] = theirs["client_id"].clone();
    refuse(&mixed, &provider.assertion(&world.http, "RS256"));
    let token = access_token(&exchange(&world, &own, &good));
    assert_eq!(users(&world, "own", &token).status, 200, "what was refused was not used up");
    assert_eq!(users(&world, "other", &token).status, 401);
    // Keys of one provider do not vouch for another.
    let crossed = set_with(&world, "own", issuer, SUBJECT, &audience, &stranger.jwks_url());
    refuse(&crossed, &provider.assertion(&world.http, "RS256"));
}

fn changed_terms_end_the_tokens_of_the_old_ones(backend: Backend) {
    let provider = Provider::start();
    let world = World::with_settings(Database::Fresh(backend), &NEARBY);
    world.tenant("own");
    let grant =
        |shown: &Value| access_token(&exchange(&world, shown, &provider.assertion(&world.http, "ES256")));
    let shown = set(&world, "own", &provider, "ES256");
    let old = grant(&shown);
    assert_eq!(users(&world, "own", &old).status, 200);
    set(&world, "own", &provider, "ES256");
    assert_eq!(users(&world, "own", &old).status, 200, "the same terms are no change");
    set(&world, "own", &provider, "RS256");
    let shown = set(&world, "own", &provider, "ES256");
    eventually("the tokens of old terms end", || users(&world, "own", &old).status == 401);
    let new = grant(&shown);
    assert_eq!(users(&world, "own", &new).status, 200);
    assert_eq!(world.juno(&["federation", "show", "own"])["issuer"], provider.issuer);
    world.juno(&["federation", "remove", "own"]);
    eventually("the tokens of a removed federation end", || users(&world, "own", &new).status == 401);
    let refused = exchange(&world, &shown, &provider.assertion(&world.http, "ES256"));
    assert_refused(&refused, 401, "invalid_client");
    assert_eq!(world.gateway.command(&["federation", "show", "own"]).status.code(), Some(1));
}

#[test]
fn addresses_of_keys_lead_to_the_public_internet_only() {
    let provider = Provider::start();
    let world = World::start(Backend::Sqlite);
    world.tenant("own");
    let set_at = |url: &str| {
        let terms = ["--issuer", &provider.issuer, "--subject", SUBJECT, "--audience", "api://juno/RS256"];
        let command = [&["federation", "set", "own"], &terms[..], &["--jwks-url", url, "--json"]].concat();
        world.gateway.command(&command)
    };
    for url in [
        &provider.jwks_url(),
        "https://127.0.0.1/keys",
        "https://[::1]/keys",
        "https://[::ffff:10.0.0.1]/keys",
        "https://2130706433/keys",
        "https://0x7f.1/keys",
        "https://169.254.169.254/latest/meta-data",
        "https://user:secret@login.example.com/keys",
        "file:///etc/passwd",
        "keys",
    ] {
        assert_eq!(set_at(url).status.code(), Some(2), "{url}");
    }
    // A name says where it leads only when it is asked.
    let shown = set_at("https://localhost:9/keys");
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let answer = exchange(&world, &shown, &provider.assertion(&world.http, "RS256"));
    assert_refused(&answer, 503, "temporarily_unavailable");
    assert!(world.gateway.log().contains("does not lead to the public internet"), "{}", world.gateway.log());
}
