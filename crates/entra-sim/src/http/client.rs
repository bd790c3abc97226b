//! The client: adds the credential, keeps the pace, sends, and hands back the exchange.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Mutex;

use super::credentials::TokenRequest;
use super::exchange::Authorization;
use super::faults::{FaultRule, Faults};
use super::{Credentials, Encoding, Exchange, Failure, Request, Response, TenantUrl};
use crate::clock::Clock;

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No Tenant URL was given.
    #[error("give --tenant-url, or set ENTRA_SIM_TENANT_URL")]
    NoTenantUrl,
    /// The Tenant URL is not an address that can be used.
    #[error("Tenant URL '{url}': {why}")]
    TenantUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The credentials are incomplete or contradict each other.
    #[error("credentials: {0}")]
    Credentials(String),
    /// A file named on the command line or in the tenant list cannot be used.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// TLS or the connection pool cannot be set up.
    #[error("HTTP client: {0}")]
    Setup(#[from] reqwest::Error),
}

/// How a client behaves beyond address and credential.
#[derive(Debug)]
pub struct Settings {
    /// How long it waits for an answer.
    pub timeout: Duration,
    /// At most so many requests a second; Entra promises to stay under 25.
    pub requests_per_second: Option<f64>,
    /// Whether a 429 with `Retry-After` is waited for. Not documented of Entra, so off.
    pub honour_retry_after: bool,
    /// Faults to put between client and server.
    pub faults: Vec<FaultRule>,
    /// Seed of the faults' randomness.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            requests_per_second: None,
            honour_retry_after: false,
            faults: Vec::new(),
            seed: 0,
        }
    }
}

/// The most that is read of one answer, in bytes.
const LARGEST_ANSWER: usize = 64 << 20;
/// How often a 429 is waited for when `Retry-After` is honoured.
const PATIENCE: usize = 5;

/// A client of one tenant. Cloning shares connections, token and pace.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    tenant: TenantUrl,
    credentials: Credentials,
    clock: Clock,
    faults: Faults,
    interval: Duration,
    honour_retry_after: bool,
    next: Mutex<Option<Instant>>,
    token: Mutex<Option<AccessToken>>,
}

