//! Users and groups of a tenant, what happened to them, and what was deleted.

use super::{
    Problem,
    caller::{Caller, Support, Viewer},
    request::Query,
    stored::Stored,
    tenants::{PageQuery, ok},
};
use crate::{Admin, Failure, Listed};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::schema::ResourceKind;
use serde::{Deserialize, Serialize};
use store::{ChangeRow, DeletedRow, UserNameCollision};
use utoipa::{IntoParams, ToSchema};

/// What to find.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchQuery {
    /// Any SCIM filter (RFC 7644 section 3.4.2.2), as `userName sw "an"`.
    filter: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many resources, 1 to 200; 50 if not given. A page of large resources ends sooner: at 4 MB. Its `next_cursor`
    /// continues from there.
    count: Option<u32>,
}

/// A page of users or groups.
#[derive(Serialize, ToSchema)]
#[schema(as = Resources)]
pub(super) struct ResourcesShape {
    /// In the form of SCIM (RFC 7643).
    #[schema(value_type = Vec<Value>)]
    resources: Vec<Stored>,
    /// How many there are on all pages.
    total: u64,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// A change of a user or group.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
pub(super) struct ChangeShape {
    /// Its place in the feed of the tenant.
    position: i64,
    at: String,
    /// The credential or operator that asked; null for the command line.
    actor: Option<String>,
    /// `User` or `Group`.
    resource_type: String,
    resource_id: String,
    /// `create`, `patch`, `put`, `delete`, `activate` or `deactivate`.
    event: String,
    /// The version after it.
    version: i64,
    #[schema(value_type = Value)]
    before: Stored,
    #[schema(value_type = Value)]
    after: Stored,
    /// Members that came and went.
    #[schema(value_type = Value)]
    members: Stored,
    /// What became of each operation of the request. Of the same outcome and rule at most 20 are listed; `more` of the
    /// last of them counts the others.
    #[schema(value_type = Value)]
    effects: Stored,
}

/// A page of changes, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Changes)]
pub(super) struct ChangesShape {
    changes: Vec<ChangeShape>,
    next_cursor: Option<String>,
}

/// A deleted user or group.
#[derive(Serialize, ToSchema)]
#[schema(as = Deleted)]
pub(super) struct DeletedShape {
    id: String,
    /// `User` or `Group`.
    resource_type: &'static str,
    deleted: String,
    /// From when on it is purged for good; it can be restored until then.
    purged: String,
    actor: Option<String>,
    version: i64,
    #[schema(value_type = Value)]
    document: Stored,
}

/// A page of deleted users and groups, the latest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Deleteds)]
pub(super) struct DeletedsShape {
    deleted: Vec<DeletedShape>,
    next_cursor: Option<String>,
}

/// A user whose `userName` equals that of another user. Both were created when an earlier version of the gateway took the
/// names for different ones.
#[derive(Serialize, ToSchema)]
#[schema(as = Collision)]
pub(super) struct CollisionShape {
    /// The user who is found by its own spelling of the name alone.
    id: String,
    user_name: String,
    /// The user who is found by every other spelling.
    equal_id: String,
    equal_user_name: String,
}

/// A page of users whose `userName` equals that of another user, by id.
#[derive(Serialize, ToSchema)]
#[schema(as = Collisions)]
pub(super) struct CollisionsShape {
    collisions: Vec<CollisionShape>,
    next_cursor: Option<String>,
}

/// A member of a group.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub(super) struct MemberShape {
    id: String,
    /// `User` or `Group`.
    resource_type: &'static str,
    /// `userName` of a user, `displayName` of a group.
    name: Option<String>,
}

/// A page of the members of a group, by id.
#[derive(Serialize, ToSchema)]
#[schema(as = Members)]
pub(super) struct MembersShape {
    members: Vec<MemberShape>,
    /// How many there are on all pages.
    total: u64,
    next_cursor: Option<String>,
}

fn change(row: ChangeRow) -> ChangeShape {
    ChangeShape {
        position: row.position,
        at: row.at.to_rfc3339(),
        actor: row.actor.map(|actor| actor.to_string()),
        resource_type: row.kind,
        resource_id: row.resource.to_string(),
        event: row.event,
        version: row.version,
        before: row.before.into(),
        after: row.after.into(),
        members: row.members.into(),
        effects: row.effects.into(),
    }
}

fn deleted_shape(admin: &Admin, row: DeletedRow) -> DeletedShape {
    DeletedShape {
        id: row.id.to_string(),
        resource_type: row.kind.name(),
        deleted: row.at.to_rfc3339(),
        purged: admin.purged_from(&row).to_rfc3339(),
        actor: row.actor.map(|actor| actor.to_string()),
        version: row.version,
        document: row.document.into(),
    }
}

fn collision(row: UserNameCollision) -> CollisionShape {
    CollisionShape {
        id: row.user.id.to_string(),
        user_name: row.user.user_name,
        equal_id: row.equal.id.to_string(),
        equal_user_name: row.equal.user_name,
    }
}

fn changes_page(page: Listed<ChangeRow>) -> HttpResponse {
    let page = page.map(change);
    ok(&ChangesShape { changes: page.rows, next_cursor: page.next })
}

