//! `/tenants/{tenant}/setup-links`.

use super::{
    Problem,
    caller::{Caller, Support, Viewer},
    request::{Body, Query},
    tenants::{PageQuery, created, ok},
};
use crate::{Admin, idempotency::IdempotencyKey};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokens::FollowedLink;
use utoipa::ToSchema;

/// A link to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkBody {
    /// For whom it is. The audit log has the id of the link instead.
    #[schema(example = "Adele Vance, Contoso IT")]
    label: String,
    /// How long it can be opened.
    expires_in_seconds: Option<u64>,
}

/// How to revoke.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeLinkBody {
    /// Whether the Secret Token that it has issued ends too.
    #[serde(default)]
    secret_token: bool,
}

/// What is stored of a link.
#[derive(Serialize, ToSchema)]
#[schema(as = SetupLink)]
pub(super) struct LinkShape {
    id: String,
    label: String,
    /// Open, opened (its Secret Token is not in use yet), connected (it is), expired (nobody opened it) or revoked.
    #[schema(pattern = "^(open|opened|connected|expired|revoked)$")]
    state: &'static str,
    created: String,
    created_by: String,
    /// From when on it cannot be opened.
    expires: String,
    revoked: Option<String>,
    opened: Option<String>,
    /// The address that it was opened from.
    opened_from: Option<String>,
    /// When the page of the browser that has opened it ends.
    session_ends: Option<String>,
    /// The part by which people speak of the Secret Token that it has issued.
    secret_token_key_id: Option<String>,
    /// When that token was last used, some seconds late.
    secret_token_last_used: Option<String>,
}

/// A page of the setup links of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = SetupLinks)]
pub(super) struct LinksShape {
    setup_links: Vec<LinkShape>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// A link just made.
#[derive(Serialize, ToSchema)]
#[schema(as = NewSetupLink)]
pub(super) struct NewLinkShape {
    #[serde(flatten)]
    link: LinkShape,
    /// Its address, to be sent to whom it is for. Shown this one time; null where the same request has been answered with
    /// it before.
    url: Option<String>,
}

fn shape(admin: &Admin, followed: &FollowedLink) -> LinkShape {
    let time = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
    let FollowedLink { link, secret_token } = followed;
    let opening = link.opening.as_ref();
    LinkShape {
        id: link.id.to_string(),
        label: link.label.clone(),
        state: admin.setup_state(followed).as_str(),
        created: link.created.to_rfc3339(),
        created_by: link.created_by.clone(),
        expires: link.expires.to_rfc3339(),
        revoked: time(link.revoked),
        opened: time(opening.map(|opening| opening.at)),
        opened_from: opening.map(|opening| opening.from.clone()),
        session_ends: time(opening.map(|opening| opening.session_ends)),
        secret_token_key_id: secret_token.as_ref().map(|token| token.key_id.clone()),
        secret_token_last_used: time(secret_token.as_ref().and_then(|token| token.last_used())),
    }
}

/// List the setup links of a tenant, oldest first, ended ones too.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/setup-links", tag = "setup links",
    params(("tenant" = String, Path, description = "Label or id"), PageQuery),
    responses((status = 200, body = LinksShape)))]
pub(super) async fn list(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.setup_links_page(&tenant, query.cursor.as_deref(), query.count).await?;
    let page = page.map(|link| shape(&admin, &link));
    Ok(ok(&LinksShape { setup_links: page.rows, next_cursor: page.next }))
}

/// Make a setup link.
///
/// By it the customer's administrator opens, once, a page with Tenant URL and Secret Token, which is issued at that moment.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/setup-links", request_body = LinkBody, tag = "setup links",
    params(("tenant" = String, Path, description = "Label or id"), IdempotencyKey),
    responses((status = 201, body = NewLinkShape)))]
pub(super) async fn create(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
    key: IdempotencyKey,
    body: Body<LinkBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    let lifetime = body.expires_in_seconds.map(Duration::from_secs);
    let given = admin.create_setup_link(caller.by(), &tenant, &body.label, lifetime, key.read()?).await?;
    Ok(created(None, &NewLinkShape { link: shape(&admin, &given.followed), url: given.url }))
}

/// End a setup link now, with the setup page that it has opened.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/setup-links/{id}/revoke", request_body = RevokeLinkBody,
    tag = "setup links",
    params(("tenant" = String, Path, description = "Label or id"), ("id" = String, Path)),
    responses((status = 200, body = LinkShape)))]
pub(super) async fn revoke(
    caller: Caller<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
    body: Body<RevokeLinkBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    let (tenant, id) = path.into_inner();
    let revoked = admin.revoke_setup_link(caller.by(), &tenant, &id, body.secret_token).await?;
    Ok(ok(&shape(&admin, &revoked)))
}
