//! Tenants and their Secret Tokens over the API.

use super::{assert_problem, operator};
use crate::world::{World, held::Held};
use serde_json::{Value, json};
use std::thread;
use test_support::{Backend, Database, Postgres};

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
        let second = admin.post(tokens, &json!({}));
        let second = second.json["secret_token"].as_str().expect("token").to_owned();
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

        assert_eq!(
            admin.post("/tenants/contoso-ltd/suspend?confirm=contoso-ltd", &json!({})).json["state"],
            "suspended"
        );
        assert_eq!(world.juno(&["tenant", "show", "contoso-ltd"])["state"], "suspended");
        assert_eq!(world.send("GET", &users, Some(&second), None).status, 403);
        assert_eq!(
            admin.post("/tenants/contoso-ltd/resume?confirm=contoso-ltd", &json!({})).json["state"],
            "active"
        );

        let rows = world.juno(&["audit", "verify"])["rows"].clone();
        for (method, act) in [("POST", "/suspend"), ("POST", "/resume"), ("POST", "/export"), ("DELETE", "")]
        {
            for wrong in ["", "?confirm=", "?confirm=Contoso", "?confirm=contoso"] {
                let body = (method == "POST").then(|| json!({}));
                let refused = admin.send(method, &format!("/tenants/contoso-ltd{act}{wrong}"), body.as_ref());
                assert_problem(&refused, 400, "invalid");
                assert!(refused.text().contains("by its label"), "{act}{wrong}: {}", refused.text());
            }
        }
        assert_eq!(world.juno(&["audit", "verify"])["rows"], rows, "nothing was done");
        assert_eq!(world.juno(&["tenant", "show", "contoso-ltd"])["state"], "active");
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
        let create =
            |session: &super::Session, key: &str, body: &Value| session.post_with_key("/tenants", key, body);
        let contoso = json!({"name": "Contoso", "profile": "rfc"});
        let first = create(&anna, "k1", &contoso);
        assert_eq!(first.status, 201, "{}", first.text());
        let again = create(&anna, "k1", &contoso);
        assert_eq!((again.status, &again.json), (201, &first.json));
        assert_problem(&create(&anna, "k1", &json!({"name": "Fabrikam"})), 422, "idempotency-key-reused");
        // The request stays the same when the tenant has changed since; what is there now is answered.
        let change = json!({"name": "Contoso AG", "profile": "entra"});
        let changed = anna.send("PATCH", "/tenants/contoso", Some(&change));
        assert_eq!(changed.status, 200, "{}", changed.text());
        let again = create(&anna, "k1", &contoso);
        assert_eq!((again.status, &again.json), (201, &changed.json));
        let other = json!({"name": "Contoso", "label": "fabrikam", "profile": "rfc"});
        assert_problem(&create(&anna, "k1", &other), 422, "idempotency-key-reused");
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

#[test]
fn a_tenant_is_changed_and_the_audit_log_says_how() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let anna = operator(&world, "anna", "support");
        assert_eq!(anna.post("/tenants", &json!({"name": "Contoso"})).status, 201);
        let change = |body: Value| anna.send("PATCH", "/tenants/contoso", Some(&body));
        let changed = change(json!({"name": " Contoso AG ", "profile": "rfc"}));
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!((&changed.json["name"], &changed.json["profile"]), (&json!("Contoso AG"), &json!("rfc")));
        assert_eq!(anna.read("/tenants/contoso"), changed.json);
        // What is so already is no act.
        assert_eq!(change(json!({"name": "Contoso AG"})).json, changed.json);
        assert_eq!(change(json!({})).json, changed.json);
        for wrong in [json!({"name": ""}), json!({"profile": "other"}), json!({"label": "fabrikam"})] {
            assert_problem(&change(wrong), 400, "invalid");
        }
        assert_problem(&anna.send("PATCH", "/tenants/nobody", Some(&json!({"name": "a"}))), 404, "not-found");
        let log = world.juno(&["audit", "list"])["audit"].clone();
        let rows: Vec<&Value> =
            log.as_array().expect("rows").iter().filter(|row| row["action"] == "tenant.change").collect();
        assert_eq!(rows.len(), 1, "{log}");
        assert_eq!((&rows[0]["actor"], &rows[0]["target"]), (&json!("operator anna"), &json!("contoso")));
        assert_eq!(rows[0]["before"]["name"], "Contoso");
        assert_eq!(rows[0]["after"]["profile"], "rfc");
    }
}

