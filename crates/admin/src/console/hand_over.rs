//! `/tenants/{tenant}/hand-over`: setup links made, followed and revoked; a link is shown once, with words for the mail.

use super::{
    failure::{Again, Refusal},
    form::new_key,
    frame::{Frame, Section, done},
    tenant::{Tab, TenantHead},
    visitor::Visitor,
};
use crate::{
    Admin, Failure,
    caller::{Onlooker, Support, Viewer},
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
use tokens::{FollowedLink, SetupState};

/// A link as the list shows it.
struct ShownLink {
    state: SetupState,
    followed: FollowedLink,
}

impl ShownLink {
    /// Whether there is anything left to end: it can be opened, or its page may still be open.
    fn is_revocable(&self) -> bool {
        matches!(self.state, SetupState::Open | SetupState::Opened | SetupState::Connected)
    }

    /// When Entra has come with the Secret Token that the link has issued.
    fn connected(&self) -> Option<Timestamp> {
        self.followed.secret_token.as_ref().and_then(|token| token.last_used())
    }
}

/// The links, for the page and for the script that asks for them again and again.
#[derive(Template)]
#[template(path = "hand_over_links.html")]
struct LinksPart {
    tenant: TenantHead,
    is_support: bool,
    links: Vec<ShownLink>,
}

#[derive(Template)]
#[template(path = "hand_over.html")]
struct HandOverPage {
    frame: Frame,
    tenant: TenantHead,
    part: LinksPart,
    /// How long a new one can be opened: in hours, and in words.
    lifetimes: Vec<(u64, String)>,
    key: String,
    /// As they stand in the form.
    label: String,
    hours: u64,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "hand_over_link.html")]
struct NewLinkPage {
    frame: Frame,
    tenant: TenantHead,
    label: String,
    url: String,
    expires: Timestamp,
    mail: String,
}

#[derive(Template)]
#[template(path = "hand_over_revoke.html")]
struct RevokePage {
    frame: Frame,
    tenant: TenantHead,
    link: ShownLink,
}

impl RevokePage {
    /// Whether the link has issued a Secret Token that is not revoked.
    fn has_token(&self) -> bool {
        self.link.followed.secret_token.as_ref().is_some_and(|token| token.revoked.is_none())
    }

    /// Whether Entra uses it.
    fn is_connected(&self) -> bool {
        self.link.connected().is_some()
    }
}

#[derive(Deserialize)]
struct LinkForm {
    label: String,
    hours: u64,
    key: String,
}

#[derive(Deserialize)]
struct RevokeForm {
    /// Checked where the Secret Token shall end too.
    secret_token: Option<String>,
}

/// In words; whole days where it is some.
fn words(hours: u64) -> String {
    match (hours / 24, hours % 24) {
        (1, 0) => "1 day".to_owned(),
        (days, 0) if days > 0 => format!("{days} days"),
        (_, 1) if hours == 1 => "1 hour".to_owned(),
        _ => format!("{hours} hours"),
    }
}

/// What can be chosen, the default among it.
fn lifetimes(default: Duration, longest: Duration) -> Vec<(u64, String)> {
    let hours = |duration: Duration| (duration.as_secs() / 3600).max(1);
    let mut all = vec![24, 72, 168, 336, 720];
    all.retain(|choice| *choice <= hours(longest));
    all.push(hours(default));
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|hours| (hours, words(hours))).collect()
}

fn shown(admin: &Admin, followed: FollowedLink) -> ShownLink {
    ShownLink { state: admin.setup_state(&followed), followed }
}

async fn part<R>(visitor: &Visitor<R>, admin: &Admin, tenant: &str) -> Result<LinksPart, Failure> {
    let (tenant, links) = admin.setup_links(tenant).await?;
    // The newest is what one looks for.
    let links = links.into_iter().rev().map(|followed| shown(admin, followed)).collect();
    let is_support = visitor.frame(Section::Tenants).is_support();
    Ok(LinksPart { tenant: TenantHead::of(&tenant, Tab::HandOver), is_support, links })
}

async fn page<R>(visitor: &Visitor<R>, admin: &Admin, tenant: &str) -> Result<HandOverPage, Failure> {
    let part = part(visitor, admin, tenant).await?;
    let (default, longest) = admin.setup_lifetimes();
    Ok(HandOverPage {
        frame: visitor.frame(Section::Tenants),
        tenant: part.tenant.clone(),
        part,
        lifetimes: lifetimes(default, longest),
        key: new_key(admin)?,
        label: String::new(),
        hours: (default.as_secs() / 3600).max(1),
        wrong: None,
    })
}

