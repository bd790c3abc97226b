//! `/tenants`: the list.

use super::{
    failure::Refusal,
    frame::{Frame, Section},
    visitor::Visitor,
};
use crate::{Admin, caller::Viewer, request::Query, web};
use actix_web::{HttpResponse, web::Data};
use askama::Template;
use serde::Deserialize;
use store::Tenant;

/// Which page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "tenants.html")]
struct TenantsPage {
    frame: Frame,
    tenants: Vec<Tenant>,
    next: Option<String>,
}

/// A page of the tenants.
pub(super) async fn list(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Refusal> {
    let listed = admin.tenants(query.read()?.cursor.as_deref(), None).await?;
    let next = listed.next.map(|cursor| format!("/tenants?cursor={cursor}"));
    let page = TenantsPage { frame: visitor.frame(Section::Tenants), tenants: listed.rows, next };
    Ok(web::page(&page)?)
}
