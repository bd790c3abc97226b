//! `/tenants/{tenant}/secret-tokens`.

use super::{
    Problem,
    caller::{Caller, Support, Viewer},
    request::{Body, Query},
    rotations::{SeenShape, seen_shape},
    tenants::{PageQuery, created, ok},
};
use crate::{Admin, GivenToken, idempotency::IdempotencyKey};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::SecretTokenRow;
use utoipa::ToSchema;

/// A token to be issued.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IssueBody {
    /// A word to know it by.
    #[serde(default)]
    label: String,
    /// How long it is good.
    expires_in_seconds: Option<u64>,
}

/// What is stored of a token.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct TokenShape {
    id: String,
    /// The part of the token by which people speak of it.
    key_id: String,
    label: String,
    created: String,
    expires: Option<String>,
    revoked: Option<String>,
    #[serde(flatten)]
    seen: SeenShape,
}

/// A page of the tokens of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(super) struct TokensShape {
    secret_tokens: Vec<TokenShape>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// A token just issued.
#[derive(Serialize, ToSchema)]
#[schema(as = Issued)]
pub(super) struct IssuedShape {
    #[serde(flatten)]
    token: TokenShape,
    /// The Secret Token, shown this one time; null where the same request has been answered with it before.
    secret_token: Option<String>,
}

fn shape(row: &SecretTokenRow) -> TokenShape {
    let time = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
    TokenShape {
        id: row.id.to_string(),
        key_id: row.key_id.clone(),
        label: row.label.clone(),
        created: row.created.to_rfc3339(),
        expires: time(row.expires),
        revoked: time(row.revoked),
        seen: seen_shape(row.seen.as_ref()),
    }
}

fn issued(given: &GivenToken) -> IssuedShape {
    let secret_token = given.token.as_ref().map(|token| token.reveal().to_owned());
    IssuedShape { token: shape(&given.row), secret_token }
}

/// List the Secret Tokens of a tenant, oldest first, ended ones too.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/secret-tokens", tag = "secret tokens",
    params(("tenant" = String, Path, description = "Label or id"), PageQuery),
    responses((status = 200, body = TokensShape)))]
pub(super) async fn list(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.secret_tokens_page(&tenant, query.cursor.as_deref(), query.count).await?;
    let page = page.map(|row| shape(&row));
    Ok(ok(&TokensShape { secret_tokens: page.rows, next_cursor: page.next }))
}

/// Issue a Secret Token.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/secret-tokens", request_body = IssueBody, tag = "secret tokens",
    params(("tenant" = String, Path, description = "Label or id"), IdempotencyKey),
    responses((status = 201, body = IssuedShape)))]
pub(super) async fn issue(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
    key: IdempotencyKey,
    body: Body<IssueBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    let lifetime = body.expires_in_seconds.map(Duration::from_secs);
    let given = admin.issue_secret_token(caller.by(), &tenant, &body.label, lifetime, key.read()?).await?;
    Ok(created(None, &issued(&given)))
}

/// End a Secret Token now.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/secret-tokens/{key_id}/revoke", tag = "secret tokens",
    params(("tenant" = String, Path, description = "Label or id"), ("key_id" = String, Path)),
    responses((status = 200, body = TokenShape)))]
pub(super) async fn revoke(
    caller: Caller<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, key_id) = path.into_inner();
    let row = admin.revoke_secret_token(caller.by(), &tenant, &key_id).await?;
    Ok(ok(&shape(&row)))
}
