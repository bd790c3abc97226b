//! `/operators`.

use super::{
    Problem,
    caller::{Administrator, Caller, InPerson},
    request::{Body, Query},
    tenants::{PageQuery, created, ok},
};
use crate::{Admin, NewOperator, OneTimePassword, idempotency::IdempotencyKey};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use serde::{Deserialize, Serialize};
use store::{Operator, Role};
use utoipa::ToSchema;

/// An operator to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorBody {
    #[schema(example = "anna")]
    name: String,
    role: RoleWord,
}

/// What an operator may do.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RoleWord {
    Viewer,
    Support,
    Admin,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Role {
        match word {
            RoleWord::Viewer => Role::Viewer,
            RoleWord::Support => Role::Support,
            RoleWord::Admin => Role::Admin,
        }
    }
}

/// A role to be given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleBody {
    role: RoleWord,
}

/// An operator.
#[derive(Serialize, ToSchema)]
#[schema(as = Operator)]
pub(super) struct OperatorShape {
    id: String,
    name: String,
    role: &'static str,
    active: bool,
    /// The one-time password was not changed yet.
    must_change_password: bool,
    /// The second factor is in use.
    totp: bool,
    created: String,
}

/// A page of the operators.
#[derive(Serialize, ToSchema)]
#[schema(as = Operators)]
pub(super) struct OperatorsShape {
    operators: Vec<OperatorShape>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// An operator with the password of the first sign-in.
#[derive(Serialize, ToSchema)]
#[schema(as = OneTimePassword)]
pub(super) struct OneTimePasswordShape {
    #[serde(flatten)]
    operator: OperatorShape,
    /// It must be changed at the first sign-in. Shown this one time; null where the same request has been answered with it
    /// before.
    one_time_password: Option<String>,
}

fn shape(operator: &Operator) -> OperatorShape {
    OperatorShape {
        id: operator.id.to_string(),
        name: operator.name.clone(),
        role: operator.role.as_str(),
        active: operator.is_active,
        must_change_password: operator.password_is_once,
        totp: operator.has_totp(),
        created: operator.created.to_rfc3339(),
    }
}

fn with_password(given: &OneTimePassword) -> OneTimePasswordShape {
    OneTimePasswordShape {
        operator: shape(&given.operator),
        one_time_password: given.password.as_ref().map(|password| password.as_str().to_owned()),
    }
}

/// List the operators, by name.
#[utoipa::path(get, path = "/api/v1/operators", params(PageQuery), tag = "operators",
    responses((status = 200, body = OperatorsShape)))]
pub(super) async fn list(
    _caller: Caller<Administrator>,
    admin: Data<Admin>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.operators_page(query.cursor.as_deref(), query.count).await?;
    let page = page.map(|operator| shape(&operator));
    Ok(ok(&OperatorsShape { operators: page.rows, next_cursor: page.next }))
}

/// Add an operator.
#[utoipa::path(post, path = "/api/v1/operators", request_body = OperatorBody, params(IdempotencyKey), tag = "operators",
    responses((status = 201, body = OneTimePasswordShape)))]
pub(super) async fn create(
    InPerson(caller): InPerson<Administrator>,
    admin: Data<Admin>,
    key: IdempotencyKey,
    body: Body<OperatorBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    let new = NewOperator { name: body.name, role: body.role.into() };
    let given = admin.create_operator(caller.by(), new, key.read()?).await?;
    Ok(created(None, &with_password(&given)))
}

/// Give an operator a new one-time password.
///
/// The second factor is taken away, every session and API token ends, and a disabled operator may sign in again.
#[utoipa::path(post, path = "/api/v1/operators/{name}/reset", params(("name" = String, Path)), tag = "operators",
    responses((status = 200, body = OneTimePasswordShape)))]
pub(super) async fn reset(
    InPerson(caller): InPerson<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let given = admin.reset_operator(caller.by(), &name).await?;
    Ok(ok(&with_password(&given)))
}

/// Let an operator sign in no more.
///
/// Every session and API token ends. Nobody can disable themselves, nor the last active admin.
#[utoipa::path(post, path = "/api/v1/operators/{name}/disable", params(("name" = String, Path)), tag = "operators",
    responses((status = 200, body = OperatorShape)))]
pub(super) async fn disable(
    caller: Caller<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(ok(&shape(&admin.disable_operator(caller.by(), &name).await?)))
}

/// Let a disabled operator sign in again.
///
/// With the password and the second factor from before; `reset` gives new ones.
#[utoipa::path(post, path = "/api/v1/operators/{name}/enable", params(("name" = String, Path)), tag = "operators",
    responses((status = 200, body = OperatorShape)))]
pub(super) async fn enable(
    InPerson(caller): InPerson<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(ok(&shape(&admin.enable_operator(caller.by(), &name).await?)))
}

/// Give an operator another role.
///
/// It counts from the next request on. Nobody can change their own role, nor that of the last active admin.
#[utoipa::path(put, path = "/api/v1/operators/{name}/role", request_body = RoleBody, params(("name" = String, Path)),
    operation_id = "set-role", tag = "operators", responses((status = 200, body = OperatorShape)))]
pub(super) async fn set_role(
    InPerson(caller): InPerson<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
    body: Body<RoleBody>,
) -> Result<HttpResponse, Problem> {
    let role = body.read(&admin).await?.role.into();
    Ok(ok(&shape(&admin.set_operator_role(caller.by(), &name, role).await?)))
}
