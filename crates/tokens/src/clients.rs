//! Make, list and revoke the OAuth clients of a tenant and their secrets; set whose assertions it takes.

use crate::{issuer::new_id, secret_hash, secret_token::ClientSecretText};
use scim::Timestamp;
use std::time::Duration;
use store::{By, ClientSecret, Federation, OauthClient, Store, StoreError, TenantId};
use uuid::Uuid;

/// How many clients and secrets a tenant may have, and how long a secret may live.
#[derive(Clone, Copy, Debug)]
pub struct ClientPolicy {
    /// Most clients of a tenant that are not revoked.
    pub max_clients: usize,
    /// Most secrets of a client that are alive.
    pub max_secrets: usize,
    /// The shortest life of a secret.
    pub min_lifetime: Duration,
    /// The longest life of a secret.
    pub max_lifetime: Duration,
}

/// A secret just issued: the one time that it is shown.
#[derive(Debug)]
pub struct IssuedSecret {
    /// The secret.
    pub secret: ClientSecretText,
    /// What is stored of it.
    pub row: ClientSecret,
}

/// A client with its secrets.
#[derive(Clone, Debug)]
pub struct ClientWithSecrets {
    /// The client.
    pub client: OauthClient,
    /// Its secrets, oldest first, ended ones too.
    pub secrets: Vec<ClientSecret>,
}

/// Whose assertions a tenant shall take.
#[derive(Clone, Debug)]
pub struct FederationTerms {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: String,
    /// Where the issuer publishes its keys; see [`crate::check_jwks_url`].
    pub jwks_url: String,
}

impl FederationTerms {
    /// Whether a federation has exactly these.
    fn are_of(&self, federation: &Federation) -> bool {
        let Federation { issuer, subject, audience, jwks_url, .. } = federation;
        (&self.issuer, &self.subject, &self.audience, &self.jwks_url) == (issuer, subject, audience, jwks_url)
    }
}

