//! The direct tests of Microsoft's acceptance suite, for every attribute that it derives from `/Schemas`: each is set to
//! `upd-…` and must be returned so; each is cleared by an empty text and by null, and must be gone.

use crate::{discovery::flatten, sound};
use scim::{
    Profile,
    discovery::schemas,
    filter::Filter,
    patch::PatchRequest,
    resource,
    schema::{ResourceKind, ResourceType},
    urn,
};
use serde_json::{Map, Value, json};

/// Targets of the null update and of the update: not the matching and required ones, not booleans, not references to
/// other resources.
fn targets(kind: ResourceKind) -> Vec<String> {
    let schemas = schemas(Profile::Entra, "");
    let urns: &[&str] = match kind {
        ResourceKind::User => &[urn::USER, urn::ENTERPRISE_USER],
        ResourceKind::Group => &[urn::GROUP],
    };
    let left_out = ["active", "manager", "members"];
    urns.iter()
        .flat_map(|urn| flatten(&schemas, urn))
        .filter(|name| !left_out.contains(&name.as_str()) && !name.starts_with("groups["))
        .collect()
}

fn patch(kind: ResourceKind, document: &Map<String, Value>, path: &str, value: Value) -> Map<String, Value> {
    let body = json!({
        "schemas": [urn::PATCH_OP],
        "Operations": [{ "op": "Replace", "path": path, "value": value }],
    });
    let request = PatchRequest::parse(Profile::Entra, body).unwrap();
    let resource_type = ResourceType::of(kind);
    let patched = request
        .apply(resource_type, Profile::Entra, document)
        .unwrap_or_else(|error| panic!("{path}: {}", error.detail));
    sound::check(resource_type, &patched.document);
    patched.document
}

fn holds(kind: ResourceKind, document: &Map<String, Value>, filter: &str) -> bool {
    let condition = Filter::parse(filter).and_then(|filter| filter.resolve(ResourceType::of(kind)));
    condition.unwrap_or_else(|error| panic!("{filter}: {}", error.detail)).matches(document)
}

fn start(kind: ResourceKind) -> Map<String, Value> {
    let body = match kind {
        ResourceKind::User => json!({ "schemas": [urn::USER], "userName": "start" }),
        ResourceKind::Group => json!({ "schemas": [urn::GROUP], "displayName": "start" }),
    };
    resource::draft(ResourceType::of(kind), Profile::Entra, body).unwrap().document
}

#[test]
fn every_attribute_is_returned_as_it_was_set() {
    for kind in [ResourceKind::User, ResourceKind::Group] {
        let mut document = start(kind);
        let targets = targets(kind);
        for (index, path) in targets.iter().enumerate() {
            document = patch(kind, &document, path, json!(format!("upd-{index:08x}")));
        }
        // All at the end: no update may have disturbed another.
        for (index, path) in targets.iter().enumerate() {
            // Exactly, case and all: the filter alone would not see that.
            assert!(holds(kind, &document, &format!("{path} eq \"upd-{index:08x}\"")), "{path}");
            assert!(
                Value::from(document.clone()).to_string().contains(&format!("\"upd-{index:08x}\"")),
                "{path}"
            );
        }
    }
}

#[test]
fn every_attribute_is_cleared_by_an_empty_text_and_by_null() {
    let required = ["userName", "displayName"];
    for kind in [ResourceKind::User, ResourceKind::Group] {
        let before = start(kind);
        let optional =
            |path: &String| !(kind == ResourceKind::Group && path == required[1]) && path != required[0];
        let targets: Vec<String> = targets(kind).into_iter().filter(optional).collect();
        let full =
            targets.iter().fold(before.clone(), |document, path| patch(kind, &document, path, json!("x")));
        for empty in [json!(""), Value::Null] {
            let mut document = full.clone();
            for path in &targets {
                document = patch(kind, &document, path, empty.clone());
                assert!(!holds(kind, &document, &format!("{path} pr")), "{path}");
            }
            assert_eq!(document, before, "nothing is left, not even elements with type and primary alone");
        }
    }
}

#[test]
fn the_manager_is_added_replaced_and_removed() {
    let (kind, path) = (ResourceKind::User, format!("{}:manager", urn::ENTERPRISE_USER));
    let document = patch(kind, &start(kind), &path, json!("m1"));
    assert!(holds(kind, &document, "manager eq \"m1\""));
    let document = patch(kind, &document, &path, json!("m2"));
    assert!(holds(kind, &document, "manager eq \"m2\"") && !holds(kind, &document, "manager eq \"m1\""));
    assert_eq!(patch(kind, &document, &path, json!("")), start(kind));
}
