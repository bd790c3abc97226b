//! Issue, list and revoke the Secret Tokens of a tenant.

use crate::SecretToken;
use scim::Timestamp;
use store::id::new_id;
use store::{
    By, SecretTokenRow, Store, StoreError, Tenant, TenantId,
    control::{
        Tx,
        scratch::{self, OpenRefused},
        secret_tokens::{self, IssueRefused},
    },
};
use uuid::Uuid;

/// A token just issued: the one time that it is shown.
#[derive(Debug)]
pub struct Issued {
    /// The token.
    pub token: SecretToken,
    /// What is stored of it.
    pub row: SecretTokenRow,
}

/// Why a token was not issued, rotated or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The tenant has as many tokens alive as it may have.
    #[error("The tenant has {0} Secret Tokens already, which is the most: revoke one first.")]
    TooMany(usize),
    /// No token of this tenant has the key id, or it is revoked or expired.
    #[error("The tenant has no Secret Token \"{0}\" that is alive.")]
    NoSuchToken(String),
    /// The tenant has a token of this id.
    #[error("The tenant has this Secret Token already.")]
    Taken,
    /// The tenant is being erased.
    #[error("The tenant is gone.")]
    TenantGone,
    /// The operating system has no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Issues Secret Tokens. Cheap to clone.
#[derive(Clone)]
pub struct Issuer {
    store: Store,
    max_alive: usize,
}

impl Issuer {
    /// Issues into `store`, at most `max_alive` tokens that are neither revoked nor expired for a tenant. Two issues
    /// at the same moment may go one beyond.
    pub fn new(store: Store, max_alive: usize) -> Issuer {
        Issuer { store, max_alive }
    }

    /// A new token under this id. `label` is a word of the operator's; from `expires` on it is refused.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn issue(
        &self,
        by: &By,
        (tenant, id): (TenantId, Uuid),
        label: &str,
        expires: Option<Timestamp>,
    ) -> Result<Issued, TokenError> {
        let now = by.at;
        let issued = self.draft((tenant, id), label, expires, None, now).await?;
        let row = issued.row.clone();
        let stored = self.store.act(by, tenant, move |tx| secret_tokens::issue(tx, &row)).await;
        stored.map_err(|refused| {
            refused.told_as(|reason| match reason {
                IssueRefused::Exists => TokenError::Taken,
                IssueRefused::TenantGone => TokenError::TenantGone,
            })
        })?;
        Ok(issued)
    }

    /// Opens a scratch tenant with its only token, which is good until `expires`, to try how the tenant `like` is served.
    ///
    /// # Errors
    /// [`TokenError::TenantGone`] if there is no tenant `like` any more; [`TokenError::Taken`], [`TokenError::Random`],
    /// [`TokenError::Store`].
    pub async fn open_scratch(
        &self,
        by: &By,
        like: TenantId,
        scratch: Tenant,
        expires: Timestamp,
    ) -> Result<Issued, TokenError> {
        let id = (scratch.id, new_id(by.at)?);
        let issued = self.draft(id, "conformance", Some(expires), None, by.at).await?;
        let row = issued.row.clone();
        let opened = self.store.act(by, like, move |tx| scratch::open(tx, like, &scratch, &row)).await;
        opened.map_err(|refused| {
            refused.told_as(|reason| match reason {
                OpenRefused::Taken => TokenError::Taken,
                OpenRefused::TenantGone => TokenError::TenantGone,
            })
        })?;
        Ok(issued)
    }

    /// A new token that is not stored: for whoever stores it with something else in one transaction. One that it replaces
    /// does not count as alive.
    pub(crate) async fn draft(
        &self,
        (tenant, id): (TenantId, Uuid),
        label: &str,
        expires: Option<Timestamp>,
        replaced: Option<Uuid>,
        now: Timestamp,
    ) -> Result<Issued, TokenError> {
        let tokens = self.list(tenant).await?;
        let alive = tokens.iter().filter(|row| row.is_alive(now) && Some(row.id) != replaced).count();
        if alive >= self.max_alive {
            return Err(TokenError::TooMany(self.max_alive));
        }
        let token = SecretToken::random()?;
        let row = SecretTokenRow {
            id,
            tenant,
            key_id: token.key_id().to_owned(),
            digest: token.digest(),
            label: label.to_owned(),
            created: now,
            expires,
            revoked: None,
            seen: None,
        };
        Ok(Issued { token, row })
    }

    /// The tokens of a tenant, oldest first, the ended ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<SecretTokenRow>, StoreError> {
        self.store.secret_tokens(tenant).await
    }

    /// The token with `key_id` as it is stored, and one under the id `new` that shall take its place, with the same label.
    /// It is good only once it is stored, which starts a rotation ([`crate::Rotations`]).
    ///
    /// # Errors
    /// See [`TokenError`].
    pub(crate) async fn successor(
        &self,
        (tenant, key_id, new): (TenantId, &str, Uuid),
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(SecretTokenRow, Issued), TokenError> {
        let old = self.find_alive(tenant, key_id, now).await?;
        let issued = self.draft((tenant, new), &old.label, expires, None, now).await?;
        Ok((old, issued))
    }

    /// Ends a token at once.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn revoke(
        &self,
        by: &By,
        tenant: TenantId,
        key_id: &str,
    ) -> Result<SecretTokenRow, TokenError> {
        let now = by.at;
        let row = self.find_alive(tenant, key_id, now).await?;
        let revoke = move |tx: &mut Tx<'_>| secret_tokens::revoke(tx, tenant, row.id, now);
        let revoked = self.store.act(by, tenant, revoke).await;
        revoked.map_err(|refused| refused.told_as(|_| TokenError::NoSuchToken(key_id.to_owned())))
    }

    /// The token with `key_id` as it is stored.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn find_alive(
        &self,
        tenant: TenantId,
        key_id: &str,
        now: Timestamp,
    ) -> Result<SecretTokenRow, TokenError> {
        let found =
            self.list(tenant).await?.into_iter().find(|row| row.key_id == key_id && row.is_alive(now));
        found.ok_or_else(|| TokenError::NoSuchToken(key_id.to_owned()))
    }
}
