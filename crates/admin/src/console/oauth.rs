//! `/tenants/{tenant}/oauth`: OAuth clients with their secrets, each shown once, and workload identity federation, in the
//! words of Entra.

use super::{
    confirm::ConfirmPage,
    credentials::Badge,
    failure::{Again, Refusal},
    form::new_key,
    frame::{Frame, Section, done},
    rotations::UnderWay,
    secret::SecretPage,
    tenant::{Tab, TenantHead},
    visitor::Visitor,
};
use crate::{
    Admin, Failure, GivenSecret,
    caller::{Support, Viewer},
    web,
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;
use scim::Timestamp;
use serde::Deserialize;
use std::time::Duration;
use store::{ClientSecret, Federation, Tenant};
use tokens::{ClientWithSecrets, FederationTerms};

/// A secret as a line of a table.
struct SecretLine {
    key_id: String,
    badge: Badge,
    is_alive: bool,
    expires: Timestamp,
    last_used: Option<Timestamp>,
    is_rotating: bool,
    rotate: String,
    revoke: String,
}

/// A client as a card.
struct ClientCard {
    id: String,
    label: String,
    created: Timestamp,
    revoked: Option<Timestamp>,
    secrets: Vec<SecretLine>,
    /// Where its forms go.
    path: String,
}

/// Whose assertions are taken, as they stand in the form.
#[derive(Default, Deserialize)]
struct FederationForm {
    issuer: String,
    subject: String,
    audience: String,
    jwks_url: String,
}

#[derive(Template)]
#[template(path = "oauth.html")]
struct OauthPage {
    frame: Frame,
    tenant: TenantHead,
    token_endpoint: String,
    tenant_url: String,
    clients: Vec<ClientCard>,
    federation: Option<Federation>,
    form: FederationForm,
    key: String,
    /// What is wrong with the form of a client, and with that of the federation.
    wrong_client: Option<String>,
    wrong_federation: Option<String>,
}

fn card(tenant: &TenantHead, found: &ClientWithSecrets, rotations: &UnderWay, now: Timestamp) -> ClientCard {
    let path = tenant.at(&format!("/oauth/clients/{}", found.client.id));
    let line = |secret: &ClientSecret| SecretLine {
        key_id: secret.key_id.clone(),
        badge: Badge::of(Some(secret.expires), secret.revoked.or(found.client.revoked), now),
        is_alive: found.client.revoked.is_none() && secret.is_alive(now),
        expires: secret.expires,
        last_used: secret.last_used(),
        is_rotating: rotations.have(secret.id),
        rotate: format!("{path}/secrets/{}/rotate", secret.key_id),
        revoke: format!("{path}/secrets/{}/revoke", secret.key_id),
    };
    ClientCard {
        id: found.client.id.to_string(),
        label: found.client.label.clone(),
        created: found.client.created,
        revoked: found.client.revoked,
        secrets: found.secrets.iter().map(line).collect(),
        path,
    }
}

async fn page<R>(visitor: &Visitor<R>, admin: &Admin, tenant: &str) -> Result<OauthPage, Refusal> {
    let (tenant, clients) = admin.oauth_clients(tenant).await?;
    let (_, federation) = admin.federation(&tenant.label).await?;
    let (head, now) = (TenantHead::of(&tenant, Tab::Oauth), admin.now());
    let rotations = UnderWay::of(admin, &tenant.label).await?;
    // That of a federation has no secret and is shown with it; those that were revoked come last.
    let mut own: Vec<&ClientWithSecrets> = clients.iter().filter(|found| !found.secrets.is_empty()).collect();
    own.sort_by_key(|found| found.client.revoked.is_some());
    let form = federation.as_ref().map_or_else(FederationForm::default, |federation| FederationForm {
        issuer: federation.issuer.clone(),
        subject: federation.subject.clone(),
        audience: federation.audience.clone(),
        jwks_url: federation.jwks_url.clone(),
    });
    Ok(OauthPage {
        frame: visitor.frame(Section::Tenants),
        token_endpoint: admin.token_endpoint(&tenant),
        tenant_url: admin.tenant_url(&tenant),
        clients: own.into_iter().map(|found| card(&head, found, &rotations, now)).collect(),
        tenant: head,
        federation,
        form,
        key: new_key(admin)?,
        wrong_client: None,
        wrong_federation: None,
    })
}

/// The clients of a tenant and its federation.
pub(super) async fn show(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&page(&visitor, &admin, &tenant).await?)?)
}

/// A secret to be issued.
#[derive(Deserialize)]
struct SecretForm {
    #[serde(default)]
    label: String,
    /// How long it shall be good.
    days: u64,
    key: String,
}

impl SecretForm {
    fn lifetime(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.days.saturating_mul(86_400)))
    }
}

/// Shows a secret, or the page with what was wrong.
async fn answer(
    visitor: &Visitor<Support>,
    admin: &Admin,
    tenant: &str,
    given: Result<GivenSecret, Failure>,
) -> Result<HttpResponse, Refusal> {
    match given {
        Ok(given) => Ok(web::page(&SecretPage::client_secret(visitor, admin, &given))?),
        Err(failure) => {
            let again = Again::of(failure)?;
            let mut page = page(visitor, admin, tenant).await?;
            page.wrong_client = Some(again.words.clone());
            Ok(again.page(&page)?)
        }
    }
}