/// Why a client or a secret was not made or revoked, or a federation not set or removed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// As many as may be.
    #[error("The tenant has {0} OAuth clients already, which is the most: revoke one first.")]
    TooManyClients(usize),
    /// As many as may be.
    #[error("The client has {0} secrets already, which is the most: revoke one first.")]
    TooManySecrets(usize),
    /// Outside the bounds.
    #[error("A client secret is good for {min} at least and {max} at most.", min = in_words(.0), max = in_words(.1))]
    Lifetime(Duration, Duration),
    /// No client of this tenant has the id, or it is revoked.
    #[error("The tenant has no OAuth client {0} that is alive.")]
    NoSuchClient(Uuid),
    /// No secret of this client has the key id, or it is revoked or expired.
    #[error("The client has no secret \"{0}\" that is alive.")]
    NoSuchSecret(String),
    /// Assertions name it.
    #[error(
        "The OAuth client {0} is that of the tenant's federation: remove the federation, and it ends with it."
    )]
    IsFederated(Uuid),
    /// Somebody else was faster.
    #[error(
        "Somebody else has changed the federation at this moment: look at what it is now, and try again."
    )]
    FederationChanged,
    /// There is a client or secret of this id already.
    #[error("There is one of this id already.")]
    Taken,
    /// No random bytes, or no memory for a hash.
    #[error("no secret can be made: {0}")]
    Failed(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<getrandom::Error> for ClientError {
    fn from(cause: getrandom::Error) -> Self {
        ClientError::Failed(cause.to_string())
    }
}

/// How long, in days where it is some.
fn in_words(lifetime: &Duration) -> String {
    match lifetime.as_secs() {
        seconds if seconds >= 86_400 => format!("{} days", seconds / 86_400),
        seconds => format!("{seconds} seconds"),
    }
}

/// The clients in a store. Cheap to clone.
#[derive(Clone)]
pub struct OauthClients {
    store: Store,
    policy: ClientPolicy,
}

impl OauthClients {
    /// Works on `store` within `policy`. Two that are made at the same moment may go one beyond a bound.
    pub fn new(store: Store, policy: ClientPolicy) -> OauthClients {
        OauthClients { store, policy }
    }

    /// A new client under this id, with its first secret, which is good for `lifetime`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create(
        &self,
        (tenant, id): (TenantId, Uuid),
        label: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(OauthClient, IssuedSecret), ClientError> {
        let client = self.new_client((tenant, id), label, now).await?;
        let issued = self.new_secret(&client, new_id(now)?, lifetime, now).await?;
        match self.store.create_oauth_client(client.clone(), Some(issued.row.clone())).await? {
            true => Ok((client, issued)),
            false => Err(ClientError::Taken),
        }
    }

    /// One more secret of a client, under this id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn add_secret(
        &self,
        (tenant, client, id): (TenantId, Uuid, Uuid),
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<IssuedSecret, ClientError> {
        let found = self.find(tenant, client).await?;
        let alive = found.secrets.iter().filter(|secret| secret.is_alive(now)).count();
        if alive >= self.policy.max_secrets {
            return Err(ClientError::TooManySecrets(self.policy.max_secrets));
        }
        let issued = self.new_secret(&found.client, id, lifetime, now).await?;
        match self.store.insert_client_secret(issued.row.clone()).await? {
            true => Ok(issued),
            false => Err(ClientError::Taken),
        }
    }

    /// The same clients in the hands of somebody (see [`Store::acting`]).
    #[must_use]
    pub fn acting(&self, by: By) -> OauthClients {
        OauthClients { store: self.store.acting(by), policy: self.policy }
    }

    /// The secret with `key_id`, of whatever client of the tenant, as it is stored, and one under the id `new` that shall
    /// take its place. It is good only once it is stored, which starts a rotation ([`crate::Rotations`]).
    ///
    /// # Errors
    /// See [`ClientError`].
    pub(crate) async fn successor(
        &self,
        (tenant, key_id, new): (TenantId, &str, Uuid),
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(ClientSecret, IssuedSecret), ClientError> {
        let no_such = || ClientError::NoSuchSecret(key_id.to_owned());
        let is_meant = |secret: &ClientSecret| secret.key_id == key_id && secret.is_alive(now);
        let alive = self.list(tenant).await?.into_iter().filter(|found| found.client.revoked.is_none());
        let found = alive.into_iter().find(|found| found.secrets.iter().any(is_meant));
        let found = found.ok_or_else(no_such)?;
        if found.secrets.iter().filter(|secret| secret.is_alive(now)).count() >= self.policy.max_secrets {
            return Err(ClientError::TooManySecrets(self.policy.max_secrets));
        }
        let old = found.secrets.into_iter().find(is_meant);
        let old = old.ok_or_else(no_such)?;
        let issued = self.new_secret(&found.client, new, lifetime, now).await?;
        Ok((old, issued))
    }

    /// The clients of a tenant, oldest first, revoked ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<ClientWithSecrets>, StoreError> {
        let clients = self.store.oauth_clients(tenant).await?;
        let secrets = self.store.client_secrets(tenant).await?;
        let with_secrets = |client: OauthClient| {
            let own = secrets.iter().filter(|secret| secret.client == client.id).cloned().collect();
            ClientWithSecrets { client, secrets: own }
        };
        Ok(clients.into_iter().map(with_secrets).collect())
    }

    /// Ends a secret, and every access token that was issued for it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn revoke_secret(
        &self,
        tenant: TenantId,
        client: Uuid,
        key_id: &str,
        now: Timestamp,
    ) -> Result<ClientSecret, ClientError> {
        let found = self.find(tenant, client).await?;
        let named = found.secrets.into_iter().find(|secret| secret.key_id == key_id && secret.is_alive(now));
        let no_such = || ClientError::NoSuchSecret(key_id.to_owned());
        let secret = named.ok_or_else(no_such)?;
        if !self.store.revoke_client_secret(tenant, secret.id, now).await? {
            return Err(no_such());
        }
        Ok(ClientSecret { revoked: Some(now), ..secret })
    }

    /// Ends a client with all its secrets and access tokens.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn revoke(&self, tenant: TenantId, client: Uuid, now: Timestamp) -> Result<(), ClientError> {
        if self.store.revoke_oauth_client(tenant, client, now).await? {
            return Ok(());
        }
        match self.store.federation(tenant).await? {
            Some(federation) if federation.client == client => Err(ClientError::IsFederated(client)),
            _ => Err(ClientError::NoSuchClient(client)),
        }
    }

    /// Sets whose assertions the tenant takes. The client id stays what it was, unless that client is revoked; access
    /// tokens of other terms end. The same terms with a client that is alive change nothing.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_federation(
        &self,
        tenant: TenantId,
        terms: FederationTerms,
        now: Timestamp,
    ) -> Result<Federation, ClientError> {
        let earlier = self.store.federation(tenant).await?;
        let client = self.federated_client(earlier.as_ref()).await?;
        let (client, new_client) = match (&earlier, client) {
            (Some(earlier), Some(_)) if terms.are_of(earlier) => return Ok(earlier.clone()),
            (_, Some(client)) => (client, None),
            (_, None) => {
                let client = self.new_client((tenant, new_id(now)?), "federation", now).await?;
                (client.id, Some(client))
            }
        };
        let FederationTerms { issuer, subject, audience, jwks_url } = terms;
        let (id, created) = (new_id(now)?, now);
        let federation =
            Federation { id, tenant, client, issuer, subject, audience, jwks_url, created, seen: None };
        let earlier = earlier.map(|earlier| earlier.id);
        match self.store.set_federation(federation.clone(), earlier, new_client).await? {
            true => Ok(federation),
            false => Err(ClientError::FederationChanged),
        }
    }

    /// The client of a federation, if it is alive.
    async fn federated_client(&self, federation: Option<&Federation>) -> Result<Option<Uuid>, StoreError> {
        let Some(federation) = federation else { return Ok(None) };
        let clients = self.store.oauth_clients(federation.tenant).await?;
        let is_meant = |client: &OauthClient| client.id == federation.client && client.revoked.is_none();
        Ok(clients.into_iter().find(is_meant).map(|client| client.id))
    }

    /// Whose assertions the tenant takes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn federation(&self, tenant: TenantId) -> Result<Option<Federation>, StoreError> {
        self.store.federation(tenant).await
    }

    /// Takes no assertions any more, and revokes the client that they named; `false` if the tenant took none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn remove_federation(&self, tenant: TenantId, now: Timestamp) -> Result<bool, ClientError> {
        let Some(federation) = self.store.federation(tenant).await? else { return Ok(false) };
        let client = self.federated_client(Some(&federation)).await?;
        match self.store.remove_federation(tenant, federation.id, client, now).await? {
            true => Ok(true),
            false => Err(ClientError::FederationChanged),
        }
    }

    async fn new_client(
        &self,
        (tenant, id): (TenantId, Uuid),
        label: &str,
        now: Timestamp,
    ) -> Result<OauthClient, ClientError> {
        let clients = self.store.oauth_clients(tenant).await?;
        if clients.iter().filter(|client| client.revoked.is_none()).count() >= self.policy.max_clients {
            return Err(ClientError::TooManyClients(self.policy.max_clients));
        }
        Ok(OauthClient { id, tenant, label: label.to_owned(), created: now, revoked: None })
    }

    async fn new_secret(
        &self,
        client: &OauthClient,
        id: Uuid,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<IssuedSecret, ClientError> {
        let ClientPolicy { min_lifetime, max_lifetime, .. } = self.policy;
        if lifetime < min_lifetime || lifetime > max_lifetime {
            return Err(ClientError::Lifetime(min_lifetime, max_lifetime));
        }
        let secret = ClientSecretText::random()?;
        let hash = secret_hash::hash_off_thread(secret.reveal()).await;
        let hash = hash.map_err(|cause| ClientError::Failed(cause.to_string()))?;
        let millis = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        let row = ClientSecret {
            id,
            tenant: client.tenant,
            client: client.id,
            key_id: secret.key_id().to_owned(),
            hash,
            created: now,
            expires: Timestamp(now.0.saturating_add(millis)),
            revoked: None,
            seen: None,
        };
        Ok(IssuedSecret { secret, row })
    }

    async fn find(&self, tenant: TenantId, client: Uuid) -> Result<ClientWithSecrets, ClientError> {
        let found = self.list(tenant).await?.into_iter().find(|found| found.client.id == client);
        let alive = found.filter(|found| found.client.revoked.is_none());
        alive.ok_or(ClientError::NoSuchClient(client))
    }
}
