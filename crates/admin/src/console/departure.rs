//! `/tenants/{tenant}/export` and `/erase`: taking a tenant's data out, and taking the tenant away.

use super::{
    confirm::ConfirmPage,
    failure::{Again, Refusal},
    frame::{Section, done},
    tenant::{Tab, TenantHead},
    visitor::Visitor,
};
use crate::{Admin, Failure, TenantOverview, caller::Administrator, export, web};
use actix_web::{
    HttpResponse,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    web::{Bytes, Data, Path},
};
use futures_util::TryStreamExt;
use serde::Deserialize;

/// Says what an export is.
pub(super) async fn ask_export(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let tenant = TenantHead::of(&admin.tenant(&tenant).await?, Tab::Overview);
    let words = vec![
        "You get a file of JSON Lines: the tenant, its users and groups, what was deleted and can be restored, and its \
         whole change log. No credential is in it."
            .to_owned(),
        "It holds personal data of the customer's people: keep it where such data may be, and delete it when it has \
         served. The export is noted in the audit log."
            .to_owned(),
    ];
    let question = format!("Export {}?", tenant.name);
    Ok(web::page(&ConfirmPage::new(visitor.frame(Section::Tenants), tenant, question, words).act(
        "/export",
        "Download the export",
        false,
    ))?)
}

/// Sends the export as a file. What fails on the way breaks it off: the last line is then missing.
pub(super) async fn export(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let label = admin.tenant(&tenant).await?.label;
    let day = admin.now().to_rfc3339();
    let day = day.split('T').next().unwrap_or_default();
    let lines = export::export(admin.into_inner(), visitor.by(), &label).await?;
    let bytes = lines.map_ok(Bytes::from).map_err(Refusal::from);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/jsonl"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{label}-{day}.jsonl\"")))
        .streaming(bytes))
}

#[derive(Deserialize)]
struct EraseForm {
    confirm: String,
}

fn erase_page(visitor: &Visitor<Administrator>, overview: &TenantOverview) -> ConfirmPage {
    let tenant = TenantHead::of(&overview.tenant, Tab::Overview);
    let words = vec![
        "Everything that is kept of this customer is deleted, for ever. Nobody can bring it back; export it first if it \
         may be needed. Only the audit log keeps that it was there."
            .to_owned(),
        "Entra gets 401 from then on. To stop it for a while instead, suspend the tenant.".to_owned(),
    ];
    let figures = &overview.figures;
    let question = format!("Erase {}?", tenant.name);
    let label = tenant.label.clone();
    let mut page = ConfirmPage::new(visitor.frame(Section::Tenants), tenant, question, words).act(
        "/erase",
        "Erase for ever",
        true,
    );
    page.losses = vec![
        ("Users", web::number(figures.counts.users)),
        ("Groups", web::number(figures.counts.groups)),
        ("Deleted users and groups that could be restored", web::number(figures.deleted)),
        ("Changes in the change log, at most", web::number(figures.changes)),
        ("Credentials that are good", web::number(overview.live_credentials as u64)),
    ];
    page.typed = Some(label);
    page
}

/// Says what will be lost.
pub(super) async fn ask_erase(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let overview = admin.tenant_overview(&tenant).await?;
    Ok(web::page(&erase_page(&visitor, &overview))?)
}

/// Erases, if the label was typed.
pub(super) async fn erase(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let form: EraseForm = visitor.form()?;
    let overview = admin.tenant_overview(&tenant).await?;
    match admin.delete_tenant(visitor.by(), &tenant, form.confirm.trim()).await {
        Ok(()) => Ok(done(&admin, "/tenants", &format!("{} is erased.", overview.tenant.name))?),
        Err(failure @ Failure::Invalid(_)) => {
            let again = Again::of(failure)?;
            let mut page = erase_page(&visitor, &overview);
            page.wrong = Some("That is not the label of this tenant. Nothing was erased.".to_owned());
            Ok(again.page(&page)?)
        }
        Err(failure) => Err(failure.into()),
    }
}
