//! `juno operator`.

use super::{
    api::{Api, Request},
    seconds,
};
use crate::{
    answer::{Answer, CommandError},
    cli::{ApiTokenCommand, OperatorCommand},
};
use serde_json::json;

/// Runs one of the commands.
pub(crate) async fn run(api: &Api, command: &OperatorCommand) -> Result<Answer, CommandError> {
    let request = match command {
        OperatorCommand::List => {
            let columns = ["name", "role", "active", "must_change_password", "totp", "created"];
            let listed = api.list(Request::get(&["operators"]), "operators").await?;
            return Ok(Answer::table(listed, "operators", &columns));
        }
        OperatorCommand::Create { name, role } => {
            Request::post(&["operators"]).body(json!({ "name": name, "role": role }))
        }
        OperatorCommand::Reset { name } => Request::post(&["operators", name, "reset"]),
        OperatorCommand::Disable { name } => Request::post(&["operators", name, "disable"]),
        OperatorCommand::Enable { name } => Request::post(&["operators", name, "enable"]),
        OperatorCommand::Role { name, role } => {
            Request::put(&["operators", name, "role"]).body(json!({ "role": role }))
        }
        OperatorCommand::ApiToken(command) => return api_token(api, command).await,
    };
    Ok(Answer::fields(api.ask(request).await?))
}

async fn api_token(api: &Api, command: &ApiTokenCommand) -> Result<Answer, CommandError> {
    let request = match command {
        ApiTokenCommand::List => {
            let columns = ["operator", "key_id", "label", "role", "expires", "revoked", "last_used"];
            let listed = api.list(Request::get(&["api-tokens"]), "api_tokens").await?;
            return Ok(Answer::table(listed, "api_tokens", &columns));
        }
        ApiTokenCommand::Create { name, label, role, expires_in } => {
            Request::post(&["api-tokens"]).body(json!({
                "operator": name,
                "label": label,
                "role": role,
                "expires_in_seconds": seconds(*expires_in),
            }))
        }
        ApiTokenCommand::Revoke { key_id } => Request::post(&["api-tokens", key_id, "revoke"]),
    };
    Ok(Answer::fields(api.ask(request).await?))
}
