//! The published keys of identity providers (RFC 7517): fetched from addresses that customers typed, so with suspicion,
//! and kept by key id.

use crate::{address::is_public, jws::VerifyingKey};
use moka::sync::Cache;
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use scim::Timestamp;
use serde_json::Value;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use url::{Host, Url};

/// Largest set that is read, in bytes: that of Entra has some 20,000.
const MAX_SIZE: usize = 256 * 1024;
/// Most keys of a set.
const MAX_KEYS: usize = 100;
/// Most providers that are remembered.
const MAX_PROVIDERS: u64 = 10_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Which addresses may be fetched, and how often.
#[derive(Clone, Copy, Debug)]
pub struct JwksSettings {
    /// Whether plain `http://` is taken.
    pub allow_http: bool,
    /// Whether an address may lead to a private, loopback or link-local network.
    pub allow_private_networks: bool,
    /// How long fetched keys are used.
    pub lifetime: Duration,
    /// How often a provider is asked at most, however many assertions name keys that nobody knows.
    pub refetch_interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Why there is no key.
#[derive(Debug)]
pub(crate) enum NoKey {
    /// The provider publishes no such key.
    Unknown,
    /// The provider could not be asked.
    Unavailable(String),
}

/// Keys of all providers. Share one a process.
pub(crate) struct Jwks {
    http: Client,
    settings: JwksSettings,
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

impl Jwks {
    pub(crate) fn new(settings: JwksSettings) -> Result<Jwks, reqwest::Error> {
        let http = client(&settings)?;
        Ok(Jwks { http, settings, providers: Cache::new(MAX_PROVIDERS) })
    }

    /// The key with this id at this address.
    pub(crate) async fn key(&self, url: &str, kid: &str, now: Timestamp) -> Result<VerifyingKey, NoKey> {
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
        let url = check_url(url, &self.settings)?;
        let response = self.http.get(url).send().await.map_err(|error| told(&error))?;
        if !response.status().is_success() {
            return Err(format!("the address of the keys answered {}", response.status().as_u16()));
        }
        let body = read_bounded(response, MAX_SIZE).await?;
        let set: Value = serde_json::from_slice(&body).map_err(|_| "the keys are no JSON".to_owned())?;
        let keys = set["keys"].as_array().ok_or("the keys are no JSON Web Key Set")?;
        // Kinds that we do not know are left out (RFC 7517 section 5).
        let keys = keys.iter().take(MAX_KEYS);
        Ok(keys
            .filter_map(|jwk| Some((jwk["kid"].as_str()?.to_owned(), VerifyingKey::from_json(jwk)?)))
            .collect())
    }
}

/// An HTTP client for identity providers: no redirects, no proxies, within the time that is set.
///
/// # Errors
/// It cannot be set up.
pub(crate) fn client(settings: &JwksSettings) -> Result<Client, reqwest::Error> {
    // A second installation is refused, which is as good as the first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder()
        .timeout(settings.timeout)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::none())
        .no_proxy()
        .https_only(!settings.allow_http)
        .dns_resolver(Arc::new(Resolver { allow_private_networks: settings.allow_private_networks }))
        .build()
}

/// The body of an answer that is not larger than this.
///
/// # Errors
/// It is, or it ends early.
pub(crate) async fn read_bounded(mut response: Response, most: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| told(&error))? {
        if body.len() + chunk.len() > most {
            return Err(format!("the answer is larger than {most} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Checks the address of a key set as far as that is possible without asking for its host's addresses, which are
/// checked each time that it is fetched.
///
/// # Errors
/// What is wrong with it.
pub fn check_jwks_url(url: &str, settings: &JwksSettings) -> Result<(), String> {
    check_url(url, settings).map(drop)
}

fn check_url(text: &str, settings: &JwksSettings) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|cause| format!("the address of the keys is no URL: {cause}"))?;
    let is_secure = url.scheme() == "https" || (url.scheme() == "http" && settings.allow_http);
    if !is_secure {
        return Err("the address of the keys must begin with https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address of the keys must have no user in it".to_owned());
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        _ => None,
    };
    if literal.is_some_and(|address| !settings.allow_private_networks && !is_public(address)) {
        return Err(NOT_PUBLIC.to_owned());
    }
    Ok(url)
}

const NOT_PUBLIC: &str = "the address of the keys does not lead to the public internet";

/// Gives the HTTP client the addresses that it connects to, and no other: a name that is asked for twice cannot change
/// its mind in between.
struct Resolver {
    allow_private_networks: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private_networks = self.allow_private_networks;
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                all.filter(|address| allow_private_networks || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NOT_PUBLIC.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// A failure with its causes, without the address, which is said where the failure is.
fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let kind = if error.is_timeout() { "in time" } else { "well" };
    format!("the address of the keys did not answer {kind}: {cause}")
}

fn is_within(since: Timestamp, now: Timestamp, span: Duration) -> bool {
    u128::from(now.0.abs_diff(since.0)) < span.as_millis()
}

fn lock(known: &Mutex<Known>) -> std::sync::MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
