//! `/tenants/{tenant}/credentials`: Secret Tokens with the evidence of their use; issued, rotated, revoked.

use super::{
    confirm::ConfirmPage,
    failure::{Again, Refusal},
    frame::{Frame, Section, done},
    rotations::RotationView,
    tenant::{Tab, TenantHead},
    visitor::Visitor,
};
use crate::{
    Admin, Failure, NewRotation, NewSecret,
    caller::{Support, Viewer},
    expiry::Within,
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
use store::{By, CredentialKind, SecretTokenRow, Seen, Tenant};

const DAY: u64 = 86_400;

/// A badge: how it looks, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) class: &'static str,
    pub(super) words: &'static str,
}

impl Badge {
    /// How good a credential is that ends, or ended, at these times.
    pub(super) fn of(expires: Option<Timestamp>, revoked: Option<Timestamp>, now: Timestamp) -> Badge {
        let (class, words) = match (revoked, expires.and_then(|at| Within::of(at, now))) {
            (Some(_), _) => ("neutral", "revoked"),
            (None, Some(Within::Expired)) => ("bad", "expired"),
            (None, Some(Within::Days7)) => ("bad", "ends within 7 days"),
            (None, Some(Within::Days30)) => ("warn", "ends within 30 days"),
            (None, Some(Within::Days60)) => ("warn", "ends within 60 days"),
            (None, None) if expires.is_some_and(|at| at <= now) => ("neutral", "expired"),
            (None, None) => ("ok", "good"),
        };
        Badge { class, words }
    }
}

/// A Secret Token, as the page shows it.
struct TokenView {
    key_id: String,
    label: String,
    created: Timestamp,
    expires: Option<Timestamp>,
    badge: Badge,
    seen: Option<Seen>,
    is_rotating: bool,
}

/// What the page shows of a tenant's credentials, and keeps fresh.
struct Credentials {
    under_way: Vec<RotationView>,
    alive: Vec<TokenView>,
    ended: Vec<TokenView>,
    past: Vec<RotationView>,
}

impl Credentials {
    async fn of(admin: &Admin, by: &By, tenant: &Tenant) -> Result<Credentials, Failure> {
        let now = admin.now();
        let rotations = admin.rotations(by, &tenant.label, None, None).await?.rows;
        let (past, under_way): (Vec<_>, Vec<_>) =
            rotations.into_iter().partition(|found| found.state.is_over());
        let rows = admin.secret_tokens(by, &tenant.label).await?;
        let is_rotating = |row: &SecretTokenRow| {
            under_way.iter().any(|found| [found.rotation.old, found.rotation.new].contains(&row.id))
        };
        let view = |row: &SecretTokenRow| TokenView {
            key_id: row.key_id.clone(),
            label: row.label.clone(),
            created: row.created,
            expires: row.expires,
            badge: Badge::of(row.expires, row.revoked, now),
            seen: row.seen.clone(),
            is_rotating: is_rotating(row),
        };
        let is_alive =
            |row: &&SecretTokenRow| row.revoked.is_none() && row.expires.is_none_or(|end| now < end);
        Ok(Credentials {
            alive: rows.iter().rev().filter(is_alive).map(view).collect(),
            ended: rows.iter().rev().filter(|row| !is_alive(row)).map(view).collect(),
            past: past.into_iter().take(10).map(RotationView::of).collect(),
            under_way: under_way.into_iter().map(RotationView::of).collect(),
        })
    }
}

#[derive(Template)]
#[template(path = "credentials.html")]
struct CredentialsPage {
    frame: Frame,
    tenant: TenantHead,
    credentials: Credentials,
    form: IssueForm,
    /// The longest life of a token, in days.
    longest: u64,
    wrong: Option<String>,
}

/// The part of the page that is kept fresh.
#[derive(Template)]
#[template(path = "credentials_live.html")]
struct LivePart {
    frame: Frame,
    tenant: TenantHead,
    credentials: Credentials,
}

/// What is asked about a new token.
#[derive(Clone, Deserialize)]
struct IssueForm {
    label: String,
    days: String,
}

impl IssueForm {
    fn lifetime(&self) -> Result<Duration, Failure> {
        lifetime(&self.days)
    }
}

