//! The flags that name a server and a credential; every command has them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::http::credentials::Assertion;
use crate::http::federation::{Issuer, SigningKey};
use crate::http::{Client, ClientError, Credentials, Dialect, FaultRule, Secret, Settings, TenantUrl};

/// One server and one credential.
#[derive(Clone, Debug, clap::Args)]
pub struct Connection {
    /// Tenant URL, as pasted into Entra; `?aadOptscim062020` at its end chooses the dialect
    #[arg(long, env = "ENTRA_SIM_TENANT_URL")]
    pub tenant_url: Option<String>,
    /// Secret Token
    #[arg(long, env = "ENTRA_SIM_SECRET_TOKEN", hide_env_values = true, value_parser = secret)]
    pub secret_token: Option<Secret>,
    /// OAuth client credentials or federation instead of a Secret Token
    #[command(flatten)]
    pub oauth: OAuth,
    /// How the client behaves
    #[command(flatten)]
    pub behaviour: Behaviour,
}

/// OAuth client credentials or workload identity federation.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct OAuth {
    /// OAuth client id
    #[arg(long, env = "ENTRA_SIM_CLIENT_ID")]
    pub client_id: Option<String>,
    /// OAuth client secret
    #[arg(long, env = "ENTRA_SIM_CLIENT_SECRET", hide_env_values = true, value_parser = secret)]
    pub client_secret: Option<Secret>,
    /// OAuth token endpoint
    #[arg(long, env = "ENTRA_SIM_TOKEN_URL")]
    pub token_url: Option<String>,
    /// OAuth scope
    #[arg(long)]
    pub scope: Option<String>,
    /// A ready federation assertion (JWT) in place of a client secret
    #[arg(long, env = "ENTRA_SIM_ASSERTION", hide_env_values = true, value_parser = secret)]
    pub assertion: Option<Secret>,
    /// Private RSA key (PKCS #8, PEM) that signs assertions, in place of a ready one. `entra-sim key-set` prints the key
    /// set that the server needs
    #[arg(long)]
    pub assertion_key: Option<PathBuf>,
    /// `iss` of signed assertions
    #[arg(long)]
    pub assertion_issuer: Option<String>,
    /// `sub` of signed assertions
    #[arg(long)]
    pub assertion_subject: Option<String>,
    /// `aud` of signed assertions
    #[arg(long)]
    pub assertion_audience: Option<String>,
}

/// How the client behaves.
#[derive(Clone, Debug, clap::Args)]
pub struct Behaviour {
    /// PATCH dialect, whatever the Tenant URL says
    #[arg(long)]
    pub dialect: Option<Dialect>,
    /// Keep `aadOptscim062020` in the query of each request
    #[arg(long)]
    pub forward_flag: bool,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 30)]
    pub timeout: u64,
    /// At most so many requests a second for each tenant (0: no limit); Entra stays under 25
    #[arg(long, default_value_t = 0.0)]
    pub requests_per_second: f64,
    /// Wait for the time named in Retry-After when a 429 comes (not documented of Entra)
    #[arg(long)]
    pub honour_retry_after: bool,
    /// A fault between client and server, such as 'status=429,on=POST /Users,rate=0.1'; repeatable
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<String>,
    /// Seed of the faults' randomness
    #[arg(long, default_value_t = 0)]
    pub fault_seed: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            dialect: None,
            forward_flag: false,
            timeout: 30,
            requests_per_second: 0.0,
            honour_retry_after: false,
            faults: Vec::new(),
            fault_seed: 0,
        }
    }
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

impl Connection {
    /// The client that these flags describe.
    ///
    /// # Errors
    /// [`ClientError`] when address, credential or a fault is not usable.
    pub fn client(&self, clock: Clock) -> Result<Client, ClientError> {
        let credentials = self.oauth.credentials(self.secret_token.clone())?;
        self.behaviour.client(self.tenant_url()?, credentials, clock)
    }

    /// The Tenant URL as given.
    ///
    /// # Errors
    /// [`ClientError::NoTenantUrl`] if none was given.
    pub fn tenant_url(&self) -> Result<&str, ClientError> {
        self.tenant_url.as_deref().ok_or(ClientError::NoTenantUrl)
    }

