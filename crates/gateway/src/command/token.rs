//! `juno token`.

use super::{
    api::{Api, Request},
    rotation, seconds,
};
use crate::{
    answer::{Answer, CommandError},
    cli::TokenCommand,
};
use serde_json::json;

/// Runs one of the commands.
pub(crate) async fn run(api: &Api, command: &TokenCommand) -> Result<Answer, CommandError> {
    let request = match command {
        TokenCommand::List { tenant } => {
            let asked = Request::get(&["tenants", tenant, "secret-tokens"]);
            let listed = api.list(asked, "secret_tokens").await?;
            let columns = ["key_id", "label", "created", "expires", "revoked", "last_used"];
            return Ok(Answer::table(listed, "secret_tokens", &columns));
        }
        TokenCommand::Issue { tenant, label, expires_in } => {
            Request::post(&["tenants", tenant, "secret-tokens"])
                .body(json!({ "label": label, "expires_in_seconds": seconds(*expires_in) }))
        }
        TokenCommand::Rotate { tenant, key_id, now, automatic, expires_in } => {
            let new = json!({
                "kind": "secret-token",
                "key_id": key_id,
                "automatic": automatic,
                "expires_in_seconds": seconds(*expires_in),
            });
            return rotation::start(api, tenant, new, *now).await;
        }
        TokenCommand::Revoke { tenant, key_id } => {
            Request::post(&["tenants", tenant, "secret-tokens", key_id, "revoke"])
        }
    };
    Ok(Answer::fields(api.ask(request).await?))
}
