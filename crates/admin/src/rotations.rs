//! Rotations of Secret Tokens and client secrets, in the hands of an operator (`docs/adr/0015`).

use crate::{
    Admin, Failure, Listed,
    idempotency::{self, lasts},
    paging,
};
use std::time::Duration;
use store::{By, CredentialKind, TenantId};
use tokens::{ClientSecretText, Judged, SecretToken};
use uuid::Uuid;

/// A rotation to be started.
#[derive(Clone, Debug)]
pub struct NewRotation {
    /// A Secret Token or a client secret.
    pub kind: CredentialKind,
    /// The key id of the one that shall end.
    pub key_id: String,
    /// How long the new one is good.
    pub lifetime: Option<Duration>,
    /// Whether a gateway shall complete it as soon as that is safe.
    pub is_automatic: bool,
}

/// A new credential, shown this one time.
#[derive(Debug)]
pub enum NewSecret {
    /// A Secret Token.
    SecretToken(SecretToken),
    /// A client secret.
    ClientSecret(ClientSecretText),
}

/// A rotation that was started.
#[derive(Debug)]
pub struct StartedRotation {
    /// The rotation.
    pub rotation: Judged,
    /// The new credential; none where the same request has been answered with it before.
    pub secret: Option<NewSecret>,
}

impl StartedRotation {
    /// Whether it is one that `new` asks for, with a credential that is good for `lifetime`. Whether it completes by itself
    /// may have been changed since.
    fn is(&self, new: &NewRotation, lifetime: Duration) -> bool {
        let Judged { rotation, new: credential, .. } = &self.rotation;
        let is_good_for = credential.expires.is_some_and(|end| lasts(credential.created, end, lifetime));
        (rotation.kind, &rotation.old_key_id) == (new.kind, &new.key_id) && is_good_for
    }
}

impl Admin {
    /// A page of the rotations of a tenant, the newest first, ended ones too.
    ///
    /// # Errors
    /// No such tenant; a cursor of another list.
    pub async fn rotations(
        &self,
        tenant: &str,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<Judged>, Failure> {
        let before = paging::place(cursor, |text| Uuid::try_parse(text).ok())?.unwrap_or(Uuid::max());
        let limit = paging::limit(count);
        let tenant = self.tenant(tenant).await?;
        let rows = self.rotations.list(tenant.id, before, limit + 1, self.now()).await?;
        Ok(Listed::cut(rows, limit, |found| found.rotation.id.to_string()))
    }

    /// All that are under way.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn rotations_under_way(&self, tenant: &str) -> Result<Vec<Judged>, Failure> {
        let tenant = self.tenant(tenant).await?;
        Ok(self.rotations.under_way(tenant.id, self.now()).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// No such tenant or rotation.
    pub async fn rotation(&self, tenant: &str, id: &str) -> Result<Judged, Failure> {
        let tenant = self.tenant(tenant).await?;
        Ok(self.rotations.find(tenant.id, rotation_id(id)?, self.now()).await?)
    }

    /// Starts one: a second credential is good beside the first. With an Idempotency-Key the same request of the same
    /// operator starts one; only its first answer has the credential.
    ///
    /// # Errors
    /// No such tenant or credential that is alive; a lifetime that is none; one is under way; as many credentials as
    /// there may be; a key that was used for something else.
    pub async fn start_rotation(
        &self,
        by: &By,
        tenant: &str,
        new: NewRotation,
        idempotency_key: Option<&str>,
    ) -> Result<StartedRotation, Failure> {
        let tenant = self.tenant(tenant).await?.id;
        let usual = match new.kind {
            CredentialKind::SecretToken => self.settings.token_lifetime,
            CredentialKind::ClientSecret | CredentialKind::Federation => self.settings.client_secret_lifetime,
        };
        let lifetime = new.lifetime.unwrap_or(usual);
        let find = async |id| {
            let found = self.rotations.find_to(tenant, id, by.at).await?;
            Ok(found.map(|rotation| StartedRotation { rotation, secret: None }))
        };
        let make = async |id| self.start(by, (tenant, &new, id), lifetime).await;
        let what = format!("rotation {tenant}");
        let is_same = |started: &StartedRotation| started.is(&new, lifetime);
        idempotency::once((&what, by, idempotency_key), find, is_same, make).await
    }

    /// Starts it; the new credential has this id.
    async fn start(
        &self,
        by: &By,
        (tenant, new, id): (TenantId, &NewRotation, Uuid),
        lifetime: Duration,
    ) -> Result<StartedRotation, Failure> {
        let (which, rotations) = ((tenant, new.key_id.as_str(), id), &self.rotations);
        let (rotation, secret) = match new.kind {
            CredentialKind::SecretToken => {
                let (issuer, expires) = (&self.issuer, self.expiry(by.at, lifetime)?);
                let started =
                    rotations.start_secret_token(by, issuer, which, expires, new.is_automatic).await?;
                (started.0, NewSecret::SecretToken(started.1.token))
            }
            CredentialKind::ClientSecret => {
                let clients = &self.oauth_clients;
                let started =
                    rotations.start_client_secret(by, clients, which, lifetime, new.is_automatic).await?;
                (started.0, NewSecret::ClientSecret(started.1.secret))
            }
            CredentialKind::Federation => {
                let words = "A federation has no secret of ours that could be rotated.";
                return Err(Failure::Invalid(words.to_owned()));
            }
        };
        Ok(StartedRotation { rotation, secret: Some(secret) })
    }

    /// Ends the old credential. Before that is safe it must be confirmed.
    ///
    /// # Errors
    /// No such tenant or rotation; it is over, or not safe and not confirmed.
    pub async fn complete_rotation(
        &self,
        by: &By,
        (tenant, id): (&str, &str),
        is_confirmed: bool,
    ) -> Result<Judged, Failure> {
        let tenant = self.tenant(tenant).await?;
        let done = self.rotations.complete(by, tenant.id, rotation_id(id)?, is_confirmed).await?;
        self.credentials_have_ended();
        Ok(done)
    }

    /// Ends the new credential; the old one stays.
    ///
    /// # Errors
    /// No such tenant or rotation; it is over.
    pub async fn cancel_rotation(&self, by: &By, tenant: &str, id: &str) -> Result<Judged, Failure> {
        let tenant = self.tenant(tenant).await?;
        let done = self.rotations.cancel(by, tenant.id, rotation_id(id)?).await?;
        self.credentials_have_ended();
        Ok(done)
    }

    /// Says whether a gateway shall complete it as soon as that is safe.
    ///
    /// # Errors
    /// No such tenant or rotation; it is over.
    pub async fn set_rotation_automatic(
        &self,
        by: &By,
        (tenant, id): (&str, &str),
        is_automatic: bool,
    ) -> Result<Judged, Failure> {
        let tenant = self.tenant(tenant).await?;
        Ok(self.rotations.set_automatic(by, tenant.id, rotation_id(id)?, is_automatic).await?)
    }
}

fn rotation_id(text: &str) -> Result<Uuid, Failure> {
    Uuid::try_parse(text).map_err(|_| Failure::NotFound("The tenant has no rotation of this id.".to_owned()))
}
