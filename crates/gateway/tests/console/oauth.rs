//! The page about OAuth: clients and secrets, each shown once, and the federation.

use super::{assert_failure, assert_page, assert_redirect, between, key_of, operator};
use crate::{
    oauth::{Client, users},
    world::World,
};
use serde_json::json;
use std::time::{Duration, Instant};
use test_support::{Backend, Database, Response};

const PAGE: &str = "/tenants/contoso/oauth";

/// The value of a read-only field.
fn shown(page: &str, id: &str) -> Option<String> {
    between(page, &format!("id=\"{id}\" type=\"text\" readonly value=\""), "\"")
}

/// The client whose secret a page shows.
fn client(response: &Response) -> Client {
    assert_eq!(response.status, 200, "{}", response.text());
    assert_page(response);
    let text = response.text();
    let value = |id: &str| shown(&text, id).unwrap_or_else(|| panic!("no {id} in {text}"));
    Client::shown(&json!({
        "client_id": value("client-id"),
        "client_secret": value("secret"),
        "key_id": between(&text, "<h2 id=\"new\">Client secret ", "<"),
        "token_endpoint": value("token-endpoint"),
    }))
}

#[test]
fn a_client_is_made_its_secret_shown_once_replaced_and_revoked() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        assert!(anna.page(PAGE).contains("No OAuth clients"));
        let key = key_of(&anna.page(PAGE));
        let fields = [("label", "Entra"), ("days", "730"), ("key", key.as_str())];
        let first = client(&anna.post(&format!("{PAGE}/clients"), &fields));
        assert_eq!(users(&world, "contoso", &first.token(&world)).status, 200);
        // Sent twice, the form makes one client, and the secret is not shown again.
        let again = anna.post(&format!("{PAGE}/clients"), &fields);
        assert_page(&again);
        assert!(again.text().contains("was sent before"), "{}", again.text());
        let page = anna.page(PAGE);
        assert_eq!(page.matches("Client identifier</label>").count(), 1, "{page}");
        assert!(page.contains(&first.id) && page.contains(&first.key_id) && !page.contains(&first.secret));
        assert!(page.contains(&format!("{}/t/contoso/oauth/token", world.gateway.scim())));

        let key = key_of(&anna.page(PAGE));
        let secrets = format!("{PAGE}/clients/{}/secrets", first.id);
        let second = client(&anna.post(&secrets, &[("days", "365"), ("key", &key)]));
        assert_eq!((&second.id, second.secret != first.secret), (&first.id, true));
        let revoke = format!("{secrets}/{}/revoke", first.key_id);
        assert!(anna.page(&revoke).contains("Revoke the secret"));
        assert_redirect(&anna.post(&revoke, &[]), PAGE);
        let page = anna.page(PAGE);
        assert!(page.contains("The client secret is revoked.") && page.contains(">revoked</span>"), "{page}");
        let token = second.token(&world);
        assert_eq!(users(&world, "contoso", &token).status, 200);
        assert_failure(&anna.post(&revoke, &[]), 404, "not-found");

        let revoke = format!("{PAGE}/clients/{}/revoke", first.id);
        assert!(anna.page(&revoke).contains("Revoke the OAuth client Entra?"));
        assert_redirect(&anna.post(&revoke, &[]), PAGE);
        assert_eq!(users(&world, "contoso", &token).status, 401);
        assert!(!anna.page(PAGE).contains("Issue another secret"));
    }
}

