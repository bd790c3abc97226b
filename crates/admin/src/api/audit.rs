//! `/audit`.

use super::{
    Problem,
    caller::{Administrator, Caller},
    request::Query,
    tenants::ok,
};
use crate::Admin;
use actix_web::{HttpResponse, web::Data};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::AuditRow;
use utoipa::{IntoParams, ToSchema};

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// Of this tenant alone: label or id.
    tenant: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many rows, 1 to 200; 50 if not given.
    count: Option<u32>,
}

/// A row of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = Audit)]
pub(super) struct AuditShape {
    position: i64,
    at: String,
    /// Who.
    actor: String,
    /// From where.
    origin: String,
    /// What.
    action: String,
    /// To what.
    target: String,
    /// Id of the tenant, where it is a tenant's.
    tenant_id: Option<String>,
    before: Value,
    after: Value,
}

/// A page of the audit log, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Audits)]
pub(super) struct AuditsShape {
    audit: Vec<AuditShape>,
    next_cursor: Option<String>,
}

fn shape(row: AuditRow) -> AuditShape {
    let parsed =
        |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    AuditShape {
        position: row.position,
        at: row.at.to_rfc3339(),
        actor: row.actor,
        origin: row.origin,
        action: row.action,
        target: row.target,
        tenant_id: row.tenant.map(|tenant| tenant.to_string()),
        before: parsed(row.before),
        after: parsed(row.after),
    }
}

/// Read the audit log, newest first.
#[utoipa::path(get, path = "/api/v1/audit", params(AuditQuery), tag = "audit",
    responses((status = 200, body = AuditsShape)))]
pub(super) async fn list(
    _caller: Caller<Administrator>,
    admin: Data<Admin>,
    query: Query<AuditQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.audit_log(query.tenant.as_deref(), query.cursor.as_deref(), query.count).await?;
    let page = page.map(shape);
    Ok(ok(&AuditsShape { audit: page.rows, next_cursor: page.next }))
}
