//! `juno client`.

use super::{
    api::{Api, Request},
    rotation, seconds,
};
use crate::{
    answer::{Answer, CommandError},
    cli::ClientCommand,
};
use serde_json::{Value, json};

/// Runs one of the commands.
pub(crate) async fn run(api: &Api, command: &ClientCommand) -> Result<Answer, CommandError> {
    const CLIENTS: &str = "oauth-clients";
    let request = match command {
        ClientCommand::List { tenant } => {
            let asked = Request::get(&["tenants", tenant, CLIENTS]);
            return Ok(table(api.list(asked, "oauth_clients").await?));
        }
        ClientCommand::Create { tenant, label, expires_in } => Request::post(&["tenants", tenant, CLIENTS])
            .body(json!({ "label": label, "expires_in_seconds": seconds(*expires_in) })),
        ClientCommand::AddSecret { tenant, client_id, expires_in } => {
            Request::post(&["tenants", tenant, CLIENTS, client_id, "secrets"])
                .body(json!({ "expires_in_seconds": seconds(*expires_in) }))
        }
        ClientCommand::Rotate { tenant, key_id, now, automatic, expires_in } => {
            let new = json!({
                "kind": "client-secret",
                "key_id": key_id,
                "automatic": automatic,
                "expires_in_seconds": seconds(*expires_in),
            });
            return rotation::start(api, tenant, new, *now).await;
        }
        ClientCommand::RevokeSecret { tenant, client_id, key_id } => {
            Request::post(&["tenants", tenant, CLIENTS, client_id, "secrets", key_id, "revoke"])
        }
        ClientCommand::Revoke { tenant, client_id } => {
            Request::post(&["tenants", tenant, CLIENTS, client_id, "revoke"])
        }
    };
    Ok(Answer::fields(api.ask(request).await?))
}

/// People read a line for each secret; one for a client that has none.
fn table(json: Value) -> Answer {
    let of_client = |client: &Value, secret: &Value| {
        let mut row = secret.clone();
        row["client_id"] = client["client_id"].clone();
        row["label"] = client["label"].clone();
        row["client_revoked"] = client["revoked"].clone();
        row
    };
    let lines = |client: &Value| -> Vec<Value> {
        match client["secrets"].as_array() {
            Some(secrets) if !secrets.is_empty() => {
                secrets.iter().map(|secret| of_client(client, secret)).collect()
            }
            _ => vec![of_client(client, &json!({}))],
        }
    };
    let rows: Vec<Value> = json["oauth_clients"].as_array().into_iter().flatten().flat_map(lines).collect();
    let columns =
        ["client_id", "label", "client_revoked", "key_id", "created", "expires", "revoked", "last_used"];
    Answer { text: Answer::lines(&rows, &columns), json }
}
