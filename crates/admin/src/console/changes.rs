//! `/tenants/{tenant}/changes`: what happened in a tenant, or to one of its users and groups, the newest first.

use super::{
    address::address,
    failure::{Again, Refusal},
    frame::{Frame, Section},
    tenant::{Tab, TenantHead},
    timeline::{self, ChangeView},
    visitor::Visitor,
};
use crate::{Admin, Failure, caller::Viewer, request::Query, web};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;
use serde::Deserialize;

/// Which changes.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChangesQuery {
    resource: String,
    cursor: String,
}

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage {
    frame: Frame,
    tenant: TenantHead,
    resource: String,
    changes: Vec<ChangeView>,
    next: Option<String>,
    wrong: Option<String>,
}

/// A page of the change log.
pub(super) async fn list(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<ChangesQuery>,
) -> Result<HttpResponse, Refusal> {
    let ChangesQuery { resource, cursor } = query.read()?;
    let tenant = TenantHead::of(&admin.tenant(&tenant).await?, Tab::Changes);
    let resource = resource.trim().to_owned();
    let frame = visitor.frame(Section::Tenants);
    let mut page = ChangesPage { frame, tenant, resource, changes: Vec::new(), next: None, wrong: None };
    let of = Some(page.resource.as_str()).filter(|id| !id.is_empty());
    match admin.changes(&page.tenant.label, of, Some(&cursor), None).await {
        Ok(listed) => {
            page.changes = timeline::views(&admin, &page.tenant, &listed.rows).await?;
            let path = page.tenant.at("/changes");
            page.next = listed
                .next
                .map(|cursor| address(&path, &[("resource", &page.resource), ("cursor", &cursor)]));
            Ok(web::page(&page)?)
        }
        Err(failure) => {
            // Also an id that is none, which was typed into the field.
            let again = Again::of(match failure {
                Failure::NotFound(words) => Failure::Invalid(words),
                other => other,
            })?;
            page.wrong = Some(again.words.clone());
            Ok(again.page(&page)?)
        }
    }
}
