//! `/Schemas`, `/ResourceTypes` and `/ServiceProviderConfig` (RFC 7643 sections 5 to 7, RFC 9865 section 4), from the data that drives validation.

use crate::{
    Profile, ScimError,
    list::Page,
    schema::{ResourceType, Schema},
    urn,
};
use serde_json::{Value, json};

/// What the service provider can do, as it is configured.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Most operations of a bulk request.
    pub bulk_max_operations: usize,
    /// Largest body, in bytes.
    pub max_payload: usize,
    /// Page size where `count` is absent.
    pub default_page: u32,
    /// Largest page.
    pub max_page: u32,
}

/// A ListResponse of all of these.
fn list(resources: Vec<Value>) -> Value {
    let count = resources.len();
    let page =
        Page { total_results: count as u64, items_per_page: count, start_index: Some(1), next_cursor: None };
    // The envelope is text so that pages can stream; here it is read back once.
    let mut envelope: Value = serde_json::from_str(&(page.head() + Page::TAIL)).unwrap_or_default();
    envelope["Resources"] = resources.into();
    envelope
}

fn all_schemas() -> impl Iterator<Item = &'static Schema> {
    ResourceType::all().into_iter().flat_map(|resource_type| {
        std::iter::once(&resource_type.schema).chain(resource_type.extensions.iter())
    })
}

/// A schema as it is published. Entra would offer `password` as a target of its mappings; we keep none, so that
/// profile does not see it.
fn publish(schema: &Schema, profile: Profile, base: &str) -> Value {
    let mut json = serde_json::to_value(schema).unwrap_or_default();
    if profile.rules().hides_password
        && let Some(attributes) = json["attributes"].as_array_mut()
    {
        attributes.retain(|attribute| attribute["name"] != "password");
    }
    json["schemas"] = json!([urn::SCHEMA]);
    json["meta"] = json!({ "resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.id) });
    json
}

/// `/Schemas`; `base` is the Tenant URL.
pub fn schemas(profile: Profile, base: &str) -> Value {
    list(all_schemas().map(|schema| publish(schema, profile, base)).collect())
}

/// `/Schemas/{id}`.
///
/// # Errors
/// 404.
pub fn schema(id: &str, profile: Profile, base: &str) -> Result<Value, ScimError> {
    all_schemas()
        .find(|schema| schema.id.eq_ignore_ascii_case(id))
        .map(|schema| publish(schema, profile, base))
        .ok_or_else(|| ScimError::not_found("There is no schema with this id. See /Schemas."))
}

fn describe(resource_type: &ResourceType, base: &str) -> Value {
    let extensions: Vec<Value> = resource_type
        .extensions
        .iter()
        .map(|schema| json!({ "schema": schema.id, "required": false }))
        .collect();
    json!({
        "schemas": [urn::RESOURCE_TYPE],
        "id": resource_type.name,
        "name": resource_type.name,
        "endpoint": resource_type.endpoint,
        "description": resource_type.description,
        "schema": resource_type.schema.id,
        "schemaExtensions": extensions,
        "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", resource_type.name) },
    })
}

/// `/ResourceTypes`.
pub fn resource_types(base: &str) -> Value {
    list(ResourceType::all().into_iter().map(|resource_type| describe(resource_type, base)).collect())
}

/// `/ResourceTypes/{id}`.
///
/// # Errors
/// 404.
pub fn resource_type(id: &str, base: &str) -> Result<Value, ScimError> {
    ResourceType::all()
        .into_iter()
        .find(|resource_type| resource_type.name == id)
        .map(|resource_type| describe(resource_type, base))
        .ok_or_else(|| ScimError::not_found("There is no resource type with this id. See /ResourceTypes."))
}

/// `/ServiceProviderConfig`. `interopProfileConformant` is of draft-zollner-scim-interop-profile-02.
pub fn service_provider_config(profile: Profile, capabilities: &Capabilities, base: &str) -> Value {
    let mut config = json!({
        "schemas": [urn::SERVICE_PROVIDER_CONFIG],
        "patch": { "supported": true },
        "bulk": {
            "supported": true,
            "maxOperations": capabilities.bulk_max_operations,
            "maxPayloadSize": capabilities.max_payload,
        },
        "filter": { "supported": true, "maxResults": capabilities.max_page },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": capabilities.default_page,
            "maxPageSize": capabilities.max_page,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Secret Token",
            "description": "A Secret Token of the tenant, sent as bearer token.",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    });
    if profile.rules().announces_interop {
        config["interopProfileConformant"] = json!(true);
    }
    config
}
