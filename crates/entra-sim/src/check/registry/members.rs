//! Groups and their members: the operations in which a mistake costs most.

use super::Check;
use super::acceptance_groups::{add_members, by_name, member_ids, name_of};
use crate::check::outcome::{Stop, Verdict};
use crate::check::probe::{Made, Probe, Reply, encode};
use crate::check::sample;
use crate::check::schemas::GROUP;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

const COMPATIBILITY: &str = "Microsoft: application-provisioning-config-problem-scim-compatibility";
const POSTMAN: &str = "AzureAD/SCIMReferenceCode: PostmanCollection.json";

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "group-vendor-urn",
        "Microsoft: use-scim-to-provision-users-and-groups",
        "The URN that Entra adds to a group's schemas does no harm.",
        |probe| Box::pin(vendor_urn(probe)),
    )
    .entra(),
    Check::new(
        "group-without-members-on-request",
        "Microsoft: howto-analyze-provisioning-logs (MultipleEntriesInResponse); RFC 7644 section 3.9",
        "excludedAttributes=members leaves the members out, by id and by filter.",
        |probe| Box::pin(without_members_on_request(probe)),
    ),
    Check::new(
        "group-patch-answer",
        "Microsoft: use-scim-to-provision-users-and-groups (should be 204)",
        "A PATCH of a group is answered without its list of members.",
        |probe| Box::pin(patch_answer(probe)),
    )
    .should("Microsoft says should"),
    Check::new(
        "members-removed-by-value-list",
        "AzureAD/SCIMReferenceCode #10; SimpleIdServer/SimpleIdServer #164; pingidentity/scim2 #174",
        "Remove of members with a value list removes these members and no other one.",
        |probe| Box::pin(removed_by_value_list(probe)),
    )
    .entra(),
    Check::new(
        "members-removed-by-value-path",
        COMPATIBILITY,
        "remove of members[value eq \"…\"] removes this member and no other one.",
        |probe| Box::pin(removed_by_value_path(probe)),
    ),
    Check::new(
        "members-all-removed",
        "AzureAD/SCIMReferenceCode: PostmanCollection.json; RFC 7644 section 3.5.2.2",
        "remove of members without a value removes all.",
        |probe| Box::pin(all_removed(probe)),
    ),
    Check::new("members-added-twice", POSTMAN, "Adding a member who is there changes nothing.", |probe| {
        Box::pin(added_twice(probe))
    }),
    Check::new(
        "members-removed-twice",
        "Microsoft: how-provisioning-works (retries)",
        "Removing a member who is not there is no error.",
        |probe| Box::pin(removed_twice(probe)),
    )
    .entra(),
    Check::new("members-added-as-bare-id", POSTMAN, "A member given as a bare id is added.", |probe| {
        Box::pin(added_as_bare_id(probe))
    })
    .should("only Microsoft's Postman collection sends it")
    .entra(),
    Check::new(
        "members-added-with-extra-keys",
        POSTMAN,
        "A name in the operation and a displayName in the member do no harm.",
        |probe| Box::pin(added_with_extra_keys(probe)),
    )
    .should("only Microsoft's Postman collection sends it")
    .entra(),
    Check::new(
        "members-many-in-one-patch",
        "Microsoft: app-gallery-user-provisioning-requirements; use-scim-to-provision-users-and-groups",
        "Several members in one operation, and several operations in one PATCH, are all added.",
        |probe| Box::pin(many_in_one_patch(probe)),
    ),
    Check::new(
        "members-beyond-one-hundred",
        "FusionAuth/fusionauth-issues #2784; ory/polis PR #4080",
        "A group of 120 takes one more member and keeps all others.",
        |probe| Box::pin(beyond_one_hundred(probe)),
    ),
    Check::new(
        "members-added-in-parallel",
        "wadahiro/scim-server (20 parallel adds, 1 survived); RFC 7644 section 3.5.2",
        "Members that are added by parallel requests are all kept.",
        |probe| Box::pin(added_in_parallel(probe)),
    ),
    Check::new(
        "members-kept-when-disabled",
        "Microsoft: how-provisioning-works (memberships are not sent again)",
        "A user who is disabled and enabled again is still a member.",
        |probe| Box::pin(kept_when_disabled(probe)),
    ),
    Check::new(
        "group-renamed-keeps-members",
        COMPATIBILITY,
        "A new displayName leaves the members alone.",
        |probe| Box::pin(renamed_keeps_members(probe)),
    ),
];

