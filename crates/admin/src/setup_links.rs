//! Setup links of a tenant, in the hands of an operator: the hand-over to a customer's administrator.

use crate::{
    Admin, Failure, Listed,
    idempotency::{self, lasts},
    paging::{self, Moment},
    secret_tokens::check_label,
};
use std::time::Duration;
use store::{By, Tenant, TenantState};
use tokens::{FollowedLink, NewSetupLink, SetupLinks, SetupState, SetupToken};
use uuid::Uuid;

/// A link that was asked for.
#[derive(Debug)]
pub struct GivenLink {
    /// Whose.
    pub tenant: Tenant,
    /// What is stored of it.
    pub followed: FollowedLink,
    /// Its address; none where the same request has been answered with it before.
    pub url: Option<String>,
}

impl Admin {
    /// The setup links of a tenant, oldest first, ended ones too.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn setup_links(&self, tenant: &str) -> Result<(Tenant, Vec<FollowedLink>), Failure> {
        let tenant = self.tenant(tenant).await?;
        let links = self.links().list(tenant.id).await?;
        Ok((tenant, links))
    }

    /// A page of them.
    ///
    /// # Errors
    /// No such tenant; a cursor of another list.
    pub async fn setup_links_page(
        &self,
        tenant: &str,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<FollowedLink>, Failure> {
        let Moment(at, id) = paging::place(cursor, |text| text.parse().ok())?.unwrap_or(Moment::START);
        let limit = paging::limit(count);
        let tenant = self.tenant(tenant).await?;
        let rows = self.links().list_behind(tenant.id, (at, id), limit + 1).await?;
        Ok(Listed::cut(rows, limit, |row| Moment(row.link.created, row.link.id).to_string()))
    }

    /// Makes a link for somebody, whom `label` names. With an Idempotency-Key the same request of the same operator makes
    /// one link; only its first answer has the address.
    ///
    /// # Errors
    /// No such tenant, or one that is suspended; a label or lifetime that is none; as many links as there may be; a key
    /// that was used for something else.
    pub async fn create_setup_link(
        &self,
        by: &By,
        tenant: &str,
        label: &str,
        lifetime: Option<Duration>,
        idempotency_key: Option<&str>,
    ) -> Result<GivenLink, Failure> {
        let label = label.trim();
        check_label(label)?;
        if label.is_empty() {
            return Err(Failure::Invalid("Say for whom the link is.".to_owned()));
        }
        let tenant = self.tenant(tenant).await?;
        if tenant.state == TenantState::Suspended {
            return Err(Failure::Conflict("The tenant is suspended: resume it first.".to_owned()));
        }
        let lifetime = lifetime.unwrap_or(self.settings.setup_link_lifetime);
        let find = async |id| {
            let found = self.links().list(tenant.id).await?.into_iter().find(|found| found.link.id == id);
            Ok(found.map(|followed| GivenLink { tenant: tenant.clone(), followed, url: None }))
        };
        let is_same = |earlier: &GivenLink| {
            let link = &earlier.followed.link;
            link.label == label && lasts(link.created, link.expires, lifetime)
        };
        let make = async |id| {
            let NewSetupLink { token, link } =
                self.links().create(by, (tenant.id, id), label, lifetime).await?;
            let (url, followed) = (Some(self.setup_url(&token)), FollowedLink { link, secret_token: None });
            Ok(GivenLink { tenant: tenant.clone(), followed, url })
        };
        let what = format!("setup link {}", tenant.id);
        idempotency::once((&what, by, idempotency_key), find, is_same, make).await
    }

    /// Ends a link and the setup page that it has opened; with `its_token` also the Secret Token that it has issued.
    ///
    /// # Errors
    /// No such tenant, or no such link that is not revoked.
    pub async fn revoke_setup_link(
        &self,
        by: &By,
        tenant: &str,
        id: &str,
        its_token: bool,
    ) -> Result<FollowedLink, Failure> {
        let tenant = self.tenant(tenant).await?;
        let no_such = || Failure::NotFound("The tenant has no setup link of this id.".to_owned());
        let id = Uuid::try_parse(id).map_err(|_| no_such())?;
        let revoked = self.links().revoke(by, tenant.id, id, its_token).await?;
        self.credentials_have_ended();
        Ok(revoked)
    }

    /// How long a setup link can be opened unless asked otherwise, and at most.
    pub(crate) fn setup_lifetimes(&self) -> (Duration, Duration) {
        (self.settings.setup_link_lifetime, self.settings.setup_policy.max_lifetime)
    }

    /// What became of a link until now.
    pub fn setup_state(&self, followed: &FollowedLink) -> SetupState {
        followed.state(self.now())
    }

    fn links(&self) -> SetupLinks {
        SetupLinks::new(self.store.clone(), self.settings.setup_policy)
    }

    fn setup_url(&self, token: &SetupToken) -> String {
        format!("{}/setup/{}", self.settings.public_url, token.reveal())
    }
}
