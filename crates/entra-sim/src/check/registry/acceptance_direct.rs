//! Tests 15 to 20 and 23 to 25 of Microsoft's acceptance suite, which speak to the SCIM server themselves.

use super::Check;
use super::acceptance_users::{expect_manager, manager_op, manager_path};
use crate::check::attribute::read;
use crate::check::outcome::{Stop, Verdict};
use crate::check::probe::{Probe, Reply};
use crate::check::sample;
use crate::check::schemas::{ENTERPRISE, GROUP, Schemas, Target, USER};
use serde_json::{Value, json};
use std::collections::HashSet;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "microsoft-15-schema-discoverability",
        "Microsoft: SCIM-Validation-Test-Overview, test 15 (Schema_Discoverability_Test); UserTests_Workflow",
        "Every target attribute of the Juno Journey mapping but externalId, a common attribute, can be derived from /Schemas.",
        |probe| Box::pin(schema_discoverability(probe)),
    ),
    Check::new(
        "microsoft-16-null-update",
        "Microsoft: SCIM-Validation-Test-Overview, test 16 (SCIM_Null_Update_Test)",
        "Replacing an attribute with \"\" or with null clears it.",
        |probe| Box::pin(null_update(probe)),
    ),
    Check::new(
        "microsoft-17-user-create",
        "Microsoft: SCIM-Validation-Test-Overview, test 17 (SCIM_User_Create_Test)",
        "POST /Users answers with an id and echoes userName.",
        |probe| Box::pin(user_create(probe)),
    ),
    Check::new(
        "microsoft-18-user-update",
        "Microsoft: SCIM-Validation-Test-Overview, test 18 (SCIM_User_Update_Test)",
        "Every writable user attribute that /Schemas publishes can be replaced and is read back exactly.",
        |probe| Box::pin(user_update(probe)),
    ),
    Check::new(
        "microsoft-19-group-create",
        "Microsoft: SCIM-Validation-Test-Overview, test 19 (SCIM_Group_Create_Test)",
        "POST /Groups answers with an id and echoes displayName.",
        |probe| Box::pin(group_create(probe)),
    ),
    Check::new(
        "microsoft-20-group-update",
        "Microsoft: SCIM-Validation-Test-Overview, test 20 (SCIM_Group_Update_Test)",
        "Every writable group attribute that /Schemas publishes can be replaced and is read back exactly.",
        |probe| Box::pin(group_update(probe)),
    ),
    Check::new(
        "microsoft-23-user-pagination",
        "Microsoft: SCIM-Validation-Test-Overview, test 23 (SCIM_User_Pagination_Test)",
        "Users are listed in pages of the requested start and size, none on two pages.",
        |probe| Box::pin(user_pagination(probe)),
    )
    .alone(),
    Check::new(
        "microsoft-24-group-pagination",
        "Microsoft: SCIM-Validation-Test-Overview, test 24 (SCIM_Group_Pagination_Test)",
        "Groups are listed in pages of the requested start and size, none on two pages.",
        |probe| Box::pin(group_pagination(probe)),
    )
    .should("Microsoft's suite counts this test as optional: a failure is a warning")
    .same_cause_as(&["microsoft-23-user-pagination"])
    .alone(),
    Check::new(
        "microsoft-25-update-manager",
        "Microsoft: SCIM-Validation-Test-Overview, test 25 (SCIM_Update_Manager_Test)",
        "The manager can be added, replaced, and replaced with nothing.",
        |probe| Box::pin(update_manager(probe)),
    ),
];

/// The suite makes this many objects, so that pages of five are more than two.
const PAGED: usize = 11;
/// The page size that the suite asks for.
const PAGE: usize = 5;

