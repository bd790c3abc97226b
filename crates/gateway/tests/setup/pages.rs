//! The customer's pages: the whole way, what is shown once, and what is refused.

use super::{Browser, FORM, LINKS, Link, actions, assert_refused, make, path, secret_token, wait_for};
use crate::{admin::operator, console::assert_redirect, world::World};
use serde_json::{Value, json};
use test_support::{Backend, Database, Response};

/// Entra asks for somebody whom nobody knows, as *Test Connection* does.
fn test_connection(world: &World, secret_token: &str) -> Response {
    let filter = "?filter=userName%20eq%20%227d420df3-9995-4831-a406-ecf8166f5f6a%22";
    let url = format!("{}/t/contoso/scim/v2/Users{filter}", world.gateway.scim());
    world.send("GET", &url, Some(secret_token), None)
}

fn create_user(world: &World, secret_token: &str, user_name: &str) {
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name});
    let url = format!("{}/t/contoso/scim/v2/Users", world.gateway.scim());
    assert_eq!(world.send("POST", &url, Some(secret_token), Some(&user)).status, 201);
}

fn state_of(operator: &crate::admin::Session) -> String {
    let links = operator.read(LINKS);
    links["setup_links"][0]["state"].as_str().expect("state").to_owned()
}

#[test]
fn a_customer_opens_a_link_and_sees_entra_arrive() {
    for backend in Backend::ALL {
        let settings = [("JUNO__LOG__LEVEL", "debug")];
        let world = World::with_settings(Database::Fresh(backend), &settings);
        world.tenant("contoso");
        world.tenant("fabrikam").create_user("somebody@fabrikam.example");
        let anna = operator(&world, "anna", "support");
        let link = make(&anna, "contoso");
        assert!(link.url.starts_with(&format!("{}/setup/jset_", world.gateway.scim())), "{}", link.url);

        // A program that looks at what a mail links to, and the administrator after it.
        let (scanner, browser) = (Browser::new(&world), Browser::new(&world));
        for page in [scanner.page(&path(&link)), browser.page(&path(&link))] {
            assert!(page.contains("Connect contoso to Juno Journey"), "{page}");
            assert!(!page.contains("juno_"), "{page}");
        }
        assert_eq!((state_of(&anna), actions(&world).len()), ("open".to_owned(), 3));

        let opened = browser.post(&path(&link), "");
        assert_eq!(opened.status, 200, "{}", opened.text());
        let secret = secret_token(&opened.text()).expect("Secret Token");
        let tenant_url = format!("{}/t/contoso/scim/v2", world.gateway.scim());
        assert!(opened.text().contains(&format!("value=\"{tenant_url}\"")), "{}", opened.text());
        assert!(opened.text().contains(&format!("value=\"{tenant_url}?aadOptscim062020\"")));
        assert_eq!(opened.text().matches("<th scope=\"row\">").count(), 26);
        assert!(!opened.text().contains("OAuth 2.0"), "support offers none");
        let cookie = opened.header("set-cookie").expect("cookie");
        assert!(cookie.ends_with("; Path=/setup; Max-Age=86400; HttpOnly; SameSite=Strict"), "{cookie}");
        assert_eq!(state_of(&anna), "opened");
        assert!(browser.get("/status").text().contains("Waiting for Entra"));

        assert_eq!(test_connection(&world, &secret).status, 200);
        let line = wait_for(&browser, "Entra has connected");
        assert!(line.contains(">GET /Users</code>"), "what it did: {line}");
        assert!(line.contains("No users received yet"), "another tenant's do not count: {line}");
        create_user(&world, &secret, "adele@contoso.example");
        wait_for(&browser, "<strong>1 user</strong> received");
        assert_eq!(state_of(&anna), "connected");
        let shown = &anna.read(LINKS)["setup_links"][0];
        assert_eq!(shown["opened_from"], "127.0.0.1");
        assert_eq!(shown["secret_token_key_id"], secret.split('_').nth(1).expect("key id"));

        let customer = format!("setup link {}", link.id);
        let expected = [
            ("operator anna", "setup-link.create"),
            (customer.as_str(), "setup-link.open"),
            (customer.as_str(), "secret-token.issue"),
        ];
        let done = actions(&world);
        let done: Vec<_> = done.iter().map(|(actor, action)| (actor.as_str(), action.as_str())).collect();
        assert!(done.ends_with(&expected), "{done:?}");
        let log = world.gateway.log();
        let cookie = cookie.split(['=', ';']).nth(1).expect("value");
        for hidden in [secret.as_str(), &path(&link)[1..], cookie, "Adele"] {
            assert!(!log.contains(hidden), "{hidden} is in the log");
        }
        assert!(log.contains("/setup/{token}"), "a line names the route");
    }
}

