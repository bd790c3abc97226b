//! Setup links over the operators' API.

use super::{LINKS, actions, make};
use crate::{
    admin::{assert_problem, operator},
    world::World,
};
use serde_json::json;
use test_support::{Backend, Database};

#[test]
fn a_link_is_made_listed_and_revoked() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        let link = make(&anna, "contoso");
        let listed = anna.get(LINKS);
        let row = &listed.json["setup_links"][0];
        assert_eq!((&row["id"], &row["label"]), (&json!(link.id), &json!("Adele Vance")));
        assert_eq!((&row["state"], &row["created_by"]), (&json!("open"), &json!("operator anna")));
        assert!(!listed.text().contains("jset_"), "an address is shown once");
        let revoke = format!("{LINKS}/{}/revoke", link.id);
        let revoked = anna.post(&revoke, &json!({}));
        assert_eq!((revoked.status, &revoked.json["state"]), (200, &json!("revoked")), "{}", revoked.text());
        assert_problem(&anna.post(&revoke, &json!({})), 404, "not-found");
        let done: Vec<_> = actions(&world).into_iter().map(|(_, action)| action).collect();
        assert!(
            done.ends_with(&["setup-link.create".to_owned(), "setup-link.revoke".to_owned()]),
            "{done:?}"
        );
        assert!(!world.juno(&["audit", "list"]).to_string().contains("jset_"));
    }
}

#[test]
fn the_same_request_makes_one_link() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    let ask = |body: &str| anna.send_with("POST", LINKS, &[("idempotency-key", "7")], body);
    let (first, second) = (ask(r#"{"label": "Adele"}"#), ask(r#"{"label": "Adele"}"#));
    assert!(first.json["url"].is_string() && second.json["url"].is_null(), "{}", second.text());
    assert_eq!((second.status, &second.json["id"]), (201, &first.json["id"]));
    assert_problem(&ask(r#"{"label": "Diego"}"#), 422, "idempotency-key-reused");
    assert_problem(&ask(r#"{"label": "Adele", "expires_in_seconds": 60}"#), 422, "idempotency-key-reused");
    assert_eq!(anna.read(LINKS)["setup_links"].as_array().expect("links").len(), 1);
}

#[test]
fn what_cannot_be_is_refused_in_clear_words() {
    let world =
        World::with_settings(Database::Fresh(Backend::Sqlite), &[("JUNO__SETUP__MAX_OPEN_LINKS", "1")]);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    for body in [
        json!({"label": " "}),
        json!({"label": "x".repeat(101)}),
        json!({"label": "x\ny"}),
        json!({"label": "x", "expires_in_seconds": 0}),
        json!({"label": "x", "expires_in_seconds": 31 * 86_400}),
        json!({}),
    ] {
        assert_problem(&anna.post(LINKS, &body), 400, "invalid");
    }
    make(&anna, "contoso");
    assert_problem(&anna.post(LINKS, &json!({"label": "x"})), 409, "conflict");
    assert_problem(&anna.post("/tenants/nobody/setup-links", &json!({"label": "x"})), 404, "not-found");
    assert_problem(&anna.get("/tenants/nobody/setup-links"), 404, "not-found");
    assert_problem(&anna.post(&format!("{LINKS}/garbage/revoke"), &json!({})), 404, "not-found");
    world.tenant("fabrikam");
    world.juno(&["tenant", "suspend", "fabrikam", "--confirm", "fabrikam"]);
    assert_problem(&anna.post("/tenants/fabrikam/setup-links", &json!({"label": "x"})), 409, "conflict");
}
