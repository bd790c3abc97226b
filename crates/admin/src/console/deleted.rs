//! `/tenants/{tenant}/deleted`: what the provisioning client has deleted, and the way back.

use super::{
    confirm::ConfirmPage,
    failure::{Again, Refusal},
    frame::{Frame, Section, done},
    tenant::{Tab, TenantHead},
    timeline,
    visitor::Visitor,
};
use crate::{
    Actors, Admin,
    caller::{Support, Viewer},
    request::Query,
    web,
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;
use scim::{Timestamp, schema::ResourceKind};
use serde::Deserialize;
use serde_json::Value;
use store::DeletedRow;

/// Which page.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PageQuery {
    cursor: String,
}

struct Gone {
    name: String,
    kind: &'static str,
    history: String,
    restore: String,
    at: Timestamp,
    /// From when on it is purged.
    purged: Timestamp,
    actor: String,
}

#[derive(Template)]
#[template(path = "deleted.html")]
struct DeletedPage {
    frame: Frame,
    tenant: TenantHead,
    rows: Vec<Gone>,
    next: Option<String>,
}

fn gone(admin: &Admin, tenant: &TenantHead, actors: &Actors, row: &DeletedRow) -> Gone {
    Gone {
        name: name(row),
        kind: row.kind.name(),
        history: tenant.at(&format!("/changes?resource={}", row.id)),
        restore: tenant.at(&format!("/deleted/{}/restore", row.id)),
        at: row.at,
        purged: admin.purged_from(row),
        actor: actors.words(row.actor),
    }
}

fn name(row: &DeletedRow) -> String {
    timeline::name(&row.document).unwrap_or_else(|| row.id.to_string())
}

/// A page of what was deleted.
pub(super) async fn list(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Refusal> {
    let tenant = TenantHead::of(&admin.tenant(&tenant).await?, Tab::Deleted);
    let listed = admin.deleted(&tenant.label, Some(&query.read()?.cursor), None).await?;
    let actors = admin.actors(&tenant.label).await?;
    Ok(web::page(&DeletedPage {
        frame: visitor.frame(Section::Tenants),
        rows: listed.rows.iter().map(|row| gone(&admin, &tenant, &actors, row)).collect(),
        next: listed.next.map(|cursor| tenant.at(&format!("/deleted?cursor={cursor}"))),
        tenant,
    })?)
}

fn confirm(visitor: &Visitor<Support>, tenant: TenantHead, row: &DeletedRow) -> ConfirmPage {
    let count = |text: &str| serde_json::from_str::<Vec<Value>>(text).map_or(0, |ids| ids.len() as u64);
    let counted = |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let (what, ties) = match row.kind {
        ResourceKind::User => ("user", format!("It was in {}", counted(count(&row.groups), "group"))),
        ResourceKind::Group => ("group", format!("It had {}", counted(row.member_count, "member"))),
    };
    let words = vec![
        format!(
            "The {what} comes back under its id, as it was when it was deleted. {ties}; it comes back to those that are still there."
        ),
        "Juno Journey hears of it as of a new one. If Entra still means to delete it, it will do so again."
            .to_owned(),
    ];
    let question = format!("Restore the {what} {}?", name(row));
    ConfirmPage::new(visitor.frame(Section::Tenants), tenant, question, words)
        .act(&format!("/deleted/{}/restore", row.id), "Restore", false)
        .back_to("/deleted")
}

/// Asks whether to restore.
pub(super) async fn ask_restore(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, id) = path.into_inner();
    let tenant = TenantHead::of(&admin.tenant(&label).await?, Tab::Deleted);
    let row = admin.deleted_resource(&tenant.label, &id).await?;
    Ok(web::page(&confirm(&visitor, tenant, &row))?)
}

/// Restores; where something is in the way, says what.
pub(super) async fn restore(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, id) = path.into_inner();
    let tenant = TenantHead::of(&admin.tenant(&label).await?, Tab::Deleted);
    let row = admin.deleted_resource(&tenant.label, &id).await?;
    match admin.restore(visitor.by(), Some(visitor.operator().id), &tenant.label, &id).await {
        Ok(_) => {
            let kind = if row.kind == ResourceKind::User { "users" } else { "groups" };
            let to = tenant.at(&format!("/{kind}/{id}"));
            Ok(done(
                &admin,
                &to,
                if row.kind == ResourceKind::User {
                    "The user is restored."
                } else {
                    "The group is restored."
                },
            )?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            let mut page = confirm(&visitor, tenant, &row);
            page.wrong = Some(again.words.clone());
            Ok(again.page(&page)?)
        }
    }
}
