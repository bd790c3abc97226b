//! Queries: every filter that Entra sends, in every spelling seen, and the shape of the list that answers it.

use super::Check;
use super::acceptance_groups::{add_members, by_name, name_of};
use super::acceptance_users::{by_user_name, manager_op, manager_path};
use crate::check::outcome::Verdict;
use crate::check::probe::{LIST, Made, Probe, encode};
use crate::check::sample;
use serde_json::{Value, json};

const TUTORIAL: &str = "Microsoft: use-scim-to-provision-users-and-groups";

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "filter-without-match-users",
        "Microsoft: application-provisioning-quarantine-status; troubleshoot-user-provisioning-validation",
        "Test Connection: a filter on /Users that matches nothing gives 200 and an empty list, never 404 or 400.",
        |probe| Box::pin(no_match_users(probe)),
    ),
    Check::new(
        "filter-without-match-groups",
        "Microsoft: application-provisioning-quarantine-status; use-scim-to-provision-users-and-groups",
        "The same on /Groups.",
        |probe| Box::pin(no_match_groups(probe)),
    )
    .same_cause_as(&["create-group", "filter-without-match-users"]),
    Check::new(
        "list-envelope",
        TUTORIAL,
        "A list carries schemas, totalResults, Resources, startIndex and itemsPerPage.",
        |probe| Box::pin(envelope(probe)),
    ),
    Check::new("filter-by-user-name", TUTORIAL, "Users can be matched by userName.", |probe| {
        Box::pin(by_users_name(probe))
    }),
    Check::new("filter-by-external-id", TUTORIAL, "Users can be matched by externalId.", |probe| {
        Box::pin(by_external_id(probe))
    })
    .same_cause_as(&["filter-by-user-name"]),
    Check::new("filter-by-id", TUTORIAL, "Users can be matched by id.", |probe| Box::pin(by_id(probe))),
    Check::new(
        "filter-by-work-email",
        "Microsoft: use-scim-to-provision-users-and-groups; limosa-io/laravel-scim-server PR #53",
        "Users can be matched by emails[type eq \"work\"].value, and only by an e-mail of that type.",
        |probe| Box::pin(by_work_email(probe)),
    ),
    Check::new(
        "filter-groups-by-display-name",
        "ssoready/ssoready PR #232; Metatavu/keycloak-scim-server PR #58",
        "Groups can be matched by displayName.",
        |probe| Box::pin(groups_by_display_name(probe)),
    ),
    Check::new("filter-groups-by-external-id", TUTORIAL, "Groups can be matched by externalId.", |probe| {
        Box::pin(groups_by_external_id(probe))
    }),
    Check::new(
        "filter-user-name-ignores-case",
        "SimpleIdServer/SimpleIdServer #489; langfuse/langfuse PR #13528; RFC 7643 section 4.1.1",
        "userName is matched without regard to case.",
        |probe| Box::pin(user_name_ignores_case(probe)),
    ),
    Check::new(
        "filter-display-name-ignores-case",
        "AzureAD/SCIMReferenceCode #18; RFC 7643 section 8.7.1",
        "A group's displayName is matched without regard to case.",
        |probe| Box::pin(display_name_ignores_case(probe)),
    ),
    Check::new(
        "filter-external-id-respects-case",
        "RFC 7643 section 3.1 (externalId is caseExact)",
        "externalId is matched with regard to case.",
        |probe| Box::pin(external_id_respects_case(probe)),
    )
    .should("Entra does not depend on it"),
    Check::new(
        "filter-attribute-name-ignores-case",
        "AzureAD/SCIMReferenceCode: PostmanCollection.json; python-scim/scim2-models #39; RFC 7643 section 2.1",
        "Attribute names and operators in a filter are read without regard to case.",
        |probe| Box::pin(attribute_name_ignores_case(probe)),
    ),
    Check::new(
        "filter-plus-is-space",
        "MicrosoftDocs/azure-docs #94189",
        "A plus sign in the query is a space, and an encoded plus sign is itself.",
        |probe| Box::pin(plus_is_space(probe)),
    ),
    Check::new(
        "filter-escaped-value",
        "RFC 7644 section 3.4.2.2 (values are JSON strings)",
        "A value with quotation marks, backslash, ampersand and letters beyond ASCII is matched.",
        |probe| Box::pin(escaped_value(probe)),
    ),
    Check::new(
        "filter-unquoted-value",
        "Microsoft: use-scim-to-provision-users-and-groups (its samples show externalId eq jyoung)",
        "A bare word is read as a string.",
        |probe| Box::pin(unquoted_value(probe)),
    )
    .should("Microsoft's prose shows it; the requests of the service quote the value")
    .entra(),
    Check::new(
        "filter-manager-reference",
        "Microsoft: use-scim-to-provision-users-and-groups (reference attributes)",
        "The reference check finds a user by id and manager, in either order, and only by the right manager.",
        |probe| Box::pin(manager_reference(probe)),
    )
    .should("older samples of Microsoft send it; the service is not known to send it today")
    .entra(),
    Check::new(
        "filter-member-reference",
        "Microsoft: use-scim-to-provision-users-and-groups (reference attributes)",
        "The reference check finds a group by id and member, and only by a real member.",
        |probe| Box::pin(member_reference(probe)),
    )
    .should("older samples of Microsoft send it; the service is not known to send it today"),
    Check::new(
        "filter-malformed",
        "RFC 7644 section 3.12 (invalidFilter)",
        "A malformed filter is refused with 400 and scimType invalidFilter.",
        |probe| Box::pin(malformed(probe)),
    ),
    Check::new(
        "filter-nested-deeply",
        "AzureAD/SCIMReferenceCode, 2026-06-17: cap recursion depth and input length in path and filter parsers",
        "A filter nested a thousand times is answered or refused, never with 5xx or a dropped connection.",
        |probe| Box::pin(nested_deeply(probe)),
    )
    .should("it protects the server; Entra does not send it"),
    Check::new(
        "start-index-zero",
        "RFC 7644 section 3.4.2.4; AzureAD/SCIMReferenceCode: SCIM Inbound collection",
        "startIndex=0 means 1.",
        |probe| Box::pin(start_index_zero(probe)),
    ),
    Check::new(
        "page-past-the-end",
        "RFC 7644 section 3.4.2.4",
        "A page past the end is an empty list, and totalResults still counts all.",
        |probe| Box::pin(past_the_end(probe)),
    )
    .should("no document says that the provisioning service asks for such a page"),
];

