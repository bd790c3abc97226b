//! `juno operator`.

use super::api::{Api, Request};
use crate::{
    answer::{Answer, CommandError},
    cli::OperatorCommand,
};
use serde_json::json;

/// Runs one of the commands.
pub(crate) async fn run(api: &Api, command: &OperatorCommand) -> Result<Answer, CommandError> {
    let request = match command {
        OperatorCommand::List => {
            let columns = ["name", "role", "active", "must_change_password", "totp", "created"];
            return Ok(Answer::table(api.ask(Request::get(&["operators"])).await?, "operators", &columns));
        }
        OperatorCommand::Create { name, role } => {
            Request::post(&["operators"]).body(json!({ "name": name, "role": role }))
        }
        OperatorCommand::Reset { name } => Request::post(&["operators", name, "reset"]),
        OperatorCommand::Disable { name } => Request::post(&["operators", name, "disable"]),
    };
    Ok(Answer::fields(api.ask(request).await?))
}
