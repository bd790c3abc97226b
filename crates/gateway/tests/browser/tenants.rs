//! Tenants: opened by mouse, by keyboard alone and without script, suspended and resumed.

use super::desk;
use crate::world::World;
use test_support::{Backend, Browser};

#[test]
fn support_opens_a_tenant_and_stops_it() {
    let world = World::start(Backend::Sqlite);
    let page = desk(&world, "ben", "support");
    page.open("/tenants");
    page.expect("No tenants yet");
    page.follow("Open a tenant");
    page.fill("Name of the customer", "Contoso Ltd.");
    let proposed = page.script("return document.getElementById('label').placeholder", vec![]);
    assert_eq!(proposed, "contoso-ltd");
    page.press("Open the tenant");
    page.expect_path("/tenants/contoso-ltd");
    assert_eq!(page.text_of("h1"), "Contoso Ltd.");
    assert_eq!(page.value("Tenant URL"), format!("{}/t/contoso-ltd/scim/v2", world.gateway.scim()));

    page.follow("Suspend…");
    page.press("Suspend the tenant");
    page.expect("suspended");
    page.follow("Resume…");
    page.press("Resume the tenant");
    page.expect("The tenant is active");
}

fn open_a_tenant_by_keyboard(page: &Browser) {
    page.open("/tenants");
    page.tab_to("Open a tenant");
    assert!(page.focus_is_visible());
    page.enter();
    page.expect_path("/tenants/new");
    page.tab_to("Name of the customer");
    page.write("Fabrikam");
    page.tab_to("Open the tenant");
    assert!(page.focus_is_visible());
    page.enter();
    page.expect_path("/tenants/fabrikam");
}

#[test]
fn the_keyboard_is_enough_to_open_one() {
    let world = World::start(Backend::Sqlite);
    open_a_tenant_by_keyboard(&desk(&world, "ben", "support"));
}

#[test]
fn without_script_one_can_be_opened_found_and_erased() {
    let world = World::start(Backend::Sqlite);
    let page = desk(&world, "anna", "admin");
    page.forbid_scripts();
    open_a_tenant_by_keyboard(&page);
    world.tenant("fabrikam-two");
    page.open("/tenants");
    page.fill("Name or label", "two");
    page.press("Search");
    page.expect_gone("Fabrikam");
    page.follow("fabrikam-two");
    page.follow("Erase…");
    page.fill("Type the label fabrikam-two to confirm", "fabrikam-two");
    page.press("Erase for ever");
    page.expect("fabrikam-two is erased.");
    page.expect_path("/tenants");
}
