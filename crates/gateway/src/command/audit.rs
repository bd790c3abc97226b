//! `juno audit`.

use super::api::{Api, Request};
use crate::{
    answer::{Answer, CommandError},
    cli::AuditCommand,
};

/// Runs one of the commands.
pub(crate) async fn run(api: &Api, command: &AuditCommand) -> Result<Answer, CommandError> {
    match command {
        AuditCommand::Verify => {
            let verified = api.ask(Request::get(&["audit", "verification"])).await?;
            match verified["broken"].as_str() {
                None => Ok(Answer::fields(verified)),
                Some(broken) => {
                    Err(CommandError::Failed(format!("the audit log is not what was written: {broken}")))
                }
            }
        }
        AuditCommand::List { tenant, count, cursor } => {
            let request = Request::get(&["audit"])
                .query("count", Some(count.to_string()))
                .query("tenant", tenant.clone())
                .query("cursor", cursor.clone());
            let columns = ["position", "at", "actor", "origin", "action", "target"];
            Ok(Answer::table(api.ask(request).await?, "audit", &columns))
        }
    }
}
