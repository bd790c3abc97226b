//! `juno client`.

use super::{
    block_on, find_tenant, open_store_acting,
    token::{check_label, time},
};
use crate::{
    answer::{Answer, CommandError},
    cli::ClientCommand,
    clock,
    settings::Settings,
};
use serde_json::{Value, json};
use store::{Store, Tenant};
use tokens::{ClientPolicy, ClientWithSecrets, IssuedSecret, OauthClients};
use uuid::Uuid;

/// Runs one of the commands.
pub(crate) fn run(settings: &Settings, command: &ClientCommand) -> Result<Answer, CommandError> {
    if let ClientCommand::Create { label, .. } = command {
        check_label(label)?;
    }
    let store = open_store_acting(settings)?;
    block_on(run_on(settings, &store, command))
}

async fn run_on(settings: &Settings, store: &Store, command: &ClientCommand) -> Result<Answer, CommandError> {
    let (clients, now) = (oauth_clients(settings, store), clock::now());
    match command {
        ClientCommand::Create { tenant, label, expires_in } => {
            let tenant = find_tenant(store, tenant).await?;
            let lifetime = expires_in.unwrap_or(settings.oauth.secret_lifetime);
            let (client, issued) = clients.create((tenant.id, clock::new_id()), label, lifetime, now).await?;
            Ok(describe_issued(settings, &tenant, client.id, &issued))
        }
        ClientCommand::List { tenant } => {
            let tenant = find_tenant(store, tenant).await?;
            let rows = clients.list(tenant.id).await?.iter().flat_map(describe).collect();
            let columns = [
                "client_id",
                "label",
                "client_revoked",
                "key_id",
                "created",
                "expires",
                "revoked",
                "last_used",
            ];
            Ok(Answer::table("clients", rows, &columns))
        }
        ClientCommand::AddSecret { tenant, client_id, expires_in } => {
            let tenant = find_tenant(store, tenant).await?;
            let lifetime = expires_in.unwrap_or(settings.oauth.secret_lifetime);
            let issued = clients.add_secret((tenant.id, *client_id, clock::new_id()), lifetime, now).await?;
            Ok(describe_issued(settings, &tenant, *client_id, &issued))
        }
        ClientCommand::RevokeSecret { tenant, client_id, key_id } => {
            let tenant = find_tenant(store, tenant).await?;
            let row = clients.revoke_secret(tenant.id, *client_id, key_id, now).await?;
            let revoked = time(row.revoked);
            Ok(Answer::fields(json!({ "client_id": client_id, "key_id": row.key_id, "revoked": revoked })))
        }
        ClientCommand::Revoke { tenant, client_id } => {
            let tenant = find_tenant(store, tenant).await?;
            clients.revoke(tenant.id, *client_id, now).await?;
            Ok(Answer::fields(json!({ "client_id": client_id, "revoked": time(Some(now)) })))
        }
    }
}

/// The use cases, within the bounds of the settings.
pub(super) fn oauth_clients(settings: &Settings, store: &Store) -> OauthClients {
    let oauth = &settings.oauth;
    let policy = ClientPolicy {
        max_clients: oauth.max_clients_per_tenant.size(),
        max_secrets: oauth.max_secrets_per_client.size(),
        min_lifetime: oauth.min_secret_lifetime,
        max_lifetime: oauth.max_secret_lifetime,
    };
    OauthClients::new(store.clone(), policy)
}

/// What an administrator types into Entra.
fn describe_issued(settings: &Settings, tenant: &Tenant, client: Uuid, issued: &IssuedSecret) -> Answer {
    let public_url = settings.public_url(settings.scim.listen);
    Answer::fields(json!({
        "tenant_url": public_url.tenant_url(&tenant.label),
        "token_endpoint": public_url.token_endpoint(&tenant.label),
        "client_id": client,
        "client_secret": issued.secret.reveal(),
        "key_id": issued.row.key_id,
        "expires": time(Some(issued.row.expires)),
    }))
}

/// A row for each secret; one for a client that has none.
fn describe(found: &ClientWithSecrets) -> Vec<Value> {
    let client = &found.client;
    let of_client = |secret: Value| {
        let mut row = json!({
            "client_id": client.id,
            "label": client.label,
            "client_created": time(Some(client.created)),
            "client_revoked": time(client.revoked),
        });
        if let (Some(row), Value::Object(secret)) = (row.as_object_mut(), secret) {
            row.extend(secret);
        }
        row
    };
    let secrets = found.secrets.iter().map(|secret| {
        of_client(json!({
            "key_id": secret.key_id,
            "created": time(Some(secret.created)),
            "expires": time(Some(secret.expires)),
            "revoked": time(secret.revoked),
            "last_used": time(secret.last_used),
        }))
    });
    let rows: Vec<Value> = secrets.collect();
    if rows.is_empty() { vec![of_client(json!({}))] } else { rows }
}
