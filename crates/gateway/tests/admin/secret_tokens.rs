//! Secret Tokens over the API.

use super::{assert_problem, operator};
use crate::world::World;
use serde_json::{Value, json};
use test_support::Backend;

const TOKENS: &str = "/tenants/contoso/secret-tokens";

#[test]
fn the_same_key_issues_one_token() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let (anna, ben) = (operator(&world, "anna", "support"), operator(&world, "ben", "support"));
        for label in ["contoso", "fabrikam"] {
            assert_eq!(anna.post("/tenants", &json!({"name": label, "label": label})).status, 201);
        }
        let body = json!({"label": "Entra", "expires_in_seconds": 86_400});
        let first = anna.post_with_key(TOKENS, "k", &body);
        assert!(first.json["secret_token"].is_string(), "{}", first.text());
        let again = anna.post_with_key(TOKENS, "k", &body);
        let mut expected = first.json.clone();
        expected["secret_token"] = Value::Null;
        assert_eq!((again.status, &again.json), (201, &expected), "the token is shown once");
        for other in [json!({"label": "other", "expires_in_seconds": 86_400}), json!({"label": "Entra"})] {
            assert_problem(&anna.post_with_key(TOKENS, "k", &other), 422, "idempotency-key-reused");
        }
        assert_problem(&anna.post_with_key(TOKENS, "", &body), 400, "invalid");
        // The key of another operator, or for another tenant, is another request; so is one without a key.
        let others = [
            ben.post_with_key(TOKENS, "k", &body),
            anna.post_with_key("/tenants/fabrikam/secret-tokens", "k", &body),
            anna.post(TOKENS, &body),
        ];
        for other in others {
            assert_ne!(other.json["id"], first.json["id"], "{}", other.text());
            assert!(other.json["secret_token"].is_string(), "{}", other.text());
        }
        // The token stays the one that it is, also when it has ended.
        let revoke = format!("{TOKENS}/{}/revoke", first.json["key_id"].as_str().expect("key id"));
        assert_eq!(anna.post(&revoke, &json!({})).status, 200);
        let again = anna.post_with_key(TOKENS, "k", &body);
        assert_eq!((again.status, &again.json["id"]), (201, &first.json["id"]), "{}", again.text());
        assert!(again.json["revoked"].is_string() && again.json["secret_token"].is_null());

        assert_eq!(anna.read(TOKENS)["secret_tokens"].as_array().map(Vec::len), Some(3));
        let log = world.juno(&["audit", "list", "--tenant", "contoso"]);
        assert_eq!(log["audit"].to_string().matches("\"secret-token.issue\"").count(), 3);
    }
}
