//! What discovery publishes, and that it is what Microsoft's tools and the standard look for.

use scim::{
    Profile,
    discovery::{self, Capabilities},
    schema::{Attribute, ResourceKind, ResourceType, Returned},
    urn,
};
use serde_json::{Value, json};

const BASE: &str = "https://juno.example/t/acme/scim/v2";

/// The names that Microsoft's acceptance suite derives from `/Schemas` and looks for every mapped attribute in.
pub(crate) fn flatten(schemas: &Value, urn: &str) -> Vec<String> {
    let resources = schemas["Resources"].as_array().unwrap();
    let schema =
        resources.iter().find(|schema| schema["id"] == urn).unwrap_or_else(|| panic!("no schema {urn}"));
    let attributes = schema["attributes"].as_array().unwrap();
    attributes.iter().flat_map(|attribute| flatten_attribute(attribute, urn)).collect()
}

fn flatten_attribute(attribute: &Value, urn: &str) -> Vec<String> {
    let name = attribute["name"].as_str().unwrap();
    if name == "members" {
        return vec![name.to_owned()];
    }
    if urn == urn::ENTERPRISE_USER {
        return vec![if name == "manager" { name.to_owned() } else { format!("{urn}:{name}") }];
    }
    let empty = Vec::new();
    let subs = attribute["subAttributes"].as_array().unwrap_or(&empty);
    let names = |simple: bool| {
        subs.iter()
            .filter(move |sub| !simple || (sub["type"] != "complex" && sub["type"] != "reference"))
            .filter_map(|sub| sub["name"].as_str())
    };
    match (attribute["type"].as_str().unwrap(), attribute["multiValued"] == true) {
        ("reference", _) => Vec::new(),
        ("complex", false) => names(true).map(|sub| format!("{name}.{sub}")).collect(),
        ("complex", true) => {
            let kind = subs.iter().find(|sub| sub["name"] == "type").map(|sub| &sub["canonicalValues"]);
            let values = kind.and_then(Value::as_array).filter(|values| !values.is_empty());
            let selectors: Vec<String> = match values {
                Some(values) => values.iter().map(|value| format!("type eq {value}")).collect(),
                None => vec!["primary eq \"True\"".to_owned()],
            };
            let parts: Vec<&str> = names(false).filter(|sub| !["type", "primary"].contains(sub)).collect();
            let path = |selector: &String, part: &&str| format!("{name}[{selector}].{part}");
            selectors.iter().flat_map(|selector| parts.iter().map(move |part| path(selector, part))).collect()
        }
        _ => vec![name.to_owned()],
    }
}

#[test]
fn every_mapped_attribute_can_be_derived_from_the_schemas() {
    let schemas = discovery::schemas(Profile::Entra, BASE);
    let mut derived: Vec<String> =
        [urn::USER, urn::ENTERPRISE_USER].iter().flat_map(|urn| flatten(&schemas, urn)).collect();
    derived.iter_mut().for_each(|name| *name = name.to_lowercase());
    let enterprise = |name: &str| format!("{}:{name}", urn::ENTERPRISE_USER);
    let mapped = [
        // The 26 attributes of the Juno tutorial.
        "userName",
        "externalId",
        "displayName",
        "title",
        "active",
        "preferredLanguage",
        "emails[type eq \"work\"].value",
        "addresses[type eq \"work\"].country",
        "addresses[type eq \"work\"].region",
        "addresses[type eq \"work\"].locality",
        "addresses[type eq \"work\"].postalCode",
        "addresses[type eq \"work\"].formatted",
        "addresses[type eq \"work\"].streetAddress",
        "name.givenName",
        "name.familyName",
        "name.middleName",
        "name.formatted",
        "phoneNumbers[type eq \"fax\"].value",
        "phoneNumbers[type eq \"mobile\"].value",
        "phoneNumbers[type eq \"work\"].value",
        &enterprise("department"),
        &enterprise("employeeNumber"),
        &enterprise("costCenter"),
        &enterprise("division"),
        "manager",
        &enterprise("organization"),
        // The rest of Entra's default mapping, and its roles.
        "emails[type eq \"other\"].value",
        "addresses[type eq \"other\"].formatted",
        "roles[primary eq \"True\"].value",
        "roles[primary eq \"True\"].display",
        "nickName",
        "userType",
        "locale",
        "timezone",
    ];
    for name in mapped {
        assert!(derived.contains(&name.to_lowercase()), "{name} cannot be derived");
    }
    assert!(!derived.contains(&"password".to_owned()), "Entra would offer it as a target");
    let group = flatten(&schemas, urn::GROUP);
    assert_eq!(group, ["externalId", "displayName", "members"]);
}

#[test]
fn types_are_suggested_where_microsoft_looks_for_them() {
    let user = ResourceType::of(ResourceKind::User);
    let suggested = |name: &str| {
        user.attribute(name)
            .and_then(|attribute| attribute.sub_attribute("type"))
            .unwrap()
            .canonical_values
            .clone()
    };
    assert_eq!(suggested("emails"), ["work", "home", "other"]);
    assert_eq!(suggested("phoneNumbers"), ["work", "home", "mobile", "fax", "pager", "other"]);
    assert_eq!(suggested("addresses"), ["work", "home", "other"]);
    assert!(suggested("roles").is_empty());
}

