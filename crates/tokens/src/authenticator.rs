//! Who a bearer token belongs to: shape, digest, cache, and only then a query.

use crate::{
    access_token::{AccessTokens, Claims},
    lookups::{Lookup, Lookups, TooManyUnknown},
    ration::RationSettings,
    recent::{self, KNOWN_FOR_MS},
    secret_token::{self, SecretToken},
    usage::{LastUse, Usage, Use},
};
use moka::future::Cache;
use scim::Timestamp;
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use store::{CredentialKind, Line, OauthClientOwner, SecretTokenRow, Seen, Store, StoreError, Tenant};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How long and how many answers are kept.
#[derive(Clone, Copy, Debug)]
pub struct CacheSettings {
    /// How long another process' revocation or suspension may go unnoticed.
    pub ttl: Duration,
    /// Most credentials kept.
    pub capacity: u64,
}

/// The owner of a good credential.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    /// Whose credential it is, suspended or not: the caller judges.
    pub tenant: Arc<Tenant>,
    /// Which credential: a Secret Token, or the OAuth client that an access token was issued to.
    pub credential: Uuid,
    last_use: Arc<LastUse>,
}

impl AuthenticatedClient {
    /// Notes what the credential is used for, which is the evidence that rotations stand on. For whoever has found that
    /// it belongs where it was shown: a good token at a wrong Tenant URL works for nobody.
    pub fn note(&self, used: Use) {
        self.last_use.note(used);
    }
}

/// Why nobody was authenticated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Malformed, unknown, expired or revoked: the caller is not told which.
    #[error("the token is not valid")]
    Unauthorized,
    /// Too many unknown tokens were shown from this network, or too much waits in its line: the token may be valid. The number
    /// is the seconds to wait.
    #[error("too many unknown tokens: wait {0} s")]
    TooManyRequests(u32),
    /// The database could not be asked.
    #[error("credentials cannot be checked: {0}")]
    Unavailable(String),
}

/// Authenticates Secret Tokens and access tokens. Share one a process.
pub struct Authenticator {
    store: Store,
    access_tokens: Option<Arc<AccessTokens>>,
    ttl: Duration,
    answers: Cache<[u8; 32], Arc<Answer>>,
    /// Digests of well-formed tokens that nobody has; apart, so that a flood of them cannot push out good ones.
    unknown: Cache<[u8; 32], Arc<Answer>>,
    /// Counts [`Authenticator::forget`]: answers that were asked for earlier are not used any more.
    generation: AtomicU64,
    queries: AtomicU64,
    hits: AtomicU64,
    lookups: Lookups,
    usage: Usage,
}

/// A token as it was shown.
struct Shown<'r> {
    token: &'r str,
    digest: [u8; 32],
    from: IpAddr,
}

/// What the store said about a digest.
#[derive(Debug)]
struct Answer {
    asked: Timestamp,
    generation: u64,
    verdict: Verdict,
}

#[derive(Debug)]
enum Verdict {
    Known {
        credential: Credential,
        tenant: Arc<Tenant>,
        last_use: Arc<LastUse>,
    },
    Unknown,
    /// Given to all who waited for this answer, and to nobody after them.
    Failed(StoreError),
}

#[derive(Debug)]
enum Credential {
    SecretToken(SecretTokenRow),
    AccessToken { client: Uuid, ends: Timestamp },
}

impl Credential {
    /// Judged at every use, so that a token ends on time while its answer is still kept.
    fn is_good(&self, digest: &[u8; 32], now: Timestamp) -> bool {
        match self {
            Credential::SecretToken(row) => bool::from(row.digest.ct_eq(digest)) && row.is_alive(now),
            Credential::AccessToken { ends, .. } => now < *ends,
        }
    }

    fn id(&self) -> Uuid {
        match self {
            Credential::SecretToken(row) => row.id,
            Credential::AccessToken { client, .. } => *client,
        }
    }
}

impl Answer {
    /// Says what became of a lookup: `is_of_it` if that has brought this answer.
    fn judge(&self, lookup: Lookup<'_>, digest: &[u8; 32], is_of_it: bool, now: Timestamp) {
        match &self.verdict {
            Verdict::Known { credential, tenant, .. } if credential.is_good(digest, now) => {
                lookup.was_valid(Line::Tenant(tenant.id), now);
            }
            _ if !is_of_it => lookup.was_not_needed(),
            Verdict::Known { .. } | Verdict::Unknown => lookup.was_invalid(),
            Verdict::Failed(_) => drop(lookup),
        }
    }

