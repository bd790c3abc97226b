//! `/tenants`.

use super::{
    Problem,
    caller::{Administrator, Caller, Support, Viewer},
    request::{Body, Query},
};
use crate::{Admin, NewTenant, export, idempotency::IdempotencyKey};
use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION},
    web::{Bytes, Data, Path},
};
use futures_util::TryStreamExt;
use scim::Profile;
use serde::{Deserialize, Serialize};
use store::{Tenant, TenantState};
use utoipa::{IntoParams, ToSchema};

/// An answer that nobody keeps.
pub(super) fn ok(shape: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(shape)
}

/// The same of something new.
pub(super) fn created(location: Option<String>, shape: &impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Created();
    if let Some(location) = location {
        response.insert_header((LOCATION, location));
    }
    response.insert_header((CACHE_CONTROL, "no-store")).json(shape)
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// How many rows, 1 to 200; 50 if not given.
    pub(super) count: Option<u32>,
}

/// A tenant to be opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantBody {
    /// The customer's name.
    #[schema(example = "Contoso Ltd.")]
    name: String,
    /// Its part of the Tenant URL; made from the name if not given.
    #[schema(example = "contoso")]
    label: Option<String>,
    /// How its provisioning client speaks SCIM; `entra` if not given.
    profile: Option<ProfileWord>,
}

/// A compatibility profile.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProfileWord {
    Entra,
    Rfc,
}

/// The confirmation of what cannot be undone.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// The tenant's label.
    confirm: String,
}

/// A tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(super) struct TenantShape {
    id: String,
    label: String,
    name: String,
    /// What the customer's administrator pastes into Entra.
    tenant_url: String,
    profile: &'static str,
    /// `active` or `suspended`.
    state: &'static str,
    created: String,
}

/// A page of tenants.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenants)]
pub(super) struct TenantsShape {
    tenants: Vec<TenantShape>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

fn shape(admin: &Admin, tenant: &Tenant) -> TenantShape {
    TenantShape {
        id: tenant.id.to_string(),
        label: tenant.label.clone(),
        name: tenant.name.clone(),
        tenant_url: admin.tenant_url(tenant),
        profile: tenant.profile.as_str(),
        state: tenant.state.as_str(),
        created: tenant.created.to_rfc3339(),
    }
}

/// List tenants, by label.
#[utoipa::path(get, path = "/api/v1/tenants", params(PageQuery), tag = "tenants",
    responses((status = 200, body = TenantsShape)))]
pub(super) async fn list(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.tenants(query.cursor.as_deref(), query.count).await?;
    let page = page.map(|tenant| shape(&admin, &tenant));
    Ok(ok(&TenantsShape { tenants: page.rows, next_cursor: page.next }))
}

/// Open a tenant.
///
/// It has no Secret Token yet. With the header `Idempotency-Key` the same request opens one tenant, however often it is
/// sent.
#[utoipa::path(post, path = "/api/v1/tenants", request_body = TenantBody, tag = "tenants",
    params(("Idempotency-Key" = Option<String>, Header, description = "Chosen by the client; 1 to 255 bytes.")),
    responses((status = 201, body = TenantShape)))]
pub(super) async fn create(
    caller: Caller<Support>,
    admin: Data<Admin>,
    key: IdempotencyKey,
    body: Body<TenantBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read()?;
    let profile = match body.profile {
        None | Some(ProfileWord::Entra) => Profile::Entra,
        Some(ProfileWord::Rfc) => Profile::Rfc,
    };
    let new = NewTenant { name: body.name, label: body.label, profile };
    let tenant = admin.create_tenant(caller.by(), new, key.read()?).await?;
    let location = format!("{}/tenants/{}", super::PREFIX, tenant.label);
    Ok(created(Some(location), &shape(&admin, &tenant)))
}

/// Show a tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}", tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id")), responses((status = 200, body = TenantShape)))]
pub(super) async fn show(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Problem> {
    let tenant = admin.tenant(&tenant).await?;
    Ok(ok(&shape(&admin, &tenant)))
}

/// Suspend a tenant.
///
/// Every request of its provisioning client is refused with 403; everything is kept.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/suspend", tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id")), responses((status = 200, body = TenantShape)))]
pub(super) async fn suspend(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Problem> {
    let tenant = admin.set_tenant_state(caller.by(), &tenant, TenantState::Suspended).await?;
    Ok(ok(&shape(&admin, &tenant)))
}

/// End a suspension.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/resume", tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id")), responses((status = 200, body = TenantShape)))]
pub(super) async fn resume(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Problem> {
    let tenant = admin.set_tenant_state(caller.by(), &tenant, TenantState::Active).await?;
    Ok(ok(&shape(&admin, &tenant)))
}

/// Erase a tenant.
///
/// With all its users, groups, credentials and changes, for ever. Only the audit log keeps that it was there.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}", tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id"), Confirmation), responses((status = 204)))]
pub(super) async fn delete(
    caller: Caller<Administrator>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<Confirmation>,
) -> Result<HttpResponse, Problem> {
    admin.delete_tenant(caller.by(), &tenant, &query.read()?.confirm).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Export a tenant as JSON Lines.
///
/// Each line is an object with a `type`: `tenant`, `User`, `Group`, `deleted`, `change`, and last of all `end`, which
/// counts the lines before it: without it the export is not whole.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/export", tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id")),
    responses((status = 200, body = String, content_type = "application/jsonl")))]
pub(super) async fn export(
    caller: Caller<Administrator>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Problem> {
    let lines = export::export(admin.into_inner(), caller.by(), &tenant).await?;
    let bytes = lines.map_ok(Bytes::from).map_err(Problem::from);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/jsonl"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(bytes))
}
