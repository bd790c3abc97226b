//! Client secrets as argon2id: hashed off the request threads, few at a time, and a burst of the same secret once. Wrong
//! secrets keep no other client waiting: places are shared by tenant, and each network has a limit of hashes a second.

use crate::places::{MAX_OF_TENANT, Places};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::future::Cache;
use sha2::{Digest, Sha256};
use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};
use store::{Network, TenantId};
use tokio::{
    sync::{OnceCell, Semaphore},
    task::spawn_blocking,
};
use zeroize::Zeroizing;

/// Most hashes a second that a network causes of one tenant's secrets, or of nobody's.
const PER_SECOND: u32 = 5;
const _: () =
    assert!((PER_SECOND as usize) < MAX_OF_TENANT, "one network does not fill the places of a tenant");
/// Bounds memory: networks share buckets by a hash that nobody outside can compute.
const BUCKETS: u64 = 65_536;
/// Most outcomes that are kept, of clients' secrets and of nobody's, and for how long. An outcome never changes: whether
/// the secret is still alive is asked every time.
const KEPT: u64 = 10_000;
const KEPT_OF_STRANGERS: u64 = 1_000;
const KEPT_FOR: Duration = Duration::from_secs(300);

/// Places of those who issue secrets: operators, not requests for tokens.
static ISSUING: Semaphore = Semaphore::const_new(2);

/// Why a secret was not compared.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// As many wait already as may.
    #[error("too many secrets wait to be compared")]
    Busy,
    /// Too many hashes for one network.
    #[error("too many secrets of one network")]
    TooMany,
    /// A bug, or a damaged row.
    #[error("a secret cannot be hashed: {0}")]
    Failed(String),
}

/// Outcomes of comparisons, by digests of what was compared.
type Outcomes = Cache<[u8; 32], bool>;

/// Compares secrets with their hashes.
pub(crate) struct SecretHasher {
    running: Arc<Semaphore>,
    places: Arc<Places>,
    rate: DefaultKeyedRateLimiter<u64>,
    buckets: RandomState,
    outcomes: Outcomes,
    outcomes_of_strangers: Outcomes,
    /// What the secrets of unknown clients are compared with, so that they cost the same.
    decoy: OnceCell<String>,
}

impl SecretHasher {
    pub(crate) fn new() -> SecretHasher {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let outcomes = |most| Cache::builder().max_capacity(most).time_to_live(KEPT_FOR).build();
        SecretHasher {
            // The other half of the machine stays free for requests with tokens.
            running: Arc::new(Semaphore::new((cores / 2).max(1))),
            places: Arc::default(),
            rate: RateLimiter::keyed(Quota::per_second(
                NonZeroU32::new(PER_SECOND).unwrap_or(NonZeroU32::MIN),
            )),
            buckets: RandomState::new(),
            outcomes: outcomes(KEPT),
            outcomes_of_strangers: outcomes(KEPT_OF_STRANGERS),
            decoy: OnceCell::new(),
        }
    }

    /// Whether a secret, shown from this address, belongs to the hash of a tenant. Never to none, which takes as long to
    /// find out, unless there is no room for it: then at once.
    pub(crate) async fn verify(
        &self,
        secret: &str,
        stored: Option<(TenantId, &str)>,
        from: IpAddr,
    ) -> Result<bool, HashError> {
        let whose = stored.map(|(tenant, _)| tenant);
        let (against, outcomes) = match stored {
            Some((_, hash)) => (hash.to_owned(), &self.outcomes),
            None => {
                let decoy = self.decoy.get_or_try_init(|| hash_off_thread("")).await?;
                (decoy.clone(), &self.outcomes_of_strangers)
            }
        };
        let key = Sha256::new().chain_update(&against).chain_update([0]).chain_update(secret).finalize();
        let secret = Zeroizing::new(secret.to_owned());
        let compare = self.off_thread((whose, from), move || compare(secret.as_bytes(), &against));
        let outcome = outcomes.try_get_with(key.into(), compare).await;
        match outcome.map_err(|error: Arc<HashError>| (*error).clone()) {
            // The decoy is the hash of a text that is no secret.
            Ok(is_equal) => Ok(is_equal && whose.is_some()),
            Err(HashError::Busy | HashError::TooMany) if whose.is_none() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn off_thread(
        &self,
        (whose, from): (Option<TenantId>, IpAddr),
        work: impl FnOnce() -> Result<bool, HashError> + Send + 'static,
    ) -> Result<bool, HashError> {
        let bucket = self.buckets.hash_one((whose, Network::of(from))) % BUCKETS;
        self.rate.check_key(&bucket).map_err(|_| HashError::TooMany)?;
        let place = self.places.take(whose).ok_or(HashError::Busy)?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| HashError::Busy)?;
        let work = move || {
            // Held until it is done, even if the client does not wait for it.
            let _held = (place, permit);
            work()
        };
        spawn_blocking(work).await.map_err(|cause| HashError::Failed(cause.to_string()))?
    }

    /// Forgets the rates of networks that have been silent; called now and then.
    pub(crate) fn forget_silent(&self) {
        self.rate.retain_recent();
    }
}

/// The hash of a new secret, off the thread of the request.
pub(crate) async fn hash_off_thread(secret: &str) -> Result<String, HashError> {
    let secret = Zeroizing::new(secret.to_owned());
    let _place = ISSUING.acquire().await.map_err(|_| HashError::Busy)?;
    let hashed = spawn_blocking(move || hash(&secret)).await;
    hashed.map_err(|cause| HashError::Failed(cause.to_string()))?
}

/// argon2id with the parameters that OWASP names (19 MiB, 2 passes), as a PHC string.
pub(crate) fn hash(secret: &str) -> Result<String, HashError> {
    let failed = |cause: &dyn std::fmt::Display| HashError::Failed(cause.to_string());
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|cause| failed(&cause))?;
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(secret.as_bytes(), &salt)
        .map_err(|cause| failed(&cause))?;
    Ok(hash.to_string())
}

