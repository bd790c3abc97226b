//! `/tenants`.

use super::{
    Problem,
    caller::{Administrator, Caller, Support, Viewer},
    request::{Body, Query},
};
use crate::{Admin, NewTenant, TenantOverview, TenantsQuery, export, idempotency::IdempotencyKey};
use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION},
    web::{Bytes, Data, Path},
};
use futures_util::TryStreamExt;
use scim::{Profile, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Tenant, TenantState, TenantUpdate};
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
    /// How many rows, 1 to 200; 50 if not given. A page of large rows ends sooner: at 4 MB. Its `next_cursor` continues
    /// from there.
    pub(super) count: Option<u32>,
}

/// Which tenants.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchQuery {
    /// Words, each of which is in the label or in the name, without regard to case.
    search: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    state: Option<StateWord>,
    /// `next_cursor` of the page before; with the same search.
    cursor: Option<String>,
    /// How many tenants, 1 to 200; 50 if not given.
    count: Option<u32>,
}

/// A state.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum StateWord {
    Active,
    Suspended,
}

/// What is changed of a tenant; what is not given stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantUpdateBody {
    /// The customer's name.
    name: Option<String>,
    /// How its provisioning client speaks SCIM; from the next request on.
    profile: Option<ProfileWord>,
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
    Interop,
}

impl From<ProfileWord> for Profile {
    fn from(word: ProfileWord) -> Self {
        match word {
            ProfileWord::Entra => Profile::Entra,
            ProfileWord::Rfc => Profile::Rfc,
            ProfileWord::Interop => Profile::Interop,
        }
    }
}

/// The confirmation of what a customer notices.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// The tenant's label.
    #[serde(default)]
    #[param(required)]
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
    overview: OverviewShape,
}

/// How a tenant is, and how much there is of it.
///
/// In a list `deleted` is counted no further than 10,000: a number above that means "more".
#[derive(Serialize, ToSchema)]
#[schema(as = TenantOverview)]
pub(super) struct OverviewShape {
    /// Users, active or not.
    users: i64,
    active_users: i64,
    groups: i64,
    /// Members of groups.
    memberships: i64,
    /// Bytes of the users and groups as JSON.
    bytes: i64,
    /// Deleted users and groups that can be restored.
    deleted: u64,
    /// The most changes that there can have been since the tenant was created. Purged changes count as well.
    changes: u64,
    last_change: Option<String>,
    /// When a credential was last used, some seconds late; null if never.
    last_seen: Option<String>,
    /// Credentials that are good.
    live_credentials: usize,
    /// When the first of them expires.
    next_expiry: Option<String>,
    health: HealthShape,
}

/// A judgement of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(super) struct HealthShape {
    /// `well`, `new`, `notice`, `warning`, `critical` or `suspended`.
    level: &'static str,
    /// Sentences, the worst first.
    reasons: Vec<String>,
}

/// A page of tenants.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenants)]
pub(super) struct TenantsShape {
    tenants: Vec<TenantShape>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

fn overview_shape(overview: &TenantOverview) -> OverviewShape {
    let time = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
    let figures = &overview.figures;
    OverviewShape {
        users: figures.counts.users,
        active_users: figures.counts.active_users,
        groups: figures.counts.groups,
        memberships: figures.counts.memberships,
        bytes: figures.counts.bytes,
        deleted: figures.deleted,
        changes: figures.changes,
        last_change: time(figures.last_change),
        last_seen: time(overview.last_seen),
        live_credentials: overview.live_credentials,
        next_expiry: time(overview.next_expiry),
        health: HealthShape {
            level: overview.health.level.as_str(),
            reasons: overview.health.reasons.iter().map(ToString::to_string).collect(),
        },
    }
}

/// A tenant as it is after a change.
async fn whole(admin: &Admin, tenant: Tenant) -> Result<TenantShape, Problem> {
    Ok(shape(admin, &admin.overview_of(tenant).await?))
}

fn shape(admin: &Admin, overview: &TenantOverview) -> TenantShape {
    let tenant = &overview.tenant;
    TenantShape {
        id: tenant.id.to_string(),
        label: tenant.label.clone(),
        name: tenant.name.clone(),
        tenant_url: admin.tenant_url(tenant),
        profile: tenant.profile.as_str(),
        state: tenant.state.as_str(),
        created: tenant.created.to_rfc3339(),
        overview: overview_shape(overview),
    }
}

/// List or search tenants, by label.
#[utoipa::path(get, path = "/api/v1/tenants", params(SearchQuery), tag = "tenants",
    responses((status = 200, body = TenantsShape)))]