#[test]
fn a_link_opens_once_and_its_browser_comes_back() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    let link = make(&anna, "contoso");
    let (browser, other) = (Browser::new(&world), Browser::new(&world));
    other.page(&path(&link));
    browser.open(&link);
    for response in [other.get(&path(&link)), other.post(&path(&link), "")] {
        assert_refused(&response, 410, "opened-before");
        assert!(!response.text().contains("contoso") && response.header("set-cookie").is_none());
    }
    assert_redirect(&browser.get(&path(&link)), "/setup");
    assert_redirect(&browser.post(&path(&link), ""), "/setup");
    assert_redirect(&browser.get("/new-secret-token"), "/setup");
    let again = browser.page("");
    assert_eq!(secret_token(&again), None);
    assert!(again.contains("was shown when it was issued"), "{again}");
}

#[test]
fn what_is_not_good_always_looks_the_same() {
    let world = World::start(Backend::Sqlite);
    let anna = operator(&world, "anna", "admin");
    for tenant in ["contoso", "gone", "suspended"] {
        world.tenant(tenant);
    }
    let revoked = make(&anna, "contoso");
    assert_eq!(anna.post(&format!("{LINKS}/{}/revoke", revoked.id), &json!({})).json["state"], "revoked");
    let (gone, suspended) = (make(&anna, "gone"), make(&anna, "suspended"));
    assert_eq!(anna.send("DELETE", "/tenants/gone?confirm=gone", None).status, 204);
    world.juno(&["tenant", "suspend", "suspended", "--confirm", "suspended"]);
    let expired = anna.post(LINKS, &json!({"label": "late", "expires_in_seconds": 1}));
    let url = expired.json["url"].as_str().expect("url").to_owned();
    let expired = Link { id: String::new(), url };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while anna.read(LINKS)["setup_links"][1]["state"] != "expired" {
        assert!(std::time::Instant::now() < deadline, "it never expires");
        std::thread::yield_now();
    }
    // A link of another gateway has the right form.
    let elsewhere = World::start(Backend::Sqlite);
    elsewhere.tenant("contoso");
    let unknown = make(&operator(&elsewhere, "anna", "support"), "contoso");
    let mistyped = Link { id: String::new(), url: format!("{}x", unknown.url) };

    let browser = Browser::new(&world);
    let words = browser.get("/nothing/here").text();
    for link in [&revoked, &gone, &suspended, &expired, &unknown, &mistyped] {
        for response in [browser.get(&path(link)), browser.post(&path(link), "")] {
            assert_refused(&response, 404, "not-good");
            assert_eq!(response.text(), words);
        }
    }
}

#[test]
fn a_session_ends_with_its_link_and_its_tenant() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    let (first, second) = (make(&anna, "contoso"), make(&anna, "contoso"));
    let (one, two) = (Browser::new(&world), Browser::new(&world));
    let (kept, ended) = (one.open(&first), two.open(&second));
    let revoke = |link: &Link, body| anna.post(&format!("{LINKS}/{}/revoke", link.id), &body);
    assert_eq!(revoke(&first, json!({})).status, 200);
    assert_refused(&one.get(""), 401, "no-session");
    assert_eq!(test_connection(&world, &kept).status, 200, "its Secret Token was not asked for");
    world.juno(&["tenant", "suspend", "contoso", "--confirm", "contoso"]);
    assert_refused(&two.get(""), 401, "no-session");
    world.juno(&["tenant", "resume", "contoso", "--confirm", "contoso"]);
    two.page("");
    assert_eq!(revoke(&second, json!({"secret_token": true})).status, 200);
    assert_refused(&two.get("/status"), 401, "no-session");
    assert_eq!(test_connection(&world, &ended).status, 401, "felt at once in the same process");
}