/// A life in whole days.
fn lifetime(days: &str) -> Result<Duration, Failure> {
    let days = days.trim().parse::<u64>().ok().and_then(|days| days.checked_mul(DAY));
    days.map(Duration::from_secs)
        .ok_or_else(|| Failure::Invalid("A token is good for a whole number of days.".to_owned()))
}

async fn page<R>(
    visitor: &Visitor<R>,
    admin: &Admin,
    tenant: &str,
    form: Option<IssueForm>,
    wrong: Option<String>,
) -> Result<CredentialsPage, Failure> {
    let tenant = admin.tenant(tenant).await?;
    let days = (admin.settings.token_lifetime.as_secs() / DAY).to_string();
    Ok(CredentialsPage {
        frame: visitor.frame(Section::Tenants),
        credentials: Credentials::of(admin, visitor.by(), &tenant).await?,
        tenant: TenantHead::of(&tenant, Tab::Credentials),
        form: form.unwrap_or(IssueForm { label: String::new(), days }),
        longest: admin.settings.max_token_lifetime.as_secs() / DAY,
        wrong,
    })
}

/// The credentials of a tenant.
pub(super) async fn show(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&page(&visitor, &admin, &tenant, None, None).await?)?)
}

/// What of them changes while somebody looks.
pub(super) async fn live(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let tenant = admin.tenant(&tenant).await?;
    Ok(web::page(&LivePart {
        frame: visitor.frame(Section::Tenants),
        credentials: Credentials::of(&admin, visitor.by(), &tenant).await?,
        tenant: TenantHead::of(&tenant, Tab::Credentials),
    })?)
}

/// A new credential, shown this one time.
#[derive(Template)]
#[template(path = "credentials_secret.html")]
struct SecretPage {
    frame: Frame,
    tenant: TenantHead,
    url: String,
    key_id: String,
    expires: Option<Timestamp>,
    /// What Entra calls it.
    name: &'static str,
    secret: String,
    /// The key id of the one that it shall replace.
    replaces: Option<String>,
}

/// Issues a Secret Token and shows it.
pub(super) async fn issue(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let form: IssueForm = visitor.form()?;
    let issued = match form.lifetime() {
        Ok(lifetime) => {
            admin.issue_secret_token(visitor.by(), &tenant, form.label.trim(), Some(lifetime)).await
        }
        Err(failure) => Err(failure),
    };
    match issued {
        Ok(issued) => {
            let tenant = admin.tenant(&tenant).await?;
            Ok(web::page(&SecretPage {
                frame: visitor.frame(Section::Tenants),
                url: admin.tenant_url(&tenant),
                tenant: TenantHead::of(&tenant, Tab::Credentials),
                key_id: issued.row.key_id,
                expires: issued.row.expires,
                name: "Secret Token",
                secret: issued.token.reveal().to_owned(),
                replaces: None,
            })?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            let page = page(&visitor, &admin, &tenant, Some(form), Some(again.words.clone())).await?;
            Ok(again.page(&page)?)
        }
    }
}

#[derive(Template)]
#[template(path = "credentials_rotate.html")]
struct RotatePage {
    frame: Frame,
    tenant: TenantHead,
    key_id: String,
    form: RotateForm,
    longest: u64,
    wrong: Option<String>,
}

/// What is asked about a rotation.
#[derive(Clone, Deserialize)]
struct RotateForm {
    days: String,
    /// There if it is ticked.
    automatic: Option<String>,
}

fn rotate_page(
    visitor: &Visitor<Support>,
    admin: &Admin,
    (tenant, key_id): (&Tenant, &str),
    form: RotateForm,
) -> RotatePage {
    RotatePage {
        frame: visitor.frame(Section::Tenants),
        tenant: TenantHead::of(tenant, Tab::Credentials),
        key_id: key_id.to_owned(),
        form,
        longest: admin.settings.max_token_lifetime.as_secs() / DAY,
        wrong: None,
    }
}

/// Asks how to rotate.
pub(super) async fn ask_rotate(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, key_id) = path.into_inner();
    let tenant = find(&admin, visitor.by(), &label, &key_id).await?;
    let days = (admin.settings.token_lifetime.as_secs() / DAY).to_string();
    let form = RotateForm { days, automatic: None };
    Ok(web::page(&rotate_page(&visitor, &admin, (&tenant, &key_id), form))?)
}

