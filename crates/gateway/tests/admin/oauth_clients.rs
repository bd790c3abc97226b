//! OAuth clients over the API.

use super::{assert_problem, operator};
use crate::{
    oauth::{Client, post_form, users},
    world::World,
};
use serde_json::{Value, json};
use test_support::Backend;

const CLIENTS: &str = "/tenants/contoso/oauth-clients";
const YEAR: u64 = 365 * 86_400;

fn actions(world: &World) -> Vec<String> {
    let log = world.juno(&["audit", "list", "--tenant", "contoso"]);
    let rows = log["audit"].as_array().expect("audit");
    rows.iter().rev().map(|row| row["action"].as_str().expect("action").to_owned()).collect()
}

#[test]
fn a_client_is_made_used_and_revoked() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        let created = anna.post(CLIENTS, &json!({"label": "Entra"}));
        assert_eq!(created.status, 201, "{}", created.text());
        let endpoint = format!("{}/t/contoso/oauth/token", world.gateway.scim());
        assert_eq!(created.json["token_endpoint"], endpoint.as_str());
        assert_eq!(created.json["tenant_url"], format!("{}/t/contoso/scim/v2", world.gateway.scim()));
        let client = Client::shown(&created.json);
        assert_eq!(users(&world, "contoso", &client.token(&world)).status, 200);

        let secrets = format!("{CLIENTS}/{}/secrets", client.id);
        let added = anna.post(&secrets, &json!({"expires_in_seconds": YEAR}));
        assert_eq!(added.status, 201, "{}", added.text());
        let second = Client::shown(&added.json);
        let (first_token, second_token) = (client.token(&world), second.token(&world));
        let ended = anna.post(&format!("{secrets}/{}/revoke", client.key_id), &json!({}));
        assert_eq!((ended.status, &ended.json["key_id"]), (200, &json!(client.key_id)), "{}", ended.text());
        assert!(ended.json["revoked"].is_string());
        // The process that has revoked it feels it at once.
        assert_eq!(users(&world, "contoso", &first_token).status, 401);
        assert_eq!(post_form(&world, &endpoint, &[], &client.form()).status, 401);
        assert_eq!(users(&world, "contoso", &second_token).status, 200);

        let listed = anna.get(CLIENTS);
        let row = &listed.json["oauth_clients"][0];
        assert_eq!((&row["client_id"], &row["label"]), (&json!(client.id), &json!("Entra")));
        let ends: Vec<bool> = row["secrets"]
            .as_array()
            .expect("secrets")
            .iter()
            .map(|secret| secret["revoked"].is_string())
            .collect();
        assert_eq!(ends, [true, false]);
        for secret in [&client.secret, &second.secret] {
            assert!(!listed.text().contains(secret.as_str()), "a secret is shown once");
        }

        let revoked = anna.post(&format!("{CLIENTS}/{}/revoke", client.id), &json!({}));
        assert!(revoked.json["revoked"].is_string(), "{}", revoked.text());
        assert_eq!(users(&world, "contoso", &second_token).status, 401);
        assert_problem(&anna.post(&format!("{CLIENTS}/{}/revoke", client.id), &json!({})), 404, "not-found");
        assert_problem(&anna.post(&secrets, &json!({})), 404, "not-found");
        let done =
            ["oauth-client.create", "client-secret.issue", "client-secret.revoke", "oauth-client.revoke"];
        assert!(actions(&world).ends_with(&done.map(str::to_owned)), "{:?}", actions(&world));
        let log = world.juno(&["audit", "list"]).to_string();
        assert!(!log.contains(&client.secret) && !log.contains("$argon2"), "{log}");
    }
}

