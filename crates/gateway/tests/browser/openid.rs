//! Signing in at a real OpenID provider, page after page: where it sends the browser, and what that brings back.

use super::tour::faults;
use crate::{admin::add_operator, oauth::provider::Provider, world::World};
use test_support::{Backend, Browser, Database};

/// A name under which browsers trust even plain HTTP.
const SITE: &str = "http://admin.localhost";

#[test]
fn an_operator_signs_in_at_the_provider_and_lands_where_they_wanted_to_go() {
    let provider = Provider::start();
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &provider.for_operators(SITE));
    add_operator(&world, "anna", "support");
    let page = Browser::at_name(SITE, world.gateway.admin());
    page.forgive(&provider.issuer);
    // Its pages ask for them, in vain.
    page.forgive("https://fonts.googleapis.com");
    page.open("/account");
    page.expect_path("/sign-in");
    let found = faults(&page, "sign-in with a provider");
    assert!(found.is_empty(), "{}", found.join("\n"));

    page.follow("Sign in with <Contoso>");
    page.fill("Enter any login", "anna");
    page.fill("and password", "any");
    page.press("Sign-in");
    page.press("Continue");
    page.expect_path("/account");
    page.expect("anna");
    page.press("Sign out");
    page.expect_path("/sign-in");
}
