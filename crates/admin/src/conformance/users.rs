//! Lines about users.

use super::trial::{Answer, Proven, Trial, USER, Wrong};
use actix_web::http::Method;
use serde_json::{Value, json};

/// Words in the name of an attribute that holds a credential.
const CREDENTIALS: [&str; 5] = ["password", "secret", "privatekey", "passwordhash", "totp"];

async fn set_active(trial: &Trial<'_>, path: &str, active: bool) -> Result<Answer, Wrong> {
    let change = json!([{ "op": "replace", "path": "active", "value": active }]);
    trial.patch(path, change).await?.expect(&[200, 204])?;
    trial.get(path).await
}

pub(super) async fn deactivate(trial: &Trial<'_>) -> Proven {
    let (path, _) = trial.user().await?;
    let read = set_active(trial, &path, false).await?;
    read.ensure(read.body["active"] == false, "active must be false")
}

pub(super) async fn reactivate(trial: &Trial<'_>) -> Proven {
    let (path, _) = trial.user().await?;
    set_active(trial, &path, false).await?;
    let read = set_active(trial, &path, true).await?;
    read.ensure(read.body["active"] == true, "active must be true")
}

pub(super) async fn user_name_is_free(trial: &Trial<'_>) -> Proven {
    let (path, user) = trial.user().await?;
    trial.ask(Method::DELETE, &path, None).await?.expect(&[204])?;
    trial.ask(Method::GET, &path, None).await?.expect_refusal(404)?;
    let again = json!({ "schemas": [USER], "userName": user["userName"] });
    trial.make("/Users", again).await.map(drop)
}

pub(super) async fn patch_of_many_attributes(trial: &Trial<'_>) -> Proven {
    let (path, _) = trial.user().await?;
    let change = json!([
        { "op": "replace", "path": "displayName", "value": "Changed" },
        { "op": "add", "path": "title", "value": "Teacher" },
        { "op": "replace", "path": "emails[type eq \"work\"].value", "value": trial.name() },
    ]);
    trial.patch(&path, change).await?.expect(&[200, 204])?;
    let read = trial.get(&path).await?;
    let is_changed = read.body["displayName"] == "Changed" && read.body["title"] == "Teacher";
    read.ensure(is_changed, "displayName and title must have changed")
}

/// Whether a schema has an attribute of each name.
pub(super) fn has(schema: &Answer, names: &[&str]) -> bool {
    let attributes = schema.body["attributes"].as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().all(|name| attributes.iter().any(|attribute| attribute["name"] == *name))
}

pub(super) async fn schema(trial: &Trial<'_>) -> Proven {
    let schema = trial.schema(USER).await?;
    let is_whole = has(&schema, &["userName", "displayName", "active"]);
    schema.ensure(is_whole, "it must have userName, displayName and active")
}

pub(super) async fn external_id(trial: &Trial<'_>) -> Proven {
    let (path, user) = trial.user().await?;
    let read = trial.get(&path).await?;
    read.ensure(read.body["externalId"].is_string(), "externalId must be there")?;
    read.ensure(read.body["externalId"] == user["externalId"], "externalId must be what was sent")
}

/// Every name in a list of attributes, however deep.
fn names(attributes: &Value) -> Vec<String> {
    let of = |attribute: &Value| {
        let own = attribute["name"].as_str().unwrap_or_default().to_lowercase();
        [own].into_iter().chain(names(&attribute["subAttributes"]))
    };
    attributes.as_array().into_iter().flatten().flat_map(of).collect()
}

pub(super) async fn no_credentials(trial: &Trial<'_>) -> Proven {
    let schemas = trial.get("/Schemas").await?;
    let all = schemas.body["Resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    schemas.ensure(!all.is_empty(), "there must be schemas")?;
    let described = all.iter().flat_map(|schema| names(&schema["attributes"]));
    let credential = described.into_iter().find(|name| CREDENTIALS.contains(&name.as_str()));
    let rule = format!("no schema may have the attribute {}", credential.as_deref().unwrap_or_default());
    schemas.ensure(credential.is_none(), &rule)?;
    let body = json!({ "schemas": [USER], "userName": trial.name(), "password": "Correct-Horse-7" });
    trial.ask(Method::POST, "/Users", Some(body)).await?.expect_refusal(400)
}

pub(super) async fn created(trial: &Trial<'_>) -> Proven {
    let (path, user) = trial.user().await?;
    let read = trial.get(&path).await?;
    let is_same = read.body["id"] == user["id"] && read.body["userName"] == user["userName"];
    read.ensure(is_same && read.body["userName"].is_string(), "it must be the user that was created")
}

pub(super) async fn listed(trial: &Trial<'_>) -> Proven {
    let (_, user) = trial.user().await?;
    trial.lists("/Users", &user["id"]).await
}

pub(super) async fn pages(trial: &Trial<'_>) -> Proven {
    let config = trial.get("/ServiceProviderConfig").await?;
    let most = config.body["filter"]["maxResults"].as_u64();
    config.ensure(most.is_some_and(|most| most <= 1000), "filter.maxResults must be 1,000 at most")
}

pub(super) async fn cursors(trial: &Trial<'_>) -> Proven {
    for _ in 0..2 {
        trial.user().await?;
    }
    let first = trial.get("/Users?count=1&cursor=").await?;
    let cursor = first.text("/nextCursor")?;
    let second = trial.get(&format!("/Users?count=1&cursor={cursor}")).await?;
    let id = |page: &Answer| page.body["Resources"][0]["id"].clone();
    let is_step = id(&second).is_string() && id(&first) != id(&second);
    second.ensure(is_step, "it must have the next user")
}

pub(super) async fn by_name(trial: &Trial<'_>) -> Proven {
    let (_, user) = trial.user().await?;
    trial.finds("/Users", &format!("userName eq {}", user["userName"]), &user["id"]).await
}

pub(super) async fn by_external_id(trial: &Trial<'_>) -> Proven {
    let (_, user) = trial.user().await?;
    trial.finds("/Users", &format!("externalId eq {}", user["externalId"]), &user["id"]).await
}

pub(super) async fn by_email(trial: &Trial<'_>) -> Proven {
    let (_, user) = trial.user().await?;
    let filter = format!("emails[value eq {}]", user["emails"][0]["value"]);
    trial.finds("/Users", &filter, &user["id"]).await
}

pub(super) async fn by_work_email(trial: &Trial<'_>) -> Proven {
    let (_, user) = trial.user().await?;
    let filter = format!("emails[type eq \"work\" and value eq {}]", user["emails"][0]["value"]);
    trial.finds("/Users", &filter, &user["id"]).await
}