#[test]
fn a_lost_secret_token_is_replaced_a_bounded_number_of_times() {
    let world =
        World::with_settings(Database::Fresh(Backend::Sqlite), &[("JUNO__SETUP__MAX_SECRET_TOKENS", "2")]);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    let browser = Browser::new(&world);
    let lost = browser.open(&make(&anna, "contoso"));
    assert_eq!(test_connection(&world, &lost).status, 200);
    assert!(browser.page("").contains("This link can issue 1 more"));
    let issued = browser.post("/new-secret-token", "&tokens_issued=1");
    let new = secret_token(&issued.text()).expect("another");
    assert_ne!(new, lost);
    assert_eq!(test_connection(&world, &lost).status, 401);
    assert_eq!(test_connection(&world, &new).status, 200);
    // The same form once more, as a reload sends it.
    assert_redirect(&browser.post("/new-secret-token", "&tokens_issued=1"), "/setup");
    assert!(browser.page("").contains("issued as many as it may"));
    assert_refused(&browser.post("/new-secret-token", "&tokens_issued=2"), 409, "used-up");
    assert_eq!(test_connection(&world, &new).status, 200);
    assert!(actions(&world).iter().any(|(_, action)| action == "setup-link.issue-again"));
}

#[test]
fn a_form_of_another_page_changes_nothing() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    let (link, other) = (make(&anna, "contoso"), make(&anna, "contoso"));
    let (browser, stranger) = (Browser::new(&world), Browser::new(&world));
    stranger.page(&path(&other));
    assert_refused(&stranger.post(&path(&link), ""), 403, "not-our-form");
    assert_refused(&browser.send("POST", &path(&link), &[FORM], ""), 403, "not-our-form");
    browser.page(&path(&link));
    let csrf = browser.csrf.borrow().clone();
    let cross = [FORM, ("sec-fetch-site", "cross-site")];
    assert_refused(&browser.send("POST", &path(&link), &cross, &format!("csrf={csrf}")), 403, "not-our-form");
    let text = [("content-type", "text/plain")];
    assert_refused(&browser.send("POST", &path(&link), &text, &format!("csrf={csrf}")), 415, "form");
    let secret = browser.open(&link);
    let again = "/new-secret-token";
    assert_refused(&browser.send("POST", again, &[FORM], "tokens_issued=1"), 403, "not-our-form");
    let form = format!("csrf={csrf}&tokens_issued=1");
    assert_refused(&browser.send("POST", again, &[FORM], &form), 403, "not-our-form");
    let form = format!("csrf={}&tokens_issued=1", browser.csrf.borrow());
    assert_refused(&browser.send("POST", again, &cross, &form), 403, "not-our-form");
    assert_eq!(test_connection(&world, &secret).status, 200);
}

#[test]
fn who_tries_many_wrong_links_has_to_wait() {
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &[("JUNO__SETUP__WRONG_LINKS", "1")]);
    let elsewhere = World::start(Backend::Sqlite);
    for world in [&world, &elsewhere] {
        world.tenant("contoso");
    }
    let good = make(&operator(&world, "anna", "support"), "contoso");
    let unknown = make(&operator(&elsewhere, "anna", "support"), "contoso");
    let browser = Browser::new(&world);
    for _ in 0..20 {
        browser.page(&path(&good));
        assert_refused(&browser.get("/jset_garbage"), 404, "not-good");
    }
    assert_refused(&browser.get(&path(&unknown)), 404, "not-good");
    let blocked = browser.get(&path(&unknown));
    assert_refused(&blocked, 429, "blocked");
    assert!(blocked.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    browser.page(&path(&good));
}

