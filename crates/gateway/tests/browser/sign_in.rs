//! Signing in: the first time with everything that belongs to it, by keyboard alone, without script, on a phone.

use super::desk;
use crate::{
    admin::{PASSWORD, add_operator, code, operator_with_secret},
    world::World,
};
use test_support::{Backend, Browser};

/// From the one-time password to the list of tenants; returns the secret of the authenticator app.
fn first_sign_in(page: &Browser, name: &str, once: &str) -> String {
    page.open("/");
    page.expect_path("/sign-in");
    page.fill("Name", name);
    page.fill("Password", once);
    page.press("Sign in");
    page.expect("A password of your own");
    page.fill("One-time password", once);
    page.fill("New password", PASSWORD);
    page.fill("New password, once more", PASSWORD);
    page.press("Go on");
    page.expect("A second factor");
    let is_drawn =
        "const image = document.querySelector('.qr img'); return image.complete && image.naturalWidth > 0";
    page.expect_script("the QR code", is_drawn);
    let secret = page.value("Or type this secret into the app").replace(' ', "");
    page.fill("The code that the app shows now", &code(&secret, 0));
    page.press("Finish");
    page.expect_path("/tenants");
    secret
}

fn sign_in(page: &Browser, name: &str, code: &str) {
    page.fill("Name", name);
    page.fill("Password", PASSWORD);
    page.fill("Code of the authenticator app", code);
    page.press("Sign in");
}

#[test]
fn a_new_operator_signs_in_and_comes_back() {
    let world = World::start(Backend::Sqlite);
    let once = add_operator(&world, "anna", "support");
    let page = Browser::at(world.gateway.admin());
    let secret = first_sign_in(&page, "anna", &once);
    page.expect("All set");

    page.press("Sign out");
    page.expect_path("/sign-in");
    page.open("/account");
    page.expect_path("/sign-in");
    sign_in(&page, "anna", "000000");
    page.expect_complaint("status of 401");
    page.expect_path("/sign-in");
    sign_in(&page, "anna", &code(&secret, 1));
    page.expect_path("/account");
    page.expect("Second factor in use");
}

#[test]
fn without_script_all_of_it_works() {
    let world = World::start(Backend::Sqlite);
    let once = add_operator(&world, "anna", "support");
    let page = Browser::at(world.gateway.admin());
    page.forbid_scripts();
    first_sign_in(&page, "anna", &once);
}

#[test]
fn the_keyboard_is_enough() {
    let world = World::start(Backend::Sqlite);
    let (_, secret) = operator_with_secret(&world, "anna", "support");
    let page = Browser::at(world.gateway.admin());
    let write = |label: &str, text: &str| {
        page.tab_to(label);
        assert!(page.focus_is_visible(), "the focus on {label} is visible");
        page.write(text);
    };
    page.open("/sign-in");
    page.tab_to("Skip to the content");
    write("Name", "anna");
    write("Password", PASSWORD);
    write("Code of the authenticator app", &code(&secret, 1));
    page.tab_to("Sign in");
    page.enter();
    page.expect_path("/tenants");
}

#[test]
fn a_phone_is_wide_enough_to_find_the_way() {
    let world = World::start(Backend::Sqlite);
    let page = desk(&world, "anna", "support");
    page.resize(360, 740);
    page.open("/tenants");
    page.follow("anna");
    page.expect_path("/account");
    assert_eq!(page.overflow(), 0);
    page.follow("Tenants");
    page.expect_path("/tenants");
    page.press("Sign out");
    page.expect_path("/sign-in");
    assert_eq!(page.overflow(), 0);
}
