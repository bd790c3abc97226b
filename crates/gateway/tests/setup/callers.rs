//! A customer's setup page can reach nothing else, and nothing else reaches it.

use super::{Browser, assert_refused, make, path};
use crate::{admin::operator, world::World};
use admin::{api, console, setup};
use std::collections::BTreeSet;
use test_support::{Backend, Response};

const BODIES: [(&str, &str); 2] =
    [("application/json", "{}"), ("application/x-www-form-urlencoded", "csrf=x")];

/// With places for everything that varies filled in.
fn filled(path: &str) -> String {
    let values =
        [("{tenant}", "contoso"), ("{type}", "Users"), ("{name}", "anna"), ("{token}", "jset_garbage")];
    let known = values.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    let mut text = String::new();
    for part in known.split('/').skip(1) {
        text.push('/');
        text.push_str(if part.starts_with('{') { "0198c0de-0000-7000-8000-000000000000" } else { part });
    }
    text
}

/// Status, headers that say something, and words.
fn told(response: &Response) -> (u16, Vec<Option<&str>>, String) {
    let named = ["location", "www-authenticate", "allow", "set-cookie", "content-type"];
    let headers = named.map(|name| response.header(name)).to_vec();
    (response.status, headers, response.text())
}

/// Sends the same with and without the cookie, in each form of body: the answers are the same.
fn assert_no_difference(world: &World, cookie: &str, (method, url): (&str, &str)) {
    for (media_type, body) in BODIES {
        let body = if method == "GET" { "" } else { body };
        let plain = [("content-type", media_type)];
        let with = [("content-type", media_type), ("cookie", cookie)];
        let stranger = world.http.send(method, url, &plain, body.as_bytes());
        let holder = world.http.send(method, url, &with, body.as_bytes());
        assert!(holder.header("set-cookie").is_none() || stranger.header("set-cookie").is_some(), "{url}");
        // A page of sign-in has a token of its own each time.
        if !holder.text().contains("action=\"/sign-in\"") {
            assert_eq!(told(&holder), told(&stranger), "{method} {url}");
        }
        assert!(!holder.text().contains("victim@example.com"), "{url}");
    }
}

#[test]
fn a_setup_page_can_reach_nothing_else() {
    let world = World::start(Backend::Sqlite);
    let contoso = world.tenant("contoso");
    contoso.create_user("victim@example.com");
    let anna = operator(&world, "anna", "support");
    let browser = Browser::new(&world);
    browser.open(&make(&anna, "contoso"));
    let value = browser.cookie.borrow().clone().expect("cookie");
    let token = value.split_once('=').expect("cookie").1.to_owned();
    // As it is, and under the name of the operators' cookies.
    for cookie in [value.clone(), format!("{value}; juno_session={token}; juno_visit={token}")] {
        for route in api::ROUTES {
            let url = format!("{}{}{}", world.gateway.admin(), api::PREFIX, filled(route.path));
            // Everybody is let in here, and what each try does is counted.
            if (route.method, route.path) != ("POST", "/session") {
                assert_no_difference(&world, &cookie, (route.method, &url));
            }
        }
        for route in console::ROUTES.iter().filter(|route| !route.path.starts_with("/sign-in")) {
            let url = format!("{}{}", world.gateway.admin(), filled(route.path));
            assert_no_difference(&world, &cookie, (route.method, &url));
        }
        for route in scim_api::routes::ROUTES {
            let url = format!("{}{}", contoso.url(), filled(route.path));
            assert_no_difference(&world, &cookie, (route.method, &url));
        }
        for (method, path) in [("POST", "/t/contoso/oauth/token"), ("GET", "/t/contoso/oauth/jwks")] {
            let url = format!("{}{path}", world.gateway.scim());
            assert_no_difference(&world, &cookie, (method, &url));
        }
    }
    // As a bearer token it is none.
    for bearer in [token.as_str(), &path(&make(&anna, "contoso"))[1..]] {
        assert_eq!(world.send("GET", &format!("{}/Users", contoso.url()), Some(bearer), None).status, 401);
    }
    browser.page("");
}

#[test]
fn a_setup_page_is_of_one_tenant_and_of_one_browser() {
    let world = World::start(Backend::Sqlite);
    let anna = operator(&world, "anna", "support");
    for tenant in ["contoso", "fabrikam"] {
        world.tenant(tenant);
    }
    world.tenant("fabrikam").create_user("victim@example.com");
    let (contoso, fabrikam) = (Browser::new(&world), Browser::new(&world));
    contoso.open(&make(&anna, "contoso"));
    let others = make(&anna, "fabrikam");
    fabrikam.open(&others);
    let page = contoso.page("");
    assert!(page.contains("contoso") && !page.contains("fabrikam") && page.contains("Waiting for Entra"));
    assert_refused(&contoso.get(&path(&others)), 410, "opened-before");

    // Nobody else's cookie is one: none, garbage, an operator's, that of a visitor of the sign-in page.
    let cookie = anna.cookie.clone();
    let under_our_name = format!("juno_setup={}", cookie.split_once('=').expect("cookie").1);
    let nobody = format!("juno_setup={}", "0".repeat(64));
    for cookie in [None, Some(cookie), Some(under_our_name), Some(nobody), Some("juno_setup=".to_owned())] {
        let stranger = Browser::new(&world);
        *stranger.cookie.borrow_mut() = cookie;
        let mut tried = BTreeSet::new();
        for route in setup::ROUTES {
            let response = match route.method {
                "GET" => stranger.get(&filled(route.path)),
                _ => stranger.post(&filled(route.path), "&tokens_issued=1"),
            };
            let expected = match (route.method, route.path) {
                ("GET", "" | "/status") | ("POST", "/new-secret-token") => (401, "no-session"),
                ("GET" | "POST", "/{token}") => (404, "not-good"),
                ("GET", "/new-secret-token") => {
                    assert_eq!(response.header("location"), Some("/setup"));
                    continue;
                }
                ("GET", "/assets/{file}") => {
                    assert_eq!(response.status, 404);
                    continue;
                }
                other => panic!("{other:?} has no row in the caller matrix"),
            };
            assert_refused(&response, expected.0, expected.1);
            tried.insert((route.method, route.path));
        }
        assert_eq!(tried.len(), 5);
    }
}