async fn users(probe: &Probe, count: usize) -> Result<Vec<Made>, Stop> {
    let mut users = Vec::with_capacity(count);
    for _ in 0..count {
        users.push(probe.plain_user().await?);
    }
    Ok(users)
}

/// A group with `count` members, added by one operation.
async fn group_of(probe: &Probe, count: usize) -> Result<(Made, Vec<Made>), Stop> {
    let (group, users) = (probe.group().await?, users(probe, count).await?);
    add_members(probe, &group, &ids(&users)).await?;
    Ok((group, users))
}

fn ids(users: &[Made]) -> Vec<&str> {
    users.iter().map(|user| user.id.as_str()).collect()
}

/// The group, read by its id, must have exactly these members.
async fn expect_members(probe: &Probe, group: &Made, wanted: &[&str]) -> Verdict {
    let reply = probe.resource(&group.path).await?;
    let mut found = member_ids(&reply);
    let mut wanted = wanted.to_vec();
    found.sort_unstable();
    wanted.sort_unstable();
    reply.ensure(found == wanted, &difference(&found, &wanted))
}

fn difference(found: &[&str], wanted: &[&str]) -> String {
    let missing: Vec<_> = wanted.iter().filter(|id| !found.contains(id)).collect();
    let extra: Vec<_> = found.iter().filter(|id| !wanted.contains(id)).collect();
    format!(
        "of {} members {} are missing ({missing:?}), {} too many ({extra:?})",
        wanted.len(),
        missing.len(),
        found.len() + missing.len() - wanted.len()
    )
}

async fn vendor_urn(probe: &Probe) -> Verdict {
    probe.entra_group(&probe.name()).await.map(drop)
}

async fn without_members_on_request(probe: &Probe) -> Verdict {
    let (group, _) = group_of(probe, 1).await?;
    let by_id = probe.resource(&format!("{}?excludedAttributes=members", group.path)).await?;
    by_id.ensure(by_id.json().get("members").is_none(), "members must be left out")?;
    let filter = encode(&by_name(name_of(&group)));
    let listed = probe.list(&format!("/Groups?excludedAttributes=members&filter={filter}")).await?;
    listed.ensure(listed.first()["id"] == group.id.as_str(), "the filter must find the group")?;
    listed.ensure(listed.first().get("members").is_none(), "members must be left out")
}

async fn patch_answer(probe: &Probe) -> Verdict {
    let (group, users) = (probe.group().await?, users(probe, 1).await?);
    let reply = add_members(probe, &group, &ids(&users)).await?;
    reply.ensure(reply.json().get("members").is_none(), "the answer must not carry the members")
}

async fn removed_by_value_list(probe: &Probe) -> Verdict {
    let (group, users) = group_of(probe, 4).await?;
    let all = ids(&users);
    let remove = |ids: &[&str]| json!([{"op": "Remove", "path": "members", "value": sample::members(ids)}]);
    probe.change(&group.path, remove(&all[..1])).await?;
    expect_members(probe, &group, &all[1..]).await?;
    probe.change(&group.path, remove(&all[1..3])).await?;
    expect_members(probe, &group, &all[3..]).await
}

async fn removed_by_value_path(probe: &Probe) -> Verdict {
    let (group, users) = group_of(probe, 3).await?;
    let all = ids(&users);
    let operation = json!({"op": "remove", "path": format!("members[value eq \"{}\"]", all[0])});
    probe.change(&group.path, json!([operation])).await?;
    expect_members(probe, &group, &all[1..]).await
}

async fn all_removed(probe: &Probe) -> Verdict {
    let (group, _) = group_of(probe, 2).await?;
    probe.change(&group.path, json!([probe.removal("members")])).await?;
    expect_members(probe, &group, &[]).await
}