#[test]
fn a_secret_is_rotated_with_overlap() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        let key = key_of(&anna.page(PAGE));
        let fields = [("label", "Entra"), ("days", "730"), ("key", key.as_str())];
        let first = client(&anna.post(&format!("{PAGE}/clients"), &fields));
        let rotate = format!("{PAGE}/clients/{}/secrets/{}/rotate", first.id, first.key_id);
        assert!(anna.page(PAGE).contains(&format!("href=\"{rotate}\"")));
        assert_page(&anna.get(&rotate));
        let again = anna.post(&rotate, &[("days", "1"), ("automatic", "on"), ("key", "1")]);
        assert_eq!(again.status, 400, "{}", again.text());
        assert_page(&again);
        assert!(
            again.text().contains("checked") && again.text().contains("id=\"wrong\""),
            "{}",
            again.text()
        );
        let started = anna.post(&rotate, &[("days", "365"), ("key", "2")]);
        assert!(started.text().contains(&format!("<code>{}</code> stays good", first.key_id)));
        let second = client(&started);
        assert_eq!((&second.id, second.secret == first.secret), (&first.id, false));
        let (old_token, new_token) = (first.token(&world), second.token(&world));
        for token in [&old_token, &new_token] {
            assert_eq!(users(&world, "contoso", token).status, 200, "both are good");
        }
        let page = anna.page(PAGE);
        assert_eq!(page.matches(">being rotated</a>").count(), 2, "{page}");
        assert_eq!(anna.post(&rotate, &[("days", "365"), ("key", "3")]).status, 409, "one at a time");

        let credentials = anna.page("/tenants/contoso/credentials");
        assert!(credentials.contains("Rotation of client secret"), "{credentials}");
        let id = between(&credentials, "aria-labelledby=\"rotation-", "\"").expect("rotation");
        let cancel = format!("/tenants/contoso/rotations/{id}/cancel");
        anna.page(&cancel);
        assert_redirect(&anna.post(&cancel, &[]), "/tenants/contoso/credentials");
        assert_eq!(users(&world, "contoso", &new_token).status, 401);
        assert_eq!(users(&world, "contoso", &old_token).status, 200);
        let gone = format!("{PAGE}/clients/{}/secrets/{}/rotate", first.id, second.key_id);
        for nothing in [gone, rotate.replace(&first.key_id, "nothing")] {
            assert_failure(&anna.get(&nothing), 404, "not-found");
        }
    }
}

#[test]
fn a_secret_that_ends_soon_or_has_ended_is_marked() {
    let brief = [("JUNO__OAUTH__MIN_SECRET_LIFETIME", "1s"), ("JUNO__OAUTH__SECRET_LIFETIME", "1d")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &brief);
    world.tenant("contoso");
    for lifetime in ["30d", "1s", "100d"] {
        world.juno(&["client", "create", "contoso", "--expires-in", lifetime]);
    }
    let viewer = operator(&world, "anna", "viewer");
    let began = Instant::now();
    let page = loop {
        let page = viewer.page(PAGE);
        if page.contains("<span class=\"badge bad\">expired</span>") {
            break page;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it expires: {page}");
    };
    assert!(page.contains("<span class=\"badge warn\">ends within 30 days</span>"), "{page}");
    assert!(page.contains("<span class=\"badge ok\">good</span>"), "{page}");
    // A viewer sees, and is offered nothing to do.
    for act in ["Revoke…", "Make the client", "Set the federation"] {
        assert!(!page.contains(act), "{act}");
    }
}

#[test]
fn a_federation_is_set_changed_and_removed() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        let terms = |subject: &'static str, keys: &'static str| {
            [
                ("issuer", " https://login.example.com/v2.0 "),
                ("subject", subject),
                ("audience", "api://juno"),
                ("jwks_url", keys),
            ]
        };
        let federation = format!("{PAGE}/federation");
        let keys = "https://login.example.com/keys";
        for (given, words) in [
            (terms("s", "http://login.example.com/keys"), "must begin with https://"),
            (terms("s", "https://127.0.0.1/keys"), "public internet"),
            (terms(" ", keys), "subject: must have"),
        ] {
            let again = anna.post(&federation, &given);
            assert_eq!(again.status, 400, "{}", again.text());
            assert_page(&again);
            let said = between(&again.text(), "id=\"wrong\">", "</div>").expect("what is wrong");
            assert!(said.contains(words), "{said}");
            let field = format!("name=\"jwks_url\" type=\"url\" value=\"{}\"", given[3].1);
            assert!(again.text().contains(&field), "{}", again.text());
        }
        assert_redirect(&anna.post(&federation, &terms("s", keys)), PAGE);
        let set = world.juno(&["federation", "show", "contoso"]);
        assert_eq!(set["issuer"], "https://login.example.com/v2.0", "without the spaces around it");
        let page = anna.page(PAGE);
        assert_eq!(shown(&page, "federation-client").as_deref(), set["client_id"].as_str(), "{page}");
        let client = set["client_id"].as_str().expect("client_id");
        assert_failure(&anna.post(&format!("{PAGE}/clients/{client}/revoke"), &[]), 409, "conflict");
        assert_redirect(&anna.post(&federation, &terms("another", keys)), PAGE);
        assert_eq!(world.juno(&["federation", "show", "contoso"])["subject"], "another");
        let remove = format!("{federation}/remove");
        assert!(anna.page(&remove).contains("Remove the federation of contoso?"));
        assert_redirect(&anna.post(&remove, &[]), PAGE);
        assert!(anna.page(PAGE).contains(">not set</span>"));
        assert_failure(&anna.get(&remove), 404, "not-found");
    }
}
