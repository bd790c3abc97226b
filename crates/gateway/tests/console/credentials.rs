//! The pages about credentials: a token issued, seen, rotated in steps, revoked; what ends soon.

use super::{Browser, assert_failure, assert_page, assert_redirect, between, key_of, operator};
use crate::world::{World, soon};
use serde_json::json;
use test_support::{Backend, Database};

const PAGE: &str = "/tenants/contoso/credentials";
const SETTINGS: [(&str, &str); 2] =
    [("JUNO__TOKENS__SILENCE", "2s"), ("JUNO__TOKENS__LAST_USED_INTERVAL", "50ms")];

/// The secret that a page shows this one time, and its key id.
fn secret(page: &str) -> (String, String) {
    let secret = between(page, "id=\"secret\" type=\"text\" readonly value=\"", "\"").expect("secret");
    let key_id = between(page, "<h2 id=\"new\">Secret Token ", "<").expect("key id");
    (secret, key_id)
}

/// The address of the only rotation that is under way.
fn rotation(page: &str) -> String {
    let id = between(page, "aria-labelledby=\"rotation-", "\"").expect("rotation");
    format!("/tenants/contoso/rotations/{id}")
}

fn live(browser: &Browser) -> String {
    browser.page(&format!("{PAGE}/live"))
}

#[test]
fn a_token_is_issued_rotated_on_evidence_and_shown_once() {
    for backend in Backend::ALL {
        let world = World::with_settings(Database::Fresh(backend), &SETTINGS);
        let contoso = world.tenant("contoso");
        let users = format!("{}/Users", contoso.url());
        let uses = |token: &str| world.send("GET", &users, Some(token), None).status;
        let anna = operator(&world, "anna", "support");
        let page = anna.get(PAGE);
        assert_page(&page);
        assert!(page.text().contains("data-live=\"/tenants/contoso/credentials/live\""), "{}", page.text());
        for (days, status) in [("0", 400), ("99999", 400), ("soon", 400), ("99999999999999999999", 400)] {
            let again = anna.post(PAGE, &[("label", "<b>Entra"), ("days", days), ("key", "1")]);
            assert_eq!(again.status, status, "{days}");
            assert_page(&again);
            assert!(again.text().contains("id=\"wrong\"") && again.text().contains("&#60;b&#62;Entra"));
        }
        let key = key_of(&anna.page(PAGE));
        let form = [("label", "<b>Entra"), ("days", "20"), ("key", key.as_str())];
        let issued = anna.post(PAGE, &form);
        assert_eq!(issued.status, 200, "{}", issued.text());
        assert_page(&issued);
        assert!(issued.text().contains("Secret Token</label>"), "{}", issued.text());
        let (old, key_id) = secret(&issued.text());
        // Sent twice, the form issues one token, and it is not shown again.
        let again = anna.post(PAGE, &form);
        assert_page(&again);
        assert!(again.text().contains("was sent before") && !again.text().contains(&old), "{}", again.text());
        assert_eq!(anna.page(PAGE).matches("<span class=\"row-note break\">&#60;b&#62;Entra").count(), 1);
        let page = anna.page(PAGE);
        assert!(page.contains("&#60;b&#62;Entra") && page.contains("ends within 30 days"), "{page}");
        assert!(!page.contains(&old), "a secret is shown once");
        assert_eq!(uses(&old), 200);
        soon("the first use", || live(&anna).contains("<code>GET /Users</code>"));

        let rotate = format!("{PAGE}/{key_id}/rotate");
        assert_page(&anna.get(&rotate));
        let again = anna.post(&rotate, &[("days", "-1"), ("automatic", "on"), ("key", "1")]);
        assert_eq!(again.status, 400);
        assert!(again.text().contains("checked"), "{}", again.text());
        let key = key_of(&again.text());
        let form = [("days", "365"), ("key", key.as_str())];
        let started = anna.post(&rotate, &form);
        assert_eq!(started.status, 200, "{}", started.text());
        assert_page(&started);
        let (new, new_key_id) = secret(&started.text());
        let again = anna.post(&rotate, &form);
        assert_page(&again);
        assert!(again.text().contains("was sent before") && !again.text().contains(&new), "{}", again.text());
        let page = anna.get(PAGE);
        assert_page(&page);
        let page = page.text();
        assert!(page.contains("Waiting for the new token") && page.contains("Not used yet."), "{page}");
        let rotation = rotation(&page);
        assert_eq!(anna.post(&rotate, &[("days", "365"), ("key", "2")]).status, 409, "one at a time");
        for (value, shown) in [("true", "Do not complete by itself"), ("false", "Complete by itself")] {
            let set = anna.post(&format!("{rotation}/automatic"), &[("automatic", value)]);
            assert_redirect(&set, PAGE);
            assert!(anna.page(PAGE).contains(shown), "{value}");
        }

        // Before it is safe, a plain form does not complete it, and the page that asks says why.
        let asked = anna.get(&format!("{rotation}/complete"));
        assert_page(&asked);
        assert!(asked.text().contains("It is not safe yet: Waiting for the new token."), "{}", asked.text());
        assert!(asked.text().contains(&format!("{rotation}/complete/early")), "{}", asked.text());
        assert_failure(&anna.post(&format!("{rotation}/complete"), &[]), 409, "conflict");
        assert_eq!(uses(&new), 200);
        soon("the new one", || live(&anna).contains("Old one silent"));
        soon("safety", || live(&anna).contains("Safe to complete"));
        let asked = anna.page(&format!("{rotation}/complete"));
        assert!(asked.contains("Complete the rotation</button>") && !asked.contains("/early"), "{asked}");
        assert_redirect(&anna.post(&format!("{rotation}/complete"), &[]), PAGE);
        let page = anna.page(PAGE);
        assert!(page.contains(&format!("The rotation is completed: {key_id} has ended.")), "{page}");
        assert!(page.contains("What is over") && page.contains("revoked"), "{page}");
        assert_eq!((uses(&old), uses(&new)), (401, 200));

        let revoke = format!("{PAGE}/{new_key_id}/revoke");
        assert_page(&anna.get(&revoke));
        assert_redirect(&anna.post(&revoke, &[]), PAGE);
        assert_eq!(uses(&new), 401);
        assert_failure(&anna.get(&revoke), 404, "not-found");
        assert_failure(&anna.get(&format!("{PAGE}/nothing/rotate")), 404, "not-found");
        let log = world.gateway.log();
        assert!(!log.contains(&old) && !log.contains(&new), "no secret is in the log");
    }
}