async fn no_match_users(probe: &Probe) -> Verdict {
    probe.find_none("/Users", &by_user_name(&probe.name())).await.map(drop)
}

async fn no_match_groups(probe: &Probe) -> Verdict {
    let filter = encode(&by_name(&probe.name()));
    let reply = probe.list(&format!("/Groups?excludedAttributes=members&filter={filter}")).await?;
    reply.ensure(reply.json()["totalResults"] == 0, "totalResults must be 0")
}

async fn envelope(probe: &Probe) -> Verdict {
    let name = probe.name();
    probe.user(sample::user(&name)).await?;
    let reply = probe.find("/Users", &by_user_name(&name)).await?;
    reply.holds("schemas", &json!([LIST]))?;
    for (member, wanted) in [("totalResults", 1), ("startIndex", 1), ("itemsPerPage", 1)] {
        let is_fine =
            reply.json()[member].as_u64().is_some_and(|found| found == wanted || member == "itemsPerPage");
        reply.ensure(is_fine, &format!("{member} must be the number {wanted}"))?;
    }
    Ok(())
}

async fn by_users_name(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    let mut longer = sample::user(&probe.name());
    longer["userName"] = json!(format!("{}.org", sample::user_name(&name)));
    probe.user(longer).await?;
    probe.find_one("/Users", &by_user_name(&name), &made.id).await.map(drop)
}

async fn by_external_id(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    let mut longer = sample::user(&probe.name());
    longer["externalId"] = json!(format!("{name}.org"));
    probe.user(longer).await?;
    probe.find_one("/Users", &format!("externalId eq \"{name}\""), &made.id).await.map(drop)
}

async fn by_id(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    probe.find_one("/Users", &format!("id eq \"{}\"", made.id), &made.id).await.map(drop)
}

async fn by_work_email(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    let mut other = sample::user(&probe.name());
    other["emails"] = json!([{"type": "home", "value": sample::user_name(&name)}]);
    probe.user(other).await?;
    let filter = format!("emails[type eq \"work\"].value eq \"{}\"", sample::user_name(&name));
    probe.find_one("/Users", &filter, &made.id).await.map(drop)
}

async fn groups_by_display_name(probe: &Probe) -> Verdict {
    let (made, _) = (probe.group().await?, probe.group().await?);
    probe.find_one("/Groups", &by_name(name_of(&made)), &made.id).await.map(drop)
}

async fn groups_by_external_id(probe: &Probe) -> Verdict {
    let name = probe.name();
    let (made, _) = (probe.make("/Groups", sample::group(&name)).await?, probe.group().await?);
    probe.find_one("/Groups", &format!("externalId eq \"{name}\""), &made.id).await.map(drop)
}

async fn user_name_ignores_case(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    probe
        .find_one(
            "/Users",
            &by_user_name(&name).to_uppercase().replace("USERNAME EQ", "userName eq"),
            &made.id,
        )
        .await
        .map(drop)
}

async fn display_name_ignores_case(probe: &Probe) -> Verdict {
    let made = probe.group().await?;
    probe.find_one("/Groups", &by_name(&name_of(&made).to_uppercase()), &made.id).await.map(drop)
}