/// Starts a rotation and shows the new token.
pub(super) async fn rotate(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, key_id) = path.into_inner();
    let form: RotateForm = visitor.form()?;
    let tenant = admin.tenant(&label).await?;
    let started = match lifetime(&form.days) {
        Ok(lifetime) => {
            let new = NewRotation {
                kind: CredentialKind::SecretToken,
                key_id: key_id.clone(),
                lifetime: Some(lifetime),
                is_automatic: form.automatic.is_some(),
            };
            admin.start_rotation(visitor.by(), &label, new).await
        }
        Err(failure) => Err(failure),
    };
    match started {
        Ok(started) => {
            let (name, secret) = match &started.secret {
                NewSecret::SecretToken(token) => ("Secret Token", token.reveal()),
                NewSecret::ClientSecret(secret) => ("Client secret", secret.reveal()),
            };
            Ok(web::page(&SecretPage {
                frame: visitor.frame(Section::Tenants),
                url: admin.tenant_url(&tenant),
                tenant: TenantHead::of(&tenant, Tab::Credentials),
                key_id: started.rotation.new.key_id.clone(),
                expires: started.rotation.new.expires,
                name,
                secret: secret.to_owned(),
                replaces: Some(key_id),
            })?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            let wrong = Some(again.words.clone());
            let page = rotate_page(&visitor, &admin, (&tenant, &key_id), form);
            Ok(again.page(&RotatePage { wrong, ..page })?)
        }
    }
}

/// The tenant, if it has this token and the token is alive.
async fn find(admin: &Admin, by: &By, label: &str, key_id: &str) -> Result<Tenant, Failure> {
    let tenant = admin.tenant(label).await?;
    let now = admin.now();
    let is_meant = |row: &SecretTokenRow| {
        row.key_id == key_id && row.revoked.is_none() && row.expires.is_none_or(|end| now < end)
    };
    match admin.secret_tokens(by, label).await?.iter().any(is_meant) {
        true => Ok(tenant),
        false => {
            Err(Failure::NotFound("The tenant has no Secret Token of this key id that is alive.".to_owned()))
        }
    }
}

/// Asks whether to revoke.
pub(super) async fn ask_revoke(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, key_id) = path.into_inner();
    let tenant = find(&admin, visitor.by(), &label, &key_id).await?;
    let words = vec![
        "Whoever uses it is refused with 401 from now on, and it cannot be brought back.".to_owned(),
        "If Entra still has it, its provisioning fails and goes into quarantine: rotate it instead."
            .to_owned(),
    ];
    let question = format!("Revoke the Secret Token {key_id}?");
    let tenant = TenantHead::of(&tenant, Tab::Credentials);
    Ok(web::page(
        &ConfirmPage::new(visitor.frame(Section::Tenants), tenant, question, words)
            .act(&format!("/credentials/{key_id}/revoke"), "Revoke the token", true)
            .back_to("/credentials"),
    )?)
}

/// Revokes.
pub(super) async fn revoke(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, key_id) = path.into_inner();
    let row = admin.revoke_secret_token(visitor.by(), &label, &key_id).await?;
    let words = format!("The Secret Token {} is revoked.", row.key_id);
    Ok(done(&admin, &format!("/tenants/{label}/credentials"), &words)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_says_how_good_a_credential_is() {
        let now = Timestamp(1_795_521_600_000);
        let day = |days: i64| Some(now.plus_seconds(days * 86_400));
        for (expires, revoked, words) in [
            (None, None, "good"),
            (day(61), None, "good"),
            (day(60), None, "ends within 60 days"),
            (day(30), None, "ends within 30 days"),
            (day(7), None, "ends within 7 days"),
            (day(0), None, "expired"),
            (day(-90), None, "expired"),
            (day(7), day(-1), "revoked"),
        ] {
            assert_eq!(Badge::of(expires, revoked, now).words, words, "{expires:?}");
        }
    }
}
