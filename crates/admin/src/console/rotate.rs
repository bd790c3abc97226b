//! `…/rotate`: a Secret Token or a client secret gets a successor, which is shown once; both are good meanwhile.

use super::{
    failure::{Again, Refusal},
    frame::{Frame, Section},
    secret::SecretPage,
    tenant::{Tab, TenantHead},
    visitor::Visitor,
};
use crate::{Admin, Failure, NewRotation, caller::Support, web};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;
use serde::Deserialize;
use std::time::Duration;
use store::{By, CredentialKind, Tenant};
use uuid::Uuid;

const DAY: u64 = 86_400;

/// A life in whole days.
///
/// # Errors
/// It is none.
pub(super) fn lifetime(days: &str) -> Result<Duration, Failure> {
    let days = days.trim().parse::<u64>().ok().and_then(|days| days.checked_mul(DAY));
    days.map(Duration::from_secs)
        .ok_or_else(|| Failure::Invalid("A credential is good for a whole number of days.".to_owned()))
}

/// What shall get a successor.
struct Old {
    tenant: Tenant,
    key_id: String,
    /// The OAuth client, if it is a client secret.
    client: Option<Uuid>,
}

impl Old {
    /// A Secret Token that is alive.
    async fn token(admin: &Admin, by: &By, (label, key_id): (String, String)) -> Result<Old, Failure> {
        let tenant = admin.secret_token_alive(by, &label, &key_id).await?;
        Ok(Old { tenant, key_id, client: None })
    }

    /// A client secret that is alive.
    async fn secret(
        admin: &Admin,
        (label, client, key_id): (String, String, String),
    ) -> Result<Old, Failure> {
        let (tenant, client, secret) = admin.client_secret(&label, &client, &key_id).await?;
        let is_alive = client.revoked.is_none() && secret.revoked.is_none() && admin.now() < secret.expires;
        match is_alive {
            true => Ok(Old { tenant, key_id, client: Some(client.id) }),
            false => Err(Failure::NotFound("The secret has ended already.".to_owned())),
        }
    }

    /// Where its form goes, below the tenant.
    fn path(&self) -> String {
        match self.client {
            Some(client) => format!("/oauth/clients/{client}/secrets/{}/rotate", self.key_id),
            None => format!("/credentials/{}/rotate", self.key_id),
        }
    }
}

/// What is asked about a rotation.
#[derive(Clone, Deserialize)]
struct RotateForm {
    days: String,
    /// There if it is ticked.
    automatic: Option<String>,
}

#[derive(Template)]
#[template(path = "rotate.html")]
struct RotatePage {
    frame: Frame,
    tenant: TenantHead,
    key_id: String,
    path: String,
    /// Whether it is a client secret.
    is_secret: bool,
    form: RotateForm,
    /// The longest life of a Secret Token, in days.
    longest: u64,
    wrong: Option<String>,
}

impl RotatePage {
    fn new(visitor: &Visitor<Support>, admin: &Admin, old: &Old, form: RotateForm) -> RotatePage {
        let tab = if old.client.is_some() { Tab::Oauth } else { Tab::Credentials };
        RotatePage {
            frame: visitor.frame(Section::Tenants),
            tenant: TenantHead::of(&old.tenant, tab),
            key_id: old.key_id.clone(),
            path: old.path(),
            is_secret: old.client.is_some(),
            form,
            longest: admin.settings.max_token_lifetime.as_secs() / DAY,
            wrong: None,
        }
    }

    /// What the page is about.
    fn what(&self) -> &'static str {
        if self.is_secret { "client secret" } else { "Secret Token" }
    }

    /// Where the way back leads.
    fn back(&self) -> String {
        self.tenant.at(if self.is_secret { "/oauth" } else { "/credentials" })
    }
}

fn ask(visitor: &Visitor<Support>, admin: &Admin, old: &Old) -> Result<HttpResponse, Refusal> {
    let days = (admin.settings.token_lifetime.as_secs() / DAY).to_string();
    Ok(web::page(&RotatePage::new(visitor, admin, old, RotateForm { days, automatic: None }))?)
}

async fn start(visitor: &Visitor<Support>, admin: &Admin, old: &Old) -> Result<HttpResponse, Refusal> {
    let form: RotateForm = visitor.form()?;
    let kind = if old.client.is_some() { CredentialKind::ClientSecret } else { CredentialKind::SecretToken };
    let started = match lifetime(&form.days) {
        Ok(lifetime) => {
            let is_automatic = form.automatic.is_some();
            let new =
                NewRotation { kind, key_id: old.key_id.clone(), lifetime: Some(lifetime), is_automatic };
            admin.start_rotation(visitor.by(), &old.tenant.label, new).await
        }
        Err(failure) => Err(failure),
    };
    match started {
        Ok(started) => Ok(SecretPage::rotation(visitor, admin, (&old.tenant, old.client), started).answer()?),
        Err(failure) => {
            let again = Again::of(failure)?;
            let wrong = Some(again.words.clone());
            let page = RotatePage::new(visitor, admin, old, form);
            Ok(again.page(&RotatePage { wrong, ..page })?)
        }
    }
}

/// Asks how to rotate a Secret Token.
pub(super) async fn ask_token(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    ask(&visitor, &admin, &Old::token(&admin, visitor.by(), path.into_inner()).await?)
}

/// Issues its successor and shows it.
pub(super) async fn start_token(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    start(&visitor, &admin, &Old::token(&admin, visitor.by(), path.into_inner()).await?).await
}

/// Asks how to rotate a client secret.
pub(super) async fn ask_secret(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Refusal> {
    ask(&visitor, &admin, &Old::secret(&admin, path.into_inner()).await?)
}

/// Issues its successor and shows it.
pub(super) async fn start_secret(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Refusal> {
    start(&visitor, &admin, &Old::secret(&admin, path.into_inner()).await?).await
}
