//! `juno tenant`.

use super::{
    api::{Api, Request},
    export::export,
    seconds,
};
use crate::{
    answer::{Answer, CommandError},
    cli::{Confirmed, TenantCommand},
};
use serde_json::{Value, json};

/// Runs one of the commands.
pub(crate) async fn run(api: &Api, command: &TenantCommand) -> Result<Answer, CommandError> {
    let show = async |request| Ok(Answer::fields(api.ask(request).await?));
    match command {
        TenantCommand::Create { name, label, profile, expires_in } => {
            let body = json!({ "name": name, "label": label, "profile": profile });
            let opened = api.ask(Request::post(&["tenants"]).body(body)).await?;
            hand_over(api, opened, json!({ "label": "first", "expires_in_seconds": seconds(*expires_in) }))
                .await
        }
        TenantCommand::List { search } => {
            let asked = Request::get(&["tenants"]).query("search", search.clone());
            let columns = ["label", "name", "profile", "state", "created", "tenant_url"];
            Ok(Answer::table(api.list(asked, "tenants").await?, "tenants", &columns))
        }
        TenantCommand::Show { tenant } => show(Request::get(&["tenants", tenant])).await,
        TenantCommand::Change { tenant, name, profile } => {
            show(Request::patch(&["tenants", tenant]).body(json!({ "name": name, "profile": profile }))).await
        }
        TenantCommand::Suspend(meant) => {
            let label = label(meant, "refuses every request of the tenant until it is resumed")?;
            show(Request::post(&["tenants", &meant.tenant, "suspend"]).query("confirm", Some(label))).await
        }
        TenantCommand::Resume(meant) => {
            let label = label(meant, "lets the tenant provision again")?;
            show(Request::post(&["tenants", &meant.tenant, "resume"]).query("confirm", Some(label))).await
        }
        TenantCommand::Conformance { tenant } => {
            let asked = Request::post(&["tenants", tenant, "conformance"]);
            Ok(conformance(api.ask(asked).await?))
        }
        TenantCommand::Delete(meant) => {
            let label =
                label(meant, "erases the tenant with all its users, groups and credentials, for ever")?;
            let erase = Request::delete(&["tenants", &meant.tenant]).query("confirm", Some(label.clone()));
            api.ask(erase).await?;
            let json = json!({ "label": label, "deleted": true });
            Ok(Answer { json, text: format!("The tenant \"{label}\" is erased.") })
        }
        TenantCommand::Export { tenant: meant, output } => {
            let label = label(meant, "writes personal data of all people of the tenant")?;
            let request = Request::post(&["tenants", &meant.tenant, "export"]).query("confirm", Some(label));
            export(api, request, output.as_deref()).await
        }
        TenantCommand::Deleted { tenant } => {
            let listed = api.list(Request::get(&["tenants", tenant, "deleted"]), "deleted").await?;
            Ok(Answer::table(listed, "deleted", &["resource_type", "id", "deleted", "purged", "version"]))
        }
        TenantCommand::Collisions { tenant } => {
            let asked = Request::get(&["tenants", tenant, "collisions"]);
            let columns = ["user_name", "id", "equal_user_name", "equal_id"];
            Ok(Answer::table(api.list(asked, "collisions").await?, "collisions", &columns))
        }
    }
}

/// The label by which a command was confirmed; `what` it does.
fn label(meant: &Confirmed, what: &str) -> Result<String, CommandError> {
    meant.confirm.clone().ok_or_else(|| {
        CommandError::Usage(format!("this {what} (\"{}\"): say so with --confirm LABEL", meant.tenant))
    })
}

/// A tenant just opened, with its first Secret Token: the two values that its administrator pastes into Entra.
async fn hand_over(api: &Api, opened: Value, wanted: Value) -> Result<Answer, CommandError> {
    let label = opened["label"].as_str().unwrap_or_default();
    let issued = api.ask(Request::post(&["tenants", label, "secret-tokens"]).body(wanted)).await;
    let issued = issued.map_err(|error| {
        let hint = format!(
            "The tenant \"{label}\" is open, but has no Secret Token: try `juno token issue {label}`."
        );
        match error {
            CommandError::Usage(words) => CommandError::Usage(format!("{words} {hint}")),
            other => CommandError::Failed(format!("{other} {hint}")),
        }
    })?;
    let mut json = opened;
    for key in ["key_id", "secret_token", "expires"] {
        json[key] = issued[key].clone();
    }
    let value = |key: &str| json[key].as_str().unwrap_or_default();
    let text = format!(
        "Tenant \"{}\" is open. Its administrator pastes these two into Entra:\n\n\
         Tenant URL    {}\nSecret Token  {}\n\n\
         The token is shown this one time; it is good until {}.",
        value("name"),
        value("tenant_url"),
        value("secret_token"),
        value("expires"),
    );
    Ok(Answer { json, text })
}

/// The table of a standard: which levels are met, each line, and what there is to say of a line.
fn conformance(json: Value) -> Answer {
    let level = |key: &str| if json[key] == true { "met" } else { "not met" };
    let rows = json["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let table = Answer::lines(rows, &["outcome", "level", "strength", "name", "requirement"]);
    let told = |row: &Value| {
        let (name, detail) = (row["name"].as_str()?, row["detail"].as_str()?);
        Some(format!("{name}: {}: {detail}", row["outcome"].as_str()?))
    };
    let details: Vec<String> = rows.iter().filter_map(told).collect();
    let text = format!(
        "{}: tenant \"{}\", profile {}\nAL1: {}. AL2: {}.\n\n{table}\n\n{}",
        json["standard"].as_str().unwrap_or_default(),
        json["tenant"].as_str().unwrap_or_default(),
        json["profile"].as_str().unwrap_or_default(),
        level("al1"),
        level("al2"),
        details.join("\n"),
    );
    Answer { json, text }
}

/// `juno restore`.
pub(crate) async fn restore(api: &Api, tenant: &str, id: &str) -> Result<Answer, CommandError> {
    let json = api.ask(Request::post(&["tenants", tenant, "deleted", id, "restore"])).await?;
    let name = ["userName", "displayName"].iter().find_map(|key| json[*key].as_str()).unwrap_or(id);
    let kind = json["meta"]["resourceType"].as_str().unwrap_or("resource");
    let text = format!("The {kind} \"{name}\" is back, under its id {id}.");
    Ok(Answer { json, text })
}