#[test]
fn a_rotation_is_cancelled_or_completed_early_by_those_who_may() {
    let world = World::start(Backend::Sqlite);
    let contoso = world.tenant("contoso");
    let key_id = contoso.token().split('_').nth(1).expect("key id").to_owned();
    let (anna, ben) = (operator(&world, "anna", "support"), operator(&world, "ben", "viewer"));
    let rotate = format!("{PAGE}/{key_id}/rotate");
    let users = format!("{}/Users", contoso.url());
    anna.page(&rotate);
    let first = anna.post(&rotate, &[("days", "365"), ("automatic", "on"), ("key", "1")]);
    let (first, _) = secret(&first.text());
    let page = anna.page(PAGE);
    assert!(page.contains("That happens by itself as soon as it is safe."), "{page}");
    let cancelled = rotation(&page);
    assert_page(&anna.get(&format!("{cancelled}/cancel")));
    assert_redirect(&anna.post(&format!("{cancelled}/cancel"), &[]), PAGE);
    assert_eq!(world.send("GET", &users, Some(&first), None).status, 401);
    assert_eq!(contoso.get("/Users").status, 200);
    assert_failure(&anna.get(&format!("{cancelled}/complete")), 409, "conflict");

    anna.page(&rotate);
    let (second, _) = secret(&anna.post(&rotate, &[("days", "365"), ("key", "2")]).text());
    let early = rotation(&anna.page(PAGE));
    // A viewer sees it all, and has no button.
    let seen = ben.page(PAGE);
    assert!(seen.contains("Waiting for the new token") && !seen.contains("Complete…"), "{seen}");
    assert!(!seen.contains("Issue a token") && !seen.contains("Revoke…"), "{seen}");
    assert_failure(&ben.post(&format!("{early}/complete/early"), &[]), 403, "forbidden");
    anna.page(&format!("{early}/complete"));
    assert_redirect(&anna.post(&format!("{early}/complete/early"), &[]), PAGE);
    assert_eq!(contoso.get("/Users").status, 401);
    assert_eq!(world.send("GET", &users, Some(&second), None).status, 200);
    let acts = world.juno(&["audit", "list", "--tenant", "contoso"]);
    assert_eq!(acts["audit"][0]["after"]["early"], true, "{acts}");
}

/// However many came after it.
#[test]
fn whatever_is_under_way_is_shown() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let issue = || world.juno(&["token", "issue", "contoso"])["key_id"].as_str().expect("key id").to_owned();
    let (first, other) = (issue(), issue());
    let root = crate::admin::operator(&world, "root", "admin");
    let start = |key_id: &str| {
        let body = json!({"kind": "secret-token", "key_id": key_id});
        let started = root.post("/tenants/contoso/rotations", &body);
        assert_eq!(started.status, 201, "{}", started.text());
        started.json["id"].as_str().expect("id").to_owned()
    };
    start(&first);
    // More than a page.
    for _ in 0..51 {
        let cancel = format!("/tenants/contoso/rotations/{}/cancel", start(&other));
        assert_eq!(root.post(&cancel, &json!({})).status, 200);
    }
    let page = operator(&world, "anna", "viewer").page(PAGE);
    assert_eq!(rotation(&page).len(), "/tenants/contoso/rotations/".len() + 36, "{page}");
}

#[test]
fn what_ends_soon_is_on_one_page() {
    let world = World::start(Backend::Sqlite);
    let ben = operator(&world, "ben", "viewer");
    let empty = ben.get("/expiring");
    assert_page(&empty);
    assert!(empty.text().contains("Nothing ends soon"), "{}", empty.text());
    for (label, days) in [("contoso", "50d"), ("fabrikam", "5d")] {
        world.tenant(label);
        world.juno(&["token", "issue", label, "--label", "<i>x", "--expires-in", days]);
    }
    let page = ben.get("/expiring");
    assert_page(&page);
    let text = page.text();
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in {text}"));
    assert!(place("/tenants/fabrikam/credentials") < place("/tenants/contoso/credentials"));
    assert!(place(">ends within 7 days<") < place(">ends within 60 days<"));
    assert!(text.contains("&#60;i&#62;x") && text.contains("href=\"/expiring\" aria-current=\"page\""));
    assert_failure(&ben.get("/expiring?cursor=x"), 400, "invalid");
}
