//! The one guard for requests that we make to addresses which somebody typed (docs/adr/0038).

mod address;

pub use reqwest::{Client, Error};

use address::is_public;
use reqwest::{
    Response,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Where requests may go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Whether addresses without TLS are asked: for tests.
    pub allow_http: bool,
    /// Whether addresses of private networks are asked.
    pub allow_private_networks: bool,
    /// The longest that a request may take.
    pub timeout: Duration,
}

/// Asks within bounds. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outgoing {
    http: Client,
    bounds: Bounds,
    /// What the address is of, in messages: "the address of the keys".
    what: &'static str,
}

impl Outgoing {
    /// A client without redirects and proxies. `what` is how messages name an address.
    ///
    /// # Errors
    /// It cannot be set up.
    pub fn new(bounds: Bounds, what: &'static str) -> Result<Outgoing, Error> {
        // A second installation is refused, which is as good as the first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let resolver = Resolver { allow_private_networks: bounds.allow_private_networks, what };
        let http = Client::builder()
            .timeout(bounds.timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .https_only(!bounds.allow_http)
            .dns_resolver(Arc::new(resolver))
            .build()?;
        Ok(Outgoing { http, bounds, what })
    }

    /// The client itself, for a protocol that a library speaks.
    pub fn client(&self) -> &Client {
        &self.http
    }

    /// What an address answers with status 2xx, if it is no larger than `most` bytes.
    ///
    /// # Errors
    /// What is wrong with the address or the answer, in words for our log and for operators.
    pub async fn get(&self, url: &str, most: usize) -> Result<Vec<u8>, String> {
        let url = check(url, &self.bounds, self.what)?;
        let response = self.http.get(url).send().await.map_err(|error| self.told(&error))?;
        if !response.status().is_success() {
            return Err(format!("{} answered {}", self.what, response.status().as_u16()));
        }
        self.read(response, most).await
    }

    /// The body of an answer, if it is no larger than `most` bytes.
    ///
    /// # Errors
    /// It is, or it ends early.
    pub async fn read(&self, mut response: Response, most: usize) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.told(&error))? {
            if body.len() + chunk.len() > most {
                return Err(format!("the answer is larger than {most} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// A failure with its causes, without the address, which is said where the failure is.
    fn told(&self, error: &Error) -> String {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let kind = if error.is_timeout() { "in time" } else { "well" };
        format!("{} did not answer {kind}: {cause}", self.what)
    }
}

/// Checks an address as far as that is possible without asking for its host's addresses, which are checked each time that
/// it is asked. `what` is how messages name it.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str, bounds: &Bounds, what: &'static str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|cause| format!("{what} is no URL: {cause}"))?;
    let is_secure = url.scheme() == "https" || (url.scheme() == "http" && bounds.allow_http);
    if !is_secure {
        return Err(format!("{what} must begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{what} must have no user in it"));
    }
    // The client connects to a literal address without asking for it.
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        _ => None,
    };
    if literal.is_some_and(|address| !bounds.allow_private_networks && !is_public(address)) {
        return Err(not_public(what));
    }
    Ok(url)
}

fn not_public(what: &str) -> String {
    format!("{what} does not lead to the public internet")
}

/// Gives the HTTP client the addresses that it connects to, and no other: a name that is asked for twice cannot change
/// its mind in between.
struct Resolver {
    allow_private_networks: bool,
    what: &'static str,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow_private_networks, what) = (self.allow_private_networks, self.what);
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                all.filter(|address| allow_private_networks || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(not_public(what).into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}