async fn schema_discoverability(probe: &Probe) -> Verdict {
    let schemas = Schemas::read(probe).await?;
    let derived = |urns: &[&str]| -> HashSet<String> {
        let targets = urns.iter().flat_map(|urn| schemas.targets(urn));
        targets.map(|target| target.name.to_lowercase()).collect()
    };
    let (users, groups) = (derived(&[USER, ENTERPRISE]), derived(&[GROUP]));
    let mut missing = sample::user_targets();
    missing.retain(|target| !users.contains(&target.to_lowercase()));
    let of_groups = sample::GROUP_TARGETS.map(str::to_owned).into_iter();
    missing.extend(of_groups.filter(|target| !groups.contains(&target.to_lowercase())));
    // A common attribute: it belongs to every resource, and no schema has to list it (RFC 7643 section 3.1).
    missing.retain(|target| target != "externalId");
    schemas.reply().ensure(missing.is_empty(), &format!("/Schemas does not yield {}", missing.join(", ")))
}

async fn null_update(probe: &Probe) -> Verdict {
    let schemas = Schemas::read(probe).await?;
    let required: HashSet<String> = [USER, ENTERPRISE]
        .iter()
        .flat_map(|urn| schemas.targets(urn))
        .filter(|target| target.required)
        .map(|target| target.name.to_lowercase())
        .collect();
    let kept = ["userName", "active", "externalId"];
    let mut cleared = sample::user_targets();
    cleared.retain(|it| {
        !kept.contains(&it.as_str()) && !it.ends_with(":manager") && !required.contains(&it.to_lowercase())
    });
    // To the RFC "" is a value like any other; only null unassigns (RFC 7643 section 2.5).
    let nothings = if probe.is_strict() { vec![Value::Null] } else { vec![json!(""), Value::Null] };
    for nothing in nothings {
        let made = probe.user(sample::full_user(&probe.name())).await?;
        let operations =
            cleared.iter().map(|path| json!({"op": "replace", "path": path, "value": nothing})).collect();
        probe.change(&made.path, operations).await?;
        let reply = probe.resource(&made.path).await?;
        let is_left = |path: &&String| match read(reply.json(), path) {
            None => false,
            Some(_) if nothing.is_null() => !path.contains('['),
            Some(value) => value != "",
        };
        let left: Vec<_> = cleared.iter().filter(is_left).map(String::as_str).collect();
        reply.ensure(
            left.is_empty(),
            &format!("after replace with {nothing} these still have a value: {}", left.join(", ")),
        )?;
    }
    Ok(())
}

async fn user_create(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::full_user(&name)).await?;
    made.reply.holds("userName", &json!(sample::user_name(&name)))
}

async fn user_update(probe: &Probe) -> Verdict {
    let schemas = Schemas::read(probe).await?;
    let targets = [USER, ENTERPRISE].iter().flat_map(|urn| schemas.targets(urn)).collect();
    let name = probe.name();
    let made = probe.user(sample::full_user(&name)).await?;
    update_all(probe, &schemas, &made.path, made.reply.json(), targets, &name).await
}

async fn group_create(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.entra_group(&name).await?;
    made.reply.holds("displayName", &json!(name))
}

async fn group_update(probe: &Probe) -> Verdict {
    let schemas = Schemas::read(probe).await?;
    let made = probe.group().await?;
    update_all(probe, &schemas, &made.path, made.reply.json(), schemas.targets(GROUP), &probe.name()).await
}

