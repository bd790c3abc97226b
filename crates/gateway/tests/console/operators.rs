//! Operators are added, reset and disabled in the console; what is shown once is shown once.

use super::{Browser, assert_failure, assert_page, assert_redirect, between, key_of, operator};
use crate::world::World;
use test_support::{Backend, Response};

/// The one-time password of a page that shows one.
fn one_time_password(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.text());
    assert_page(response);
    between(&response.text(), "id=\"one-time-password\" type=\"text\" readonly value=\"", "\"")
        .expect("password")
}

/// Whether somebody can begin to sign in with this password.
fn can_sign_in(world: &World, name: &str, password: &str) -> bool {
    let browser = Browser::new(world);
    browser.page("/sign-in");
    browser.post("/sign-in", &[("name", name), ("password", password)]).status == 303
}

#[test]
fn operators_are_added_reset_and_disabled() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let root = operator(&world, "root", "admin");
        let key = key_of(&root.page("/operators"));
        let form = [("name", " Ben+1@Example.com"), ("role", "support"), ("key", key.as_str())];
        let once = one_time_password(&root.post("/operators", &form));
        // Sent twice, the form adds one operator, and the password is not shown again.
        let again = root.post("/operators", &form);
        assert_page(&again);
        assert!(
            again.text().contains("was sent before") && !again.text().contains(&once),
            "{}",
            again.text()
        );
        assert!(can_sign_in(&world, "ben+1@example.com", &once));
        let list = root.page("/operators");
        assert!(list.contains("ben+1@example.com") && list.contains("first sign-in to come"), "{list}");
        let page = between(&list, "href=\"/operators/ben", "\"").expect("a way to the operator");
        let page = format!("/operators/ben{page}");
        assert!(root.page(&page).contains("not set up yet"));

        let asked = root.get(&format!("{page}/reset"));
        assert_page(&asked);
        assert!(asked.text().contains("Reset ben+1@example.com?"));
        assert!(can_sign_in(&world, "ben+1@example.com", &once), "asking does nothing");
        let again = one_time_password(&root.post(&format!("{page}/reset"), &[]));
        assert!(!can_sign_in(&world, "ben+1@example.com", &once));
        assert!(can_sign_in(&world, "ben+1@example.com", &again));
        for seen in [root.page(&page), root.page("/operators"), root.page("/audit"), world.gateway.log()] {
            assert!(!seen.contains(&again), "a one-time password is shown once");
        }

        assert!(root.page(&format!("{page}/disable")).contains("Disable ben+1@example.com?"));
        assert_redirect(&root.post(&format!("{page}/disable"), &[]), "/operators");
        assert!(root.page("/operators").contains("ben+1@example.com is disabled"));
        assert!(!can_sign_in(&world, "ben+1@example.com", &again));
    }
}

#[test]
fn a_form_that_makes_no_sense_is_shown_again() {
    let world = World::start(Backend::Sqlite);
    let root = operator(&world, "root", "admin");
    root.page("/operators");
    for (name, role, status, words) in [
        ("b n", "viewer", 400, "2 to 64 characters"),
        ("<b>\"", "viewer", 400, "2 to 64 characters"),
        ("ben", "king", 400, "Choose a role"),
        ("ben", "", 400, "Choose a role"),
        ("ROOT", "support", 409, "already"),
    ] {
        let again = root.post("/operators", &[("name", name), ("role", role), ("key", "1")]);
        assert_eq!(again.status, status, "{}", again.text());
        assert_page(&again);
        let wrong = between(&again.text(), "role=\"alert\"", "</div>").expect("what is wrong");
        assert!(wrong.contains(words), "{wrong}");
        assert!(!again.text().contains("<b>"), "what was typed is text");
        if name == "ROOT" {
            assert!(again.text().contains("value=\"ROOT\""), "what was typed is kept");
            assert!(again.text().contains("value=\"support\" checked"), "what was chosen is kept");
        }
    }
    assert_failure(&root.get("/operators/nobody"), 404, "not-found");
    assert_failure(&root.post("/operators/nobody/reset", &[]), 404, "not-found");
    let myself = root.page("/operators/root");
    assert!(!myself.contains("/operators/root/disable"), "nobody can disable themselves");
}