#[test]
fn an_overview_counts_and_judges() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let anna = operator(&world, "anna", "support");
        assert_eq!(anna.post("/tenants", &json!({"name": "Contoso"})).status, 201);
        let overview = || anna.read("/tenants/contoso")["overview"].clone();
        let first = overview();
        assert_eq!((&first["users"], &first["last_seen"]), (&json!(0), &Value::Null));
        assert_eq!(first["health"]["level"], "new", "{first}");
        let issued = anna.post("/tenants/contoso/secret-tokens", &json!({"expires_in_seconds": 86_400}));
        let token = issued.json["secret_token"].as_str().expect("token");
        let users = format!("{}/t/contoso/scim/v2/Users", world.gateway.scim());
        for name in ["ana", "ben"] {
            let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
                "active": name == "ana"});
            assert_eq!(world.send("POST", &users, Some(token), Some(&body)).status, 201);
        }
        // The use of a token is noted some seconds late.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while overview()["last_seen"].is_null() {
            assert!(std::time::Instant::now() < deadline, "{}", overview());
            std::thread::yield_now();
        }
        let seen = overview();
        assert_eq!(
            (&seen["users"], &seen["active_users"], &seen["changes"]),
            (&json!(2), &json!(1), &json!(2))
        );
        assert!(seen["last_change"].is_string() && seen["next_expiry"].is_string(), "{seen}");
        assert_eq!(seen["health"]["level"], "critical", "it expires tomorrow: {seen}");
        let listed = anna.read("/tenants")["tenants"][0]["overview"].clone();
        assert_eq!(listed["users"], 2);
    }
}

#[test]
fn tenants_are_searched_page_by_page() {
    let world = World::start(Backend::Sqlite);
    let anna = operator(&world, "anna", "support");
    for label in ["alpha", "beta", "gamma", "delta"] {
        let body = json!({"name": format!("{label} GmbH"), "label": label});
        assert_eq!(anna.post("/tenants", &body).status, 201);
    }
    assert_eq!(anna.post("/tenants/beta/suspend?confirm=beta", &json!({})).status, 200);
    let find = |query: &str| anna.read(&format!("/tenants?{query}"));
    assert_eq!(labels(&find("search=TA%20gmbh")), ["beta", "delta"]);
    assert_eq!(labels(&find("state=suspended")), ["beta"]);
    assert_eq!(labels(&find("search=%00")), ["alpha", "beta", "delta", "gamma"]);
    let first = find("search=gmbh&state=active&count=2");
    assert_eq!(labels(&first), ["alpha", "delta"]);
    let next = first["next_cursor"].as_str().expect("cursor");
    let second = find(&format!("search=gmbh&state=active&count=2&cursor={next}"));
    assert_eq!((labels(&second), &second["next_cursor"]), (vec!["gamma"], &Value::Null));
    assert_problem(&anna.get("/tenants?state=gone"), 400, "invalid");
    assert_problem(&anna.get(&format!("/tenants?search={}", "a".repeat(201))), 400, "invalid");
}

/// A large tenant takes a while to erase. PostgreSQL shows what others feel of it: a transaction that holds the tenant's user,
/// and with it the erasure, until somebody else's user is there.
#[test]
fn an_erasure_under_way_holds_nobody_up() {
    let postgres = Postgres::shared();
    let database = postgres.fresh_database();
    let world = World::with_settings(Database::At(database.clone()), &[]);
    let admin = operator(&world, "root", "admin");
    let (contoso, fabrikam) = (world.tenant("contoso"), world.tenant("fabrikam"));
    contoso.create_user("ana@example.com");
    let holder = Held { postgres, database: &database };
    thread::scope(|scope| {
        let held = holder.rows(scope, "users", "(SELECT count(*) FROM users) < 2");
        let erased = scope.spawn(|| admin.send("DELETE", "/tenants/contoso?confirm=contoso", None));
        holder.is_felt("the erasure");
        let user =
            json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ben@example.com"});
        let late = contoso.post("/Users", &user);
        assert_eq!(late.status, 401, "it takes no changes any more: {}", late.text());
        fabrikam.create_user("chris@example.com");
        held.join().expect("held");
        assert_eq!(erased.join().expect("erased").status, 204);
    });
}
