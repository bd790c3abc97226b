//! What the token endpoint decides: the grant "client credentials" (RFC 6749 section 4.4), where the client shows a secret
//! or an assertion (RFC 7523 section 2.2).

use crate::{
    access_token::{AccessTokens, Claims},
    federation::{Assertion, Federations, Rejection},
    lookups::{Lookup, Lookups, TooManyUnknown},
    ration::RationSettings,
    secret_hash::{HashError, SecretHasher},
    secret_token::ClientSecretText,
    seldom::Seldom,
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use keys::KeyError;
use scim::Timestamp;
use sha2::{Digest, Sha256};
use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Line, OauthClientOwner, Store, StoreError, TenantId, TenantState};
use uuid::Uuid;

/// How a client authenticates.
pub enum ClientAuthentication<'r> {
    /// By a secret (RFC 6749 section 2.3.1).
    Secret(&'r str),
    /// By a JWT that another identity provider signed (RFC 7523 section 2.2).
    Assertion(&'r str),
}

/// A token just issued.
#[derive(Debug)]
pub struct AccessToken {
    /// The tenant that it is for.
    pub tenant: TenantId,
    /// The token.
    pub token: String,
    /// How long it is good, in seconds.
    pub expires_in: i64,
}

/// Why no token was issued.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// No such tenant, no such client, or not authenticated: the caller is not told which.
    #[error("the client is not authenticated")]
    InvalidClient,
    /// An authenticated client of a suspended tenant.
    #[error("the tenant is suspended")]
    Suspended,
    /// Beyond the rate of one client, or of one network. The number is the seconds to wait.
    #[error("too many requests of one client or network: wait {0} s")]
    TooManyRequests(u32),
    /// Too many secrets wait to be compared.
    #[error("too many requests at once")]
    Busy,
    /// The database, the keys or the identity provider could not be asked.
    #[error("clients cannot be authenticated: {0}")]
    Unavailable(String),
}

impl From<StoreError> for GrantError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded(seconds) => GrantError::TooManyRequests(seconds),
            error => GrantError::Unavailable(error.to_string()),
        }
    }
}

impl From<TooManyUnknown> for GrantError {
    fn from(TooManyUnknown { retry_after }: TooManyUnknown) -> Self {
        GrantError::TooManyRequests(retry_after)
    }
}

impl From<KeyError> for GrantError {
    fn from(error: KeyError) -> Self {
        GrantError::Unavailable(error.to_string())
    }
}

impl From<HashError> for GrantError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => GrantError::Busy,
            HashError::TooMany => GrantError::TooManyRequests(1),
            HashError::Failed(cause) => GrantError::Unavailable(cause),
        }
    }
}

/// What a client shows, once it is read.
enum Shown<'r> {
    Secret(&'r str),
    Assertion(Box<Assertion<'r>>),
}

impl Shown<'_> {
    fn text(&self) -> &str {
        match self {
            Shown::Secret(text) => text,
            Shown::Assertion(assertion) => assertion.text(),
        }
    }
}

/// Issues access tokens. Share one a process.
pub struct TokenEndpoint {
    store: Store,
    access_tokens: Arc<AccessTokens>,
    federations: Federations,
    hasher: SecretHasher,
    lifetime: Duration,
    /// Of clients that have shown who they are: whoever has not takes nothing from them.
    rate: DefaultKeyedRateLimiter<(TenantId, Uuid)>,
    lookups: Lookups,
    refused_assertions: Seldom,
}

impl TokenEndpoint {
    /// Tokens are valid for `lifetime`. A client may ask `rate_per_client` times a second; clients that are not known yet
    /// have the `ration` of their network.
    pub fn new(
        store: Store,
        access_tokens: Arc<AccessTokens>,
        federations: Federations,
        lifetime: Duration,
        rate_per_client: NonZeroU32,
        ration: RationSettings,
    ) -> TokenEndpoint {
        TokenEndpoint {
            store,
            access_tokens,
            federations,
            hasher: SecretHasher::new(),
            lifetime,
            rate: RateLimiter::keyed(Quota::per_second(rate_per_client)),
            lookups: Lookups::new(ration),
            refused_assertions: Seldom::new(),
        }
    }

    /// The tokens that are issued here.
    pub fn access_tokens(&self) -> &AccessTokens {
        &self.access_tokens
    }

