//! Setup links of a tenant, in the hands of an operator: the hand-over to a customer's administrator.

use crate::{Admin, Failure, idempotency, secret_tokens::check_label};
use std::time::Duration;
use store::{By, Tenant, TenantState};
use tokens::{FollowedLink, NewSetupLink, SetupError, SetupLinks, SetupState, SetupToken};
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
        let id = idempotency::id(&format!("setup link {}", tenant.id), by, idempotency_key)?;
        // What came before is found first: a link that is there already must not be one too many.
        if idempotency_key.is_none() || self.link(&tenant, id).await?.is_none() {
            match self.links().create(by, (tenant.id, id), label, lifetime).await {
                Ok(NewSetupLink { token, link }) => {
                    let (url, followed) =
                        (Some(self.setup_url(&token)), FollowedLink { link, secret_token: None });
                    return Ok(GivenLink { tenant, followed, url });
                }
                Err(SetupError::Taken) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let earlier = self.link(&tenant, id).await?.filter(|earlier| is_same(earlier, label, lifetime));
        Ok(GivenLink { tenant, followed: earlier.ok_or(Failure::KeyReused)?, url: None })
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

    async fn link(&self, tenant: &Tenant, id: Uuid) -> Result<Option<FollowedLink>, Failure> {
        let links = self.links().list(tenant.id).await?;
        Ok(links.into_iter().find(|found| found.link.id == id))
    }

    fn setup_url(&self, token: &SetupToken) -> String {
        format!("{}/setup/{}", self.settings.public_url, token.reveal())
    }
}

/// Whether a link was made for the same person and the same time.
fn is_same(earlier: &FollowedLink, label: &str, lifetime: Duration) -> bool {
    let link = &earlier.link;
    let millis = u128::try_from(link.expires.0 - link.created.0);
    link.label == label && millis.is_ok_and(|millis| millis == lifetime.as_millis())
}
