//! Who a bearer token belongs to: shape, digest, cache, and only then a query.

use crate::{
    issuer::is_alive,
    secret_token,
    usage::{LastUse, Usage},
};
use moka::future::Cache;
use scim::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use store::{SecretTokenRow, Store, StoreError, Tenant};
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
    /// Which credential.
    pub credential: Uuid,
}

/// Why nobody was authenticated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Malformed, unknown, expired or revoked: the caller is not told which.
    #[error("the token is not valid")]
    Unauthorized,
    /// The database could not be asked.
    #[error("credentials cannot be checked: {0}")]
    Unavailable(String),
}

/// Authenticates Secret Tokens. Share one a process.
pub struct Authenticator {
    store: Store,
    ttl: Duration,
    answers: Cache<[u8; 32], Arc<Answer>>,
    /// Digests of well-formed tokens that nobody has; apart, so that a flood of them cannot push out good ones.
    unknown: Cache<[u8; 32], Arc<Answer>>,
    /// Counts [`Authenticator::forget`]: answers that were asked for earlier are not used any more.
    generation: AtomicU64,
    queries: AtomicU64,
    usage: Usage,
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
        token: SecretTokenRow,
        tenant: Arc<Tenant>,
        last_use: Arc<LastUse>,
    },
    Unknown,
    /// Given to all who waited for this answer, and to nobody after them.
    Failed(StoreError),
}

impl Answer {
    fn is_fresh(&self, now: Timestamp, ttl: Duration, generation: u64) -> bool {
        // A clock that was set back must not keep an answer for ever.
        let age = now.0.abs_diff(self.asked.0);
        !matches!(self.verdict, Verdict::Failed(_))
            && self.generation == generation
            && u128::from(age) < ttl.as_millis()
    }
}

impl Authenticator {
    /// Authenticates against the tokens in `store`.
    pub fn new(store: Store, cache: CacheSettings) -> Authenticator {
        // The time to live of the caches only frees memory; whether an answer is fresh is asked of the caller's clock.
        let bounded = |capacity| Cache::builder().max_capacity(capacity).time_to_live(cache.ttl * 2).build();
        Authenticator {
            store,
            ttl: cache.ttl,
            answers: bounded(cache.capacity),
            unknown: bounded((cache.capacity / 4).max(1)),
            generation: AtomicU64::new(0),
            queries: AtomicU64::new(0),
            usage: Usage::new(usize::try_from(cache.capacity).unwrap_or(usize::MAX)),
        }
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// See [`Refusal`]. A text without the shape and checksum of a token is refused without a query.
    pub async fn authenticate(&self, token: &str, now: Timestamp) -> Result<AuthenticatedClient, Refusal> {
        if !secret_token::is_well_formed(token) {
            return Err(Refusal::Unauthorized);
        }
        let digest = secret_token::digest(token);
        match &self.answer(digest, now).await.verdict {
            Verdict::Known { token, tenant, last_use } if is_good(token, &digest, now) => {
                last_use.note(now);
                Ok(AuthenticatedClient { tenant: Arc::clone(tenant), credential: token.id })
            }
            Verdict::Known { .. } | Verdict::Unknown => Err(Refusal::Unauthorized),
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

    /// How often the store was asked since the process started; all other requests were answered from memory.
    pub fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    /// Writes when credentials were last used; returns how many were. Called now and then, never by a request.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is lost, the next call tries again.
    pub async fn flush_last_used(&self) -> Result<usize, StoreError> {
        self.usage.flush(&self.store).await
    }

    async fn answer(&self, digest: [u8; 32], now: Timestamp) -> Arc<Answer> {
        loop {
            let generation = self.generation.load(Ordering::Acquire);
            for cache in [&self.answers, &self.unknown] {
                if let Some(answer) = cache.get(&digest).await
                    && answer.is_fresh(now, self.ttl, generation)
                {
                    return answer;
                }
            }
            // Whoever asks for the same digest meanwhile waits here for the same answer.
            let ask = async { Arc::new(self.ask(digest, now, generation).await) };
            let is_stale = |answer: &Arc<Answer>| !answer.is_fresh(now, self.ttl, generation);
            let answer = self.answers.entry(digest).or_insert_with_if(ask, is_stale).await.into_value();
            if matches!(answer.verdict, Verdict::Unknown) {
                self.unknown.insert(digest, Arc::clone(&answer)).await;
                self.answers.invalidate(&digest).await;
            }
            // An answer that was on its way when something was forgotten may be of before.
            if answer.generation >= generation {
                return answer;
            }
        }
    }

    async fn ask(&self, digest: [u8; 32], asked: Timestamp, generation: u64) -> Answer {
        self.queries.fetch_add(1, Ordering::Relaxed);
        let verdict = match self.store.secret_token(digest).await {
            Ok(Some(owner)) => Verdict::Known {
                last_use: self.usage.of(owner.tenant.id, owner.token.id),
                token: owner.token,
                tenant: Arc::new(owner.tenant),
            },
            Ok(None) => Verdict::Unknown,
            Err(error) => Verdict::Failed(error),
        };
        Answer { asked, generation, verdict }
    }
}

/// Judged at every use, so that a token ends on time while its answer is still kept.
fn is_good(token: &SecretTokenRow, digest: &[u8; 32], now: Timestamp) -> bool {
    bool::from(token.digest.ct_eq(digest)) && is_alive(token, now)
}
