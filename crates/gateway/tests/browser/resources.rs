//! Users and groups: found, seen with their history, and given back when the provisioning client has deleted them.

use super::desk;
use crate::world::World;
use serde_json::json;
use test_support::Backend;

#[test]
fn a_deleted_user_is_found_and_restored() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("contoso");
    let adele = tenant.create_user("adele@contoso.example");
    tenant.create_user("barbara@contoso.example");
    tenant.create_group("Sales", &[&adele]);
    let path = format!("/Users/{adele}");
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "title", "value": "Manager"}]});
    assert_eq!(tenant.patch(&path, &patch).status, 200);
    assert_eq!(tenant.delete(&path).status, 204);

    let page = desk(&world, "ben", "support");
    page.open("/tenants/contoso/users");
    page.expect("barbara@contoso.example");
    page.expect_gone("adele@contoso.example");
    page.follow("Deleted");
    page.follow("Restore… adele@contoso.example");
    page.press("Restore");
    page.expect_path(&format!("/tenants/contoso/users/{adele}"));
    page.expect("Manager");
    page.expect("restored");
    assert_eq!(tenant.get(&path).status, 200);

    page.follow("Sales");
    page.expect("adele@contoso.example");
    page.follow("Changes");
    page.expect_path("/tenants/contoso/changes");
    page.expect("Manager");
}

#[test]
fn a_user_is_found_by_text_and_by_filter() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("contoso");
    for name in ["adele@contoso.example", "barbara@contoso.example"] {
        tenant.create_user(name);
    }
    let page = desk(&world, "cleo", "viewer");
    page.open("/tenants/contoso/users");
    for search in ["barb", "userName sw \"b\" and not (userName co \"adele\")"] {
        page.fill("A text, or a SCIM filter", search);
        page.press("Search");
        page.expect("1 user found");
        page.expect_gone("adele@contoso.example");
    }
    page.fill("A text, or a SCIM filter", "userName eq");
    page.press("Search");
    page.expect_complaint("status of 400");
    assert_eq!(page.value("A text, or a SCIM filter"), "userName eq", "what was typed can be mended");
    page.follow("Show all");
    page.follow("barbara@contoso.example");
    page.expect("In no group.");
}
