//! `/expiring-credentials`.

use super::{
    Problem,
    caller::{Caller, Viewer},
    request::Query,
    rotations::{SeenShape, seen_shape},
    tenants::{PageQuery, ok},
};
use crate::{Admin, expiry::Within};
use actix_web::{HttpResponse, web::Data};
use scim::Timestamp;
use serde::Serialize;
use store::EndingCredential;
use utoipa::ToSchema;

/// A credential that ends soon, or has ended lately.
#[derive(Serialize, ToSchema)]
#[schema(as = ExpiringCredential)]
pub(super) struct ExpiringShape {
    /// Label of the tenant.
    tenant: String,
    tenant_name: String,
    /// `secret-token` or `client-secret`.
    kind: &'static str,
    /// Of a client secret.
    client_id: Option<String>,
    key_id: String,
    /// Of the token, or of the client of the secret.
    label: String,
    expires: String,
    /// `expired`, `7d`, `30d` or `60d`: in how many days at most.
    within: Option<&'static str>,
    #[serde(flatten)]
    seen: SeenShape,
}

/// A page of them.
#[derive(Serialize, ToSchema)]
#[schema(as = ExpiringCredentials)]
pub(super) struct ExpiringListShape {
    expiring_credentials: Vec<ExpiringShape>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

fn shape(row: &EndingCredential, now: Timestamp) -> ExpiringShape {
    ExpiringShape {
        tenant: row.tenant.label.clone(),
        tenant_name: row.tenant.name.clone(),
        kind: row.kind.as_str(),
        client_id: row.client.map(|client| client.to_string()),
        key_id: row.key_id.clone(),
        label: row.label.clone(),
        expires: row.expires.to_rfc3339(),
        within: Within::of(row.expires, now).map(Within::as_str),
        seen: seen_shape(row.seen.as_ref()),
    }
}

/// List the credentials of all tenants that end within 60 days, or have ended within the last 7.
///
/// In the order in which they end; revoked ones are left out.
#[utoipa::path(get, path = "/api/v1/expiring-credentials", tag = "expiring credentials", params(PageQuery),
    responses((status = 200, body = ExpiringListShape)))]
pub(super) async fn list(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.expiring_credentials(query.cursor.as_deref(), query.count).await?;
    let now = admin.now();
    let page = page.map(|row| shape(&row, now));
    Ok(ok(&ExpiringListShape { expiring_credentials: page.rows, next_cursor: page.next }))
}