#[test]
fn a_schema_has_every_characteristic_and_no_null() {
    let schemas = discovery::schemas(Profile::Rfc, BASE);
    assert_eq!(schemas["schemas"], json!([urn::LIST_RESPONSE]));
    assert_eq!(
        (&schemas["totalResults"], &schemas["itemsPerPage"], &schemas["startIndex"]),
        (&json!(3), &json!(3), &json!(1))
    );
    let resources = schemas["Resources"].as_array().unwrap();
    let ids: Vec<&str> = resources.iter().map(|schema| schema["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [urn::USER, urn::ENTERPRISE_USER, urn::GROUP]);
    for schema in resources {
        assert_eq!(schema["schemas"], json!([urn::SCHEMA]));
        assert_eq!(schema["meta"]["resourceType"], "Schema");
        assert_eq!(schema["meta"]["location"], format!("{BASE}/Schemas/{}", schema["id"].as_str().unwrap()));
        assert!(!schema.to_string().contains("null"));
        schema["attributes"].as_array().unwrap().iter().for_each(check_characteristics);
        assert_eq!(
            discovery::schema(schema["id"].as_str().unwrap(), Profile::Rfc, BASE).as_ref(),
            Ok(schema)
        );
    }
    let password = flatten(&schemas, urn::USER).contains(&"password".to_owned());
    assert!(password, "the standard's schema has it");
    assert_eq!(discovery::schema("urn:nothing", Profile::Rfc, BASE).unwrap_err().status, 404);
}

fn check_characteristics(attribute: &Value) {
    let keys = [
        "name",
        "type",
        "multiValued",
        "description",
        "required",
        "caseExact",
        "mutability",
        "returned",
        "uniqueness",
    ];
    for key in keys {
        assert!(attribute.get(key).is_some(), "{attribute} lacks {key}");
    }
    assert_eq!(attribute["type"] == "complex", attribute["subAttributes"].is_array(), "{attribute}");
    assert_eq!(attribute["type"] == "reference", attribute["referenceTypes"].is_array(), "{attribute}");
    attribute["subAttributes"].as_array().into_iter().flatten().for_each(check_characteristics);
}

/// Projection relies on it: what is always returned is `id` and `schemas`, what is never is not stored.
#[test]
fn only_known_attributes_have_a_returned_of_their_own() {
    fn collect(attributes: &[Attribute], found: &mut Vec<(String, Returned)>) {
        for attribute in attributes {
            if attribute.returned != Returned::Default {
                found.push((attribute.name.clone(), attribute.returned));
            }
            collect(&attribute.sub_attributes, found);
        }
    }
    for resource_type in ResourceType::all() {
        let mut found = Vec::new();
        collect(&resource_type.common, &mut found);
        collect(&resource_type.schema.attributes, &mut found);
        resource_type.extensions.iter().for_each(|schema| collect(&schema.attributes, &mut found));
        found.retain(|(name, _)| name != "password");
        assert_eq!(found, [("schemas".to_owned(), Returned::Always), ("id".to_owned(), Returned::Always)]);
    }
}

#[test]
fn resource_types_point_to_their_schemas() {
    let types = discovery::resource_types(BASE);
    assert_eq!(types["totalResults"], 2);
    let user = discovery::resource_type("User", BASE).unwrap();
    assert_eq!(types["Resources"][0], user);
    assert_eq!(
        user,
        json!({
            "schemas": [urn::RESOURCE_TYPE],
            "id": "User",
            "name": "User",
            "endpoint": "/Users",
            "description": "User Account",
            "schema": urn::USER,
            "schemaExtensions": [{ "schema": urn::ENTERPRISE_USER, "required": false }],
            "meta": { "resourceType": "ResourceType", "location": format!("{BASE}/ResourceTypes/User") },
        })
    );
    assert_eq!(discovery::resource_type("Group", BASE).unwrap()["schemaExtensions"], json!([]));
    assert_eq!(discovery::resource_type("Device", BASE).unwrap_err().status, 404);
}

#[test]
fn the_configuration_says_what_is_configured() {
    let capabilities =
        Capabilities { bulk_max_operations: 7, max_payload: 1024, default_page: 50, max_page: 200 };
    let interop = discovery::service_provider_config(Profile::Interop, &capabilities, BASE);
    assert_eq!(interop["interopProfileConformant"], true);
    let config = discovery::service_provider_config(Profile::Rfc, &capabilities, BASE);
    assert_eq!(config.get("interopProfileConformant"), None);
    assert_eq!(config["schemas"], json!([urn::SERVICE_PROVIDER_CONFIG]));
    assert_eq!(config["bulk"], json!({ "supported": true, "maxOperations": 7, "maxPayloadSize": 1024 }));
    assert_eq!(config["filter"], json!({ "supported": true, "maxResults": 200 }));
    for feature in ["patch", "sort", "etag"] {
        assert_eq!(config[feature], json!({ "supported": true }), "{feature}");
    }
    assert_eq!(config["changePassword"], json!({ "supported": false }));
    // RFC 9865 section 4.
    assert_eq!(config["pagination"]["cursor"], true);
    assert_eq!(config["pagination"]["index"], true);
    assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
    assert_eq!(
        (&config["pagination"]["defaultPageSize"], &config["pagination"]["maxPageSize"]),
        (&json!(50), &json!(200))
    );
    let scheme = &config["authenticationSchemes"][0];
    assert!(["type", "name", "description"].iter().all(|key| scheme[*key].is_string()), "{scheme}");
    assert_eq!(config["meta"]["location"], format!("{BASE}/ServiceProviderConfig"));
}