async fn added_twice(probe: &Probe) -> Verdict {
    let (group, users) = group_of(probe, 2).await?;
    add_members(probe, &group, &ids(&users)[..1]).await?;
    expect_members(probe, &group, &ids(&users)).await
}

async fn removed_twice(probe: &Probe) -> Verdict {
    let (group, users) = group_of(probe, 2).await?;
    for _ in 0..2 {
        probe.change(&group.path, probe.without_members(&ids(&users)[..1])).await?;
    }
    expect_members(probe, &group, &ids(&users)[1..]).await
}

async fn added_as_bare_id(probe: &Probe) -> Verdict {
    let (group, users) = (probe.group().await?, users(probe, 1).await?);
    probe.change(&group.path, json!([{"op": "add", "path": "members", "value": users[0].id}])).await?;
    expect_members(probe, &group, &ids(&users)).await
}

async fn added_with_extra_keys(probe: &Probe) -> Verdict {
    let (group, users) = (probe.group().await?, users(probe, 1).await?);
    let member = json!({"displayName": "VP", "$ref": null, "value": users[0].id});
    let operation = json!({"name": "addMember", "op": "add", "path": "members", "value": [member]});
    probe.change(&group.path, json!([operation])).await?;
    expect_members(probe, &group, &ids(&users)).await
}

async fn many_in_one_patch(probe: &Probe) -> Verdict {
    let (group, users) = (probe.group().await?, users(probe, 5).await?);
    let all = ids(&users);
    let value = |ids: &[&str]| -> Value { ids.iter().map(|id| json!({"value": id})).collect() };
    let operations = json!([
        probe.op("add", "members", value(&all[..3])),
        probe.op("add", "members", value(&all[3..4])),
        probe.op("add", "members", value(&all[4..]))
    ]);
    probe.change(&group.path, operations).await?;
    expect_members(probe, &group, &all).await
}

/// Servers that read a page of members, change it and write it back are found out by one more than a page.
const CROWD: usize = 120;
/// So many requests of this check are under way at a time.
const AT_ONCE: usize = 8;

async fn beyond_one_hundred(probe: &Probe) -> Verdict {
    let mut crowd = Vec::with_capacity(CROWD + 1);
    while crowd.len() < CROWD + 1 {
        let batch = AT_ONCE.min(CROWD + 1 - crowd.len());
        crowd.extend(try_join_all((0..batch).map(|_| probe.plain_user())).await?);
    }
    let group = probe.group().await?;
    let all = ids(&crowd);
    add_members(probe, &group, &all[..CROWD]).await?;
    expect_members(probe, &group, &all[..CROWD]).await?;
    add_members(probe, &group, &all[CROWD..]).await?;
    expect_members(probe, &group, &all).await
}

async fn added_in_parallel(probe: &Probe) -> Verdict {
    let (group, users) = (probe.group().await?, users(probe, AT_ONCE).await?);
    let each = ids(&users);
    let adding = each.iter().map(|id| {
        let one = std::slice::from_ref(id);
        add_members(probe, &group, one)
    });
    let _: Vec<Reply> = try_join_all(adding).await?;
    expect_members(probe, &group, &each).await
}

async fn kept_when_disabled(probe: &Probe) -> Verdict {
    let (group, users) = group_of(probe, 2).await?;
    for active in [false, true] {
        probe.change(&users[0].path, json!([probe.activate(active)])).await?;
        expect_members(probe, &group, &ids(&users)).await?;
    }
    Ok(())
}

async fn renamed_keeps_members(probe: &Probe) -> Verdict {
    let (group, users) = group_of(probe, 2).await?;
    probe.change(&group.path, json!([probe.op("replace", "displayName", probe.name())])).await?;
    let reply = probe.resource(&group.path).await?;
    reply.ensure(
        crate::check::attribute::elements(reply.json(), "schemas").contains(&json!(GROUP)),
        "schemas must name the Group schema",
    )?;
    expect_members(probe, &group, &ids(&users)).await
}
