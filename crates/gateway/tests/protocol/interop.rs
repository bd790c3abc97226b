//! The profile `interop`: what the IPSIE AL SCIM 2.0 profile and the interoperability draft ask for.

use super::{assert_error, patch, user};
use crate::world::World;
use serde_json::json;
use test_support::Backend;

const ACME: &str = "urn:ietf:params:scim:schemas:extension:Acme:2.0:User";

#[test]
fn a_tenant_of_profile_interop_says_so_and_knows_no_password() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant_of_profile("interop", "interop");
    assert_eq!(tenant.get("/ServiceProviderConfig").json["interopProfileConformant"], true);
    let schema = tenant.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User").json;
    let attributes = schema["attributes"].as_array().expect("attributes");
    assert!(attributes.iter().any(|attribute| attribute["name"] == "userName"));
    assert!(attributes.iter().all(|attribute| attribute["name"] != "password"));
    let mut body = user("a@example.com");
    body["password"] = json!("x");
    assert_error(&tenant.post("/Users", &body), 400, Some("invalidSyntax"));
    let other = world.tenant_of_profile("strict", "rfc");
    assert_eq!(other.get("/ServiceProviderConfig").json.get("interopProfileConformant"), None);
}

/// What was stored under another profile stays readable, may be put back, and may be removed.
#[test]
fn a_change_of_profile_rewrites_nothing() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let mut world = World::start(backend);
        let tenant = world.tenant_of_profile("moved", "rfc");
        let mut body = user("a@example.com");
        body["schemas"] = json!([body["schemas"][0], ACME]);
        body[ACME] = json!({"badge": "B7"});
        let created = tenant.post("/Users", &body).json;
        let path = format!("/Users/{}", created["id"].as_str().expect("id"));
        world.juno(&["tenant", "change", "moved", "--profile", "interop"]);
        // Another process keeps what it knows of a credential for some seconds.
        world.restart();
        let tenant = world.tenant("moved");

        let read = tenant.get(&path).json;
        assert_eq!(read[ACME], json!({"badge": "B7"}));
        assert_eq!(tenant.put(&path, &read).status, 200, "what was read is put back");
        let mut changed = read.clone();
        changed[ACME]["badge"] = json!("B8");
        assert_error(&tenant.put(&path, &changed), 400, Some("invalidSyntax"));
        let add = patch(&format!("{ACME}:level"), json!("2"));
        assert_error(&tenant.patch(&path, &add), 400, Some("invalidSyntax"));
        assert_eq!(tenant.get(&path).json[ACME], json!({"badge": "B7"}));
        let mut without = read;
        without.as_object_mut().expect("a user").remove(ACME);
        assert_eq!(tenant.put(&path, &without).status, 200, "removing is accepted");
        assert_eq!(tenant.get(&path).json.get(ACME), None);
    }
}