/// Replaces every updatable target in one PATCH and reads each back.
async fn update_all(
    probe: &Probe,
    schemas: &Schemas,
    path: &str,
    before: &Value,
    mut targets: Vec<Target>,
    unique: &str,
) -> Verdict {
    targets.retain(Target::is_updatable);
    if probe.is_strict() {
        // A value path without a match is noTarget to the RFC, which the suite does not know.
        targets.retain(|target| !target.is_bracketed() || read(before, &target.name).is_some());
    }
    schemas.reply().ensure(!targets.is_empty(), "/Schemas must publish attributes that can be written")?;
    let values: Vec<Value> =
        targets.iter().enumerate().map(|(nth, target)| new_value(target, nth, unique)).collect();
    let pairs = || targets.iter().map(|target| target.name.as_str()).zip(&values);
    probe
        .change(path, pairs().map(|(name, value)| probe.op("replace", name, value.clone())).collect())
        .await?;
    let reply = probe.resource(path).await?;
    let wrong: Vec<_> = pairs().filter(|(name, value)| read(reply.json(), name) != Some(value)).collect();
    let shown: Vec<_> = wrong
        .iter()
        .map(|(name, value)| {
            format!("{name} (sent {value}, got {})", read(reply.json(), name).unwrap_or(&Value::Null))
        })
        .collect();
    reply.ensure(shown.is_empty(), &format!("not read back as written: {}", shown.join(", ")))
}

/// A value of the target's type, as the suite invents one; `unique` keeps concurrent checks apart.
fn new_value(target: &Target, nth: usize, unique: &str) -> Value {
    if let Some(value) = target.canonical_values.first() {
        return json!(value);
    }
    match target.kind.as_str() {
        "integer" => json!(nth + 7),
        "decimal" => json!(1.5),
        "dateTime" => json!("2026-08-01T09:30:00Z"),
        "binary" => json!("dXBkLTFhMmIzYzRk"),
        _ => json!(format!("upd-{unique}-{nth:x}")),
    }
}

async fn user_pagination(probe: &Probe) -> Verdict {
    for _ in 0..PAGED {
        probe.plain_user().await?;
    }
    paginate(probe, "/Users").await
}

async fn group_pagination(probe: &Probe) -> Verdict {
    for _ in 0..PAGED {
        probe.group().await?;
    }
    paginate(probe, "/Groups").await
}

/// Reads the first three pages, as far as there must be something on them.
async fn paginate(probe: &Probe, endpoint: &str) -> Verdict {
    let mut seen = HashSet::new();
    for start in [1, 1 + PAGE, 1 + 2 * PAGE] {
        let reply = probe.list(&format!("{endpoint}?startIndex={start}&count={PAGE}")).await?;
        reply.ensure(
            reply.json()["startIndex"] == start,
            &format!("startIndex must be {start}, as requested"),
        )?;
        let total = reply.json()["totalResults"].as_u64().unwrap_or_default();
        reply.ensure(total >= PAGED as u64, &format!("totalResults must count all, at least {PAGED}"))?;
        let ids = ids(&reply)?;
        let wanted = PAGE.min(total as usize + 1 - start);
        reply.ensure(
            ids.len() == wanted,
            &format!("the page must have {wanted} resources, it has {}", ids.len()),
        )?;
        for id in ids {
            reply.ensure(seen.insert(id.clone()), &format!("{id} is on two pages"))?;
        }
    }
    Ok(())
}

fn ids(reply: &Reply) -> Result<Vec<String>, Stop> {
    let resources = reply.list().unwrap_or_default().iter();
    let ids: Option<Vec<_>> = resources.map(|resource| resource["id"].as_str().map(str::to_owned)).collect();
    ids.ok_or_else(|| reply.blame("each listed resource must have an id"))
}

async fn update_manager(probe: &Probe) -> Verdict {
    let path = manager_path(probe).await?;
    let (first, second) = (probe.plain_user().await?, probe.plain_user().await?);
    let made = probe.plain_user().await?;
    for (verb, manager) in [("add", &first), ("replace", &second)] {
        probe.change(&made.path, json!([manager_op(probe, verb, &path, manager)])).await?;
        expect_manager(&probe.resource(&made.path).await?, &path, Some(&manager.id))?;
    }
    // The RFC knows null where the suite sends an empty string.
    let nothing = if probe.is_strict() { Value::Null } else { json!("") };
    probe.change(&made.path, json!([probe.op("replace", &path, nothing)])).await?;
    expect_manager(&probe.resource(&made.path).await?, &path, None)
}