#[test]
fn a_full_tenant_leaves_the_link_to_be_opened_later() {
    let world =
        World::with_settings(Database::Fresh(Backend::Sqlite), &[("JUNO__TOKENS__MAX_PER_TENANT", "1")]);
    let key_id = world.tenant("contoso").token().split('_').nth(1).expect("key id").to_owned();
    let anna = operator(&world, "anna", "support");
    let (link, browser) = (make(&anna, "contoso"), Browser::new(&world));
    browser.page(&path(&link));
    assert_refused(&browser.post(&path(&link), ""), 409, "no-room");
    world.juno(&["token", "revoke", "contoso", &key_id]);
    browser.open(&link);
}

#[test]
fn the_pages_are_at_the_public_address_and_nowhere_else() {
    let settings = [
        ("JUNO__SCIM__PUBLIC_URL", "https://scim.example.com/juno"),
        ("JUNO__SCIM__HOST_SUFFIX", "scim.example.com"),
    ];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
    world.tenant("contoso");
    let link = make(&operator(&world, "anna", "support"), "contoso");
    assert!(link.url.starts_with("https://scim.example.com/juno/setup/jset_"), "{}", link.url);
    for host in ["contoso.scim.example.com", "127.0.0.1", "evil.example.com"] {
        let elsewhere = Browser { host: Some(host), ..Browser::new(&world) };
        let response = elsewhere.get(&path(&link));
        assert_eq!((response.status, response.header("content-type")), (404, Some("application/scim+json")));
    }
    let browser = Browser { host: Some("SCIM.example.com:443"), ..Browser::new(&world) };
    let page = browser.page(&path(&link));
    assert!(page.contains(&format!("action=\"/juno/setup{}\"", path(&link))), "{page}");
    assert!(page.contains("href=\"/juno/setup/assets/juno."), "{page}");
    let opened = browser.post(&path(&link), "");
    let cookie = opened.header("set-cookie").expect("cookie");
    assert!(cookie.contains("; Path=/juno/setup; ") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(opened.text().contains("data-live=\"/juno/setup/status\""));
    assert!(opened.text().contains("value=\"https://scim.example.com/juno/t/contoso/scim/v2\""));
    assert_redirect(&browser.get(&path(&link)), "/juno/setup");
    // The proxy takes the prefix away.
    let style = super::between(&page, "href=\"/juno/setup", "\"").expect("style sheet");
    let asset = browser.get(&style);
    assert_eq!(asset.status, 200);
    assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
}

#[test]
fn oauth_client_credentials_are_offered_where_support_has_made_some() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    let client = anna.post("/tenants/contoso/oauth-clients", &json!({"label": "Entra"}));
    // Neither the client of a federation nor one whose secrets have ended can be typed into Entra with a secret.
    let federation = anna.put("/tenants/contoso/federation", &crate::admin::federation::terms());
    let ended = anna.post("/tenants/contoso/oauth-clients", &json!({}));
    let text = |json: &Value, key: &str| json[key].as_str().expect("text").to_owned();
    let (ended, key_id) = (text(&ended.json, "client_id"), text(&ended.json, "key_id"));
    let revoke = format!("/tenants/contoso/oauth-clients/{ended}/secrets/{key_id}/revoke");
    assert_eq!(anna.post(&revoke, &json!({})).status, 200);
    let browser = Browser::new(&world);
    browser.open(&make(&anna, "contoso"));
    let page = browser.page("");
    let id = client.json["client_id"].as_str().expect("client_id");
    assert!(page.contains(id) && page.contains("/t/contoso/oauth/token"), "{page}");
    assert!(!page.contains(client.json["client_secret"].as_str().expect("client_secret")));
    for other in [ended, text(&federation.json, "client_id")] {
        assert!(!page.contains(&other), "{other}");
    }
}

#[test]
fn a_strict_tenant_gets_the_tenant_url_with_the_flag() {
    let world = World::start(Backend::Sqlite);
    world.tenant_of_profile("contoso", "rfc");
    let browser = Browser::new(&world);
    browser.open(&make(&operator(&world, "anna", "support"), "contoso"));
    let page = browser.page("");
    let tenant_url = super::between(&page, "id=\"tenant-url\" type=\"text\" readonly value=\"", "\"");
    let expected = format!("{}/t/contoso/scim/v2?aadOptscim062020", world.gateway.scim());
    assert_eq!(tenant_url, Some(expected));
}
