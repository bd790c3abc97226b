//! `/Schemas`, `/ResourceTypes` and `/ServiceProviderConfig`: what the server says about itself.

use super::Check;
use crate::check::attribute::elements;
use crate::check::outcome::Verdict;
use crate::check::probe::{LIST, Probe, Reply};
use crate::check::schemas::{GROUP, Schemas, USER, attributes};
use serde_json::Value;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "schemas-list-response",
        "Microsoft: use-scim-to-provision-users-and-groups (Schema discovery); RFC 7644 section 4",
        "/Schemas answers with a ListResponse that holds User and Group.",
        |probe| Box::pin(list_response(probe)),
    )
    .same_cause_as(&["create-group"]),
    Check::new(
        "schemas-without-nulls",
        "Microsoft: use-scim-to-provision-users-and-groups (Schema discovery)",
        "/Schemas sends no null and no attribute name that is not camelCase.",
        |probe| Box::pin(no_nulls(probe)),
    ),
    Check::new(
        "schemas-single-by-urn",
        "RFC 7644 section 4",
        "/Schemas/{urn} answers with that schema.",
        |probe| Box::pin(single(probe)),
    )
    .should("the provisioning service reads /Schemas as a whole"),
    Check::new(
        "resource-types",
        "Microsoft: Entra-AppGallery-AI-Validation-Checklist; RFC 7643 section 6",
        "/ResourceTypes lists User at /Users and Group at /Groups.",
        |probe| Box::pin(resource_types(probe)),
    )
    .should("no document says that the provisioning service reads it")
    .same_cause_as(&["create-group"]),
    Check::new(
        "service-provider-config",
        "Microsoft: Entra-AppGallery-AI-Validation-Checklist; RFC 7643 section 5",
        "/ServiceProviderConfig claims PATCH and filters, without which Entra cannot work.",
        |probe| Box::pin(service_provider_config(probe)),
    )
    .should("no document says that the provisioning service reads it"),
];

async fn list_response(probe: &Probe) -> Verdict {
    let schemas = Schemas::read(probe).await?;
    let reply = schemas.reply();
    reply.ensure(
        elements(reply.json(), "schemas").contains(&LIST.into()),
        "schemas must name the ListResponse",
    )?;
    let count = reply.list().unwrap_or_default().len();
    reply.ensure(reply.json()["totalResults"] == count, "totalResults must count the schemas")?;
    for urn in [USER, GROUP] {
        reply.ensure(schemas.schema(urn).is_some(), &format!("{urn} must be listed"))?;
    }
    Ok(())
}

async fn no_nulls(probe: &Probe) -> Verdict {
    let schemas = Schemas::read(probe).await?;
    let reply = schemas.reply();
    if let Some(path) = null_in(reply.json(), "") {
        return Err(reply.blame(&format!("null at {path}")));
    }
    let all = reply.list().unwrap_or_default().iter().flat_map(attributes);
    let names = all.filter_map(|attribute| attribute["name"].as_str());
    let odd: Vec<_> = names
        .filter(|name| !name.starts_with(|first: char| first.is_ascii_lowercase() || first == '$'))
        .collect();
    reply.ensure(odd.is_empty(), &format!("attribute names must be camelCase: {}", odd.join(", ")))
}

/// The place of the first `null` in `value`.
pub(super) fn null_in(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::Null => Some(path.to_owned()),
        Value::Array(elements) => {
            elements.iter().enumerate().find_map(|(nth, it)| null_in(it, &format!("{path}/{nth}")))
        }
        Value::Object(members) => {
            members.iter().find_map(|(name, it)| null_in(it, &format!("{path}/{name}")))
        }
        _ => None,
    }
}

async fn single(probe: &Probe) -> Verdict {
    let reply = probe.resource(&format!("/Schemas/{USER}")).await?;
    reply.ensure(reply.id() == Some(USER), "the schema's id must be its URN")
}

async fn resource_types(probe: &Probe) -> Verdict {
    let reply = probe.list("/ResourceTypes").await?;
    let types = reply.list().unwrap_or_default();
    for (urn, endpoint) in [(USER, "/Users"), (GROUP, "/Groups")] {
        let is_listed = types.iter().any(|it| it["schema"] == urn && it["endpoint"] == endpoint);
        reply.ensure(
            is_listed,
            &format!("a resource type with schema {urn} and endpoint {endpoint} must be listed"),
        )?;
    }
    Ok(())
}

async fn service_provider_config(probe: &Probe) -> Verdict {
    let reply = probe.resource("/ServiceProviderConfig").await?;
    for feature in ["patch", "filter"] {
        supports(&reply, feature)?;
    }
    let schemes = elements(reply.json(), "authenticationSchemes");
    reply.ensure(!schemes.is_empty(), "authenticationSchemes must name a scheme")
}

fn supports(reply: &Reply, feature: &str) -> Verdict {
    reply.ensure(reply.json()[feature]["supported"] == true, &format!("{feature}.supported must be true"))
}