/// Whether a secret belongs to a PHC string, whatever it was made with.
pub(crate) fn compare(secret: &[u8], hash: &str) -> Result<bool, HashError> {
    let hash = PasswordHash::new(hash).map_err(|cause| HashError::Failed(cause.to_string()))?;
    Ok(Argon2::default().verify_password(secret, &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{join, join_all};
    use uuid::Uuid;

    const LOUD: TenantId = TenantId(Uuid::from_u128(1));
    const QUIET: TenantId = TenantId(Uuid::from_u128(2));

    /// An address of a network of its own.
    fn network(n: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, n])
    }

    /// Compares many wrong secrets at once, each from the address that `from` says, and beside them the right one of QUIET.
    async fn flood(
        hasher: &SecretHasher,
        stored: Option<(TenantId, &str)>,
        from: fn(u8) -> IpAddr,
    ) -> (Vec<Result<bool, HashError>>, bool) {
        let of_quiet = hash("right").expect("hash");
        let wrong: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        let flood = (0..200).map(|n| hasher.verify(&wrong[usize::from(n)], stored, from(n)));
        let quiet = hasher.verify("right", Some((QUIET, &of_quiet)), network(1));
        let (outcomes, quiet) = join(join_all(flood), quiet).await;
        (outcomes, quiet.expect("compared"))
    }

    #[tokio::test]
    async fn a_secret_is_that_of_its_hash_and_of_no_other() {
        let hasher = SecretHasher::new();
        let stored = hash("right").expect("hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hash("right").expect("hash"), "salted");
        for (secret, expected) in [("right", true), ("wrong", false), ("right", true)] {
            let outcome = hasher.verify(secret, Some((QUIET, &stored)), network(1)).await;
            assert_eq!(outcome.expect("compared"), expected);
        }
        for secret in ["right", ""] {
            assert!(!hasher.verify(secret, None, network(1)).await.expect("compared"));
        }
        let damaged = hasher.verify("right", Some((QUIET, "damaged")), network(1)).await;
        assert!(matches!(damaged, Err(HashError::Failed(_))));
    }

    #[tokio::test]
    async fn a_burst_costs_one_hash() {
        let hasher = SecretHasher::new();
        let stored = hash("right").expect("hash");
        let burst = (0..200).map(|_| hasher.verify("right", Some((QUIET, &stored)), network(1)));
        assert!(join_all(burst).await.into_iter().all(|outcome| outcome.expect("compared")));
    }

    #[tokio::test]
    async fn a_flood_of_one_tenant_is_bounded_and_refuses_no_other() {
        let hasher = SecretHasher::new();
        let stored = hash("another").expect("hash");
        let (outcomes, quiet) = flood(&hasher, Some((LOUD, &stored)), network).await;
        assert!(quiet);
        let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(HashError::Busy))).count();
        // The others wait or, where a hash is faster than they come, follow one that has gone.
        assert!(busy > 0 && busy <= 200 - MAX_OF_TENANT, "{busy}");
    }

    #[tokio::test]
    async fn strangers_refuse_no_tenant_and_get_one_answer() {
        let hasher = SecretHasher::new();
        // The decoy is made by the first one, whom all others would wait for.
        assert!(!hasher.verify("first", None, network(0)).await.expect("compared"));
        let (outcomes, quiet) = flood(&hasher, None, network).await;
        assert!(quiet);
        assert!(outcomes.into_iter().all(|outcome| matches!(outcome, Ok(false))));
    }

    #[tokio::test]
    async fn one_network_does_not_fill_the_places_of_the_tenant_that_it_guesses_at() {
        let hasher = SecretHasher::new();
        let stored = hash("another").expect("hash");
        let (outcomes, quiet) = flood(&hasher, Some((QUIET, &stored)), |_| network(9)).await;
        assert!(quiet, "from another network");
        assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(HashError::TooMany))));
        assert!(!outcomes.iter().any(|outcome| matches!(outcome, Err(HashError::Busy))));
    }
}
