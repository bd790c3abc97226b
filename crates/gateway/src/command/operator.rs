//! `juno operator`.

use super::{block_on, command_line, open_admin, open_store};
use crate::{
    answer::{Answer, CommandError},
    cli::OperatorCommand,
    settings::Settings,
};
use admin::{NewOperator, OneTimePassword};
use serde_json::{Value, json};
use store::{Operator, Role};

/// Runs one of the commands.
pub(crate) fn run(settings: &Settings, command: &OperatorCommand) -> Result<Answer, CommandError> {
    let admin = open_admin(settings, open_store(settings)?, settings.scim.listen)?;
    let by = command_line();
    block_on(async {
        match command {
            OperatorCommand::Create { name, role } => {
                let role = Role::parse(role)
                    .ok_or_else(|| CommandError::Usage(format!("there is no role \"{role}\"")))?;
                let given = admin.create_operator(&by, NewOperator { name: name.clone(), role }).await?;
                Ok(Answer::fields(with_password(&given)))
            }
            OperatorCommand::Reset { name } => {
                let given = admin.reset_operator(&by, name).await?;
                Ok(Answer::fields(with_password(&given)))
            }
            OperatorCommand::Disable { name } => {
                let operator = admin.disable_operator(&by, name).await?;
                Ok(Answer::fields(describe(&operator)))
            }
            OperatorCommand::List => {
                let rows = admin.operators().await?.iter().map(describe).collect();
                let columns = ["name", "role", "active", "must_change_password", "totp", "created"];
                Ok(Answer::table("operators", rows, &columns))
            }
        }
    })
}

fn describe(operator: &Operator) -> Value {
    json!({
        "operator_id": operator.id.to_string(),
        "name": operator.name,
        "role": operator.role.as_str(),
        "active": operator.is_active,
        "must_change_password": operator.password_is_once,
        "totp": operator.has_totp(),
        "created": operator.created.to_rfc3339(),
    })
}

/// With the password, this one time.
fn with_password(given: &OneTimePassword) -> Value {
    let mut json = describe(&given.operator);
    json["one_time_password"] = given.password.as_str().into();
    json
}
