//! `/audit`.

use super::{
    Problem,
    caller::{Administrator, Caller},
    request::Query,
    stored::Stored,
    tenants::ok,
};
use crate::Admin;
use actix_web::{HttpResponse, web::Data};
use serde::{Deserialize, Serialize};
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
    #[schema(value_type = Value)]
    before: Stored,
    #[schema(value_type = Value)]
    after: Stored,
}

/// A page of the audit log, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Audits)]
pub(super) struct AuditsShape {
    audit: Vec<AuditShape>,
    next_cursor: Option<String>,
}

fn shape(row: AuditRow) -> AuditShape {
    AuditShape {
        position: row.position,
        at: row.at.to_rfc3339(),
        actor: row.actor,
        origin: row.origin,
        action: row.action,
        target: row.target,
        tenant_id: row.tenant.map(|tenant| tenant.to_string()),
        before: row.before.into(),
        after: row.after.into(),
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

/// What checking the audit log came to.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditVerification)]
pub(super) struct VerificationShape {
    /// Whether no row was changed, removed or moved.
    verified: bool,
    /// How many rows there are. Keep it with the hash elsewhere, to be able to tell that the whole log was not written anew.
    rows: Option<i64>,
    /// Of the last row and of all before it; hexadecimal.
    hash: Option<String>,
    /// What is wrong, at the first position where something is.
    broken: Option<String>,
}

/// Check that no row of the audit log was changed, removed or moved.
#[utoipa::path(get, path = "/api/v1/audit/verification", tag = "audit",
    responses((status = 200, body = VerificationShape)))]
pub(super) async fn verify(
    _caller: Caller<Administrator>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Problem> {
    let shape = match admin.verify_audit_log().await? {
        Ok(head) => VerificationShape {
            verified: true,
            rows: Some(head.position),
            hash: Some(head.hash.iter().map(|byte| format!("{byte:02x}")).collect()),
            broken: None,
        },
        Err(broken) => {
            VerificationShape { verified: false, rows: None, hash: None, broken: Some(broken.to_string()) }
        }
    };
    Ok(ok(&shape))
}
