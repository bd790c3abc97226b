//! The hand-over of a tenant: a setup link is made, shown once, followed and revoked.

use super::{Browser, assert_failure, assert_page, assert_redirect, between, key_of, operator};
use crate::{setup, world::World};
use test_support::Backend;

const PAGE: &str = "/tenants/contoso/hand-over";

/// Makes a link; its address.
fn make(browser: &Browser, label: &str) -> setup::Link {
    let before = browser.page(PAGE);
    let key = key_of(&before);
    let fields = [("label", label), ("hours", "24"), ("key", key.as_str())];
    let made = browser.post(PAGE, &fields);
    assert_eq!(made.status, 200, "{}", made.text());
    assert_page(&made);
    let url = between(&made.text(), "id=\"link\" type=\"text\" readonly value=\"", "\"").expect("link");
    let mail = between(&made.text(), "<textarea id=\"mail\"", "</textarea>").expect("mail");
    assert!(mail.contains(&url) && mail.contains("Microsoft Entra ID of contoso"), "{mail}");
    // Sent twice, it makes one.
    assert_redirect(&browser.post(PAGE, &fields), PAGE);
    let links = browser.page(PAGE);
    assert!(links.contains("was made before"), "{links}");
    assert_eq!(links.matches("/revoke\"").count(), before.matches("/revoke\"").count() + 1);
    let id = between(&links, &format!("href=\"{PAGE}/"), "/revoke\"").unwrap_or_default();
    setup::Link { id, url }
}

#[test]
fn a_link_is_shown_once_and_followed() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        let anna = operator(&world, "anna", "support");
        assert!(anna.page(PAGE).contains("No setup links yet"));
        let link = make(&anna, "Adele <Vance>");
        assert!(link.url.starts_with(&format!("{}/setup/jset_", world.gateway.scim())), "{}", link.url);
        let list = anna.page(PAGE);
        assert!(list.contains("Adele &#60;Vance&#62;") && list.contains(">open</span>"), "{list}");
        assert!(!list.contains("jset_"), "an address is shown once");

        let customer = setup::Browser::new(&world);
        let secret = customer.open(&link);
        let list = anna.page(PAGE);
        assert!(list.contains(">opened</span>") && list.contains("Entra has not connected yet"), "{list}");
        assert!(list.contains("from 127.0.0.1") && !list.contains(&secret));
        let url = format!("{}/t/contoso/scim/v2/Users", world.gateway.scim());
        assert_eq!(world.send("GET", &url, Some(&secret), None).status, 200);
        setup::wait_for(&customer, "Entra has connected");
        // What the script asks for is the same list without its page.
        let part = anna.get(&format!("{PAGE}/links"));
        assert!(
            part.text().contains(">connected</span>") && !part.text().contains("<html"),
            "{}",
            part.text()
        );
    }
}

#[test]
fn a_link_is_revoked_with_its_secret_token_or_without() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    let url = format!("{}/t/contoso/scim/v2/Users", world.gateway.scim());
    for (fields, status) in [(&[][..], 200), (&[("secret_token", "yes")][..], 401)] {
        let link = make(&anna, "Adele");
        let customer = setup::Browser::new(&world);
        let secret = customer.open(&link);
        let revoke = format!("{PAGE}/{}/revoke", link.id);
        let asked = anna.page(&revoke);
        assert!(
            asked.contains("Revoke the link for Adele?") && asked.contains("name=\"secret_token\""),
            "{asked}"
        );
        assert_redirect(&anna.post(&revoke, fields), PAGE);
        assert!(anna.page(PAGE).contains("is revoked"));
        setup::assert_refused(&customer.get(""), 401, "no-session");
        assert_eq!(world.send("GET", &url, Some(&secret), None).status, status);
        assert_failure(&anna.post(&revoke, fields), 404, "not-found");
    }
    // One that nobody has opened has issued nothing that could end.
    let link = make(&anna, "Diego");
    assert!(!anna.page(&format!("{PAGE}/{}/revoke", link.id)).contains("secret_token"));
}

#[test]
fn what_cannot_be_made_is_said_beside_the_form() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    anna.page(PAGE);
    for (label, hours) in [(" ", "24"), ("Adele", "0"), ("Adele", "100000")] {
        let again = anna.post(PAGE, &[("label", label), ("hours", hours), ("key", "wrong")]);
        assert_eq!(again.status, 400, "{}", again.text());
        assert!(
            again.text().contains("role=\"alert\"") && again.text().contains(&format!("value=\"{label}\""))
        );
        assert_page(&again);
    }
    assert_failure(&anna.post(PAGE, &[("label", "Adele"), ("hours", "soon")]), 400, "invalid");
    assert_failure(&anna.get(&format!("{PAGE}/nothing/revoke")), 404, "not-found");
    assert_failure(&anna.get("/tenants/nobody/hand-over"), 404, "not-found");
    let ben = operator(&world, "ben", "viewer");
    assert!(!ben.page(PAGE).contains("<form method=\"post\" action=\"/tenants/contoso/hand-over\""));
}