#[test]
fn what_cannot_be_is_refused_in_clear_words() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    world.tenant("fabrikam");
    let anna = operator(&world, "anna", "support");
    for lifetime in [0, YEAR - 1, 3 * YEAR + 1] {
        let refused = anna.post(CLIENTS, &json!({"expires_in_seconds": lifetime}));
        assert_problem(&refused, 400, "invalid");
        let words = refused.json["detail"].as_str().expect("detail");
        assert!(words.contains("365 days at least and 1095 days at most"), "{words}");
    }
    assert_problem(&anna.post(CLIENTS, &json!({"label": "x".repeat(101)})), 400, "invalid");
    assert_problem(&anna.post(CLIENTS, &json!({"secret": "mine"})), 400, "invalid");
    assert_problem(&anna.post("/tenants/nobody/oauth-clients", &json!({})), 404, "not-found");
    assert_problem(&anna.post(&format!("{CLIENTS}/none/revoke"), &json!({})), 404, "not-found");

    // What is another tenant's is nobody's here.
    let theirs = anna.post("/tenants/fabrikam/oauth-clients", &json!({}));
    let (id, key_id) =
        (theirs.json["client_id"].as_str().expect("id"), theirs.json["key_id"].as_str().expect("key"));
    for path in ["revoke".to_owned(), "secrets".to_owned(), format!("secrets/{key_id}/revoke")] {
        assert_problem(&anna.post(&format!("{CLIENTS}/{id}/{path}"), &json!({})), 404, "not-found");
    }
    assert_eq!(anna.read(CLIENTS)["oauth_clients"], json!([]));

    // Eight clients, four secrets each.
    let first = anna.post(CLIENTS, &json!({})).json["client_id"].as_str().expect("id").to_owned();
    for _ in 0..3 {
        assert_eq!(anna.post(&format!("{CLIENTS}/{first}/secrets"), &json!({})).status, 201);
    }
    assert_problem(&anna.post(&format!("{CLIENTS}/{first}/secrets"), &json!({})), 409, "conflict");
    for _ in 0..7 {
        assert_eq!(anna.post(CLIENTS, &json!({})).status, 201);
    }
    assert_problem(&anna.post(CLIENTS, &json!({})), 409, "conflict");
}

#[test]
fn the_same_key_makes_one_client_and_one_secret() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        world.tenant("fabrikam");
        let (anna, ben) = (operator(&world, "anna", "support"), operator(&world, "ben", "support"));
        let body = json!({"label": "Entra"});
        let first = anna.post_with_key(CLIENTS, "k", &body);
        assert!(first.json["client_secret"].is_string(), "{}", first.text());
        let again = anna.post_with_key(CLIENTS, "k", &body);
        assert_eq!(again.status, 201, "{}", again.text());
        let mut expected = first.json.clone();
        expected["client_secret"] = Value::Null;
        assert_eq!(again.json, expected, "the secret is shown once");
        let another = anna.post_with_key(CLIENTS, "k", &json!({"label": "another"}));
        assert_problem(&another, 422, "idempotency-key-reused");
        let longer = anna.post_with_key(CLIENTS, "k", &json!({"label": "Entra", "expires_in_seconds": YEAR}));
        assert_problem(&longer, 422, "idempotency-key-reused");
        assert_problem(&anna.post_with_key(CLIENTS, "", &body), 400, "invalid");
        // The key of another operator, or for another tenant, is another request.
        let others = [
            ben.post_with_key(CLIENTS, "k", &body),
            anna.post_with_key("/tenants/fabrikam/oauth-clients", "k", &body),
        ];
        for other in others {
            assert_ne!(other.json["client_id"], first.json["client_id"], "{}", other.text());
            assert!(other.json["client_secret"].is_string());
        }

        let id = first.json["client_id"].as_str().expect("id");
        let secrets = format!("{CLIENTS}/{id}/secrets");
        let second = anna.post_with_key(&secrets, "k", &json!({}));
        assert!(second.json["client_secret"].is_string(), "{}", second.text());
        let again = anna.post_with_key(&secrets, "k", &json!({}));
        assert_eq!((again.status, &again.json["key_id"]), (201, &second.json["key_id"]), "{}", again.text());
        assert_eq!(again.json["client_secret"], Value::Null);
        let longer = anna.post_with_key(&secrets, "k", &json!({"expires_in_seconds": YEAR}));
        assert_problem(&longer, 422, "idempotency-key-reused");
        let made = anna.read(CLIENTS);
        let count = |client: &Value| client["secrets"].as_array().map(Vec::len);
        let made: Vec<_> = made["oauth_clients"].as_array().expect("clients").iter().map(count).collect();
        assert_eq!(made, [Some(2), Some(1)], "the second time nothing was done");
        let issued = actions(&world).iter().filter(|action| *action == "client-secret.issue").count();
        assert_eq!(issued, 1);
    }
}