async fn external_id_respects_case(probe: &Probe) -> Verdict {
    let name = probe.name();
    probe.user(sample::user(&name)).await?;
    probe.find_none("/Users", &format!("externalId eq \"{}\"", name.to_uppercase())).await.map(drop)
}

async fn attribute_name_ignores_case(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    probe.find_one("/Users", &format!("UserName EQ \"{}\"", sample::user_name(&name)), &made.id).await?;
    let group = probe.group().await?;
    probe.find_one("/Groups", &format!("DisplayName eq \"{}\"", name_of(&group)), &group.id).await.map(drop)
}

async fn plus_is_space(probe: &Probe) -> Verdict {
    let name = format!("{}+tag", probe.name());
    let made = probe.user(sample::user(&name)).await?;
    let value = encode(&sample::user_name(&name));
    let found = probe.list(&format!("/Users?filter=userName+eq+%22{value}%22")).await?;
    found.ensure(
        found.first()["id"] == made.id.as_str(),
        "the filter with plus signs for spaces must find the user",
    )
}

async fn escaped_value(probe: &Probe) -> Verdict {
    let name = format!("{} \"R&D\" \\ Zürich", probe.name());
    let made = probe.make("/Groups", sample::group(&name)).await?;
    probe.find_one("/Groups", &format!("displayName eq {}", json!(name)), &made.id).await.map(drop)
}

async fn unquoted_value(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    probe.find_one("/Users", &format!("externalId eq {name}"), &made.id).await.map(drop)
}

async fn manager_reference(probe: &Probe) -> Verdict {
    let path = manager_path(probe).await?;
    let (manager, made) = (probe.plain_user().await?, probe.plain_user().await?);
    probe.change(&made.path, json!([manager_op(probe, "add", &path, &manager)])).await?;
    let (is_user, has_manager) = (format!("id eq \"{}\"", made.id), format!("manager eq \"{}\"", manager.id));
    find_reference(probe, "/Users", &format!("{is_user} and {has_manager}"), Some(&made)).await?;
    find_reference(probe, "/Users", &format!("{has_manager} and {is_user}"), Some(&made)).await?;
    find_reference(probe, "/Users", &format!("{is_user} and manager eq \"{}\"", made.id), None).await
}

async fn member_reference(probe: &Probe) -> Verdict {
    let (group, user) = (probe.group().await?, probe.plain_user().await?);
    add_members(probe, &group, &[&user.id]).await?;
    let has = |path: &str, id: &str| format!("id eq \"{}\" and {path} eq \"{id}\"", group.id);
    let path = if probe.is_strict() { "members.value" } else { "members" };
    find_reference(probe, "/Groups", &has(path, &user.id), Some(&group)).await?;
    find_reference(probe, "/Groups", &has(path, &group.id), None).await
}

/// The reference check must find `wanted`, or nothing.
async fn find_reference(probe: &Probe, endpoint: &str, filter: &str, wanted: Option<&Made>) -> Verdict {
    let reply = probe.list(&format!("{endpoint}?filter={}&attributes=id", encode(filter))).await?;
    let found = reply.list().unwrap_or_default().iter().map(|it| &it["id"]).collect::<Vec<_>>();
    let wanted: Vec<Value> = wanted.iter().map(|made| json!(made.id)).collect();
    reply.ensure(
        found == wanted.iter().collect::<Vec<_>>(),
        &format!("the reference check must find {wanted:?}, it found {found:?}"),
    )
}

async fn malformed(probe: &Probe) -> Verdict {
    let reply = probe.get(&format!("/Users?filter={}", encode("userName eq \"unfinished"))).await?;
    let reply = reply.expect(&[400], "a malformed filter must be refused")?;
    reply.holds("scimType", &json!("invalidFilter"))
}

async fn nested_deeply(probe: &Probe) -> Verdict {
    let filter = format!("{}userName eq \"x\"{}", "(".repeat(1_000), ")".repeat(1_000));
    let reply = probe.get(&format!("/Users?filter={}", encode(&filter))).await?;
    reply.ensure(reply.status() < 500, "a deeply nested filter must not break the server")
}

async fn start_index_zero(probe: &Probe) -> Verdict {
    probe.plain_user().await?;
    let reply = probe.list("/Users?startIndex=0&count=1").await?;
    reply.holds("startIndex", &json!(1))?;
    reply.ensure(reply.list().unwrap_or_default().len() == 1, "the first page must have one resource")
}

async fn past_the_end(probe: &Probe) -> Verdict {
    let name = probe.name();
    probe.user(sample::user(&name)).await?;
    let reply = probe
        .list(&format!("/Users?filter={}&startIndex=1000&count=5", encode(&by_user_name(&name))))
        .await?;
    reply.ensure(reply.list().unwrap_or_default().is_empty(), "the page must be empty")?;
    reply.holds("totalResults", &json!(1))
}
