//! Workload identity federation over the API. That assertions are taken by its terms is proven in `tests/oauth`.

use super::{assert_problem, operator};
use crate::world::World;
use serde_json::{Value, json};
use test_support::Backend;

const FEDERATION: &str = "/tenants/contoso/federation";

/// Terms as Entra's administrator reads them off.
pub(crate) fn terms() -> Value {
    json!({
        "issuer": "https://login.microsoftonline.com/8a8b5f1e-3f0c-4b6f-9d3e-0a1b2c3d4e5f/v2.0",
        "subject": "5b0c7a6e-1d2f-4c3b-8a9d-7e6f5a4b3c2d",
        "audience": "api://1b2c3d4e-5f6a-4b7c-8d9e-0f1a2b3c4d5e",
        "jwks_url": "https://login.microsoftonline.com/8a8b5f1e-3f0c-4b6f-9d3e-0a1b2c3d4e5f/discovery/v2.0/keys",
    })
}

fn changed(key: &str, value: &str) -> Value {
    let mut terms = terms();
    terms[key] = value.into();
    terms
}

#[test]
fn a_federation_is_set_shown_changed_and_removed() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        assert_problem(&anna.get(FEDERATION), 404, "not-found");
        assert_problem(&anna.send("DELETE", FEDERATION, None), 404, "not-found");
        let set = anna.put(FEDERATION, &terms());
        assert_eq!(set.status, 200, "{}", set.text());
        for (key, value) in terms().as_object().expect("terms") {
            assert_eq!(&set.json[key], value);
        }
        assert_eq!(set.json["token_endpoint"], format!("{}/t/contoso/oauth/token", world.gateway.scim()));
        assert_eq!(set.json["last_used"], Value::Null);
        assert_eq!(anna.read(FEDERATION), set.json);
        // It names a client without secrets.
        let clients = anna.read("/tenants/contoso/oauth-clients");
        assert_eq!(clients["oauth_clients"][0]["client_id"], set.json["client_id"]);
        assert_eq!(clients["oauth_clients"][0]["secrets"], json!([]));

        assert_eq!(anna.put(FEDERATION, &terms()).json, set.json, "the same terms are no change");
        let other = anna.put(FEDERATION, &changed("subject", "another"));
        assert_eq!(
            (&other.json["subject"], &other.json["client_id"]),
            (&json!("another"), &set.json["client_id"])
        );
        // Its client is in use, and says how it ends.
        let id = set.json["client_id"].as_str().expect("client_id");
        let refused = anna.post(&format!("/tenants/contoso/oauth-clients/{id}/revoke"), &json!({}));
        assert_problem(&refused, 409, "conflict");
        assert!(refused.text().contains("remove the federation"), "{}", refused.text());
        assert_eq!(anna.send("DELETE", FEDERATION, None).status, 204);
        assert_problem(&anna.get(FEDERATION), 404, "not-found");
        let revoked = anna.read("/tenants/contoso/oauth-clients");
        assert!(revoked["oauth_clients"][0]["revoked"].is_string());

        let log = world.juno(&["audit", "list", "--tenant", "contoso"]);
        let rows = log["audit"].as_array().expect("audit");
        let sets: Vec<&Value> = rows.iter().filter(|row| row["action"] == "federation.set").collect();
        assert_eq!(sets.len(), 2, "{log}");
        assert_eq!(sets[0]["before"]["subject"], terms()["subject"]);
        assert_eq!(sets[0]["after"]["subject"], "another");
        assert_eq!(rows.iter().filter(|row| row["action"] == "federation.remove").count(), 1);
    }
}

#[test]
fn terms_that_can_never_be_met_are_refused_by_name() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    let long = format!("https://{}", "x".repeat(500));
    for (key, value, words) in [
        ("issuer", "", "1 to 500 bytes"),
        ("issuer", long.as_str(), "1 to 500 bytes"),
        ("issuer", "https://login.example.com/v2.0 ", "compared exactly"),
        ("subject", " subject", "compared exactly"),
        ("audience", "api://a\u{0}b", "no control character"),
        ("jwks_url", "keys", "no URL"),
        ("jwks_url", "http://login.example.com/keys", "https://"),
        ("jwks_url", "file:///etc/passwd", "https://"),
        ("jwks_url", "https://user:secret@login.example.com/keys", "no user"),
        ("jwks_url", "https://127.0.0.1/keys", "public internet"),
        ("jwks_url", "https://169.254.169.254/latest/meta-data", "public internet"),
        ("jwks_url", "https://[::ffff:10.0.0.1]/keys", "public internet"),
    ] {
        let refused = anna.put(FEDERATION, &changed(key, value));
        assert_problem(&refused, 400, "invalid");
        let detail = refused.json["detail"].as_str().expect("detail");
        assert!(detail.starts_with(&format!("{key}: ")) && detail.contains(words), "{value}: {detail}");
    }
    let mut without = terms();
    without.as_object_mut().expect("terms").remove("audience");
    assert_problem(&anna.put(FEDERATION, &without), 400, "invalid");
    assert_problem(&anna.put("/tenants/nobody/federation", &terms()), 404, "not-found");
    assert_problem(&anna.get(FEDERATION), 404, "not-found");
}
