//! `/audit`: every administrative act, the newest first, and whether the log is what was written.

use super::{
    failure::{Again, Refusal},
    frame::{Frame, Section},
    visitor::Visitor,
};
use crate::{
    Admin, Failure, Listed,
    caller::Administrator,
    request::Query,
    web::{self, Differences},
};
use actix_web::{HttpResponse, web::Data};
use askama::Template;
use serde::Deserialize;
use std::collections::{HashMap, hash_map::Entry};
use store::{AuditRow, Verified};

/// Which rows.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    #[serde(default)]
    tenant: String,
    cursor: Option<String>,
}

/// An act as the page shows it.
struct Shown {
    row: AuditRow,
    /// The label of its tenant, and those of whoever and whatever it names by an id, while they are there.
    tenant: Option<String>,
    actor: Option<String>,
    target: Option<String>,
    differences: Differences,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    rows: Vec<Shown>,
    tenant: String,
    next: Option<String>,
    wrong: Option<String>,
    verified: Option<Verified>,
}

impl AuditPage {
    async fn of(
        visitor: &Visitor<Administrator>,
        admin: &Admin,
        query: AuditQuery,
    ) -> Result<AuditPage, Failure> {
        let tenant = query.tenant.trim().to_owned();
        let filter = Some(tenant.as_str()).filter(|tenant| !tenant.is_empty());
        let Listed { rows, next } = admin.audit_log(filter, query.cursor.as_deref(), None).await?;
        let next = next.map(|cursor| match filter {
            // A tenant that was found has a plain label or id.
            Some(tenant) => format!("/audit?tenant={tenant}&cursor={cursor}"),
            None => format!("/audit?cursor={cursor}"),
        });
        let rows = shown(admin, rows).await?;
        let frame = visitor.frame(Section::Audit);
        Ok(AuditPage { frame, rows, tenant, next, wrong: None, verified: None })
    }
}

/// Each row with what it changed and the words for what it names. A page has few tenants.
async fn shown(admin: &Admin, rows: Vec<AuditRow>) -> Result<Vec<Shown>, Failure> {
    let mut names = HashMap::new();
    for tenant in rows.iter().filter_map(|row| row.tenant) {
        if let Entry::Vacant(unknown) = names.entry(tenant) {
            unknown.insert(admin.audit_names(tenant).await?);
        }
    }
    let show = |row: AuditRow| {
        let names = row.tenant.and_then(|tenant| names.get(&tenant)?.as_ref());
        Shown {
            tenant: names.map(|names| names.tenant.clone()),
            actor: names.and_then(|names| names.actor(&row)).map(str::to_owned),
            target: names.and_then(|names| names.target(&row)).map(str::to_owned),
            differences: web::differences(row.before.as_deref(), row.after.as_deref()),
            row,
        }
    };
    Ok(rows.into_iter().map(show).collect())
}

/// A page of the log.
pub(super) async fn list(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    query: Query<AuditQuery>,
) -> Result<HttpResponse, Refusal> {
    let query = query.read()?;
    let asked = query.tenant.clone();
    match AuditPage::of(&visitor, &admin, query).await {
        Ok(page) => Ok(web::page(&page)?),
        // What was typed into the field of the filter.
        Err(failure @ Failure::NotFound(_)) => {
            let again = Again::of(Failure::Invalid(failure.detail()))?;
            let page = AuditPage {
                frame: visitor.frame(Section::Audit),
                rows: Vec::new(),
                tenant: asked,
                next: None,
                wrong: Some(again.words.clone()),
                verified: None,
            };
            Ok(again.page(&page)?)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The newest page, and whether the chain of all rows holds.
pub(super) async fn verify(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Refusal> {
    let verified = admin.verify_audit_log().await?;
    let page = AuditPage::of(&visitor, &admin, AuditQuery::default()).await?;
    Ok(web::page(&AuditPage { verified: Some(verified), ..page })?)
}
