//! `/expiring`: credentials of all tenants that end soon, or have ended lately.

use super::{
    credentials::Badge,
    failure::Refusal,
    frame::{Frame, Section},
    visitor::Visitor,
};
use crate::{Admin, caller::Viewer, request::Query, web};
use actix_web::{HttpResponse, web::Data};
use askama::Template;
use serde::Deserialize;
use store::{CredentialKind, EndingCredential};

/// Which page.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PageQuery {
    cursor: String,
}

struct Row {
    credential: EndingCredential,
    badge: Badge,
    kind: &'static str,
}

#[derive(Template)]
#[template(path = "expiring.html")]
struct ExpiringPage {
    frame: Frame,
    rows: Vec<Row>,
    next: Option<String>,
}

/// A page of them.
pub(super) async fn list(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Refusal> {
    let listed = admin.expiring_credentials(Some(&query.read()?.cursor), None).await?;
    let now = admin.now();
    let row = |credential: EndingCredential| Row {
        badge: Badge::of(Some(credential.expires), None, now),
        kind: match credential.kind {
            CredentialKind::SecretToken => "Secret Token",
            CredentialKind::ClientSecret => "Client secret",
            CredentialKind::Federation => "Federation",
        },
        credential,
    };
    Ok(web::page(&ExpiringPage {
        frame: visitor.frame(Section::Expiring),
        rows: listed.rows.into_iter().map(row).collect(),
        next: listed.next.map(|cursor| format!("/expiring?cursor={cursor}")),
    })?)
}
