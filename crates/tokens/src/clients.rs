//! Make, list and revoke the OAuth clients of a tenant and their secrets; set whose assertions it takes.

use crate::{secret_hash, secret_token::ClientSecretText};
use scim::Timestamp;
use std::time::Duration;
use store::id::new_id;
use store::{
    By, ClientSecret, Federation, OauthClient, Store, StoreError, TenantId,
    control::{
        Tx,
        client_secrets::{self, IssueRefused},
        federations::{self, FederationRefused},
        oauth_clients::{self, CreateRefused, RevokeRefused},
    },
};
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
    /// Where the issuer publishes its keys; see [`keys::check_address`].
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
    #[error("An OAuth client or secret with this id already exists.")]
    Taken,
    /// The tenant is being erased.
    #[error("The tenant is gone.")]
    TenantGone,
    /// No random bytes, or no memory for a hash.
    #[error("no secret can be made: {0}")]
    Failed(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<FederationRefused> for ClientError {
    fn from(reason: FederationRefused) -> Self {
        match reason {
            FederationRefused::TenantGone => ClientError::TenantGone,
            FederationRefused::Changed | FederationRefused::ClientExists => ClientError::FederationChanged,
        }
    }
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
        by: &By,
        (tenant, id): (TenantId, Uuid),
        label: &str,
        lifetime: Duration,
    ) -> Result<(OauthClient, IssuedSecret), ClientError> {
        let now = by.at;
        let client = self.new_client((tenant, id), label, now).await?;
        let issued = self.new_secret(&client, new_id(now)?, lifetime, now).await?;
        let (row, secret) = (client.clone(), issued.row.clone());
        let create = move |tx: &mut Tx<'_>| oauth_clients::create(tx, &row, Some(&secret));
        let created = self.store.act(by, tenant, create).await;
        created.map_err(|refused| {
            refused.told_as(|reason| match reason {
                CreateRefused::Exists => ClientError::Taken,
                CreateRefused::TenantGone => ClientError::TenantGone,
            })
        })?;
        Ok((client, issued))
    }

    /// One more secret of a client, under this id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn add_secret(
        &self,
        by: &By,
        (tenant, client, id): (TenantId, Uuid, Uuid),
        lifetime: Duration,
    ) -> Result<IssuedSecret, ClientError> {
        let now = by.at;
        let found = self.find(tenant, client).await?;
        let alive = found.secrets.iter().filter(|secret| secret.is_alive(now)).count();
        if alive >= self.policy.max_secrets {
            return Err(ClientError::TooManySecrets(self.policy.max_secrets));
        }
        let issued = self.new_secret(&found.client, id, lifetime, now).await?;
        let row = issued.row.clone();
        let issue = move |tx: &mut Tx<'_>| client_secrets::issue(tx, &row);
        let added = self.store.act(by, tenant, issue).await;
        added.map_err(|refused| {
            refused.told_as(|reason| match reason {
                IssueRefused::Exists => ClientError::Taken,
                IssueRefused::TenantGone => ClientError::TenantGone,
            })
        })?;
        Ok(issued)
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
        by: &By,
        tenant: TenantId,
        client: Uuid,
        key_id: &str,
    ) -> Result<ClientSecret, ClientError> {
        let now = by.at;
        let found = self.find(tenant, client).await?;
        let named = found.secrets.into_iter().find(|secret| secret.key_id == key_id && secret.is_alive(now));
        let no_such = || ClientError::NoSuchSecret(key_id.to_owned());
        let secret = named.ok_or_else(no_such)?;
        let revoke = move |tx: &mut Tx<'_>| client_secrets::revoke(tx, tenant, secret.id, now);
        let revoked = self.store.act(by, tenant, revoke).await;
        revoked.map_err(|refused| refused.told_as(|_| no_such()))
    }

    /// Ends a client with all its secrets and access tokens.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn revoke(&self, by: &By, tenant: TenantId, client: Uuid) -> Result<(), ClientError> {
        let now = by.at;
        let revoke = move |tx: &mut Tx<'_>| oauth_clients::revoke(tx, tenant, client, now);
        let revoked = self.store.act(by, tenant, revoke).await.map(drop);
        revoked.map_err(|refused| {
            refused.told_as(|reason| match reason {
                RevokeRefused::Federated => ClientError::IsFederated(client),
                RevokeRefused::NotAlive => ClientError::NoSuchClient(client),
                RevokeRefused::TenantGone => ClientError::TenantGone,
            })
        })
    }

    /// Sets whose assertions the tenant takes. The client id stays what it was, unless that client is revoked; access
    /// tokens of other terms end. The same terms with a client that is alive change nothing.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_federation(
        &self,
        by: &By,
        tenant: TenantId,
        terms: FederationTerms,
    ) -> Result<Federation, ClientError> {
        let now = by.at;
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
        let row = federation.clone();
        let set = move |tx: &mut Tx<'_>| federations::set(tx, &row, earlier, new_client.as_ref());
        let set = self.store.act(by, tenant, set).await;
        set.map_err(|refused| refused.told_as(ClientError::from))?;
        Ok(federation)
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
    pub async fn remove_federation(&self, by: &By, tenant: TenantId) -> Result<bool, ClientError> {
        let now = by.at;
        let Some(federation) = self.store.federation(tenant).await? else { return Ok(false) };
        let client = self.federated_client(Some(&federation)).await?;
        let remove = move |tx: &mut Tx<'_>| federations::remove(tx, tenant, federation.id, client, now);
        let removed = self.store.act(by, tenant, remove).await;
        removed.map_err(|refused| refused.told_as(ClientError::from))?;
        Ok(true)
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
