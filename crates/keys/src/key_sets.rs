//! The published keys of identity providers (RFC 7517): fetched from addresses that customers typed, so with suspicion,
//! and kept by key id.

use crate::jws::VerifyingKey;
use moka::sync::Cache;
use outgoing::{Bounds, Outgoing};
use scim::Timestamp;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Largest set that is read, in bytes: that of Entra has some 20,000.
const MAX_SIZE: usize = 256 * 1024;
/// Most keys of a set.
const MAX_KEYS: usize = 100;
/// Most providers that are remembered.
const MAX_PROVIDERS: u64 = 10_000;
/// How messages name an address.
const ADDRESS: &str = "the address of the keys";

/// Which addresses may be fetched, and how often.
#[derive(Clone, Copy, Debug)]
pub struct KeySetSettings {
    /// Where requests may go.
    pub bounds: Bounds,
    /// How long fetched keys are used.
    pub lifetime: Duration,
    /// How often a provider is asked at most, however many assertions name keys that nobody knows.
    pub refetch_interval: Duration,
}

/// Why there is no key.
#[derive(Debug)]
pub enum NoKey {
    /// The provider publishes no such key.
    Unknown,
    /// The provider could not be asked.
    Unavailable(String),
}

/// Keys of all providers. Share one a process.
pub struct KeySets {
    outgoing: Outgoing,
    settings: KeySetSettings,
    providers: Cache<String, Arc<Provider>>,
}

/// One provider, by the address of its keys.
#[derive(Default)]
struct Provider {
    known: Mutex<Known>,
    /// Held by whoever fetches; whoever comes meanwhile waits for the same answer.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, VerifyingKey>,
    fetched: Option<Timestamp>,
    /// The last try, and why it failed if it did.
    tried: Option<(Timestamp, Option<String>)>,
}

impl KeySets {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new(settings: KeySetSettings) -> Result<KeySets, outgoing::Error> {
        let outgoing = Outgoing::new(settings.bounds, ADDRESS)?;
        Ok(KeySets { outgoing, settings, providers: Cache::new(MAX_PROVIDERS) })
    }

    /// The key with this id at this address.
    ///
    /// # Errors
    /// [`NoKey`].
    pub async fn key(&self, url: &str, kid: &str, now: Timestamp) -> Result<VerifyingKey, NoKey> {
        let provider = self.providers.get_with_by_ref(url, Arc::default);
        if let Some(key) = self.fresh(&provider, kid, now) {
            return Ok(key);
        }
        let _fetching = provider.fetching.lock().await;
        // Somebody else may have fetched it meanwhile.
        if let Some(key) = self.fresh(&provider, kid, now) {
            return Ok(key);
        }
        if let Some((tried, failure)) = lock(&provider.known).tried.clone()
            && is_within(tried, now, self.settings.refetch_interval)
        {
            return Err(failure.map_or(NoKey::Unknown, NoKey::Unavailable));
        }
        let outcome = self.fetch(url).await;
        let mut known = lock(&provider.known);
        known.tried = Some((now, outcome.as_ref().err().cloned()));
        known.keys = outcome.map_err(NoKey::Unavailable)?;
        known.fetched = Some(now);
        known.keys.get(kid).cloned().ok_or(NoKey::Unknown)
    }

    fn fresh(&self, provider: &Provider, kid: &str, now: Timestamp) -> Option<VerifyingKey> {
        let known = lock(&provider.known);
        let is_fresh = known.fetched.is_some_and(|fetched| is_within(fetched, now, self.settings.lifetime));
        known.keys.get(kid).filter(|_| is_fresh).cloned()
    }

    async fn fetch(&self, url: &str) -> Result<HashMap<String, VerifyingKey>, String> {
        let body = self.outgoing.get(url, MAX_SIZE).await?;
        let set: Value = serde_json::from_slice(&body).map_err(|_| "the keys are no JSON".to_owned())?;
        let keys = set["keys"].as_array().ok_or("the keys are no JSON Web Key Set")?;
        // Kinds that we do not know are left out (RFC 7517 section 5).
        let keys = keys.iter().take(MAX_KEYS);
        Ok(keys
            .filter_map(|jwk| Some((jwk["kid"].as_str()?.to_owned(), VerifyingKey::from_json(jwk)?)))
            .collect())
    }
}

/// Checks the address of a key set as far as that is possible without asking for its host's addresses, which are
/// checked each time that it is fetched.
///
/// # Errors
/// What is wrong with it.
pub fn check_address(url: &str, settings: &KeySetSettings) -> Result<(), String> {
    outgoing::check(url, &settings.bounds, ADDRESS).map(drop)
}

fn is_within(since: Timestamp, now: Timestamp, span: Duration) -> bool {
    u128::from(now.0.abs_diff(since.0)) < span.as_millis()
}

fn lock(known: &Mutex<Known>) -> std::sync::MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
