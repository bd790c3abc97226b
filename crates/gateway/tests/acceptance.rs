//! Microsoft's acceptance list: the requests of its test suite of 2026 and of its Postman collection, and what Entra's
//! provisioning service expects of their answers, on both databases.

use crate::{
    scenario::{encode, play},
    world::{Tenant, World},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use test_support::Backend;

/// Plays a scenario on both databases.
fn everywhere(file: &str) {
    on_both(|tenant| play(tenant, file));
}

fn on_both(test: impl Fn(&Tenant<'_>)) {
    for backend in Backend::ALL {
        let world = World::start(backend);
        test(&world.tenant("contoso"));
    }
}

#[test]
fn test_connection() {
    everywhere(include_str!("fixtures/acceptance/test_connection.json"));
}

#[test]
fn users_are_created_updated_disabled_deleted_and_restored() {
    everywhere(include_str!("fixtures/acceptance/users.json"));
}

#[test]
fn garbage_is_understood_or_refused() {
    everywhere(include_str!("fixtures/acceptance/garbage.json"));
}

#[test]
fn managers_are_set_changed_and_removed() {
    everywhere(include_str!("fixtures/acceptance/manager.json"));
}

#[test]
fn groups_are_created_filled_emptied_renamed_and_deleted() {
    everywhere(include_str!("fixtures/acceptance/groups.json"));
}

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The attributes that Entra's mappings name.
fn mapping() -> Vec<String> {
    serde_json::from_str(include_str!("fixtures/acceptance/mapping.json")).expect("mapping")
}

fn attributes<'a>(schemas: &'a Value, urn: &str) -> &'a [Value] {
    let list = schemas["Resources"].as_array().expect("Resources");
    let schema = list.iter().find(|schema| schema["id"] == urn).unwrap_or_else(|| panic!("no {urn}"));
    schema["attributes"].as_array().expect("attributes")
}

/// The names that Microsoft's Schema_Discoverability_Test derives from `/Schemas`, in lower case.
fn discovered(schemas: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut names = BTreeSet::new();
    for urn in [USER, ENTERPRISE, GROUP] {
        for attribute in attributes(schemas, urn) {
            let name = text(&attribute["name"]);
            let full = if urn == ENTERPRISE { format!("{urn}:{name}") } else { name.clone() };
            if attribute["type"] != "complex" || ["manager", "members"].contains(&name.as_str()) {
                names.insert(full.to_lowercase());
                continue;
            }
            let subs = attribute["subAttributes"].as_array().expect("subAttributes");
            let simple = subs
                .iter()
                .filter(|sub| !["complex", "reference"].contains(&sub["type"].as_str().expect("type")));
            let types = subs
                .iter()
                .find(|sub| sub["name"] == "type")
                .and_then(|kind| kind["canonicalValues"].as_array());
            for sub in simple.map(|sub| text(&sub["name"])) {
                let paths = match (attribute["multiValued"] == true, types) {
                    (false, _) => vec![format!("{full}.{sub}")],
                    (true, _) if ["type", "primary"].contains(&sub.as_str()) => Vec::new(),
                    (true, Some(types)) => {
                        types.iter().map(|kind| format!("{full}[type eq {kind}].{sub}")).collect()
                    }
                    (true, None) => vec![format!("{full}[primary eq \"True\"].{sub}")],
                };
                names.extend(paths.into_iter().map(|path| path.to_lowercase()));
            }
        }
    }
    names
}

