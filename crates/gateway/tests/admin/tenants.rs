//! Tenants and their Secret Tokens over the API.

use super::{assert_problem, operator};
use crate::world::World;
use serde_json::{Value, json};
use test_support::Backend;

fn labels(page: &Value) -> Vec<&str> {
    page["tenants"]
        .as_array()
        .expect("tenants")
        .iter()
        .map(|row| row["label"].as_str().expect("label"))
        .collect()
}

#[test]
fn a_tenant_is_opened_handed_over_suspended_and_erased() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let admin = operator(&world, "root", "admin");
        let created = admin.post("/tenants", &json!({"name": "Contoso Ltd."}));
        assert_eq!(created.status, 201, "{}", created.text());
        assert_eq!(created.header("location"), Some("/api/v1/tenants/contoso-ltd"));
        let url = created.json["tenant_url"].as_str().expect("url").to_owned();
        assert_eq!(url, format!("{}/t/contoso-ltd/scim/v2", world.gateway.scim()));
        assert_eq!(admin.read("/tenants/contoso-ltd"), created.json);
        assert_eq!(
            admin.read(&format!("/tenants/{}", created.json["id"].as_str().expect("id"))),
            created.json
        );

        let tokens = "/tenants/contoso-ltd/secret-tokens";
        let issued = admin.post(tokens, &json!({"label": "Entra", "expires_in_seconds": 86_400}));
        assert_eq!(issued.status, 201, "{}", issued.text());
        let token = issued.json["secret_token"].as_str().expect("token").to_owned();
        let users = format!("{url}/Users");
        assert_eq!(world.send("GET", &users, Some(&token), None).status, 200);
        let key_id = issued.json["key_id"].as_str().expect("key id").to_owned();
        let rotated = admin.post(&format!("{tokens}/{key_id}/rotate"), &json!({"overlap_seconds": 3600}));
        assert_eq!(
            (rotated.status, &rotated.json["old_key_id"]),
            (201, &json!(key_id)),
            "{}",
            rotated.text()
        );
        let second = rotated.json["secret_token"].as_str().expect("token").to_owned();
        for token in [&token, &second] {
            assert_eq!(world.send("GET", &users, Some(token), None).status, 200);
        }
        assert_eq!(admin.post(&format!("{tokens}/{key_id}/revoke"), &json!({})).status, 200);
        // The process that has revoked it feels it at once.
        assert_eq!(world.send("GET", &users, Some(&token), None).status, 401);
        assert_problem(&admin.post(&format!("{tokens}/{key_id}/revoke"), &json!({})), 404, "not-found");
        assert_problem(&admin.post(tokens, &json!({"expires_in_seconds": 0})), 400, "invalid");
        assert_problem(&admin.post(tokens, &json!({"expires_in_seconds": 999_999_999})), 400, "invalid");
        assert_problem(&admin.post(tokens, &json!({"label": "x".repeat(101)})), 400, "invalid");
        let listed = admin.get(tokens);
        assert_eq!(listed.json["secret_tokens"].as_array().map(Vec::len), Some(2));
        assert!(!listed.text().contains(&token[14..]) && !listed.text().contains(&second[14..]));

        assert_eq!(admin.post("/tenants/contoso-ltd/suspend", &json!({})).json["state"], "suspended");
        assert_eq!(world.juno(&["tenant", "show", "contoso-ltd"])["state"], "suspended");
        assert_eq!(world.send("GET", &users, Some(&second), None).status, 403);
        assert_eq!(admin.post("/tenants/contoso-ltd/resume", &json!({})).json["state"], "active");

        for wrong in ["", "?confirm=", "?confirm=Contoso", "?confirm=contoso"] {
            assert_problem(
                &admin.send("DELETE", &format!("/tenants/contoso-ltd{wrong}"), None),
                400,
                "invalid",
            );
        }
        assert_eq!(admin.send("DELETE", "/tenants/contoso-ltd?confirm=contoso-ltd", None).status, 204);
        assert_problem(&admin.get("/tenants/contoso-ltd"), 404, "not-found");
        assert_eq!(world.send("GET", &users, Some(&second), None).status, 401);
    }
}

#[test]
fn the_same_key_opens_one_tenant() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let (anna, ben) = (operator(&world, "anna", "support"), operator(&world, "ben", "support"));
        let create = |session: &super::Session, key: &str, body: &Value| {
            session.send_with("POST", "/tenants", &[("idempotency-key", key)], &body.to_string())
        };
        let contoso = json!({"name": "Contoso", "profile": "rfc"});
        let first = create(&anna, "k1", &contoso);
        assert_eq!(first.status, 201, "{}", first.text());
        let again = create(&anna, "k1", &contoso);
        assert_eq!((again.status, &again.json), (201, &first.json));
        assert_problem(&create(&anna, "k1", &json!({"name": "Fabrikam"})), 422, "idempotency-key-reused");
        // Another key, or the key of another operator, is another request.
        assert_problem(&create(&anna, "k2", &contoso), 409, "conflict");
        assert_problem(&create(&ben, "k1", &contoso), 409, "conflict");
        assert_eq!(create(&ben, "k1", &json!({"name": "Fabrikam"})).status, 201);
        assert_problem(&create(&anna, &"k".repeat(256), &contoso), 400, "invalid");
        assert_eq!(labels(&anna.read("/tenants")), ["contoso", "fabrikam"]);
        let created = world.juno(&["audit", "list"])["audit"].to_string().matches("tenant.create").count();
        assert_eq!(created, 2, "the second time nothing was done");
    }
}

#[test]
fn tenants_are_listed_page_by_page() {
    let world = World::start(Backend::Sqlite);
    let anna = operator(&world, "anna", "support");
    for label in ["e", "b", "d", "a", "c"] {
        assert_eq!(anna.post("/tenants", &json!({"name": label})).status, 201);
    }
    let mut seen: Vec<String> = Vec::new();
    let mut path = "/tenants?count=2".to_owned();
    loop {
        let page = anna.read(&path);
        seen.extend(labels(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/tenants?count=2&cursor={next}");
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
}