/// `Users` or `Groups`.
fn kind(word: &str) -> Result<ResourceKind, Problem> {
    match word {
        "Users" => Ok(ResourceKind::User),
        "Groups" => Ok(ResourceKind::Group),
        _ => Err(Failure::NotFound("There are Users and Groups.".to_owned()).into()),
    }
}

/// Search users or groups.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/resources/{type}", tag = "resources",
    params(("tenant" = String, Path, description = "Label or id"), ("type" = String, Path, description = "Users or Groups"),
        SearchQuery),
    responses((status = 200, body = ResourcesShape)))]
pub(super) async fn search(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
    query: Query<SearchQuery>,
) -> Result<HttpResponse, Problem> {
    let (tenant, word) = path.into_inner();
    let (kind, query) = (kind(&word)?, query.read()?);
    let found = admin.search(&tenant, kind, query.filter, query.cursor, query.count).await?;
    let resources = found.resources.into_iter().map(Stored::from).collect();
    Ok(ok(&ResourcesShape { resources, total: found.total, next_cursor: found.next }))
}

/// Show a user or group.
///
/// A group is shown without its members, of which there may be a hundred thousand: they have an address of their own.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/resources/{type}/{id}", tag = "resources",
    params(("tenant" = String, Path, description = "Label or id"), ("type" = String, Path, description = "Users or Groups"),
        ("id" = String, Path)),
    responses((status = 200, body = Value, description = "In the form of SCIM (RFC 7643).")))]
pub(super) async fn show(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, word, id) = path.into_inner();
    Ok(ok(&admin.resource(&tenant, kind(&word)?, &id).await?))
}

/// List the members of a group.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/resources/{type}/{id}/members", tag = "resources",
    params(("tenant" = String, Path, description = "Label or id"), ("type" = String, Path, description = "Groups"),
        ("id" = String, Path), PageQuery),
    responses((status = 200, body = MembersShape)))]
pub(super) async fn members(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<(String, String, String)>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let (tenant, word, id) = path.into_inner();
    if kind(&word)? != ResourceKind::Group {
        return Err(Failure::NotFound("Only Groups have members.".to_owned()).into());
    }
    let query = query.read()?;
    let (page, total) = admin.group_members(&tenant, &id, query.cursor.as_deref(), query.count).await?;
    let page = page.map(|member| MemberShape {
        id: member.id.to_string(),
        resource_type: if member.is_group { ResourceKind::Group } else { ResourceKind::User }.name(),
        name: member.name,
    });
    Ok(ok(&MembersShape { members: page.rows, total, next_cursor: page.next }))
}

/// What happened to a user or group, newest first; also to one that was deleted.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/resources/{type}/{id}/history", tag = "resources",
    params(("tenant" = String, Path, description = "Label or id"), ("type" = String, Path, description = "Users or Groups"),
        ("id" = String, Path), PageQuery),
    responses((status = 200, body = ChangesShape)))]
pub(super) async fn history(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<(String, String, String)>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let (tenant, word, id) = path.into_inner();
    kind(&word)?;
    let query = query.read()?;
    Ok(changes_page(admin.changes(&tenant, Some(&id), query.cursor.as_deref(), query.count).await?))
}

/// What happened in a tenant, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/change-log", tag = "resources",
    params(("tenant" = String, Path, description = "Label or id"), PageQuery),
    responses((status = 200, body = ChangesShape)))]
pub(super) async fn change_log(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    Ok(changes_page(admin.changes(&tenant, None, query.cursor.as_deref(), query.count).await?))
}

/// List users whose `userName` equals that of another user.
///
/// A user leaves the list when one of the two is renamed or deleted. No new ones come.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/collisions", tag = "resources",
    params(("tenant" = String, Path, description = "Label or id"), PageQuery),
    responses((status = 200, body = CollisionsShape)))]
pub(super) async fn collisions(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.user_name_collisions(&tenant, query.cursor.as_deref(), query.count).await?;
    let page = page.map(collision);
    Ok(ok(&CollisionsShape { collisions: page.rows, next_cursor: page.next }))
}

/// List deleted users and groups that can be restored, the latest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/deleted", tag = "resources",
    params(("tenant" = String, Path, description = "Label or id"), PageQuery),
    responses((status = 200, body = DeletedsShape)))]
pub(super) async fn deleted(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.deleted(&tenant, query.cursor.as_deref(), query.count).await?;
    let page = page.map(|row| deleted_shape(&admin, row));
    Ok(ok(&DeletedsShape { deleted: page.rows, next_cursor: page.next }))
}

/// Restore a deleted user or group.
///
/// Under its id, into the groups and with the members that are still there. 409 if its `userName` is taken by now. A group
/// is shown without its members.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/deleted/{id}/restore", tag = "resources",
    params(("tenant" = String, Path, description = "Label or id"), ("id" = String, Path)),
    responses((status = 200, body = Value, description = "In the form of SCIM (RFC 7643).")))]
pub(super) async fn restore(
    caller: Caller<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    let actor = caller.operator().map(|operator| operator.id);
    Ok(ok(&admin.restore(caller.by(), actor, &tenant, &id).await?))
}