/// Makes a client; shows its secret.
pub(super) async fn create(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let form: SecretForm = visitor.form()?;
    let label = form.label.trim();
    let given =
        admin.create_oauth_client(visitor.by(), &tenant, label, form.lifetime(), Some(&form.key)).await;
    answer(&visitor, &admin, &tenant, given).await
}

/// Issues one more secret of a client; shows it.
pub(super) async fn issue_secret(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let form: SecretForm = visitor.form()?;
    let (tenant, client) = path.into_inner();
    let given =
        admin.issue_client_secret(visitor.by(), (&tenant, &client), form.lifetime(), Some(&form.key)).await;
    answer(&visitor, &admin, &tenant, given).await
}

fn ask(visitor: &Visitor<Support>, tenant: &Tenant, question: String, words: &str) -> ConfirmPage {
    let words = vec![
        words.to_owned(),
        "Entra's next request fails unless it has been given another one; after some hours it puts the job in quarantine."
            .to_owned(),
    ];
    let head = TenantHead::of(tenant, Tab::Oauth);
    ConfirmPage::new(visitor.frame(Section::Tenants), head, question, words).back_to("/oauth")
}

/// Asks whether to end a client.
pub(super) async fn ask_revoke(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (tenant, client) = path.into_inner();
    let (tenant, clients) = admin.oauth_clients(&tenant).await?;
    let found = clients.iter().find(|found| found.client.id.to_string() == client);
    let Some(found) = found else {
        return Err(Failure::NotFound("The tenant has no OAuth client of this id.".to_owned()).into());
    };
    let name = if found.client.label.is_empty() { &client } else { &found.client.label };
    let words =
        "The client, all its secrets and the access tokens that were issued for them end at once, for ever.";
    let page = ask(&visitor, &tenant, format!("Revoke the OAuth client {name}?"), words);
    Ok(web::page(&page.act(
        &format!("/oauth/clients/{}/revoke", found.client.id),
        "Revoke the client",
        true,
    ))?)
}

/// Ends a client.
pub(super) async fn revoke(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (tenant, client) = path.into_inner();
    admin.revoke_oauth_client(visitor.by(), &tenant, &client).await?;
    back(&admin, &tenant, "The OAuth client is revoked.").await
}

/// Asks whether to end a secret.
pub(super) async fn ask_revoke_secret(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (tenant, client, key_id) = path.into_inner();
    let (tenant, client, secret) = admin.client_secret(&tenant, &client, &key_id).await?;
    let words = "The secret and the access tokens that were issued for it end at once, for ever. Other secrets of the client stay good.";
    let path = format!("/oauth/clients/{}/secrets/{}/revoke", client.id, secret.key_id);
    let page = ask(&visitor, &tenant, format!("Revoke the secret {}?", secret.key_id), words);
    Ok(web::page(&page.act(&path, "Revoke the secret", true))?)
}

/// Ends a secret.
pub(super) async fn revoke_secret(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (tenant, client, key_id) = path.into_inner();
    admin.revoke_client_secret(visitor.by(), (&tenant, &client), &key_id).await?;
    back(&admin, &tenant, "The client secret is revoked.").await
}

/// Sets the federation.
pub(super) async fn set_federation(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let form: FederationForm = visitor.form()?;
    // What was copied from a page often has a space at its end, which is none of the value.
    let value = |text: &str| text.trim().to_owned();
    let terms = FederationTerms {
        issuer: value(&form.issuer),
        subject: value(&form.subject),
        audience: value(&form.audience),
        jwks_url: value(&form.jwks_url),
    };
    match admin.set_federation(visitor.by(), &tenant, terms).await {
        Ok(_) => back(&admin, &tenant, "The federation is set.").await,
        Err(failure) => {
            let again = Again::of(failure)?;
            let page = page(&visitor, &admin, &tenant).await?;
            Ok(again.page(&OauthPage { form, wrong_federation: Some(again.words.clone()), ..page })?)
        }
    }
}

/// Asks whether to take no assertions any more.
pub(super) async fn ask_remove_federation(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let (tenant, federation) = admin.federation(&tenant).await?;
    if federation.is_none() {
        return Err(crate::federation::has_none(&tenant).into());
    }
    let words = "No assertion is taken any more; the access tokens that were issued for them end at once, and so does the client id.";
    let page = ask(&visitor, &tenant, format!("Remove the federation of {}?", tenant.name), words);
    Ok(web::page(&page.act("/oauth/federation/remove", "Remove the federation", true))?)
}

/// Takes no assertions any more.
pub(super) async fn remove_federation(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    admin.remove_federation(visitor.by(), &tenant).await?;
    back(&admin, &tenant, "The federation is removed.").await
}

async fn back(admin: &Admin, tenant: &str, words: &str) -> Result<HttpResponse, Refusal> {
    let tenant = TenantHead::of(&admin.tenant(tenant).await?, Tab::Oauth);
    Ok(done(admin, &tenant.at("/oauth"), words)?)
}
