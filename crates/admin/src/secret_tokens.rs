//! Secret Tokens of a tenant, in the hands of an operator.

use crate::{Admin, Failure};
use scim::Timestamp;
use std::time::Duration;
use store::{By, SecretTokenRow};
use tokens::Issued;

/// Longest label.
const MAX_LABEL: usize = 100;

impl Admin {
    /// The tokens of a tenant, oldest first, ended ones too.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn secret_tokens(&self, by: &By, tenant: &str) -> Result<Vec<SecretTokenRow>, Failure> {
        let tenant = self.tenant(tenant).await?;
        Ok(self.issuer(by).list(tenant.id).await?)
    }

    /// Issues a token, shown this one time.
    ///
    /// # Errors
    /// No such tenant; a label or lifetime that is none; as many tokens as there may be.
    pub async fn issue_secret_token(
        &self,
        by: &By,
        tenant: &str,
        label: &str,
        lifetime: Option<Duration>,
    ) -> Result<Issued, Failure> {
        check_label(label)?;
        let expires = self.expiry(by.at, lifetime)?;
        let tenant = self.tenant(tenant).await?;
        Ok(self.issuer(by).issue(tenant.id, label, Some(expires), by.at).await?)
    }

    /// Ends a token now.
    ///
    /// # Errors
    /// No such tenant, or no such token alive.
    pub async fn revoke_secret_token(
        &self,
        by: &By,
        tenant: &str,
        key_id: &str,
    ) -> Result<SecretTokenRow, Failure> {
        let tenant = self.tenant(tenant).await?;
        let revoked = self.issuer(by).revoke(tenant.id, key_id, by.at).await?;
        self.credentials_have_ended();
        Ok(revoked)
    }

    pub(crate) fn expiry(&self, now: Timestamp, lifetime: Option<Duration>) -> Result<Timestamp, Failure> {
        let lifetime = lifetime.unwrap_or(self.settings.token_lifetime);
        let longest = self.settings.max_token_lifetime;
        if lifetime.is_zero() || lifetime > longest {
            let days = longest.as_secs() / 86_400;
            return Err(Failure::Invalid(format!(
                "A token is good for a second at least and {days} days at most."
            )));
        }
        Ok(later(now, lifetime))
    }
}

/// A word to know a credential by.
pub(crate) fn check_label(label: &str) -> Result<(), Failure> {
    if label.chars().count() > MAX_LABEL || label.chars().any(char::is_control) {
        return Err(Failure::Invalid(format!(
            "A label has at most {MAX_LABEL} characters, none of them a control."
        )));
    }
    Ok(())
}

fn later(now: Timestamp, duration: Duration) -> Timestamp {
    now.plus_seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}