#[derive(Clone, Debug)]
struct AccessToken {
    value: super::Secret,
    until: Instant,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Setup`] when TLS cannot be set up.
    pub fn new(
        tenant: TenantUrl,
        credentials: Credentials,
        settings: Settings,
        clock: Clock,
    ) -> Result<Self, ClientError> {
        // A second installation is refused, which is as good as the first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(64)
            .tcp_nodelay(true)
            .build()?;
        let pace = settings.requests_per_second.filter(|rate| *rate > 0.0);
        let interval = pace.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
        let (next, token) = (Mutex::new(None), Mutex::new(None));
        let faults = Faults::new(settings.faults, settings.seed);
        let honour_retry_after = settings.honour_retry_after;
        let inner =
            Inner { http, tenant, credentials, clock, faults, interval, honour_retry_after, next, token };
        Ok(Self(Arc::new(inner)))
    }

    /// The Tenant URL.
    pub fn tenant(&self) -> &TenantUrl {
        &self.0.tenant
    }

    /// The clock that stamps exchanges.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The credential.
    pub fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    /// A request to `path` below the Tenant URL, to be completed and passed to [`Client::send`].
    pub fn request(&self, method: &str, path: &str, query: &[(&str, &str)]) -> Request {
        Request::new(method, self.0.tenant.join(path, query, Encoding::Plus))
    }

    /// `GET`, with no header but the credential, as the provisioning service sends it.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Exchange {
        self.send(self.request("GET", path, query)).await
    }

    /// `POST` of a SCIM body.
    pub async fn post(&self, path: &str, body: &Value) -> Exchange {
        self.send(self.request("POST", path, &[]).scim(body)).await
    }

    /// `PUT` of a SCIM body.
    pub async fn put(&self, path: &str, body: &Value) -> Exchange {
        self.send(self.request("PUT", path, &[]).scim(body)).await
    }

    /// `PATCH` of a SCIM body.
    pub async fn patch(&self, path: &str, body: &Value) -> Exchange {
        self.send(self.request("PATCH", path, &[]).scim(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Exchange {
        self.send(self.request("DELETE", path, &[])).await
    }

    /// Sends a request; a stale access token is renewed once, a 429 is waited for if so configured.
    pub async fn send(&self, request: Request) -> Exchange {
        let mut exchange = self.attempt(request.clone()).await;
        if exchange.status() == Some(401) && request.authorization == Authorization::Own && self.is_oauth() {
            *self.0.token.lock().await = None;
            exchange = self.attempt(request.clone()).await;
        }
        for _ in 0..PATIENCE {
            let wait = exchange.response().filter(|response| response.status == 429).and_then(retry_after);
            let Some(wait) = wait.filter(|_| self.0.honour_retry_after) else { break };
            tokio::time::sleep(wait).await;
            exchange = self.attempt(request.clone()).await;
        }
        exchange
    }

    fn is_oauth(&self) -> bool {
        matches!(self.0.credentials, Credentials::ClientCredentials { .. } | Credentials::Federation { .. })
    }

    async fn attempt(&self, request: Request) -> Exchange {
        self.keep_pace().await;
        let sent = self.0.clock.now();
        let begun = Instant::now();
        let outcome = self.outcome(&request).await;
        Exchange { sent, duration: begun.elapsed(), request, outcome }
    }

    async fn outcome(&self, request: &Request) -> Result<Response, Failure> {
        let befallen = self.0.faults.draw(request);
        if let Some(outcome) = befallen.before().await {
            return outcome;
        }
        let authorization = match &request.authorization {
            Authorization::None => None,
            Authorization::Other(value) => Some(value.clone()),
            Authorization::Own => self.own_authorization().await?,
        };
        befallen.after(self.transmit(request, authorization.as_deref(), request.body.clone()).await)
    }

    async fn transmit(
        &self,
        request: &Request,
        authorization: Option<&str>,
        body: Option<String>,
    ) -> Result<Response, Failure> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| Failure::Request(error.to_string()))?;
        let mut builder = self.0.http.request(method, &request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(value) = authorization {
            builder = builder.header("authorization", value);
        }
        if let Some(body) = body {
            builder = builder.body(body);
        }
        let mut answer = builder.send().await.map_err(|error| failure(&error))?;
        let status = answer.status().as_u16();
        let text =
            |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error))? {
            if bytes.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Failure::TooLarge(LARGEST_ANSWER));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() })
    }

    async fn own_authorization(&self) -> Result<Option<String>, Failure> {
        match &self.0.credentials {
            Credentials::Anonymous => Ok(None),
            Credentials::Bearer(secret) => Ok(Some(format!("Bearer {}", secret.reveal()))),
            Credentials::ClientCredentials { .. } | Credentials::Federation { .. } => {
                let mut token = self.0.token.lock().await;
                if let Some(live) = token.as_ref().filter(|token| token.until > Instant::now()) {
                    return Ok(Some(format!("Bearer {}", live.value.reveal())));
                }
                let fresh = read_token(&self.token().await)?;
                let value = format!("Bearer {}", fresh.value.reveal());
                *token = Some(fresh);
                Ok(Some(value))
            }
        }
    }

    /// Asks the token endpoint for an access token. The exchange shows secrets as `***` in the request;
    /// its answer holds the token, so use [`without_token`] before it is logged.
    pub async fn token(&self) -> Exchange {
        let sent = self.0.clock.now();
        let begun = Instant::now();
        let (request, outcome) = match self.0.credentials.token_request(sent) {
            Ok(Some(TokenRequest { url, form, shown })) => {
                let request = Request::new("POST", url)
                    .raw("application/x-www-form-urlencoded", shown)
                    .header("accept", "application/json")
                    .authorization(Authorization::None);
                let outcome = self.transmit(&request, None, Some(form)).await;
                (request, outcome)
            }
            Ok(None) => (Request::new("POST", String::new()), Err(Failure::Token("not OAuth".to_owned()))),
            Err(why) => (Request::new("POST", String::new()), Err(Failure::Token(why))),
        };
        Exchange { sent, duration: begun.elapsed(), request, outcome }
    }

    async fn keep_pace(&self) {
        if self.0.interval.is_zero() {
            return;
        }
        let turn = {
            let mut next = self.0.next.lock().await;
            let now = Instant::now();
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + self.0.interval);
            turn
        };
        tokio::time::sleep_until(turn.into()).await;
    }
}

/// The same exchange of the token endpoint with the access token struck out.
#[must_use]
pub fn without_token(mut exchange: Exchange) -> Exchange {
    if let Ok(response) = &mut exchange.outcome
        && let Ok(mut body) = response.json()
        && let Some(token) = body.get_mut("access_token")
    {
        *token = Value::from("***");
        response.body = body.to_string();
    }
    exchange
}

/// A token is renewed a minute before its end, and lives an hour if the server does not say.
fn read_token(exchange: &Exchange) -> Result<AccessToken, Failure> {
    let response = exchange.outcome.as_ref().map_err(|failure| Failure::Token(failure.to_string()))?;
    if !response.is_success() {
        return Err(Failure::Token(format!("the token endpoint answered {}", response.status)));
    }
    let body = response.json().map_err(|error| Failure::Token(error.to_string()))?;
    let value = body["access_token"].as_str().ok_or_else(|| Failure::Token("no access_token".to_owned()))?;
    let life =
        body["expires_in"].as_u64().or_else(|| body["expires_in"].as_str()?.parse().ok()).unwrap_or(3600);
    let until = Instant::now() + Duration::from_secs(life.saturating_sub(60).clamp(1, 86_400));
    Ok(AccessToken { value: super::Secret::new(value), until })
}

fn retry_after(response: &Response) -> Option<Duration> {
    response
        .header("retry-after")?
        .trim()
        .parse()
        .ok()
        .map(|seconds: u64| Duration::from_secs(seconds.min(300)))
}

/// reqwest's errors carry the address; only their causes are told.
fn failure(error: &reqwest::Error) -> Failure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let why = cause.to_string();
    if error.is_timeout() {
        Failure::Timeout
    } else if error.is_connect() {
        Failure::Connect(why)
    } else if error.is_builder() {
        Failure::Request(why)
    } else {
        Failure::Dropped(why)
    }
}
