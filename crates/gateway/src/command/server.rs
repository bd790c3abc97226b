//! The operators' API at a server, over HTTP, as the operator of an API token.

use crate::{answer::CommandError, loopback::is_loopback};
use reqwest::{Client, Method, Response, header::CONTENT_TYPE, redirect::Policy};
use serde_json::Value;
use std::{path::Path, time::Duration};
use url::Url;

/// Where the token is, unless it is in a file: never an argument, which everybody on the machine can read.
const TOKEN: &str = "JUNO_API_TOKEN";

/// How long it may take to connect, and then until anything is heard.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A server.
pub(crate) struct Server {
    base: Url,
    http: Client,
    token: String,
}

impl Server {
    /// At this address, with the token of the environment or of a file.
    ///
    /// # Errors
    /// An address over which a token must not be sent, no token, or no TLS.
    pub(super) fn new(address: &str, token_file: Option<&Path>) -> Result<Server, CommandError> {
        let base =
            check_address(address).map_err(|wrong| CommandError::Usage(format!("--server: {wrong}")))?;
        let token = match token_file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|cause| CommandError::Usage(format!("--token-file: {}: {cause}", file.display())))?,
            None => std::env::var(TOKEN).unwrap_or_default(),
        };
        let token = token.trim().to_owned();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CommandError::Usage(format!(
                "--server needs an operator's API token, in {TOKEN} or in the file of --token-file"
            )));
        }
        // A second installation is refused, which is as good as the first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("juno/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(Policy::none());
        // A proxy of the environment leads outside, not to this machine.
        let client = if is_loopback(&base) { client.no_proxy() } else { client };
        let http = client.build().map_err(|cause| CommandError::failed("no HTTP client")(&cause))?;
        Ok(Server { base, http, token })
    }

    /// Its address.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Sends a request; the answer may be of any status.
    pub(super) async fn ask(
        &self,
        method: &str,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Response, CommandError> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|cause| CommandError::failed("no method of HTTP")(&cause))?;
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        request.send().await.map_err(|error| CommandError::Failed(in_words(&error)))
    }
}

/// What went wrong with its causes, which is where the HTTP client says it; without the address, which may have a query.
fn in_words(error: &reqwest::Error) -> String {
    let mut words = "the server cannot be asked".to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push_str(&format!(": {error}"));
        cause = error.source();
    }
    words
}

fn check_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|cause| format!("\"{text}\" is no URL: {cause}"))?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !is_safe {
        return Err(
            "must begin with https:// (http:// is for this machine alone): a token goes over it".to_owned()
        );
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err("must have no user, query or fragment".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_nothing_but_https() {
        for good in [
            "https://ops.example.com",
            "https://ops.example.com/juno/",
            "http://127.0.0.1:9090",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ops.example.com",
            "http://ops.example.com",
            "http://10.0.0.5:9090",
            "ftp://x",
            "https://a:b@x",
            "https://x?y",
            "http://localhost.example.com",
        ] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }
}