    fn is_fresh(&self, now: Timestamp, ttl: Duration, generation: u64) -> bool {
        // A clock that was set back must not keep an answer for ever.
        let age = now.0.abs_diff(self.asked.0);
        !matches!(self.verdict, Verdict::Failed(_))
            && self.generation == generation
            && u128::from(age) < ttl.as_millis()
    }
}

impl Authenticator {
    /// Authenticates against the tokens in `store`. Tokens that were not valid lately have the `ration` of their network.
    pub fn new(store: Store, cache: CacheSettings, ration: RationSettings) -> Authenticator {
        // The time to live of the caches only frees memory; whether an answer is fresh is asked of the caller's clock.
        let bounded = |capacity| Cache::builder().max_capacity(capacity).time_to_live(cache.ttl * 2).build();
        Authenticator {
            store,
            access_tokens: None,
            ttl: cache.ttl,
            answers: bounded(cache.capacity),
            unknown: bounded((cache.capacity / 4).max(1)),
            generation: AtomicU64::new(0),
            queries: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            lookups: Lookups::new(ration),
            usage: Usage::default(),
        }
    }

    /// The same, which takes access tokens too.
    pub fn with_access_tokens(self, access_tokens: Arc<AccessTokens>) -> Authenticator {
        Authenticator { access_tokens: Some(access_tokens), ..self }
    }

