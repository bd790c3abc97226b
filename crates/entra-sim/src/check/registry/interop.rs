//! The profile `interop`: what the IPSIE AL SCIM profile and draft-zollner-scim-interop-profile-02 demand beside RFC 7644.

use super::Check;
use crate::check::{
    outcome::Verdict,
    probe::Probe,
    sample,
    schemas::{Schemas, USER, attributes},
};
use serde_json::{Value, json};

const IPSIE: &str = "IPSIE AL SCIM 2.0 Profile draft 00";
const INTEROP: &str = "draft-zollner-scim-interop-profile-02";

/// RFC 7644 section 3.7.
const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// An extension that no server describes.
const UNKNOWN: &str = "urn:ietf:params:scim:schemas:extension:EntraSim:2.0:User";

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "interop-claimed",
        INTEROP,
        "/ServiceProviderConfig claims the profile: interopProfileConformant is true.",
        |probe| Box::pin(claimed(probe)),
    )
    .interop(),
    Check::new(
        "interop-bulk",
        IPSIE,
        "/ServiceProviderConfig claims /Bulk, and /Bulk creates a user.",
        |probe| Box::pin(bulk(probe)),
    )
    .interop(),
    Check::new(
        "interop-no-password",
        IPSIE,
        "No schema has an attribute password, and a user with one is refused with 400.",
        |probe| Box::pin(no_password(probe)),
    )
    .interop(),
    Check::new(
        "interop-unknown-attribute",
        INTEROP,
        "An unknown attribute of a body is refused with 400 (invalidSyntax), in POST, PUT and PATCH.",
        |probe| Box::pin(unknown_attribute(probe)),
    )
    .interop(),
    Check::new(
        "interop-undescribed-extension",
        INTEROP,
        "A value of an extension that no schema describes is refused with 400.",
        |probe| Box::pin(undescribed_extension(probe)),
    )
    .interop(),
    Check::new(
        "interop-patch-needs-a-path",
        INTEROP,
        "A PATCH operation without a path is refused with 400, and nothing is changed.",
        |probe| Box::pin(patch_needs_a_path(probe)),
    )
    .interop(),
    Check::new(
        "interop-filters",
        IPSIE,
        "emails[value eq …], emails[type eq \"work\" and value eq …] and members[value eq …] find what they name.",
        |probe| Box::pin(filters(probe)),
    )
    .interop(),
    Check::new(
        "interop-many-members-in-one-patch",
        IPSIE,
        "A PATCH takes 50 operations on members.",
        |probe| Box::pin(many_members(probe)),
    )
    .interop(),
    Check::new(
        "interop-page-of-1000-at-most",
        IPSIE,
        "A page has at most 1,000 resources, whatever count asks for.",
        |probe| Box::pin(page_of_1000(probe)),
    )
    .interop(),
    Check::new(
        "interop-cursors",
        IPSIE,
        "/ServiceProviderConfig claims paging by cursor, and a list is walked by it.",
        |probe| Box::pin(cursors(probe)),
    )
    .should("the profile recommends it")
    .interop(),
];

async fn claimed(probe: &Probe) -> Verdict {
    let reply = probe.resource("/ServiceProviderConfig").await?;
    reply.ensure(reply.json()["interopProfileConformant"] == true, "interopProfileConformant must be true")
}

async fn bulk(probe: &Probe) -> Verdict {
    let reply = probe.resource("/ServiceProviderConfig").await?;
    reply.ensure(reply.json()["bulk"]["supported"] == true, "bulk.supported must be true")?;
    let user = sample::user(&probe.name());
    let name = user["userName"].as_str().unwrap_or_default();
    let operation = json!({"method": "POST", "path": "/Users", "bulkId": "one", "data": user});
    let body = json!({"schemas": [BULK_REQUEST], "Operations": [operation]});
    let done = probe.write("POST", "/Bulk", &body).await?.expect(&[200], "/Bulk must take an operation")?;
    let found = probe.find("/Users", &format!("userName eq \"{name}\"")).await?;
    if let Some(id) = found.first()["id"].as_str() {
        probe.remove_at_end(format!("/Users/{id}"));
    }
    done.ensure(done.json()["Operations"][0]["status"] == "201", "the operation must create a user")?;
    found.ensure(found.list().is_some_and(|list| list.len() == 1), "the user must be found by its name")
}

async fn no_password(probe: &Probe) -> Verdict {
    let schemas = Schemas::read(probe).await?;
    let all = schemas.reply().list().unwrap_or_default().iter().flat_map(attributes);
    let has_password = all
        .filter_map(|attribute| attribute["name"].as_str())
        .any(|name| name.eq_ignore_ascii_case("password"));
    schemas.reply().ensure(!has_password, "no schema may have an attribute password")?;
    let mut body = sample::user(&probe.name());
    body["password"] = json!("Correct-Horse-7");
    refused(probe, "POST", "/Users", &body, "a password must be refused").await
}

