//! `/tenants/{tenant}/oauth-clients`.

use super::{
    Problem,
    caller::{Caller, Support, Viewer},
    request::{Body, Query},
    tenants::{PageQuery, created, ok},
};
use crate::{Admin, GivenSecret, idempotency::IdempotencyKey};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::ClientSecret;
use tokens::ClientWithSecrets;
use utoipa::ToSchema;

/// A client to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientBody {
    /// A word to know it by.
    #[serde(default)]
    #[schema(example = "Entra")]
    label: String,
    /// How long its first secret is good: one to three years.
    expires_in_seconds: Option<u64>,
}

/// A secret to be issued.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientSecretBody {
    /// How long it is good: one to three years.
    expires_in_seconds: Option<u64>,
}

/// What is stored of a secret.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientSecret)]
pub(super) struct ClientSecretShape {
    /// The part of the secret by which people speak of it.
    key_id: String,
    created: String,
    expires: String,
    revoked: Option<String>,
    /// When the last SCIM request came with an access token that was issued for it, some seconds late.
    last_used: Option<String>,
}

/// An OAuth client.
#[derive(Serialize, ToSchema)]
#[schema(as = OauthClient)]
pub(super) struct ClientShape {
    /// What Entra calls the client identifier.
    client_id: String,
    label: String,
    created: String,
    revoked: Option<String>,
    /// Oldest first, ended ones too. That of a federation has none.
    secrets: Vec<ClientSecretShape>,
}

/// A page of the OAuth clients of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = OauthClients)]
pub(super) struct ClientsShape {
    tenant_url: String,
    /// Where access tokens are got.
    token_endpoint: String,
    oauth_clients: Vec<ClientShape>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// A secret just issued, and what an administrator types into Entra beside it.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedClientSecret)]
pub(super) struct IssuedShape {
    tenant_url: String,
    token_endpoint: String,
    client_id: String,
    label: String,
    /// Shown this one time; null where the same request has been answered with it before.
    client_secret: Option<String>,
    #[serde(flatten)]
    secret: ClientSecretShape,
}

fn secret_shape(row: &ClientSecret) -> ClientSecretShape {
    ClientSecretShape {
        key_id: row.key_id.clone(),
        created: row.created.to_rfc3339(),
        expires: row.expires.to_rfc3339(),
        revoked: row.revoked.map(Timestamp::to_rfc3339),
        last_used: row.last_used().map(Timestamp::to_rfc3339),
    }
}

fn shape(found: &ClientWithSecrets) -> ClientShape {
    ClientShape {
        client_id: found.client.id.to_string(),
        label: found.client.label.clone(),
        created: found.client.created.to_rfc3339(),
        revoked: found.client.revoked.map(Timestamp::to_rfc3339),
        secrets: found.secrets.iter().map(secret_shape).collect(),
    }
}

fn issued(admin: &Admin, given: &GivenSecret) -> IssuedShape {
    IssuedShape {
        tenant_url: admin.tenant_url(&given.tenant),
        token_endpoint: admin.token_endpoint(&given.tenant),
        client_id: given.client.id.to_string(),
        label: given.client.label.clone(),
        client_secret: given.secret.as_ref().map(|secret| secret.reveal().to_owned()),
        secret: secret_shape(&given.row),
    }
}

/// List the OAuth clients of a tenant with their secrets, oldest first, ended ones too.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/oauth-clients", tag = "OAuth clients",
    params(("tenant" = String, Path, description = "Label or id"), PageQuery),
    responses((status = 200, body = ClientsShape)))]
pub(super) async fn list(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let (tenant, page) = admin.oauth_clients_page(&tenant, query.cursor.as_deref(), query.count).await?;
    let page = page.map(|client| shape(&client));
    Ok(ok(&ClientsShape {
        tenant_url: admin.tenant_url(&tenant),
        token_endpoint: admin.token_endpoint(&tenant),
        oauth_clients: page.rows,
        next_cursor: page.next,
    }))
}

/// Make an OAuth client with its first secret.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/oauth-clients", request_body = ClientBody, tag = "OAuth clients",
    params(("tenant" = String, Path, description = "Label or id"), IdempotencyKey),
    responses((status = 201, body = IssuedShape)))]
pub(super) async fn create(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
    key: IdempotencyKey,
    body: Body<ClientBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    let lifetime = body.expires_in_seconds.map(Duration::from_secs);
    let given = admin.create_oauth_client(caller.by(), &tenant, &body.label, lifetime, key.read()?).await?;
    Ok(created(None, &issued(&admin, &given)))
}

/// End an OAuth client now.
///
/// With its secrets, and with the access tokens that were issued for them.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/oauth-clients/{client_id}/revoke", tag = "OAuth clients",
    params(("tenant" = String, Path, description = "Label or id"), ("client_id" = String, Path)),
    responses((status = 200, body = ClientShape)))]
pub(super) async fn revoke(
    caller: Caller<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, client) = path.into_inner();
    Ok(ok(&shape(&admin.revoke_oauth_client(caller.by(), &tenant, &client).await?)))
}

/// Issue one more secret of an OAuth client.
///
/// The others stay good.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/oauth-clients/{client_id}/secrets", request_body = ClientSecretBody,
    operation_id = "issue-secret", tag = "OAuth clients",
    params(("tenant" = String, Path, description = "Label or id"), ("client_id" = String, Path), IdempotencyKey),
    responses((status = 201, body = IssuedShape)))]
pub(super) async fn issue_secret(
    caller: Caller<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
    key: IdempotencyKey,
    body: Body<ClientSecretBody>,
) -> Result<HttpResponse, Problem> {
    let lifetime = body.read(&admin).await?.expires_in_seconds.map(Duration::from_secs);
    let (tenant, client) = path.into_inner();
    let given = admin.issue_client_secret(caller.by(), (&tenant, &client), lifetime, key.read()?).await?;
    Ok(created(None, &issued(&admin, &given)))
}

/// End a secret of an OAuth client now.
///
/// With the access tokens that were issued for it.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/oauth-clients/{client_id}/secrets/{key_id}/revoke",
    operation_id = "revoke-secret", tag = "OAuth clients",
    params(("tenant" = String, Path, description = "Label or id"), ("client_id" = String, Path), ("key_id" = String, Path)),
    responses((status = 200, body = ClientSecretShape)))]
pub(super) async fn revoke_secret(
    caller: Caller<Support>,
    admin: Data<Admin>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, client, key_id) = path.into_inner();
    Ok(ok(&secret_shape(&admin.revoke_client_secret(caller.by(), (&tenant, &client), &key_id).await?)))
}
