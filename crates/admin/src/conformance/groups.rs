//! Lines about groups.

use super::{
    trial::{GROUP, Proven, Trial},
    users::has,
};
use actix_web::http::Method;
use serde_json::{Value, json};

/// An operation that makes this user a member.
fn addition(id: &Value) -> Value {
    json!({ "op": "add", "path": "members", "value": [{ "value": id }] })
}

/// An operation after which this user is no member.
fn removal(id: &Value) -> Value {
    json!({ "op": "remove", "path": format!("members[value eq {id}]") })
}

pub(super) async fn schema(trial: &Trial<'_>) -> Proven {
    let schema = trial.schema(GROUP).await?;
    schema.ensure(has(&schema, &["displayName", "members"]), "it must have displayName and members")?;
    let (path, group) = trial.group().await?;
    let read = trial.get(&path).await?;
    read.ensure(read.body["externalId"].is_string(), "externalId must be there")?;
    read.ensure(read.body["externalId"] == group["externalId"], "externalId must be what was sent")
}

pub(super) async fn names_differ(trial: &Trial<'_>) -> Proven {
    let (_, group) = trial.group().await?;
    let same = json!({ "schemas": [GROUP], "displayName": group["displayName"] });
    trial.ask(Method::POST, "/Groups", Some(same)).await?.expect_refusal(409)
}

pub(super) async fn created(trial: &Trial<'_>) -> Proven {
    let (path, group) = trial.group().await?;
    let read = trial.get(&path).await?;
    let is_same = read.body["id"] == group["id"] && read.body["displayName"] == group["displayName"];
    read.ensure(is_same && read.body["displayName"].is_string(), "it must be the group that was created")?;
    let members = read.body["members"].as_array().map_or(0, Vec::len);
    read.ensure(members == 0, "it must have no members")
}

pub(super) async fn listed(trial: &Trial<'_>) -> Proven {
    let (path, group) = trial.group().await?;
    let (_, user) = trial.user().await?;
    trial.patch(&path, json!([addition(&user["id"])])).await?.expect(&[200, 204])?;
    trial.lists("/Groups", &group["id"]).await?;
    let list = trial.get("/Groups?excludedAttributes=members").await?;
    let all = list.body["Resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.ensure(all.iter().all(|group| group.get("members").is_none()), "no group may have members")
}

pub(super) async fn by_name(trial: &Trial<'_>) -> Proven {
    let (_, group) = trial.group().await?;
    trial.finds("/Groups", &format!("displayName eq {}", group["displayName"]), &group["id"]).await
}

pub(super) async fn by_external_id(trial: &Trial<'_>) -> Proven {
    let (_, group) = trial.group().await?;
    trial.finds("/Groups", &format!("externalId eq {}", group["externalId"]), &group["id"]).await
}

pub(super) async fn by_member(trial: &Trial<'_>) -> Proven {
    let (path, group) = trial.group().await?;
    let (_, user) = trial.user().await?;
    trial.patch(&path, json!([addition(&user["id"])])).await?.expect(&[200, 204])?;
    trial.finds("/Groups", &format!("members[value eq {}]", user["id"]), &group["id"]).await
}

pub(super) async fn changed(trial: &Trial<'_>) -> Proven {
    let (path, _) = trial.group().await?;
    let name = trial.name();
    let change = json!([{ "op": "replace", "path": "displayName", "value": name }]);
    trial.patch(&path, change).await?.expect(&[200, 204])?;
    let read = trial.get(&path).await?;
    read.ensure(read.body["displayName"] == *name, "displayName must have changed")
}

/// Two users come and go: at the end one is a member, the other is not.
pub(super) async fn fifty_operations(trial: &Trial<'_>) -> Proven {
    let (path, _) = trial.group().await?;
    let ((_, stays), (_, goes)) = (trial.user().await?, trial.user().await?);
    let (stays, goes) = (&stays["id"], &goes["id"]);
    let round = || [addition(goes), removal(goes)];
    let operations: Vec<Value> =
        (0..24).flat_map(|_| round()).chain([addition(stays), removal(goes)]).collect();
    trial.patch(&path, operations.into()).await?.expect(&[200, 204])?;
    let read = trial.get(&path).await?;
    let members = read.body["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_right = members.len() == 1 && members.iter().all(|member| member["value"] == *stays);
    read.ensure(is_right, "it must have the one member")
}
