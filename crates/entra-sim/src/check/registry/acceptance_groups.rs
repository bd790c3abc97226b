//! Tests 8 to 14 of Microsoft's acceptance suite, on groups: the requests that Entra would send for each.

use super::Check;
use crate::check::outcome::{Stop, Verdict};
use crate::check::probe::{Made, Probe, Reply, encode};
use crate::check::sample;
use crate::check::schemas::{GROUP, Schemas};
use serde_json::json;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "microsoft-08-create-group",
        "Microsoft: SCIM-Validation-Test-Overview, test 8 (Create_Group_Test)",
        "/Schemas has the Group schema, and a created group is found by displayName.",
        |probe| Box::pin(create_group(probe)),
    ),
    Check::new(
        "microsoft-09-update-group",
        "Microsoft: SCIM-Validation-Test-Overview, test 9 (Update_Group_Test)",
        "A renamed group is found by its new displayName and not by its old one.",
        |probe| Box::pin(update_group(probe)),
    ),
    Check::new(
        "microsoft-10-delete-group",
        "Microsoft: SCIM-Validation-Test-Overview, test 10 (Delete_Group_Test)",
        "A deleted group is not found any more.",
        |probe| Box::pin(delete_group(probe)),
    )
    .should("Microsoft's suite counts this test as optional: a failure is a warning"),
    Check::new(
        "microsoft-11-group-add-member",
        "Microsoft: SCIM-Validation-Test-Overview, test 11 (Group_Update_Add_Member_Test)",
        "A group read by filter shows the added member's id in members.",
        |probe| Box::pin(add_member(probe)),
    ),
    Check::new(
        "microsoft-12-group-remove-member",
        "Microsoft: SCIM-Validation-Test-Overview, test 12 (Group_Update_Remove_Member_Test)",
        "A group read by filter does not show the removed member any more.",
        |probe| Box::pin(remove_member(probe)),
    ),
    Check::new(
        "microsoft-13-on-demand-group",
        "Microsoft: SCIM-Validation-Test-Overview, test 13 (POD_Group_Test); provision-on-demand",
        "On-demand provisioning of a group with its members works.",
        |probe| Box::pin(on_demand_group(probe)),
    ),
    Check::new(
        "microsoft-14-restore-group",
        "Microsoft: SCIM-Validation-Test-Overview, test 14 (Restore_Group_Test)",
        "A group that was unassigned is gone, and can be made again under the same name.",
        |probe| Box::pin(restore_group(probe)),
    )
    .should("Microsoft's suite counts this test as optional: a failure is a warning")
    .same_cause_as(&["microsoft-10-delete-group"]),
];

/// On-demand provisioning takes a group with at most this many members (provision-on-demand).
const ON_DEMAND_MEMBERS: usize = 5;

async fn create_group(probe: &Probe) -> Verdict {
    let schemas = Schemas::read(probe).await?;
    schemas.reply().ensure(schemas.schema(GROUP).is_some(), "/Schemas must have the Group schema")?;
    let name = probe.name();
    match_none(probe, &name).await?;
    let made = probe.entra_group(&name).await?;
    probe.find_one("/Groups", &by_name(&name), &made.id).await?;
    Ok(())
}

async fn update_group(probe: &Probe) -> Verdict {
    let made = probe.entra_group(&probe.name()).await?;
    let (old, new) = (name_of(&made).to_owned(), probe.name());
    probe.change(&made.path, json!([probe.op("replace", "displayName", new.as_str())])).await?;
    probe.find_one("/Groups", &by_name(&new), &made.id).await?;
    probe.find_none("/Groups", &by_name(&old)).await?;
    Ok(())
}

async fn delete_group(probe: &Probe) -> Verdict {
    let made = probe.entra_group(&probe.name()).await?;
    probe.delete(&made.path).await?.expect(&[200, 204], "the group must be deleted")?;
    probe.find_none("/Groups", &by_name(name_of(&made))).await?;
    Ok(())
}

async fn add_member(probe: &Probe) -> Verdict {
    let (group, user) = (probe.entra_group(&probe.name()).await?, probe.plain_user().await?);
    add_members(probe, &group, &[&user.id]).await?;
    let found = probe.find_one("/Groups", &by_name(name_of(&group)), &group.id).await?;
    expect_member(&found, &user.id, true)
}

async fn remove_member(probe: &Probe) -> Verdict {
    let (group, user) = (probe.entra_group(&probe.name()).await?, probe.plain_user().await?);
    add_members(probe, &group, &[&user.id]).await?;
    probe.change(&group.path, probe.without_members(&[&user.id])).await?;
    let found = probe.find_one("/Groups", &by_name(name_of(&group)), &group.id).await?;
    expect_member(&found, &user.id, false)
}

async fn on_demand_group(probe: &Probe) -> Verdict {
    let name = probe.name();
    match_none(probe, &probe.name()).await?;
    match_none(probe, &name).await?;
    let made = probe.entra_group(&name).await?;
    let mut users = Vec::new();
    for _ in 0..ON_DEMAND_MEMBERS {
        users.push(probe.plain_user().await?);
    }
    for user in &users {
        add_members(probe, &made, &[&user.id]).await?;
    }
    let found = probe.find_one("/Groups", &by_name(&name), &made.id).await?;
    users.iter().try_for_each(|user| expect_member(&found, &user.id, true))
}

async fn restore_group(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.entra_group(&name).await?;
    probe.delete(&made.path).await?.expect(&[200, 204], "the group must be deleted")?;
    match_none(probe, &name).await?;
    let again = probe.entra_group(&name).await?;
    probe.find_one("/Groups", &by_name(&name), &again.id).await?;
    Ok(())
}

/// The matching query of the engine, which leaves the members out, must find nothing.
async fn match_none(probe: &Probe, name: &str) -> Verdict {
    let path = format!("/Groups?excludedAttributes=members&filter={}", encode(&by_name(name)));
    let reply = probe.list(&path).await?;
    reply.ensure(reply.json()["totalResults"] == 0, "the matching query must find no group yet")
}

/// The matching query on `displayName`.
pub(super) fn by_name(name: &str) -> String {
    format!("displayName eq \"{name}\"")
}

/// The `displayName` that the group was made with.
pub(super) fn name_of(group: &Made) -> &str {
    group.body["displayName"].as_str().unwrap_or_default()
}

/// Adds `ids` to the group in one operation.
pub(super) async fn add_members(probe: &Probe, group: &Made, ids: &[&str]) -> Result<Reply, Stop> {
    let value = match probe.is_strict() {
        true => ids.iter().map(|id| json!({"value": id})).collect(),
        false => sample::members(ids),
    };
    probe.change(&group.path, json!([probe.op("add", "members", value)])).await
}

/// The ids in `members` of the one group that a filter found, or of a group itself.
pub(super) fn member_ids(reply: &Reply) -> Vec<&str> {
    let group = if reply.list().is_some() { reply.first() } else { reply.json() };
    crate::check::attribute::elements(group, "members")
        .iter()
        .filter_map(|member| member["value"].as_str())
        .collect()
}

fn expect_member(found: &Reply, id: &str, wanted: bool) -> Verdict {
    let is_member = member_ids(found).contains(&id);
    let word = if wanted { "must" } else { "must not" };
    found.ensure(is_member == wanted, &format!("members of the filtered group {word} contain {id}"))
}
