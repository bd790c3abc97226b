//! `juno audit`.

use super::{block_on, open_admin, open_store};
use crate::{
    answer::{Answer, CommandError},
    cli::AuditCommand,
    settings::Settings,
};
use serde_json::{Value, json};
use store::AuditRow;

/// Runs one of the commands.
pub(crate) fn run(settings: &Settings, command: &AuditCommand) -> Result<Answer, CommandError> {
    let store = open_store(settings)?;
    match command {
        AuditCommand::Verify => {
            let verified = block_on(async { Ok(store.verify_audit().await?) })?;
            let head = verified.map_err(|broken| {
                CommandError::Failed(format!("the audit log is not what was written: {broken}"))
            })?;
            let hash: String = head.hash.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(Answer::fields(json!({ "verified": true, "rows": head.position, "hash": hash })))
        }
        AuditCommand::List { tenant, count } => {
            let admin = open_admin(settings, store, settings.scim.listen)?;
            let page = block_on(async { Ok(admin.audit_log(tenant.as_deref(), None, Some(*count)).await?) })?;
            let rows = page.rows.iter().map(describe).collect();
            Ok(Answer::table("audit", rows, &["position", "at", "actor", "origin", "action", "target"]))
        }
    }
}

fn describe(row: &AuditRow) -> Value {
    let parsed = |text: &Option<String>| -> Value {
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    json!({
        "position": row.position,
        "at": row.at.to_rfc3339(),
        "actor": row.actor,
        "origin": row.origin,
        "action": row.action,
        "target": row.target,
        "tenant_id": row.tenant.map(|tenant| tenant.to_string()),
        "before": parsed(&row.before),
        "after": parsed(&row.after),
    })
}