#[test]
fn every_mapped_attribute_is_discovered() {
    let world = World::start(Backend::Sqlite);
    let schemas = world.tenant("contoso").get("/Schemas");
    assert_eq!(schemas.status, 200);
    assert_eq!(schemas.json["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:ListResponse");
    let discovered = discovered(&schemas.json);
    let mut wanted = mapping();
    let more = ["members", "emails[type eq \"other\"].value", "addresses[type eq \"other\"].formatted"];
    wanted.extend(more.map(str::to_owned));
    wanted.extend(["value", "display"].map(|sub| format!("roles[primary eq \"True\"].{sub}")));
    for name in wanted {
        assert!(discovered.contains(&name.to_lowercase()), "{name} is not in {discovered:?}");
    }
    for attribute in [USER, GROUP].iter().flat_map(|urn| attributes(&schemas.json, urn)) {
        assert!(
            attribute.as_object().is_some_and(|map| map.values().all(|value| !value.is_null())),
            "{attribute}"
        );
    }
}

/// Where a PATCH path stands in a resource.
fn at(resource: &Value, path: &str) -> Value {
    if let Some((name, rest)) = path.split_once('[') {
        let (filter, sub) = rest.split_once("].").expect("sub-attribute");
        let (key, wanted) = filter.split_once(" eq ").expect("filter");
        let wanted = wanted.trim_matches('"').to_lowercase();
        let holds = |element: &&Value| element[key].to_string().trim_matches('"').to_lowercase() == wanted;
        let element = resource[name].as_array().into_iter().flatten().find(holds);
        return element.map(|element| element[sub].clone()).unwrap_or_default();
    }
    if let Some(name) = path.strip_prefix(&format!("{ENTERPRISE}:")) {
        return resource[ENTERPRISE][name].clone();
    }
    path.split('.').fold(resource.clone(), |value, name| value[name].clone())
}

fn operation(op: &str, path: &str, value: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": op, "path": path, "value": value}]})
}

/// SCIM_Null_Update_Test: each mapped attribute is emptied by an empty text, set again, and emptied by null.
#[test]
fn empty_text_and_null_both_clear_an_attribute() {
    on_both(|tenant| {
        let id = tenant.create_user("null@contoso.com");
        let path = format!("/Users/{id}");
        let untouched =
            ["userName", "active", "externalId", &format!("{ENTERPRISE}:manager")].map(str::to_owned);
        for attribute in mapping().into_iter().filter(|name| !untouched.contains(name)) {
            for empty in [json!(""), Value::Null] {
                let set = tenant.patch(&path, &operation("replace", &attribute, &json!("x")));
                assert_eq!(
                    (set.status, at(&set.json, &attribute)),
                    (200, json!("x")),
                    "{attribute}: {}",
                    set.text()
                );
                let cleared = tenant.patch(&path, &operation("replace", &attribute, &empty));
                assert_eq!(cleared.status, 200, "{attribute}: {}", cleared.text());
                let read = tenant.get(&path).json;
                assert_eq!(at(&read, &attribute), Value::Null, "{attribute} after {empty}: {read}");
            }
        }
        // Nothing is left of it all, no element of only a type either.
        let left: Vec<_> = tenant.get(&path).json.as_object().expect("object").keys().cloned().collect();
        assert_eq!(left, ["id", "schemas", "userName", "meta"]);
    });
}

/// The paths of every single-valued, writable attribute that is neither a reference nor a boolean.
fn writable(schemas: &Value, urn: &str) -> Vec<String> {
    let is_plain = |attribute: &Value| {
        attribute["multiValued"] == false
            && attribute["mutability"] == "readWrite"
            && !["reference", "boolean", "complex"].contains(&attribute["type"].as_str().expect("type"))
    };
    let prefix = if urn == ENTERPRISE { format!("{urn}:") } else { String::new() };
    let mut paths = Vec::new();
    for attribute in attributes(schemas, urn) {
        let name = attribute["name"].as_str().expect("name");
        if is_plain(attribute) {
            paths.push(format!("{prefix}{name}"));
        } else if attribute["type"] == "complex" && attribute["multiValued"] == false && name != "manager" {
            let subs = attribute["subAttributes"].as_array().expect("subAttributes");
            let subs = subs.iter().filter(|sub| is_plain(sub)).filter_map(|sub| sub["name"].as_str());
            paths.extend(subs.map(|sub| format!("{prefix}{name}.{sub}")));
        }
    }
    paths
}

/// SCIM_User_Update_Test, SCIM_Group_Update_Test: any text is taken as it is, and given back exactly.
#[test]
fn every_writable_attribute_takes_any_text() {
    on_both(|tenant| {
        let schemas = tenant.get("/Schemas").json;
        let mut user = writable(&schemas, USER);
        user.extend(writable(&schemas, ENTERPRISE));
        assert!(user.len() >= 20 && user.contains(&"locale".to_owned()), "{user:?}");
        user.extend(mapping().into_iter().filter(|name| name.contains('[')));
        let group = writable(&schemas, GROUP);
        assert_eq!(group, ["externalId", "displayName"]);
        let user_path = format!("/Users/{}", tenant.create_user("update@contoso.com"));
        let group_path = format!("/Groups/{}", tenant.create_group("Update", &[]));
        for (path, attributes, status) in [(user_path, user, 200), (group_path, group, 204)] {
            for (n, attribute) in attributes.iter().enumerate() {
                let value = json!(format!("upd-{n:08x}"));
                let patched = tenant.patch(&path, &operation("Replace", attribute, &value));
                assert_eq!(patched.status, status, "{attribute}: {}", patched.text());
                assert_eq!(at(&tenant.get(&path).json, attribute), value, "{attribute}");
            }
            // All of them are still there.
            let read = tenant.get(&path).json;
            for (n, attribute) in attributes.iter().enumerate() {
                assert_eq!(at(&read, attribute), json!(format!("upd-{n:08x}")), "{attribute}");
            }
        }
    });
}

/// SCIM_User_Pagination_Test, SCIM_Group_Pagination_Test.
#[test]
fn pages_say_where_they_begin() {
    on_both(|tenant| {
        for n in 0..12 {
            tenant.create_user(&format!("page{n}@contoso.com"));
            tenant.create_group(&format!("Page {n}"), &[]);
        }
        for endpoint in ["/Users", "/Groups"] {
            let mut seen = BTreeSet::new();
            for (start, expected) in [(1, 5), (6, 5), (11, 2)] {
                let page = tenant.get(&format!("{endpoint}?startIndex={start}&count=5")).json;
                assert_eq!(
                    (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]),
                    (&json!(12), &json!(start), &json!(expected))
                );
                let list = page["Resources"].as_array().expect("Resources");
                assert_eq!(list.len(), expected);
                seen.extend(list.iter().map(|resource| resource["id"].to_string()));
            }
            assert_eq!(seen.len(), 12);
        }
    });
}

/// Every matching attribute can be filtered by: each attribute of the mapping, and the answer is a list.
#[test]
fn every_mapped_attribute_can_be_the_matching_one() {
    on_both(|tenant| {
        let path = format!("/Users/{}", tenant.create_user("match@contoso.com"));
        let mut body = Map::new();
        for (n, attribute) in mapping().into_iter().enumerate().filter(|(_, name)| name != "active") {
            let value = json!(format!("Match {n}"));
            body.insert(attribute.clone(), value.clone());
            let patched = tenant.patch(&path, &operation("Add", &attribute, &value));
            assert_eq!(patched.status, 200, "{attribute}: {}", patched.text());
        }
        for (attribute, value) in body {
            for (value, total) in [(value.clone(), 1), (json!("nobody"), 0)] {
                let found = tenant.get(&encode(&format!("/Users?filter={attribute} eq {value}")));
                assert_eq!(found.status, 200, "{attribute}: {}", found.text());
                assert_eq!(found.json["totalResults"], total, "{attribute} eq {value}");
            }
        }
    });
}
