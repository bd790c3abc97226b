//! `juno federation`.

use super::api::{Api, Request};
use crate::{
    answer::{Answer, CommandError},
    cli::FederationCommand,
};
use serde_json::json;

/// Runs one of the commands.
pub(crate) async fn run(api: &Api, command: &FederationCommand) -> Result<Answer, CommandError> {
    let of = |tenant| ["tenants", tenant, "federation"];
    match command {
        FederationCommand::Set { tenant, issuer, subject, audience, jwks_url } => {
            let terms =
                json!({ "issuer": issuer, "subject": subject, "audience": audience, "jwks_url": jwks_url });
            Ok(Answer::fields(api.ask(Request::put(&of(tenant)).body(terms)).await?))
        }
        FederationCommand::Show { tenant } => Ok(Answer::fields(api.ask(Request::get(&of(tenant))).await?)),
        FederationCommand::Remove { tenant } => {
            api.ask(Request::delete(&of(tenant))).await?;
            let text = format!("The tenant \"{tenant}\" takes no assertions any more.");
            Ok(Answer { json: json!({ "removed": true }), text })
        }
    }
}
