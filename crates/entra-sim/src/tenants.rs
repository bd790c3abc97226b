//! Several tenants at once: repeated flags, or a TOML file that lists them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::clock::Clock;
use crate::connection::{Behaviour, OAuth};
use crate::http::{Client, ClientError, Secret, TenantUrl};

/// Flags that name one or more tenants.
#[derive(Clone, Debug, clap::Args)]
pub struct TenantList {
    /// Tenant URL; repeatable, each with its own --secret-token in the same order
    #[arg(long, env = "ENTRA_SIM_TENANT_URL")]
    pub tenant_url: Vec<String>,
    /// Secret Token; as many as Tenant URLs
    #[arg(long, env = "ENTRA_SIM_SECRET_TOKEN", hide_env_values = true, value_parser = secret)]
    pub secret_token: Vec<Secret>,
    /// TOML file with `[[tenant]]` tables: name, tenant_url, secret_token or secret_token_env, client_id, …
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tenant_url", "secret_token"])]
    pub tenants: Option<PathBuf>,
    /// OAuth client, for a single tenant
    #[command(flatten)]
    pub oauth: OAuth,
    /// How the clients behave
    #[command(flatten)]
    pub behaviour: Behaviour,
}

/// One tenant of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// A name for people: the bar's label, the prefix of files.
    pub name: String,
    /// The Tenant URL.
    pub tenant_url: String,
    /// The Secret Token.
    #[serde(default)]
    pub secret_token: Option<Secret>,
    /// The environment variable that holds the Secret Token.
    #[serde(default)]
    pub secret_token_env: Option<String>,
    /// OAuth client id.
    #[serde(default)]
    pub client_id: Option<String>,
    /// OAuth client secret.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The environment variable that holds the client secret.
    #[serde(default)]
    pub client_secret_env: Option<String>,
    /// OAuth token endpoint.
    #[serde(default)]
    pub token_url: Option<String>,
    /// OAuth scope.
    #[serde(default)]
    pub scope: Option<String>,
    /// Job configuration of this tenant, beside the list's file; the command's if absent.
    #[serde(default)]
    pub job: Option<PathBuf>,
    /// Directory file of this tenant, beside the list's file; the command's if absent.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// Seed of this tenant's generated directory.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Assertion parts, from the command line only.
    #[serde(skip)]
    pub oauth: Option<OAuth>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantFile {
    #[serde(default)]
    tenant: Vec<Tenant>,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

impl TenantList {
    /// The tenants, from the file or from the flags.
    ///
    /// # Errors
    /// [`ClientError`] when there is none, the file is wrong or tokens and addresses do not pair up.
    pub fn tenants(&self) -> Result<Vec<Tenant>, ClientError> {
        if let Some(path) = &self.tenants {
            return read(path);
        }
        let wrong = |why: &str| Err(ClientError::Credentials(why.to_owned()));
        if self.tenant_url.is_empty() {
            return wrong("give --tenant-url or --tenants");
        }
        if self.oauth.client_id.is_some() {
            if self.tenant_url.len() > 1 || !self.secret_token.is_empty() {
                return wrong(
                    "an OAuth client on the command line serves one Tenant URL and no Secret Token",
                );
            }
        } else if self.secret_token.len() != self.tenant_url.len() {
            return wrong("give one --secret-token for each --tenant-url");
        }
        let named = self.tenant_url.iter().enumerate();
        Ok(named
            .map(|(index, url)| Tenant {
                name: name_of(url, index),
                tenant_url: url.clone(),
                secret_token: self.secret_token.get(index).cloned(),
                secret_token_env: None,
                client_id: None,
                client_secret: None,
                client_secret_env: None,
                token_url: None,
                scope: None,
                job: None,
                directory: None,
                seed: None,
                oauth: self.oauth.client_id.is_some().then(|| self.oauth.clone()),
            })
            .collect())
    }

    /// The tenants, each with its client.
    ///
    /// # Errors
    /// [`ClientError`] as [`TenantList::tenants`], or when an address or credential is not usable.
    pub fn clients(&self, clock: &Clock) -> Result<Vec<(Tenant, Client)>, ClientError> {
        let tenants = self.tenants()?.into_iter();
        tenants
            .map(|tenant| tenant.client(&self.behaviour, clock.clone()).map(|client| (tenant, client)))
            .collect()
    }
}

impl Tenant {
    /// The client of this tenant.
    ///
    /// # Errors
    /// [`ClientError`] when address, credential or a fault is not usable.
    pub fn client(&self, behaviour: &Behaviour, clock: Clock) -> Result<Client, ClientError> {
        let oauth = self.oauth.clone().map_or_else(|| self.own_oauth(), Ok)?;
        let token = from_environment(&self.secret_token, &self.secret_token_env)?;
        behaviour.client(&self.tenant_url, oauth.credentials(token)?, clock)
    }

    fn own_oauth(&self) -> Result<OAuth, ClientError> {
        Ok(OAuth {
            client_id: self.client_id.clone(),
            client_secret: from_environment(&self.client_secret, &self.client_secret_env)?,
            token_url: self.token_url.clone(),
            scope: self.scope.clone(),
            ..OAuth::default()
        })
    }
}

fn from_environment(
    given: &Option<Secret>,
    variable: &Option<String>,
) -> Result<Option<Secret>, ClientError> {
    match (given, variable) {
        (Some(secret), _) => Ok(Some(secret.clone())),
        (None, Some(name)) => std::env::var(name)
            .map(|value| Some(Secret::new(value)))
            .map_err(|_| ClientError::Credentials(format!("the environment variable {name} is not set"))),
        (None, None) => Ok(None),
    }
}

fn read(path: &Path) -> Result<Vec<Tenant>, ClientError> {
    let wrong = |why: String| ClientError::File { path: path.display().to_string(), why };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    // The parser's own message would show the line, and the line may hold a secret.
    let file: TenantFile = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
    if file.tenant.is_empty() {
        return Err(wrong("it lists no [[tenant]]".to_owned()));
    }
    let beside = path.parent().unwrap_or_else(|| Path::new(""));
    let mut tenants = file.tenant;
    for tenant in &mut tenants {
        tenant.tenant_url.parse::<TenantUrl>()?;
        tenant.job = tenant.job.as_ref().map(|file| beside.join(file));
        tenant.directory = tenant.directory.as_ref().map(|file| beside.join(file));
    }
    Ok(tenants)
}

/// A label out of an address: the segment after `/t/`, else the host's first label, else the number.
fn name_of(url: &str, index: usize) -> String {
    let parsed = url::Url::parse(url).ok();
    let segments = parsed.as_ref().and_then(url::Url::path_segments).into_iter().flatten();
    let after = segments.skip_while(|part| *part != "t").nth(1).map(str::to_owned);
    let host = || parsed.as_ref()?.domain()?.split('.').next().map(str::to_owned);
    after.or_else(host).unwrap_or_else(|| format!("tenant{}", index + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_from_the_address() {
        assert_eq!(name_of("https://scim.example/t/contoso/scim/v2", 0), "contoso");
        assert_eq!(name_of("https://contoso.example/scim", 0), "contoso");
        assert_eq!(name_of("http://127.0.0.1:8080/scim", 1), "tenant2");
    }

    #[test]
    fn a_wrong_list_is_told_without_its_secrets() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tenants.toml");
        std::fs::write(&path, "[[tenant]]\nname = \"a\"\nsecret_token = \"hush\" x\n").expect("written");
        let error = read(&path).expect_err("not TOML").to_string();
        assert!(!error.contains("hush"), "{error}");
    }
}
