//! `/tenants/{tenant}/credentials`: Secret Tokens with the evidence of their use; issued and revoked.

use super::{
    confirm::ConfirmPage,
    failure::{Again, Refusal},
    form::new_key,
    frame::{Frame, Section, done},
    rotations::{RotationView, UnderWay, past},
    secret::SecretPage,
    tenant::{Tab, TenantHead},
    visitor::Visitor,
};
use crate::{
    Admin, Failure,
    caller::{Onlooker, Support, Viewer},
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
use store::{SecretTokenRow, Seen, Tenant};

/// In seconds.
pub(super) const DAY: u64 = 86_400;

/// A life in whole days.
///
/// # Errors
/// It is none.
pub(super) fn lifetime(days: &str) -> Result<Duration, Failure> {
    let days = days.trim().parse::<u64>().ok().and_then(|days| days.checked_mul(DAY));
    days.map(Duration::from_secs)
        .ok_or_else(|| Failure::Invalid("A credential is good for a whole number of days.".to_owned()))
}

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
    async fn of(admin: &Admin, tenant: &Tenant) -> Result<Credentials, Failure> {
        let now = admin.now();
        let under_way = UnderWay::of(admin, &tenant.label).await?;
        let past = past(admin, &tenant.label).await?;
        let rows = admin.secret_tokens(&tenant.label).await?;
        let view = |row: &SecretTokenRow| TokenView {
            key_id: row.key_id.clone(),
            label: row.label.clone(),
            created: row.created,
            expires: row.expires,
            badge: Badge::of(row.expires, row.revoked, now),
            seen: row.seen.clone(),
            is_rotating: under_way.have(row.id),
        };
        let (alive, ended): (Vec<_>, Vec<_>) = rows.iter().rev().partition(|row| row.is_alive(now));
        Ok(Credentials {
            alive: alive.into_iter().map(view).collect(),
            ended: ended.into_iter().map(view).collect(),
            past: past.into_iter().take(10).map(RotationView::of).collect(),
            under_way: under_way.0.into_iter().map(RotationView::of).collect(),
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
    key: String,
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
#[derive(Deserialize)]
struct IssueForm {
    label: String,
    days: String,
    key: String,
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
    let form = form.unwrap_or(IssueForm { label: String::new(), days, key: String::new() });
    Ok(CredentialsPage {
        frame: visitor.frame(Section::Tenants),
        credentials: Credentials::of(admin, &tenant).await?,
        tenant: TenantHead::of(&tenant, Tab::Credentials),
        form,
        key: new_key(admin)?,
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
    visitor: Visitor<Onlooker>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let tenant = admin.tenant(&tenant).await?;
    Ok(web::page(&LivePart {
        frame: visitor.frame(Section::Tenants),
        credentials: Credentials::of(&admin, &tenant).await?,
        tenant: TenantHead::of(&tenant, Tab::Credentials),
    })?)
}

/// Issues a Secret Token and shows it.
pub(super) async fn issue(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let form: IssueForm = visitor.form()?;
    let (by, label) = (visitor.by(), form.label.trim());
    let given = match lifetime(&form.days) {
        Ok(lifetime) => admin.issue_secret_token(by, &tenant, label, Some(lifetime), Some(&form.key)).await,
        Err(failure) => Err(failure),
    };
    match given {
        Ok(given) => Ok(web::page(&SecretPage::token(&visitor, &admin, &given))?),
        Err(failure) => {
            let again = Again::of(failure)?;
            let page = page(&visitor, &admin, &tenant, Some(form), Some(again.words.clone())).await?;
            Ok(again.page(&page)?)
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
    let (tenant, _) = admin.secret_token_alive(visitor.by(), &label, &key_id).await?;
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
