//! `/api-tokens`.

use super::{
    Problem,
    caller::{Caller, InPerson, Viewer},
    operators::RoleWord,
    request::{Body, Query},
    tenants::{PageQuery, created, ok},
};
use crate::{Admin, Failure, NewApiToken, idempotency::IdempotencyKey};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{ApiTokenRow, Operator};
use utoipa::ToSchema;

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiTokenBody {
    /// A word to know it by.
    #[schema(example = "nightly export")]
    label: String,
    /// The most that it may do; one's own role unless it is said.
    role: Option<RoleWord>,
    /// How long it is good.
    expires_in_seconds: Option<u64>,
    /// Whose it shall be; said at the command line alone.
    operator: Option<String>,
}

/// What is stored of a token.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiToken)]
pub(super) struct ApiTokenShape {
    /// The part of the token by which people speak of it.
    key_id: String,
    /// Whose it is.
    operator: String,
    label: String,
    /// The most that it may do; it never may more than its operator.
    role: &'static str,
    created: String,
    expires: String,
    revoked: Option<String>,
    /// When it was last used, a minute late.
    last_used: Option<String>,
}

/// A page of API tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiTokens)]
pub(super) struct ApiTokensShape {
    api_tokens: Vec<ApiTokenShape>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// A token just made.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedApiToken)]
pub(super) struct IssuedShape {
    #[serde(flatten)]
    shape: ApiTokenShape,
    /// For the header `Authorization: Bearer`. Shown this one time; null where the same request has been answered with it
    /// before.
    api_token: Option<String>,
}

fn shape(row: &ApiTokenRow, operator: &Operator) -> ApiTokenShape {
    ApiTokenShape {
        key_id: row.key_id.clone(),
        operator: operator.name.clone(),
        label: row.label.clone(),
        role: row.role.as_str(),
        created: row.created.to_rfc3339(),
        expires: row.expires.to_rfc3339(),
        revoked: row.revoked.map(Timestamp::to_rfc3339),
        last_used: row.last_used.map(Timestamp::to_rfc3339),
    }
}

/// List one's own API tokens, oldest first, ended ones too; an admin's list has those of all operators.
#[utoipa::path(get, path = "/api/v1/api-tokens", params(PageQuery), tag = "API tokens",
    responses((status = 200, body = ApiTokensShape)))]
pub(super) async fn list(
    caller: Caller<Viewer>,
    admin: Data<Admin>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.api_tokens_page(caller.operator(), query.cursor.as_deref(), query.count).await?;
    let page = page.map(|(row, operator)| shape(&row, &operator));
    Ok(ok(&ApiTokensShape { api_tokens: page.rows, next_cursor: page.next }))
}

/// Make an API token of one's own.
///
/// Scripts show it as `Authorization: Bearer TOKEN` and need neither cookie nor CSRF token. It ends by itself, when it is
/// revoked, and when its operator is disabled or reset. What gives somebody access needs a session: passwords and second factors,
/// adding, resetting and enabling operators, their roles, and making other API tokens.
#[utoipa::path(post, path = "/api/v1/api-tokens", request_body = ApiTokenBody, params(IdempotencyKey),
    tag = "API tokens", responses((status = 201, body = IssuedShape)))]
pub(super) async fn create(
    InPerson(caller): InPerson<Viewer>,
    admin: Data<Admin>,
    key: IdempotencyKey,
    body: Body<ApiTokenBody>,
) -> Result<HttpResponse, Problem> {
    let (body, key) = (body.read(&admin).await?, key.read()?);
    let new = NewApiToken {
        label: body.label,
        role: body.role.map(Into::into),
        lifetime: body.expires_in_seconds.map(Duration::from_secs),
    };
    let given = match (caller.operator(), body.operator) {
        (Some(own), None) => admin.create_api_token(caller.by(), (own, caller.session()), new, key).await?,
        (None, Some(name)) => admin.create_api_token_of(caller.by(), &name, new, key).await?,
        (Some(_), Some(_)) => {
            return Err(Failure::Invalid("Operators make tokens of their own only.".to_owned()).into());
        }
        (None, None) => return Err(Failure::Invalid("Whose shall it be?".to_owned()).into()),
    };
    let shape = shape(&given.row, &given.operator);
    let api_token = given.token.map(|token| token.reveal().to_owned());
    Ok(created(None, &IssuedShape { shape, api_token }))
}

/// End an API token now.
///
/// One's own; an admin can end those of all operators.
#[utoipa::path(post, path = "/api/v1/api-tokens/{key_id}/revoke", params(("key_id" = String, Path)), tag = "API tokens",
    responses((status = 200, body = ApiTokenShape)))]
pub(super) async fn revoke(
    caller: Caller<Viewer>,
    admin: Data<Admin>,
    key_id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let (row, operator) = admin.revoke_api_token(caller.by(), caller.operator(), &key_id).await?;
    Ok(ok(&shape(&row, &operator)))
}
