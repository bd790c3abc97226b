//! `/tenants/{tenant}/federation`.

use super::{
    Problem,
    caller::{Caller, Support, Viewer},
    request::Body,
    tenants::ok,
};
use crate::{Admin, federation::has_none};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Federation, Tenant};
use tokens::FederationTerms;
use utoipa::ToSchema;

/// Whose assertions a tenant shall take. All values are compared exactly.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FederationBody {
    /// The issuer (`iss`).
    #[schema(example = "https://login.microsoftonline.com/8a8b5f1e-0000-0000-0000-000000000000/v2.0")]
    issuer: String,
    /// The subject (`sub`): the object id of Entra's provisioning application.
    subject: String,
    /// The audience (`aud`).
    #[schema(example = "api://1b2c3d4e-0000-0000-0000-000000000000")]
    audience: String,
    /// Where the issuer publishes its keys, by https on the public internet.
    #[schema(
        example = "https://login.microsoftonline.com/8a8b5f1e-0000-0000-0000-000000000000/discovery/v2.0/keys"
    )]
    jwks_url: String,
}

/// Whose assertions a tenant takes, and what an administrator types into Entra.
#[derive(Serialize, ToSchema)]
#[schema(as = Federation)]
pub(super) struct FederationShape {
    tenant_url: String,
    /// Where assertions are exchanged for access tokens.
    token_endpoint: String,
    /// What Entra calls the client identifier.
    client_id: String,
    issuer: String,
    subject: String,
    audience: String,
    jwks_url: String,
    created: String,
    /// When the last SCIM request came with an access token that was issued for it, some seconds late.
    last_used: Option<String>,
}

fn shape(admin: &Admin, tenant: &Tenant, federation: &Federation) -> FederationShape {
    FederationShape {
        tenant_url: admin.tenant_url(tenant),
        token_endpoint: admin.token_endpoint(tenant),
        client_id: federation.client.to_string(),
        issuer: federation.issuer.clone(),
        subject: federation.subject.clone(),
        audience: federation.audience.clone(),
        jwks_url: federation.jwks_url.clone(),
        created: federation.created.to_rfc3339(),
        last_used: federation.last_used().map(Timestamp::to_rfc3339),
    }
}

/// Show whose assertions a tenant takes.
///
/// 404 if it takes none.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/federation", tag = "federation",
    params(("tenant" = String, Path, description = "Label or id")), responses((status = 200, body = FederationShape)))]
pub(super) async fn show(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Problem> {
    let (tenant, federation) = admin.federation(&tenant).await?;
    let federation = federation.ok_or_else(|| has_none(&tenant))?;
    Ok(ok(&shape(&admin, &tenant, &federation)))
}

/// Set whose assertions a tenant takes, in place of what was set before.
///
/// The client id stays what it was, unless that client was revoked: then there is a new one, for Entra too. Access tokens of
/// other terms end.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/federation", request_body = FederationBody, tag = "federation",
    params(("tenant" = String, Path, description = "Label or id")), responses((status = 200, body = FederationShape)))]
pub(super) async fn set(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
    body: Body<FederationBody>,
) -> Result<HttpResponse, Problem> {
    let FederationBody { issuer, subject, audience, jwks_url } = body.read(&admin).await?;
    let terms = FederationTerms { issuer, subject, audience, jwks_url };
    let (tenant, federation) = admin.set_federation(caller.by(), &tenant, terms).await?;
    Ok(ok(&shape(&admin, &tenant, &federation)))
}

/// Take no assertions any more.
///
/// The access tokens that were issued for them end.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/federation", tag = "federation",
    params(("tenant" = String, Path, description = "Label or id")), responses((status = 204)))]
pub(super) async fn remove(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Problem> {
    admin.remove_federation(caller.by(), &tenant).await?;
    Ok(HttpResponse::NoContent().finish())
}
