//! `juno setup-link`.

use super::{
    api::{Api, Request},
    seconds,
};
use crate::{
    answer::{Answer, CommandError},
    cli::SetupLinkCommand,
};
use serde_json::json;

/// Runs one of the commands.
pub(crate) async fn run(api: &Api, command: &SetupLinkCommand) -> Result<Answer, CommandError> {
    const LINKS: &str = "setup-links";
    let request = match command {
        SetupLinkCommand::List { tenant } => {
            let listed = api.list(Request::get(&["tenants", tenant, LINKS]), "setup_links").await?;
            let columns = ["id", "label", "state", "created", "expires", "opened", "secret_token_key_id"];
            return Ok(Answer::table(listed, "setup_links", &columns));
        }
        SetupLinkCommand::Create { tenant, label, expires_in } => Request::post(&["tenants", tenant, LINKS])
            .body(json!({ "label": label, "expires_in_seconds": seconds(*expires_in) })),
        SetupLinkCommand::Revoke { tenant, id, secret_token } => {
            Request::post(&["tenants", tenant, LINKS, id, "revoke"])
                .body(json!({ "secret_token": secret_token }))
        }
    };
    Ok(Answer::fields(api.ask(request).await?))
}
