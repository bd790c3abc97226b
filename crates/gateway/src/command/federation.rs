//! `juno federation`.

use super::{block_on, client::oauth_clients, find_tenant, open_store_acting, token::time};
use crate::{
    answer::{Answer, CommandError},
    cli::FederationCommand,
    clock, oauth,
    settings::Settings,
};
use serde_json::json;
use store::{Federation, Store, Tenant};
use tokens::{FederationTerms, check_jwks_url};

const MAX_TERM: usize = 500;

/// Runs one of the commands.
pub(crate) fn run(settings: &Settings, command: &FederationCommand) -> Result<Answer, CommandError> {
    if let FederationCommand::Set { issuer, subject, audience, jwks_url, .. } = command {
        let is_plain =
            |term: &&String| (1..=MAX_TERM).contains(&term.len()) && !term.contains(char::is_control);
        if ![issuer, subject, audience, jwks_url].iter().all(is_plain) {
            return Err(CommandError::Usage(format!(
                "issuer, subject, audience and address have 1 to {MAX_TERM} bytes, none of them a control"
            )));
        }
        check_jwks_url(jwks_url, &oauth::jwks_settings(settings)).map_err(CommandError::Usage)?;
    }
    let store = open_store_acting(settings)?;
    block_on(run_on(settings, &store, command))
}

async fn run_on(
    settings: &Settings,
    store: &Store,
    command: &FederationCommand,
) -> Result<Answer, CommandError> {
    let clients = oauth_clients(settings, store);
    match command {
        FederationCommand::Set { tenant, issuer, subject, audience, jwks_url } => {
            let tenant = find_tenant(store, tenant).await?;
            let terms = FederationTerms {
                issuer: issuer.clone(),
                subject: subject.clone(),
                audience: audience.clone(),
                jwks_url: jwks_url.clone(),
            };
            let federation = clients.set_federation(tenant.id, terms, clock::now()).await?;
            Ok(describe(settings, &tenant, &federation))
        }
        FederationCommand::Show { tenant } => {
            let tenant = find_tenant(store, tenant).await?;
            let federation = clients.federation(tenant.id).await?.ok_or_else(|| has_none(&tenant))?;
            Ok(describe(settings, &tenant, &federation))
        }
        FederationCommand::Remove { tenant } => {
            let tenant = find_tenant(store, tenant).await?;
            if !clients.remove_federation(tenant.id, clock::now()).await? {
                return Err(has_none(&tenant));
            }
            let text = format!("Tenant \"{}\" takes no assertions any more.", tenant.name);
            Ok(Answer { json: json!({ "tenant_id": tenant.id.to_string(), "removed": true }), text })
        }
    }
}

fn has_none(tenant: &Tenant) -> CommandError {
    CommandError::Failed(format!("the tenant \"{}\" has no federation", tenant.label))
}

/// What an administrator types into Entra, and what was typed here.
fn describe(settings: &Settings, tenant: &Tenant, federation: &Federation) -> Answer {
    let public_url = settings.public_url(settings.scim.listen);
    Answer::fields(json!({
        "tenant_url": public_url.tenant_url(&tenant.label),
        "token_endpoint": public_url.token_endpoint(&tenant.label),
        "client_id": federation.client,
        "issuer": federation.issuer,
        "subject": federation.subject,
        "audience": federation.audience,
        "jwks_url": federation.jwks_url,
        "created": time(Some(federation.created)),
        "last_used": time(federation.last_used),
    }))
}
