//! Operators are added, reset and disabled in the console; what is shown once is shown once.

use super::{Browser, assert_failure, assert_page, assert_redirect, between, operator};
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
        root.page("/operators");
        let created = root.post("/operators", &[("name", " Ben+1@Example.com"), ("role", "support")]);
        let once = one_time_password(&created);
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
        let again = root.post("/operators", &[("name", name), ("role", role)]);
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
