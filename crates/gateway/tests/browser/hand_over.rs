//! The hand-over: support makes a setup link, the customer's administrator opens it, and both pages tell it when Entra arrives.

use super::{desk, quick};
use crate::{admin::operator, entra_check::entra_sim, setup::make, world::World};
use serde_json::json;
use test_support::Browser;

const LINKS: &str = "/tenants/contoso/hand-over";

/// What Entra does when the administrator presses *Test Connection*.
fn test_connection(tenant_url: &str, secret_token: &str) {
    let mut command = entra_sim();
    command.args(["test-connection", "--tenant-url", tenant_url]).env("ENTRA_SIM_SECRET_TOKEN", secret_token);
    let output = command.output().expect("entra-sim runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The customer's administrator, on the page behind a link.
fn opened(world: &World, link: &str) -> Browser {
    let page = Browser::at(world.gateway.scim());
    page.open(link);
    page.expect("Connect contoso to Juno Journey");
    page.press("Open the setup page");
    page.expect("Seven steps");
    page
}

#[test]
fn both_pages_turn_green_when_entra_arrives() {
    let world = quick();
    world.tenant("contoso");
    let support = desk(&world, "ben", "support");
    support.open(LINKS);
    support.expect("No setup links yet");
    support.fill("For whom", "Adele Vance");
    support.press("Make the link");
    support.expect("It is shown this one time.");
    let link = support.value("Setup link");
    assert!(support.value("Words for the mail").contains(&link));
    support.follow("Sent: back to the links");
    support.expect("Can be opened until");
    let support_load = support.load();

    let page = opened(&world, &link);
    support.expect("Entra has not connected yet.");
    page.expect("Waiting for Entra’s Test Connection");
    let (url, token) = (page.value("Tenant URL"), page.value("Secret Token"));
    assert_eq!(url, format!("{}/t/contoso/scim/v2", world.gateway.scim()));
    page.press_here("Copy Tenant URL");
    page.expect("Copied");
    assert_eq!(
        page.text_of("p.sr[role=status]"),
        "Copy Tenant URL: Copied",
        "for who does not see the button"
    );
    assert_eq!(page.clipboard(), url);
    assert!(page.text().contains("26 attributes"), "the table of Microsoft's tutorial");

    let load = page.load();
    test_connection(&url, &token);
    page.expect("Entra has connected.");
    page.expect("No users received yet");
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "adele@contoso.example"});
    assert_eq!(world.send("POST", &format!("{url}/Users"), Some(&token), Some(&user)).status, 201);
    page.expect("1 user received");
    assert_eq!(page.value("Secret Token"), token, "the token is still there to be copied");
    support.expect("Entra has connected, the last time");
    assert_eq!((page.load(), support.load()), (load, support_load), "nobody has loaded a page again");

    // The link is spent; the page goes on in its own browser, without the token.
    let another = Browser::at(world.gateway.scim());
    another.open(&link);
    another.expect("It was opened on");
    another.expect_complaint("status of 410");
    page.open("/setup");
    page.expect("It was shown when it was issued");
    // It would ask once more after its session has ended.
    drop(page);

    support.follow("Revoke the link for Adele Vance");
    support.tick("Revoke the Secret Token that it has issued, too");
    support.press("Revoke the link");
    support.expect("revoked");
    assert_eq!(world.send("GET", &format!("{url}/Users"), Some(&token), None).status, 401);
}

#[test]
fn without_script_the_page_tells_it_when_it_is_loaded_again() {
    let world = quick();
    world.tenant("contoso");
    let link = make(&operator(&world, "ben", "support"), "contoso");
    let page = Browser::at(world.gateway.scim());
    page.forbid_scripts();
    page.open(&link.url);
    page.press("Open the setup page");
    test_connection(&page.value("Tenant URL"), &page.value("Secret Token"));
    page.expect_at("/setup", "Entra has connected.");
}