    /// A token for a client of the tenant with this label that asks from this address.
    ///
    /// # Errors
    /// See [`GrantError`].
    pub async fn grant(
        &self,
        label: &str,
        client_id: &str,
        authentication: ClientAuthentication<'_>,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<AccessToken, GrantError> {
        let shown = self.read(authentication, now)?;
        let (owner, lookup) = self.look_up(label, client_id, &shown, from, now).await?;
        let owner = owner.filter(|owner| owner.client.revoked.is_none());
        let (credential, ends, assertion) = match &shown {
            Shown::Secret(secret) => {
                let (secret, ends) = self.check_secret(owner.as_ref(), secret, from, now).await?;
                (secret, ends, None)
            }
            Shown::Assertion(assertion) => {
                let federation = owner.as_ref().and_then(|owner| owner.federation.as_ref());
                let federation = federation.ok_or(GrantError::InvalidClient)?;
                let fulfilled = self.federations.check(federation, assertion, now).await;
                let fulfilled = fulfilled.map_err(|rejection| self.refused(rejection))?;
                (federation.id, Timestamp(i64::MAX), Some(fulfilled))
            }
        };
        let owner = owner.ok_or(GrantError::InvalidClient)?;
        if let Some(lookup) = lookup {
            lookup.was_valid(Line::Tenant(owner.tenant.id), now);
        }
        let client = (owner.tenant.id, owner.client.id);
        self.rate.check_key(&client).map_err(|_| GrantError::TooManyRequests(1))?;
        if owner.tenant.state == TenantState::Suspended {
            return Err(GrantError::Suspended);
        }
        // Last: an assertion that was refused may come again.
        if let Some(fulfilled) = assertion {
            self.federations.use_up(&fulfilled).await.map_err(|rejection| self.refused(rejection))?;
        }
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let expires = now.plus_seconds(lifetime).min(ends);
        let claims = Claims {
            label: owner.tenant.label,
            tenant: owner.tenant.id,
            client: owner.client.id,
            credential,
            expires,
        };
        let token = self.access_tokens.mint(&claims, now).await?;
        Ok(AccessToken { tenant: claims.tenant, token, expires_in: expires.0 / 1000 - now.0 / 1000 })
    }

    /// Reads what a client shows. What cannot be a secret or an assertion of anybody costs nothing, not even a lookup.
    fn read<'r>(&self, shown: ClientAuthentication<'r>, now: Timestamp) -> Result<Shown<'r>, GrantError> {
        match shown {
            ClientAuthentication::Secret(text) if ClientSecretText::is_well_formed(text) => {
                Ok(Shown::Secret(text))
            }
            ClientAuthentication::Secret(_) => Err(GrantError::InvalidClient),
            ClientAuthentication::Assertion(text) => {
                let assertion = Assertion::read(text, now).map_err(|rejection| self.refused(rejection))?;
                Ok(Shown::Assertion(Box::new(assertion)))
            }
        }
    }

    /// The client with this id of the tenant with this label, alive or not; none without a lookup if the id is not one.
    async fn look_up(
        &self,
        label: &str,
        client_id: &str,
        shown: &Shown<'_>,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<(Option<OauthClientOwner>, Option<Lookup<'_>>), GrantError> {
        let Ok(client) = Uuid::try_parse(client_id) else { return Ok((None, None)) };
        // A stranger may know the id of a client, so that only id and secret together tell whose lookup it is.
        let mut digest = Sha256::new();
        for part in [label, client_id, shown.text()] {
            digest.update(part);
            digest.update([0]);
        }
        let lookup = self.lookups.begin(digest.finalize().into(), from, now)?;
        let owner = self.store.oauth_client(label.to_owned(), client, lookup.line()).await?;
        Ok((owner, Some(lookup)))
    }

    fn refused(&self, rejection: Rejection) -> GrantError {
        match rejection {
            Rejection::Invalid(cause) => {
                if let Some(omitted) = self.refused_assertions.admit(Instant::now()) {
                    tracing::info!(cause, omitted, "a client assertion was refused");
                }
                GrantError::InvalidClient
            }
            Rejection::Unavailable(cause) => GrantError::Unavailable(cause),
        }
    }

    /// The secret's id and end. Costs one hash, whoever asks, unless the text cannot be a secret of anybody or strangers
    /// ask too often.
    async fn check_secret(
        &self,
        owner: Option<&OauthClientOwner>,
        text: &str,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<(Uuid, Timestamp), GrantError> {
        let key_id = ClientSecretText::key_id_of(text).ok_or(GrantError::InvalidClient)?;
        let mut secrets = owner.into_iter().flat_map(|owner| &owner.secrets);
        let named = secrets.find(|secret| secret.key_id == key_id && secret.is_alive(now));
        let stored = owner.zip(named).map(|(owner, secret)| (owner.tenant.id, secret.hash.as_str()));
        let is_equal = self.hasher.verify(text, stored, from).await?;
        let secret = named.filter(|_| is_equal).ok_or(GrantError::InvalidClient)?;
        Ok((secret.id, secret.expires))
    }

    /// Forgets the rates of clients and networks that have been silent, and assertions that have ended; called now and then.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is lost, the next call tries again.
    pub async fn forget(&self, now: Timestamp) -> Result<(), StoreError> {
        self.rate.retain_recent();
        self.hasher.forget_silent();
        self.store.forget_assertions(now).await
    }
}