/// The links of a tenant, and the form for a new one.
pub(super) async fn show(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&page(&visitor, &admin, &tenant).await?)?)
}

/// The links alone.
pub(super) async fn links(
    visitor: Visitor<Onlooker>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&part(&visitor, &admin, &tenant).await?)?)
}

/// Makes a link and shows it.
pub(super) async fn make(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let form: LinkForm = visitor.form()?;
    let lifetime = Duration::from_secs(form.hours.saturating_mul(3600));
    let made =
        admin.create_setup_link(visitor.by(), &tenant, &form.label, Some(lifetime), Some(&form.key)).await;
    let given = match made {
        Ok(given) => given,
        Err(failure) => {
            let again = Again::of(failure)?;
            let (label, hours, wrong) = (form.label, form.hours, Some(again.words.clone()));
            return Ok(again.page(&HandOverPage {
                label,
                hours,
                wrong,
                ..page(&visitor, &admin, &tenant).await?
            })?);
        }
    };
    let link = given.followed.link;
    let Some(url) = given.url else {
        let words = format!("The link for {} was made before. It was shown that one time.", link.label);
        return Ok(done(&admin, &format!("/tenants/{tenant}/hand-over"), &words)?);
    };
    Ok(web::page(&NewLinkPage {
        frame: visitor.frame(Section::Tenants),
        mail: mail(&given.tenant.name, &url, link.expires),
        tenant: TenantHead::of(&given.tenant, Tab::HandOver),
        label: link.label,
        expires: link.expires,
        url,
    })?)
}

/// Words for the mail that brings the link.
fn mail(company: &str, url: &str, expires: Timestamp) -> String {
    let expires = expires.to_rfc3339();
    let (day, clock) = expires.split_once('T').unwrap_or((&expires, ""));
    let clock = clock.get(..5).unwrap_or(clock);
    format!(
        "Hello,\n\nplease open this link to connect Microsoft Entra ID of {company} to Juno Journey:\n\n{url}\n\nIt opens once, \
         in one browser, until {day} {clock} UTC. Open it where you administer Entra: the page shows the Tenant URL, the \
         Secret Token and the steps in Entra.\n\nPlease do not forward this mail. If somebody else does the setup, tell us, \
         and we send them a link of their own.\n\nYour Juno support\n"
    )
}

/// The link of this id.
async fn find(admin: &Admin, tenant: &str, id: &str) -> Result<(TenantHead, ShownLink), Failure> {
    let (tenant, links) = admin.setup_links(tenant).await?;
    let found = links.into_iter().find(|followed| followed.link.id.to_string() == id);
    let link = found.map(|followed| shown(admin, followed));
    let no_such = || Failure::NotFound("The tenant has no setup link of this id.".to_owned());
    Ok((TenantHead::of(&tenant, Tab::HandOver), link.ok_or_else(no_such)?))
}

/// Asks whether to revoke.
pub(super) async fn ask_revoke(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (tenant, id) = path.into_inner();
    let (tenant, link) = find(&admin, &tenant, &id).await?;
    Ok(web::page(&RevokePage { frame: visitor.frame(Section::Tenants), tenant, link })?)
}

/// Revokes.
pub(super) async fn revoke(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let form: RevokeForm = visitor.form()?;
    let (tenant, id) = path.into_inner();
    let its_token = form.secret_token.is_some();
    let revoked = admin.revoke_setup_link(visitor.by(), &tenant, &id, its_token).await?;
    let words = match revoked.secret_token.filter(|_| its_token) {
        Some(_) => format!("The link for {} is revoked, and its Secret Token.", revoked.link.label),
        None => format!("The link for {} is revoked.", revoked.link.label),
    };
    Ok(done(&admin, &format!("/tenants/{tenant}/hand-over"), &words)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_chosen_has_the_default_and_ends_at_the_longest() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let shown = |default, longest| -> Vec<String> {
            lifetimes(hours(default), hours(longest)).into_iter().map(|(_, words)| words).collect()
        };
        assert_eq!(shown(72, 720), ["1 day", "3 days", "7 days", "14 days", "30 days"]);
        assert_eq!(shown(36, 168), ["1 day", "36 hours", "3 days", "7 days"]);
        assert_eq!(shown(1, 2), ["1 hour"]);
    }

    #[test]
    fn the_mail_has_the_link_and_its_end() {
        let mail = mail("Contoso", "https://x/setup/jset_1", Timestamp(1_764_031_801_123));
        assert!(
            mail.contains("\n\nhttps://x/setup/jset_1\n\n") && mail.contains("until 2025-11-25 00:50 UTC")
        );
    }
}
