//! What the stand-in says about itself, and the names it knows.

use super::defect::Defect;
use entra_sim::check::Profile;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

static SCHEMAS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../fixtures/stand_in_schemas.json")).expect("the fixture is JSON")
});

/// Every attribute name of the schemas by its lower-case form.
static NAMES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    SCHEMAS.iter().for_each(|schema| gather(&schema["attributes"], &mut names));
    for name in ["schemas", "id", "meta", "active", "members"] {
        names.insert(name.to_owned(), name.to_owned());
    }
    names
});

fn gather(attributes: &Value, names: &mut HashMap<String, String>) {
    for attribute in attributes.as_array().into_iter().flatten() {
        let name = attribute["name"].as_str().unwrap_or_default();
        names.insert(name.to_lowercase(), name.to_owned());
        gather(&attribute["subAttributes"], names);
    }
}

/// The name as the schemas write it.
pub(crate) fn canonical(name: &str) -> &str {
    NAMES.get(&name.to_lowercase()).map_or(name, String::as_str)
}

/// Whether a schema has an attribute of that name.
pub(crate) fn is_known(name: &str) -> bool {
    NAMES.contains_key(&name.to_lowercase())
}

/// Whether the attribute of a user or group holds several values.
pub(crate) fn is_multi_valued(name: &str) -> bool {
    ["emails", "phoneNumbers", "addresses", "roles", "members"].contains(&name)
}

/// The published schemas.
pub(crate) fn schemas(profile: Profile, defect: Option<Defect>) -> Vec<Value> {
    let mut schemas = SCHEMAS.clone();
    if profile == Profile::Interop && defect != Some(Defect::PasswordDescribed) {
        let attributes = schemas.iter_mut().filter_map(|schema| schema["attributes"].as_array_mut());
        attributes.for_each(|all| all.retain(|attribute| attribute["name"] != "password"));
    }
    match defect {
        Some(Defect::SchemasWithoutGroup | Defect::GroupsMissing) => {
            schemas.retain(|schema| schema["id"] != GROUP)
        }
        Some(Defect::SchemasWithNulls) => schemas[0]["meta"] = Value::Null,
        Some(Defect::SchemasWithoutExternalId) => {
            for schema in &mut schemas {
                if let Some(attributes) = schema["attributes"].as_array_mut() {
                    attributes.retain(|attribute| attribute["name"] != "externalId");
                }
            }
        }
        Some(Defect::SchemasWithoutCanonicalTypes) => {
            let attributes = schemas[0]["attributes"].as_array_mut().into_iter().flatten();
            let subs = attributes.filter_map(|it| it.get_mut("subAttributes")?.as_array_mut()).flatten();
            subs.for_each(|sub| drop(sub.as_object_mut().map(|sub| sub.remove("canonicalValues"))));
        }
        _ => {}
    }
    schemas
}

/// `/ResourceTypes`.
pub(crate) fn resource_types(defect: Option<Defect>) -> Vec<Value> {
    let kind = |name: &str, endpoint: &str, schema: &str| {
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": name, "name": name,
            "endpoint": endpoint, "schema": schema})
    };
    let group = (defect != Some(Defect::GroupsMissing)).then(|| kind("Group", "/Groups", GROUP));
    [kind("User", "/Users", USER)].into_iter().chain(group).collect()
}

/// `/ServiceProviderConfig`.
pub(crate) fn service_provider_config(profile: Profile, defect: Option<Defect>) -> Value {
    let is_interop = profile == Profile::Interop;
    let has_bulk = is_interop && defect != Some(Defect::BulkNotClaimed);
    let largest = if defect == Some(Defect::HugePages) { 5_000 } else { 1_000 };
    let mut config = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": defect != Some(Defect::ConfigDeniesPatch)},
        "bulk": {"supported": has_bulk, "maxOperations": 100, "maxPayloadSize": 1_000_000},
        "filter": {"supported": true, "maxResults": largest},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": false},
        "pagination": {"cursor": defect != Some(Defect::CursorsNotClaimed), "index": true, "maxPageSize": 1000},
        "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Bearer", "description": "A bearer token"}]
    });
    if is_interop {
        config["interopProfileConformant"] = json!(defect != Some(Defect::InteropNotClaimed));
    }
    config
}