    /// Learns which Secret Tokens were used within the last 24 hours, so that they do not count as unknown after a restart.
    /// To be called before the first request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remember(&self, now: Timestamp) -> Result<(), StoreError> {
        let since = Timestamp(now.0.saturating_sub(KNOWN_FOR_MS));
        for used in self.store.secret_tokens_used_since(since, recent::MOST).await? {
            self.lookups.remember(used.digest, Line::Tenant(used.tenant), used.at);
        }
        Ok(())
    }

    /// Whose token this is, which is shown from this address.
    ///
    /// # Errors
    /// See [`Refusal`]. A text without the shape and checksum of a Secret Token and without a signature of ours is
    /// refused without a query.
    pub async fn authenticate(
        &self,
        token: &str,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<AuthenticatedClient, Refusal> {
        if !SecretToken::is_well_formed(token) && !AccessTokens::looks_like_one(token) {
            return Err(Refusal::Unauthorized);
        }
        let digest = secret_token::digest(token);
        let shown = Shown { token, digest, from };
        match &self.answer(&shown, now).await?.verdict {
            Verdict::Known { credential, tenant, last_use } if credential.is_good(&digest, now) => {
                Ok(AuthenticatedClient {
                    tenant: Arc::clone(tenant),
                    credential: credential.id(),
                    last_use: Arc::clone(last_use),
                })
            }
            Verdict::Known { .. } | Verdict::Unknown => Err(Refusal::Unauthorized),
            Verdict::Failed(StoreError::Overloaded(seconds)) => Err(Refusal::TooManyRequests(*seconds)),
            Verdict::Failed(error) => Err(Refusal::Unavailable(error.to_string())),
        }
    }

    /// Drops every answer kept: what was revoked, suspended or resumed in this process counts from now on, even for
    /// requests that are being authenticated. It costs one query for each credential in use.
    pub fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.answers.invalidate_all();
        self.unknown.invalidate_all();
    }

    /// How often the store was asked about a credential since the process started.
    pub fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    /// How many requests were answered from memory.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// How many requests were refused since their network has shown too many unknown tokens.
    pub fn rationed(&self) -> u64 {
        self.lookups.refused()
    }

    /// Waits until a credential is used for the first time, or after a long silence: somebody may be waiting for that,
    /// so it is to be written at once. For one caller.
    pub async fn first_use(&self) {
        self.usage.news().await;
    }

    /// Writes what credentials were used for; returns how many were used. Called now and then, never by a request.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is lost, the next call tries again.
    pub async fn flush_last_used(&self) -> Result<usize, StoreError> {
        self.usage.flush(&self.store).await
    }

    async fn answer(&self, shown: &Shown<'_>, now: Timestamp) -> Result<Arc<Answer>, Refusal> {
        loop {
            let generation = self.generation.load(Ordering::Acquire);
            for cache in [&self.answers, &self.unknown] {
                if let Some(answer) = cache.get(&shown.digest).await
                    && answer.is_fresh(now, self.ttl, generation)
                {
                    self.hits.fetch_add(1, Ordering::Relaxed);
                    return Ok(answer);
                }
            }
            let lookup = self.lookup(shown, now)?;
            let line = lookup.as_ref().map(Lookup::line);
            // Whoever asks for the same digest meanwhile waits here for the same answer.
            let ask = async { Arc::new(self.ask(shown, line, now, generation).await) };
            let is_stale = |answer: &Arc<Answer>| !answer.is_fresh(now, self.ttl, generation);
            let entry = self.answers.entry(shown.digest).or_insert_with_if(ask, is_stale).await;
            if let Some(lookup) = lookup {
                entry.value().judge(lookup, &shown.digest, entry.is_fresh(), now);
            }
            let answer = entry.into_value();
            if matches!(answer.verdict, Verdict::Unknown) {
                self.unknown.insert(shown.digest, Arc::clone(&answer)).await;
                self.answers.invalidate(&shown.digest).await;
            }
            // An answer that was on its way when something was forgotten may be of before.
            if answer.generation >= generation {
                return Ok(answer);
            }
        }
    }

    /// The lookup of a Secret Token. That of an access token waits in the line of the tenant in its claims, once its
    /// signature is verified.
    fn lookup(&self, shown: &Shown<'_>, now: Timestamp) -> Result<Option<Lookup<'_>>, Refusal> {
        if !SecretToken::is_well_formed(shown.token) {
            return Ok(None);
        }
        let lookup = self.lookups.begin(shown.digest, shown.from, now);
        lookup.map(Some).map_err(|TooManyUnknown { retry_after }| Refusal::TooManyRequests(retry_after))
    }

    /// Asks in this line about a Secret Token; without one, about an access token.
    async fn ask(&self, shown: &Shown<'_>, line: Option<Line>, asked: Timestamp, generation: u64) -> Answer {
        let verdict = match line {
            Some(line) => self.ask_for_secret_token(shown.digest, line).await,
            None => self.ask_for_access_token(shown.token, asked).await,
        };
        Answer { asked, generation, verdict: verdict.unwrap_or_else(Verdict::Failed) }
    }

    async fn ask_for_secret_token(&self, digest: [u8; 32], line: Line) -> Result<Verdict, StoreError> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        let Some(owner) = self.store.secret_token(digest, line).await? else { return Ok(Verdict::Unknown) };
        Ok(Verdict::Known {
            last_use: self.usage.of(
                CredentialKind::SecretToken,
                owner.tenant.id,
                owner.token.id,
                owner.token.seen.as_ref(),
            ),
            credential: Credential::SecretToken(owner.token),
            tenant: Arc::new(owner.tenant),
        })
    }

    /// The signature first; then whether the client that the token was issued to may still use what it showed.
    async fn ask_for_access_token(&self, token: &str, now: Timestamp) -> Result<Verdict, StoreError> {
        let Some(access_tokens) = &self.access_tokens else { return Ok(Verdict::Unknown) };
        let Some(claims) = access_tokens.verify(token, now).await? else { return Ok(Verdict::Unknown) };
        self.queries.fetch_add(1, Ordering::Relaxed);
        let Some(owner) =
            self.store.oauth_client(claims.label.clone(), claims.client, Line::Tenant(claims.tenant)).await?
        else {
            return Ok(Verdict::Unknown);
        };
        let Some((ends, kind, seen)) = basis(&claims, &owner) else { return Ok(Verdict::Unknown) };
        Ok(Verdict::Known {
            last_use: self.usage.of(kind, owner.tenant.id, claims.credential, seen),
            credential: Credential::AccessToken { client: owner.client.id, ends },
            tenant: Arc::new(owner.tenant),
        })
    }
}

/// When an access token ends, and what it was issued for, with what is known of its use; none if that is gone: the tenant,
/// the client, or the client's credential.
fn basis<'o>(
    claims: &Claims,
    owner: &'o OauthClientOwner,
) -> Option<(Timestamp, CredentialKind, Option<&'o Seen>)> {
    if owner.tenant.id != claims.tenant || owner.client.revoked.is_some() {
        return None;
    }
    if let Some(terms) = owner.federation.as_ref().filter(|terms| terms.id == claims.credential) {
        return Some((claims.expires, CredentialKind::Federation, terms.seen.as_ref()));
    }
    let secret = owner.secrets.iter().find(|secret| secret.id == claims.credential)?;
    let ends = claims.expires.min(secret.expires);
    secret.revoked.is_none().then_some((ends, CredentialKind::ClientSecret, secret.seen.as_ref()))
}
