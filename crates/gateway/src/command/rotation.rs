//! `juno rotation`, and the way in which `juno token rotate` and `juno client rotate` begin one.

use super::api::{Api, Request};
use crate::{
    answer::{Answer, CommandError},
    cli::RotationCommand,
};
use serde_json::{Value, json};

/// Runs one of the commands.
pub(crate) async fn run(api: &Api, command: &RotationCommand) -> Result<Answer, CommandError> {
    let request = match command {
        RotationCommand::List { tenant, count, cursor } => {
            let request = Request::get(&["tenants", tenant, "rotations"])
                .query("count", Some(count.to_string()))
                .query("cursor", cursor.clone());
            return Ok(table(api.ask(request).await?));
        }
        RotationCommand::Show { tenant, id } => Request::get(&["tenants", tenant, "rotations", id]),
        RotationCommand::Complete { tenant, id, force } => {
            Request::post(&["tenants", tenant, "rotations", id, "complete"]).body(json!({ "force": force }))
        }
        RotationCommand::Cancel { tenant, id } => {
            Request::post(&["tenants", tenant, "rotations", id, "cancel"])
        }
        RotationCommand::Automatic { tenant, id, off } => {
            Request::put(&["tenants", tenant, "rotations", id, "automatic"])
                .body(json!({ "automatic": !off }))
        }
    };
    Ok(shown(api.ask(request).await?))
}

/// Starts a rotation; completes it at once if it is to end `now`.
pub(super) async fn start(api: &Api, tenant: &str, body: Value, now: bool) -> Result<Answer, CommandError> {
    let mut started = api.ask(Request::post(&["tenants", tenant, "rotations"]).body(body)).await?;
    if now {
        let id = started["id"].as_str().unwrap_or_default();
        let complete = Request::post(&["tenants", tenant, "rotations", id, "complete"]);
        let completed = api.ask(complete.body(json!({ "force": true }))).await?;
        if let (Some(started), Value::Object(completed)) = (started.as_object_mut(), completed) {
            started.extend(completed);
        }
    }
    Ok(shown(started))
}

/// With the key ids in front of everything else that is known of the two credentials.
fn shown(mut json: Value) -> Answer {
    json["old_key_id"] = json["old"]["key_id"].clone();
    json["key_id"] = json["new"]["key_id"].clone();
    let keys =
        ["id", "words", "advice", "automatic", "old_key_id", "key_id", "secret_token", "client_secret"];
    let mut told: serde_json::Map<String, Value> =
        keys.iter().map(|key| ((*key).to_owned(), json[*key].clone())).collect();
    for which in ["old", "new"] {
        for key in ["first_used", "last_used", "last_used_from", "last_used_for"] {
            told.insert(format!("{which}_{key}"), json[which][key].clone());
        }
    }
    Answer { text: Answer::fields(told.into()).text, json }
}

fn table(json: Value) -> Answer {
    let row = |found: &Value| {
        json!({
            "id": found["id"],
            "kind": found["kind"],
            "started": found["started"],
            "old": found["old"]["key_id"],
            "new": found["new"]["key_id"],
            "automatic": found["automatic"],
            "state": found["words"],
        })
    };
    let rows: Vec<Value> = json["rotations"].as_array().into_iter().flatten().map(row).collect();
    let columns = ["id", "kind", "started", "old", "new", "automatic", "state"];
    Answer { text: Answer::lines(&rows, &columns), json }
}