#[test]
fn operators_are_given_another_role_and_let_in_again() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let root = operator(&world, "root", "admin");
        let ben = operator(&world, "ben", "viewer");
        let audit = |browser: &Browser| browser.get("/audit").status;
        assert_eq!(audit(&ben), 403);
        root.page("/operators/ben");
        assert_redirect(&root.post("/operators/ben/role", &[("role", "admin")]), "/operators/ben");
        assert!(root.page("/operators/ben").contains("ben has the role admin now"));
        assert_eq!(audit(&ben), 200, "it counts from the next request on");
        assert_redirect(&root.post("/operators/ben/disable", &[]), "/operators");
        assert_redirect(&ben.get("/audit"), "/sign-in?next=/audit");
        assert!(root.page("/operators/ben").contains("Let in again"));
        assert_redirect(&root.post("/operators/ben/enable", &[]), "/operators/ben");
        assert!(root.page("/operators/ben").contains("may sign in again"));
        assert_eq!(root.post("/operators/ben/role", &[("role", "king")]).status, 400);
        let myself = root.post("/operators/root/role", &[("role", "viewer")]);
        assert_eq!(myself.status, 409);
        assert_page(&myself);
        assert_failure(&root.post("/operators/nobody/enable", &[]), 404, "not-found");
    }
}

#[test]
fn a_token_for_scripts_is_shown_once_works_and_is_revoked() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let root = operator(&world, "root", "admin");
        let ben = operator(&world, "ben", "support");
        ben.page("/account");
        let make = |label: &str, role: &str, days: &str| {
            let form = [("label", label), ("role", role), ("days", days), ("key", "k")];
            ben.post("/account/api-tokens", &form)
        };
        for (label, role, days) in
            [("", "viewer", "30"), ("x", "admin", "30"), ("x", "", "30"), ("x", "viewer", "9999")]
        {
            let again = make(label, role, days);
            assert_eq!(again.status, 400, "{}", again.text());
            assert_page(&again);
        }
        let made = make("Nightly <export>", "viewer", "30");
        assert_eq!(made.status, 200, "{}", made.text());
        assert_page(&made);
        let field = "id=\"api-token\" type=\"text\" readonly value=\"";
        let token = between(&made.text(), field, "\"").expect("token");
        let again = make("Nightly <export>", "viewer", "30");
        assert_page(&again);
        assert!(
            again.text().contains("was sent before") && !again.text().contains(&token),
            "{}",
            again.text()
        );
        let tenants = || {
            let bearer = format!("Bearer {token}");
            let url = format!("{}/api/v1/tenants", world.gateway.admin());
            world.http.send("GET", &url, &[("authorization", &bearer)], b"").status
        };
        assert_eq!(tenants(), 200);
        let account = ben.page("/account");
        assert!(account.contains("Nightly &#60;export&#62;") && !account.contains(&token), "{account}");
        let revoke = between(&account, "href=\"/account/api-tokens/", "\"").expect("a way to revoke");
        let revoke = format!("/account/api-tokens/{revoke}");
        // Nobody but the operator and admins sees it.
        let anna = operator(&world, "anna", "viewer");
        anna.page("/account");
        assert_failure(&anna.get(&revoke), 404, "not-found");
        assert_failure(&anna.post(&revoke, &[]), 404, "not-found");
        assert!(root.page("/operators/ben").contains(&revoke));
        assert!(root.page(&revoke).contains("of ben are refused"));
        assert_eq!(tenants(), 200, "asking does nothing");
        assert_redirect(&root.post(&revoke, &[]), "/operators/ben");
        assert_eq!(tenants(), 401);
        assert!(!ben.page("/account").contains(&revoke));
        assert!(!world.gateway.log().contains(&token), "the token is in the log");
    }
}