pub(super) async fn list(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    query: Query<SearchQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let state = query.state.map(|state| match state {
        StateWord::Active => TenantState::Active,
        StateWord::Suspended => TenantState::Suspended,
    });
    let SearchQuery { search: text, cursor, count, .. } = query;
    let page = admin.tenants(&TenantsQuery { text, state, cursor, count }).await?;
    let page = page.map(|overview| shape(&admin, &overview));
    Ok(ok(&TenantsShape { tenants: page.rows, next_cursor: page.next }))
}

/// Open a tenant.
///
/// It has no Secret Token yet.
#[utoipa::path(post, path = "/api/v1/tenants", request_body = TenantBody, tag = "tenants",
    params(IdempotencyKey),
    responses((status = 201, body = TenantShape)))]
pub(super) async fn create(
    caller: Caller<Support>,
    admin: Data<Admin>,
    key: IdempotencyKey,
    body: Body<TenantBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    let profile = body.profile.map_or(Profile::Entra, Profile::from);
    let new = NewTenant { name: body.name, label: body.label, profile };
    let tenant = admin.create_tenant(caller.by(), new, key.read()?).await?;
    let location = format!("{}/tenants/{}", super::PREFIX, tenant.label);
    Ok(created(Some(location), &whole(&admin, tenant).await?))
}

/// Show a tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}", tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id")), responses((status = 200, body = TenantShape)))]
pub(super) async fn show(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(ok(&shape(&admin, &admin.tenant_overview(&tenant).await?)))
}

/// Change the name or the compatibility profile of a tenant.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}", request_body = TenantUpdateBody, tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id")), responses((status = 200, body = TenantShape)))]
pub(super) async fn change(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
    body: Body<TenantUpdateBody>,
) -> Result<HttpResponse, Problem> {
    let TenantUpdateBody { name, profile } = body.read(&admin).await?;
    let update = TenantUpdate { name, profile: profile.map(Profile::from) };
    let tenant = admin.change_tenant(caller.by(), &tenant, update).await?;
    Ok(ok(&whole(&admin, tenant).await?))
}

/// Suspend a tenant.
///
/// Every request of its provisioning client is refused with 403; everything is kept.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/suspend", tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id"), Confirmation), responses((status = 200, body = TenantShape)))]
pub(super) async fn suspend(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let tenant = admin.confirmed_tenant(&tenant, &query.read()?.confirm).await?;
    let tenant = admin.set_tenant_state(caller.by(), &tenant.label, TenantState::Suspended).await?;
    Ok(ok(&whole(&admin, tenant).await?))
}

/// End a suspension.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/resume", tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id"), Confirmation), responses((status = 200, body = TenantShape)))]
pub(super) async fn resume(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let tenant = admin.confirmed_tenant(&tenant, &query.read()?.confirm).await?;
    let tenant = admin.set_tenant_state(caller.by(), &tenant.label, TenantState::Active).await?;
    Ok(ok(&whole(&admin, tenant).await?))
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
    params(("tenant" = String, Path, description = "Label or id"), Confirmation),
    responses((status = 200, body = String, content_type = "application/jsonl")))]
pub(super) async fn export(
    caller: Caller<Administrator>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let tenant = admin.confirmed_tenant(&tenant, &query.read()?.confirm).await?;
    let lines = export::export(admin.into_inner(), caller.by(), &tenant.label).await?;
    let bytes = lines.map_ok(Bytes::from).map_err(Problem::from);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/jsonl"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(bytes))
}
