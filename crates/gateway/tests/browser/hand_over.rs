//! The hand-over: a setup link goes to the customer's administrator, whose page turns green when Entra arrives.

use super::quick;
use crate::{
    admin::operator,
    entra_check::entra_sim,
    setup::{Link, make},
    world::World,
};
use test_support::{Backend, Browser};

/// What Entra does when the administrator presses *Test Connection*.
fn test_connection(tenant_url: &str, secret_token: &str) {
    let mut command = entra_sim();
    command.args(["test-connection", "--tenant-url", tenant_url]).env("ENTRA_SIM_SECRET_TOKEN", secret_token);
    let output = command.output().expect("entra-sim runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn link(world: &World) -> Link {
    world.tenant("contoso");
    make(&operator(world, "ben", "support"), "contoso")
}

/// The customer's administrator, on the page behind the link.
fn opened(world: &World, link: &Link) -> Browser {
    let page = Browser::at(world.gateway.scim());
    page.open(&link.url);
    page.expect("Connect contoso to Juno Journey");
    page.press("Open the setup page");
    page.expect("Seven steps");
    page
}

#[test]
fn the_page_turns_green_when_entra_arrives() {
    let world = quick(Backend::Sqlite);
    let link = link(&world);
    let page = opened(&world, &link);
    page.expect("Waiting for Entra’s Test Connection");
    let (url, token) = (page.value("Tenant URL"), page.value("Secret Token"));
    assert_eq!(url, format!("{}/t/contoso/scim/v2", world.gateway.scim()));
    assert!(page.text().contains("26 attributes"), "the table of Microsoft's tutorial");

    let load = page.load();
    test_connection(&url, &token);
    page.expect("Entra has connected.");
    page.expect("No users received yet");
    let user = serde_json::json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "adele@contoso.example"});
    assert_eq!(world.send("POST", &format!("{url}/Users"), Some(&token), Some(&user)).status, 201);
    page.expect("1 user received");
    assert_eq!(page.load(), load, "nobody has loaded the page again");
    assert_eq!(page.value("Secret Token"), token, "and the token is still there to be copied");

    // The link is spent; the page goes on in its own browser, without the token.
    let another = Browser::at(world.gateway.scim());
    another.open(&link.url);
    another.expect("It was opened on");
    another.expect_complaint("status of 410");
    page.open("/setup");
    page.expect("It was shown when it was issued");
}

#[test]
fn without_script_the_page_tells_it_when_it_is_loaded_again() {
    let world = quick(Backend::Sqlite);
    let link = link(&world);
    let page = Browser::at(world.gateway.scim());
    page.forbid_scripts();
    page.open(&link.url);
    page.press("Open the setup page");
    test_connection(&page.value("Tenant URL"), &page.value("Secret Token"));
    page.expect_at("/setup", "Entra has connected.");
}
