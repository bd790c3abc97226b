//! `juno tenant`.

use super::{block_on, find_tenant, open_store_acting, token};
use crate::{
    answer::{Answer, CommandError},
    cli::TenantCommand,
    clock,
    settings::Settings,
};
use admin::label;
use scim::Profile;
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::{Store, Tenant, TenantId, TenantState};

const MAX_NAME: usize = 200;

/// Runs one of the commands.
pub(crate) fn run(settings: &Settings, command: &TenantCommand) -> Result<Answer, CommandError> {
    let TenantCommand::Create { name, label, profile, expires_in } = command else {
        let store = open_store_acting(settings)?;
        return block_on(run_on_existing(settings, &store, command));
    };
    // Everything that the command line got wrong is found before the database is touched.
    let tenant = new_tenant(name, label.as_deref(), profile)?;
    let lifetime = token::lifetime(settings, *expires_in)?;
    let store = open_store_acting(settings)?;
    block_on(create(settings, &store, tenant, lifetime))
}

async fn run_on_existing(
    settings: &Settings,
    store: &Store,
    command: &TenantCommand,
) -> Result<Answer, CommandError> {
    match command {
        TenantCommand::Create { .. } => Err(CommandError::Usage("create makes a tenant".to_owned())),
        TenantCommand::List => {
            let rows = store.tenants().await?.iter().map(|tenant| describe(settings, tenant)).collect();
            Ok(Answer::table(
                "tenants",
                rows,
                &["label", "name", "profile", "state", "created", "tenant_url"],
            ))
        }
        TenantCommand::Show { tenant } => {
            let tenant = find_tenant(store, tenant).await?;
            Ok(Answer::fields(describe(settings, &tenant)))
        }
        TenantCommand::Suspend { tenant } => set_state(settings, store, tenant, TenantState::Suspended).await,
        TenantCommand::Resume { tenant } => set_state(settings, store, tenant, TenantState::Active).await,
        TenantCommand::Delete { tenant, yes } => {
            let tenant = find_tenant(store, tenant).await?;
            if !yes {
                return Err(CommandError::Usage(format!(
                    "this deletes \"{}\" with all its users, groups and tokens, for ever: say so with --yes",
                    tenant.name
                )));
            }
            if !store.delete_tenant(tenant.id).await? {
                return Err(CommandError::Failed(format!(
                    "there is no tenant \"{}\" any more",
                    tenant.label
                )));
            }
            let text = format!("Tenant \"{}\" is deleted.", tenant.name);
            Ok(Answer { json: json!({ "tenant_id": tenant.id.to_string(), "deleted": true }), text })
        }
    }
}

fn new_tenant(name: &str, label: Option<&str>, profile: &str) -> Result<Tenant, CommandError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(CommandError::Usage(format!(
            "a name has 1 to {MAX_NAME} characters, none of them a control"
        )));
    }
    let label = match label {
        Some(label) => label::check(label).map(|()| label.to_owned()),
        None => label::from_name(name),
    };
    Ok(Tenant {
        id: TenantId(clock::new_id()),
        label: label.map_err(CommandError::Usage)?,
        name: name.to_owned(),
        profile: Profile::parse(profile)
            .ok_or_else(|| CommandError::Usage(format!("no profile \"{profile}\"")))?,
        state: TenantState::Active,
        created: clock::now(),
    })
}

async fn create(
    settings: &Settings,
    store: &Store,
    tenant: Tenant,
    lifetime: Duration,
) -> Result<Answer, CommandError> {
    if !store.create_tenant(tenant.clone()).await? {
        return Err(CommandError::Failed(format!(
            "there is a tenant with the label \"{}\" already: choose another with --label",
            tenant.label
        )));
    }
    let issued = token::issue(settings, store, tenant.id, "first", lifetime).await.map_err(|cause| {
        CommandError::Failed(format!(
            "the tenant is open, but has no Secret Token ({cause}): try `juno token issue {}`",
            tenant.label
        ))
    })?;
    let mut json = describe(settings, &tenant);
    merge(&mut json, token::describe_issued(&issued));
    let text = format!(
        "Tenant \"{}\" is open. Its administrator pastes these two into Entra:\n\n\
         Tenant URL    {}\nSecret Token  {}\n\n\
         The token is shown this one time; it is good until {}.",
        tenant.name,
        json["tenant_url"].as_str().unwrap_or_default(),
        issued.token.reveal(),
        json["expires"].as_str().unwrap_or("it is revoked"),
    );
    Ok(Answer { json, text })
}

async fn set_state(
    settings: &Settings,
    store: &Store,
    tenant: &str,
    state: TenantState,
) -> Result<Answer, CommandError> {
    let mut tenant = find_tenant(store, tenant).await?;
    if !store.set_tenant_state(tenant.id, state).await? {
        return Err(CommandError::Failed(format!("there is no tenant \"{}\" any more", tenant.label)));
    }
    tenant.state = state;
    Ok(Answer::fields(describe(settings, &tenant)))
}

/// A tenant as programs and people see it.
fn describe(settings: &Settings, tenant: &Tenant) -> Value {
    json!({
        "tenant_id": tenant.id.to_string(),
        "label": tenant.label,
        "name": tenant.name,
        "tenant_url": settings.public_url(settings.scim.listen).tenant_url(&tenant.label),
        "profile": tenant.profile.as_str(),
        "state": tenant.state.as_str(),
        "created": tenant.created.to_rfc3339(),
    })
}

fn merge(into: &mut Value, from: Map<String, Value>) {
    if let Some(object) = into.as_object_mut() {
        object.extend(from);
    }
}