async fn unknown_attribute(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    body["favouriteColour"] = json!("blue");
    refused(probe, "POST", "/Users", &body, "POST must refuse an unknown attribute").await?;
    let made = probe.plain_user().await?;
    let mut body = made.body.clone();
    body["favouriteColour"] = json!("blue");
    refused(probe, "PUT", &made.path, &body, "PUT must refuse an unknown attribute").await?;
    let reply = probe.patch(&made.path, json!([probe.op("add", "favouriteColour", "blue")])).await?;
    reply.expect(&[400], "PATCH must refuse an unknown attribute").map(drop)
}

async fn undescribed_extension(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    body["schemas"] = json!([USER, UNKNOWN]);
    body[UNKNOWN] = json!({"badge": "B7"});
    refused(probe, "POST", "/Users", &body, "POST must refuse an undescribed extension").await?;
    let made = probe.plain_user().await?;
    let reply = probe.patch(&made.path, json!([probe.op("add", &format!("{UNKNOWN}:badge"), "B7")])).await?;
    reply.expect(&[400], "PATCH must refuse an undescribed extension").map(drop)
}

async fn refused(probe: &Probe, method: &str, path: &str, body: &Value, why: &str) -> Verdict {
    probe.write(method, path, body).await?.expect(&[400], why).map(drop)
}

async fn patch_needs_a_path(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let operations = json!([{"op": "replace", "value": {"displayName": "Changed"}}]);
    let reply = probe.patch(&made.path, operations).await?;
    reply.expect(&[400], "an operation without a path must be refused")?;
    probe.resource(&made.path).await?.holds("displayName", &made.body["displayName"])
}

async fn filters(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let mail = made.body["emails"][0]["value"].as_str().unwrap_or_default().to_owned();
    probe.find_one("/Users", &format!("emails[value eq \"{mail}\"]"), &made.id).await?;
    let typed = format!("emails[type eq \"work\" and value eq \"{mail}\"]");
    probe.find_one("/Users", &typed, &made.id).await?;
    let other = format!("emails[type eq \"home\" and value eq \"{mail}\"]");
    probe.find_none("/Users", &other).await?;
    let group = probe.group().await?;
    let added = json!([probe.op("add", "members", sample::members(&[&made.id]))]);
    probe.change(&group.path, added).await?;
    let member = format!("members[value eq \"{}\"]", made.id);
    probe.find_one("/Groups", &member, &group.id).await.map(drop)
}

async fn many_members(probe: &Probe) -> Verdict {
    let (group, made) = (probe.group().await?, probe.plain_user().await?);
    // One member comes and goes: 50 operations, and at the end it is there.
    let add = probe.op("add", "members", sample::members(&[&made.id]));
    let remove = probe.removal(&format!("members[value eq \"{}\"]", made.id));
    let operations: Value =
        (0..24).flat_map(|_| [add.clone(), remove.clone()]).chain([add.clone(), add.clone()]).collect();
    probe.change(&group.path, operations).await?;
    let group = probe.resource(&group.path).await?;
    let members = group.json()["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    group.ensure(members.iter().any(|member| member["value"] == made.id), "the member must be there")
}

async fn page_of_1000(probe: &Probe) -> Verdict {
    let config = probe.resource("/ServiceProviderConfig").await?;
    let most = config.json()["filter"]["maxResults"].as_u64();
    config.ensure(most.is_some_and(|most| most <= 1000), "filter.maxResults must be 1000 at most")?;
    let page = probe.list("/Users?count=100000").await?;
    page.ensure(page.list().unwrap_or_default().len() <= 1000, "a page must have 1,000 resources at most")
}

async fn cursors(probe: &Probe) -> Verdict {
    let config = probe.resource("/ServiceProviderConfig").await?;
    config.ensure(config.json()["pagination"]["cursor"] == true, "pagination.cursor must be true")?;
    let (one, two) = (probe.plain_user().await?, probe.plain_user().await?);
    let mut cursor = String::new();
    let mut found = Vec::new();
    // Two pages of one user prove a step; a server with many users need not be walked to its end.
    for _ in 0..2 {
        let page = probe.list(&format!("/Users?count=1&cursor={cursor}")).await?;
        found.extend(
            page.list().unwrap_or_default().iter().filter_map(|user| user["id"].as_str().map(str::to_owned)),
        );
        page.ensure(found.len() <= 2, "a page must have no more resources than count asks for")?;
        match page.json()["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return page.ensure(found.len() >= 2, "there must be a nextCursor where more users are"),
        }
    }
    let is_step = found.first() != found.get(1) && one.id != two.id;
    config.ensure(is_step, "the second page must begin behind the first")
}
