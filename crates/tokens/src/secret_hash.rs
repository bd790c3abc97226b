//! Client secrets as argon2id: hashed off the request threads, few at a time, and a burst of the same one once.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use moka::future::Cache;
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OnceCell, Semaphore},
    task::spawn_blocking,
};
use zeroize::Zeroizing;

/// Most requests that wait for a hash; each takes some 15 ms.
const MAX_WAITING: usize = 64;
/// Most outcomes that are kept, and for how long. An outcome never changes: whether the secret is still alive is asked
/// every time.
const KEPT: u64 = 10_000;
const KEPT_FOR: Duration = Duration::from_secs(300);

/// Places of those who issue secrets: operators, not requests for tokens.
static ISSUING: Semaphore = Semaphore::const_new(2);

/// Why a secret was not compared.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// As many wait already as may.
    #[error("too many secrets wait to be compared")]
    Busy,
    /// A bug, or a damaged row.
    #[error("a secret cannot be hashed: {0}")]
    Failed(String),
}

/// Compares secrets with their hashes.
pub(crate) struct SecretHasher {
    running: Semaphore,
    waiting: Semaphore,
    outcomes: Cache<[u8; 32], bool>,
    /// What the secrets of unknown clients are compared with, so that they cost the same.
    decoy: OnceCell<String>,
}

impl SecretHasher {
    pub(crate) fn new() -> SecretHasher {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        SecretHasher {
            // The other half of the machine stays free for requests with tokens.
            running: Semaphore::new((cores / 2).max(1)),
            waiting: Semaphore::new(MAX_WAITING),
            outcomes: Cache::builder().max_capacity(KEPT).time_to_live(KEPT_FOR).build(),
            decoy: OnceCell::new(),
        }
    }

    /// Whether a secret belongs to a hash; never to none, which takes as long to find out.
    pub(crate) async fn verify(&self, secret: &str, hash: Option<&str>) -> Result<bool, HashError> {
        let against = match hash {
            Some(hash) => hash.to_owned(),
            None => self.decoy.get_or_try_init(|| self.off_thread(decoy)).await?.clone(),
        };
        let key = Sha256::new().chain_update(&against).chain_update([0]).chain_update(secret).finalize();
        let secret = Zeroizing::new(secret.to_owned());
        let compare = self.off_thread(move || compare(secret.as_bytes(), &against));
        let outcome = self.outcomes.try_get_with(key.into(), compare).await;
        // The decoy is the hash of a text that is no secret.
        outcome.map(|is_equal| is_equal && hash.is_some()).map_err(|error: Arc<HashError>| (*error).clone())
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = self.waiting.try_acquire().map_err(|_| HashError::Busy)?;
        let _permit = self.running.acquire().await.map_err(|_| HashError::Busy)?;
        spawn_blocking(work).await.map_err(|cause| HashError::Failed(cause.to_string()))?
    }
}

fn decoy() -> Result<String, HashError> {
    hash("")
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

    #[tokio::test]
    async fn a_secret_is_that_of_its_hash_and_of_no_other() {
        let hasher = SecretHasher::new();
        let stored = hash("right").expect("hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hash("right").expect("hash"), "salted");
        for (secret, expected) in [("right", true), ("wrong", false), ("right", true)] {
            assert_eq!(hasher.verify(secret, Some(&stored)).await.expect("compared"), expected);
        }
        for secret in ["right", ""] {
            assert!(!hasher.verify(secret, None).await.expect("compared"));
        }
        assert!(matches!(hasher.verify("right", Some("damaged")).await, Err(HashError::Failed(_))));
    }

    #[tokio::test]
    async fn a_burst_costs_one_hash_and_a_flood_is_bounded() {
        let hasher = SecretHasher::new();
        let stored = hash("right").expect("hash");
        let burst = (0..200).map(|_| hasher.verify("right", Some(&stored)));
        assert!(
            futures_util::future::join_all(burst).await.into_iter().all(|outcome| outcome.expect("compared"))
        );
        let others: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        let flood = others.iter().map(|secret| hasher.verify(secret, Some(&stored)));
        let outcomes = futures_util::future::join_all(flood).await;
        let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(HashError::Busy))).count();
        assert_eq!(busy, 200 - MAX_WAITING);
    }
}