    /// The dialect of PATCH bodies: the flag's, else the Tenant URL's.
    ///
    /// # Errors
    /// [`ClientError::NoTenantUrl`] if no address was given; [`ClientError::TenantUrl`] if it is not usable.
    pub fn dialect(&self) -> Result<Dialect, ClientError> {
        Ok(self.behaviour.dialect.unwrap_or(self.tenant_url()?.parse::<TenantUrl>()?.dialect()))
    }
}

impl Behaviour {
    /// A client of `tenant_url` that behaves so.
    ///
    /// # Errors
    /// [`ClientError`] when the address or a fault is not usable.
    pub fn client(
        &self,
        tenant_url: &str,
        credentials: Credentials,
        clock: Clock,
    ) -> Result<Client, ClientError> {
        let tenant: TenantUrl = tenant_url.parse()?;
        let rules: Result<Vec<FaultRule>, String> = self.faults.iter().map(|fault| fault.parse()).collect();
        let faults = rules.map_err(|why| ClientError::File { path: "--fault".to_owned(), why })?;
        let settings = Settings {
            timeout: Duration::from_secs(self.timeout.max(1)),
            requests_per_second: (self.requests_per_second > 0.0).then_some(self.requests_per_second),
            honour_retry_after: self.honour_retry_after,
            faults,
            seed: self.fault_seed,
        };
        Client::new(tenant.forwarding_flag(self.forward_flag), credentials, settings, clock)
    }
}

impl OAuth {
    /// The credential that these fields and a Secret Token describe together; exactly one kind must be complete.
    ///
    /// # Errors
    /// [`ClientError::Credentials`] when none or more than one kind is given, or one is incomplete.
    pub fn credentials(&self, secret_token: Option<Secret>) -> Result<Credentials, ClientError> {
        let wrong = |why: &str| ClientError::Credentials(why.to_owned());
        let Some(client_id) = self.client_id.clone() else {
            return match secret_token {
                Some(token) => Ok(Credentials::Bearer(token)),
                None => Err(wrong("give a Secret Token, or an OAuth client id with secret or assertion")),
            };
        };
        if secret_token.is_some() {
            return Err(wrong("a Secret Token and an OAuth client exclude each other"));
        }
        let token_url = self.token_url.clone().ok_or_else(|| wrong("an OAuth client needs a token URL"))?;
        url::Url::parse(&token_url).map_err(|error| wrong(&format!("token URL: {error}")))?;
        let scope = self.scope.clone();
        match (self.client_secret.clone(), self.assertion()?) {
            (Some(client_secret), None) => {
                Ok(Credentials::ClientCredentials { client_id, client_secret, token_url, scope })
            }
            (None, Some(assertion)) => Ok(Credentials::Federation { client_id, token_url, scope, assertion }),
            (None, None) => Err(wrong("an OAuth client needs a secret or an assertion")),
            (Some(_), Some(_)) => Err(wrong("a client secret and an assertion exclude each other")),
        }
    }

    fn assertion(&self) -> Result<Option<Assertion>, ClientError> {
        if let Some(ready) = &self.assertion {
            return Ok(Some(Assertion::Given(ready.clone())));
        }
        let Some(path) = &self.assertion_key else { return Ok(None) };
        let key = signing_key(path)?;
        let need = |value: &Option<String>, name: &str| {
            value.clone().ok_or_else(|| ClientError::Credentials(format!("a signed assertion needs {name}")))
        };
        let issuer = need(&self.assertion_issuer, "an issuer")?;
        let subject = need(&self.assertion_subject, "a subject")?;
        let audience = need(&self.assertion_audience, "an audience")?;
        let issuer = Issuer::new(key, &issuer, &subject, &audience);
        Ok(Some(Assertion::Signed(Arc::new(issuer))))
    }
}

/// Reads the key of `--assertion-key`.
///
/// # Errors
/// [`ClientError::File`] if the file cannot be read or holds no RSA key in PKCS #8.
pub fn signing_key(path: &Path) -> Result<SigningKey, ClientError> {
    let file = |why: String| ClientError::File { path: path.display().to_string(), why };
    let pem = std::fs::read_to_string(path).map_err(|error| file(error.to_string()))?;
    SigningKey::from_pem(&pem).map_err(file)
}
