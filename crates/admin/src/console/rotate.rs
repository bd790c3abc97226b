//! `…/rotate`: a Secret Token or a client secret gets a successor, which is shown once; both are good meanwhile.

use super::{
    credentials::{DAY, lifetime},
    failure::{Again, Refusal},
    form::new_key,
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
use store::{By, CredentialKind, Tenant};
use uuid::Uuid;

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
        let (tenant, _) = admin.secret_token_alive(by, &label, &key_id).await?;
        Ok(Old { tenant, key_id, client: None })
    }

    /// A client secret that is alive.
    async fn secret(
        admin: &Admin,
        (label, client, key_id): (String, String, String),
    ) -> Result<Old, Failure> {
        let (tenant, client, secret) = admin.client_secret(&label, &client, &key_id).await?;
        match client.revoked.is_none() && secret.is_alive(admin.now()) {
            true => Ok(Old { tenant, key_id, client: Some(client.id) }),
            false => Err(Failure::NotFound("The secret has ended already.".to_owned())),
        }
    }

    fn kind(&self) -> CredentialKind {
        if self.client.is_some() { CredentialKind::ClientSecret } else { CredentialKind::SecretToken }
    }

    /// What it is, in words.
    fn what(&self) -> &'static str {
        if self.client.is_some() { "client secret" } else { "Secret Token" }
    }

    /// The page of the tenant that it stands on.
    fn tab(&self) -> Tab {
        if self.client.is_some() { Tab::Oauth } else { Tab::Credentials }
    }

    /// The address of that page, below the tenant.
    fn back(&self) -> &'static str {
        if self.client.is_some() { "/oauth" } else { "/credentials" }
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
#[derive(Deserialize)]
struct RotateForm {
    days: String,
    key: String,
    /// There if it is ticked.
    automatic: Option<String>,
}

#[derive(Template)]
#[template(path = "rotate.html")]
struct RotatePage<'o> {
    frame: Frame,
    tenant: TenantHead,
    old: &'o Old,
    form: RotateForm,
    key: String,
    /// The longest life of a Secret Token, in days.
    longest: u64,
    wrong: Option<String>,
}

impl<'o> RotatePage<'o> {
    fn new(
        visitor: &Visitor<Support>,
        admin: &Admin,
        old: &'o Old,
        form: RotateForm,
    ) -> Result<RotatePage<'o>, Failure> {
        Ok(RotatePage {
            frame: visitor.frame(Section::Tenants),
            tenant: TenantHead::of(&old.tenant, old.tab()),
            old,
            form,
            key: new_key(admin)?,
            longest: admin.settings.max_token_lifetime.as_secs() / DAY,
            wrong: None,
        })
    }
}

fn ask(visitor: &Visitor<Support>, admin: &Admin, old: &Old) -> Result<HttpResponse, Refusal> {
    let days = (admin.settings.token_lifetime.as_secs() / DAY).to_string();
    let form = RotateForm { days, key: String::new(), automatic: None };
    Ok(web::page(&RotatePage::new(visitor, admin, old, form)?)?)
}

async fn start(visitor: &Visitor<Support>, admin: &Admin, old: &Old) -> Result<HttpResponse, Refusal> {
    let form: RotateForm = visitor.form()?;
    let started = match lifetime(&form.days) {
        Ok(lifetime) => {
            let new = NewRotation {
                kind: old.kind(),
                key_id: old.key_id.clone(),
                lifetime: Some(lifetime),
                is_automatic: form.automatic.is_some(),
            };
            admin.start_rotation(visitor.by(), &old.tenant.label, new, Some(&form.key)).await
        }
        Err(failure) => Err(failure),
    };
    match started {
        Ok(started) => {
            Ok(web::page(&SecretPage::rotation(visitor, admin, (&old.tenant, old.client), &started))?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            let wrong = Some(again.words.clone());
            let page = RotatePage::new(visitor, admin, old, form)?;
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
