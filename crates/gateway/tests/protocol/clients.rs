//! What other clients than Entra send, and what is decided where the standard leaves a choice.

use super::{assert_error, group, patch, user};
use crate::world::{Tenant, World};
use serde_json::{Value, json};
use test_support::Backend;

const PROFILES: [&str; 2] = ["entra", "rfc"];

fn operation(op: &str, path: Option<&str>, value: &Value) -> Value {
    let mut operation = json!({"op": op, "value": value});
    if let Some(path) = path {
        operation["path"] = path.into();
    }
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
}

fn disabled(tenant: &Tenant<'_>, user_name: &str) -> String {
    let mut body = user(user_name);
    body["active"] = false.into();
    let created = tenant.post("/Users", &body);
    format!("/Users/{}", created.json["id"].as_str().expect("id"))
}

#[test]
fn okta_renames_a_group_and_repeats_its_id() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        for profile in PROFILES {
            let tenant = world.tenant_of_profile(profile, profile);
            let id = tenant.create_group("Old", &[]);
            let path = format!("/Groups/{id}");
            let echo = |id: &str| operation("replace", None, &json!({"id": id, "displayName": "New"}));
            assert_eq!(tenant.patch(&path, &echo(&id)).status, 204, "{profile}");
            assert_eq!(tenant.get(&path).json["displayName"], "New");
            let other = tenant.patch(&path, &echo("7"));
            match profile {
                "rfc" => assert_error(&other, 400, Some("mutability")),
                _ => assert_eq!(other.status, 204),
            }
        }
    }
}

#[test]
fn a_disabled_user_is_enabled_by_true_alone() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        for profile in PROFILES {
            let tenant = world.tenant_of_profile(profile, profile);
            let path = disabled(&tenant, "a@example.com");
            let is_active = || tenant.get(&path).json["active"].clone();
            for value in [Value::Null, json!("")] {
                let answer = tenant.patch(&path, &patch("active", value));
                match profile {
                    "rfc" => assert_error(&answer, 400, Some("invalidValue")),
                    _ => assert_eq!(answer.status, 200),
                }
                assert_eq!(is_active(), false);
            }
            let mut body = user("a@example.com");
            for active in [None, Some(Value::Null)] {
                active.into_iter().for_each(|active| body["active"] = active);
                body["title"] = "x".into();
                let answer = tenant.put(&path, &body);
                assert_eq!((answer.status, &answer.json["active"]), (200, &json!(false)), "{profile}");
                assert_eq!((is_active(), &tenant.get(&path).json["title"]), (json!(false), &json!("x")));
            }
            body["active"] = true.into();
            assert_eq!(tenant.put(&path, &body).json["active"], true);
        }
    }
}

#[test]
fn lists_of_an_undescribed_extension_are_added_to() {
    let world = World::start(Backend::Sqlite);
    let own = "urn:example:own:2.0:User";
    for profile in PROFILES {
        let tenant = world.tenant_of_profile(profile, profile);
        let mut body = user("a@example.com");
        body["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User", own]);
        body[own] = json!({"tags": ["a", "b"], "addr": {"zip": "1"}});
        let path = format!("/Users/{}", tenant.post("/Users", &body).json["id"].as_str().expect("id"));
        let value = json!({own: {"tags": ["c"], "addr": {"city": "D"}}});
        let answer = tenant.patch(&path, &operation("add", None, &value));
        let expected = json!({"tags": ["a", "b", "c"], "addr": {"zip": "1", "city": "D"}});
        assert_eq!((answer.status, &answer.json[own]), (200, &expected), "{profile}");
    }
}

#[test]
fn two_groups_may_have_one_name_and_a_member_must_exist() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        for profile in PROFILES {
            let tenant = world.tenant_of_profile(profile, profile);
            assert_ne!(tenant.create_group("Sales", &[]), tenant.create_group("Sales", &[]));
            assert_eq!(tenant.count("/Groups"), 2);
            let absent = "01980000-0000-7000-8000-000000000000";
            assert_error(&tenant.post("/Groups", &group("Lost", &[absent])), 400, Some("invalidValue"));
            let path = format!("/Groups/{}", tenant.create_group("All", &[]));
            let add = operation("add", Some("members"), &json!([{"value": absent}]));
            assert_error(&tenant.patch(&path, &add), 400, Some("invalidValue"));
        }
    }
}

#[test]
fn a_remove_that_names_nobody_leaves_the_group_as_it_is() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let tenant = world.tenant("own");
        let member = tenant.create_user("a@example.com");
        let path = format!("/Groups/{}", tenant.create_group("G", &[&member]));
        let before = tenant.get(&path);
        for value in [json!([{"foo": "bar"}]), json!([]), json!("")] {
            let answer = tenant.patch(&path, &operation("Remove", Some("members"), &value));
            assert_eq!(answer.status, 204, "{value}");
        }
        assert_eq!(tenant.get(&path).json, before.json);
        // By its address alone.
        let value = json!([{"$ref": format!("{}/Users/{member}", tenant.url())}]);
        assert_eq!(tenant.patch(&path, &operation("Remove", Some("members"), &value)).status, 204);
        assert_eq!(tenant.get(&path).json["members"], json!([]));
    }
}

#[test]
fn a_byte_order_mark_is_skipped_and_a_compressed_body_refused() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let body = format!("\u{feff}{}", user("a@example.com"));
    assert_eq!(tenant.send_with("POST", "/Users", &[], &body).status, 201);
    let body = user("b@example.com").to_string();
    for coding in ["identity", ""] {
        let answer = tenant.send_with("POST", "/Users", &[("content-encoding", coding)], &body);
        assert!([201, 409].contains(&answer.status), "{coding}: {}", answer.text());
    }
    for coding in ["gzip", "GZIP", "identity, gzip", "br"] {
        let answer = tenant.send_with("POST", "/Users", &[("content-encoding", coding)], &body);
        assert_error(&answer, 415, None);
    }
}

#[test]
fn a_tenant_url_with_a_final_slash_is_told_what_is_wrong() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    for path in ["//Users", "//Users/x", "//Schemas", "///Users", "/Users//x"] {
        let answer = tenant.get(path);
        assert_error(&answer, 404, None);
        assert!(answer.text().contains("without a slash"), "{path}: {}", answer.text());
    }
}
