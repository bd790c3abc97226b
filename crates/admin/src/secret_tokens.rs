//! Secret Tokens of a tenant, in the hands of an operator.

use crate::{
    Admin, Failure, Listed,
    idempotency::{self, lasts},
    paging::{self, Moment},
};
use scim::Timestamp;
use std::time::Duration;
use store::{By, SecretTokenRow, Tenant};
use tokens::SecretToken;

/// Longest label.
const MAX_LABEL: usize = 100;

/// A Secret Token that was asked for.
#[derive(Debug)]
pub struct GivenToken {
    /// Whose.
    pub tenant: Tenant,
    /// What is stored of it.
    pub row: SecretTokenRow,
    /// The token; none where the same request has been answered with it before.
    pub token: Option<SecretToken>,
}

impl Admin {
    /// The tokens of a tenant, oldest first, ended ones too.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn secret_tokens(&self, tenant: &str) -> Result<Vec<SecretTokenRow>, Failure> {
        let tenant = self.tenant(tenant).await?;
        Ok(self.issuer.list(tenant.id).await?)
    }

    /// A page of them.
    ///
    /// # Errors
    /// No such tenant; a cursor of another list.
    pub async fn secret_tokens_page(
        &self,
        tenant: &str,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<SecretTokenRow>, Failure> {
        let Moment(at, id) = paging::place(cursor, |text| text.parse().ok())?.unwrap_or(Moment::START);
        let limit = paging::limit(count);
        let tenant = self.tenant(tenant).await?;
        let rows = self.store.secret_tokens_behind(tenant.id, (at, id), limit + 1).await?;
        Ok(Listed::cut(rows, limit, |row| Moment(row.created, row.id).to_string()))
    }

    /// Issues a token, shown this one time. With an Idempotency-Key the same request of the same operator issues one
    /// token; only its first answer has it.
    ///
    /// # Errors
    /// No such tenant; a label or lifetime that is none; as many tokens as there may be; a key that was used for something
    /// else.
    pub async fn issue_secret_token(
        &self,
        by: &By,
        tenant: &str,
        label: &str,
        lifetime: Option<Duration>,
        idempotency_key: Option<&str>,
    ) -> Result<GivenToken, Failure> {
        check_label(label)?;
        let lifetime = lifetime.unwrap_or(self.settings.token_lifetime);
        let expires = self.expiry(by.at, lifetime)?;
        let tenant = self.tenant(tenant).await?;
        let find = async |id| {
            let found = self.issuer.list(tenant.id).await?.into_iter().find(|row| row.id == id);
            Ok(found.map(|row| GivenToken { tenant: tenant.clone(), row, token: None }))
        };
        let is_same = |GivenToken { row, .. }: &GivenToken| {
            row.label == label && row.expires.is_some_and(|end| lasts(row.created, end, lifetime))
        };
        let make = async |id| {
            let issued = self.issuer.issue(by, (tenant.id, id), label, Some(expires)).await?;
            Ok(GivenToken { tenant: tenant.clone(), row: issued.row, token: Some(issued.token) })
        };
        let what = format!("secret token {}", tenant.id);
        idempotency::once((&what, by, idempotency_key), find, is_same, make).await
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
        let revoked = self.issuer.revoke(by, tenant.id, key_id).await?;
        self.credentials_have_ended();
        Ok(revoked)
    }

    /// A token that is alive, and its tenant.
    ///
    /// # Errors
    /// No such tenant, or no such token alive.
    pub(crate) async fn secret_token_alive(
        &self,
        by: &By,
        tenant: &str,
        key_id: &str,
    ) -> Result<(Tenant, SecretTokenRow), Failure> {
        let tenant = self.tenant(tenant).await?;
        let row = self.issuer.find_alive(tenant.id, key_id, by.at).await?;
        Ok((tenant, row))
    }

    /// When a token ends that is good for this long.
    pub(crate) fn expiry(&self, now: Timestamp, lifetime: Duration) -> Result<Timestamp, Failure> {
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
