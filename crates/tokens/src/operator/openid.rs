//! Signing in at an OpenID provider: the authorization code flow (OpenID Connect Core 1.0 section 3.1) with PKCE, state and
//! nonce. The protocol of the flow is oauth2's, the identity token is judged here (section 3.1.3.7), its signature is
//! jsonwebtoken's (`docs/adr/0017`).

use super::{
    discovery::{Discovery, Metadata},
    id_token::IdToken,
};
use crate::seldom::Seldom;
use keys::{KeySetSettings, KeySets, NoKey, Unverified};
use oauth2::{
    AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenUrl,
    basic::{
        BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use outgoing::{Bounds, Outgoing};
use scim::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// Largest answer of the provider that is read, in bytes.
const MAX_ANSWER: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

/// At which provider operators sign in, and how.
#[derive(Clone)]
pub struct OpenIdSettings {
    /// The issuer identifier, exactly as the provider writes it.
    pub issuer: String,
    /// What the provider calls this gateway.
    pub client_id: String,
    /// By which the gateway shows the provider who it is.
    pub client_secret: Zeroizing<String>,
    /// Where the provider sends the browser back to.
    pub redirect_url: String,
    /// The claim of the identity token that is the operator's name.
    pub claim: String,
    /// The authentication context class that the provider must have used, where that matters (`acr`).
    pub acr: Option<String>,
}

/// Without the secret.
impl fmt::Debug for OpenIdSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenIdSettings").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum OpenIdError {
    /// What the browser brought back, or what the provider says, is not good.
    #[error("{0}")]
    Refused(&'static str),
    /// The provider could not be asked.
    #[error("the OpenID provider: {0}")]
    Unavailable(String),
}

/// A sign-in that has begun: where the browser goes, and what it must keep until it comes back.
pub struct OpenIdBegun {
    /// Where to.
    pub url: String,
    /// What to keep.
    pub kept: OpenIdKept,
}

/// What only the browser that has begun knows.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenIdKept {
    state: String,
    nonce: String,
    verifier: String,
}

impl OpenIdKept {
    /// As one text of letters, digits, `-`, `_` and `.`.
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.state, self.nonce, self.verifier)
    }

    /// Reads it; none if it is none.
    pub fn parse(text: &str) -> Option<OpenIdKept> {
        let mut parts = text.split('.').map(str::to_owned);
        let kept = OpenIdKept { state: parts.next()?, nonce: parts.next()?, verifier: parts.next()? };
        let is_whole = [&kept.state, &kept.nonce, &kept.verifier].iter().all(|part| part.len() >= 16);
        (is_whole && parts.next().is_none()).then_some(kept)
    }
}

/// What the browser brings back (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Default, Deserialize)]
pub struct OpenIdReturn {
    /// The authorization code.
    pub code: Option<String>,
    /// What was sent along.
    pub state: Option<String>,
    /// Who sends it back, where the provider says so.
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

/// The token response of OpenID Connect has one token more.
#[derive(Debug, Deserialize, Serialize)]
struct WithIdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for WithIdToken {}

type Flow = Client<
    BasicErrorResponse,
    StandardTokenResponse<WithIdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// One OpenID provider. Share one a process.
pub struct OpenId {
    settings: OpenIdSettings,
    outgoing: Outgoing,
    jwks: KeySets,
    discovery: Discovery,
    refused_codes: Seldom,
}

impl OpenId {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new(settings: OpenIdSettings) -> Result<OpenId, String> {
        let failed = |cause: outgoing::Error| format!("no HTTP client for the OpenID provider: {cause}");
        // Whoever runs the gateway chose the provider, which may stand in their own network.
        let bounds = Bounds {
            allow_http: settings.issuer.starts_with("http://"),
            allow_private_networks: true,
            timeout: TIMEOUT,
        };
        let (lifetime, refetch_interval) = (Duration::from_secs(3600), Duration::from_secs(10));
        let jwks = KeySets::new(KeySetSettings { bounds, lifetime, refetch_interval }).map_err(failed)?;
        let outgoing = Outgoing::new(bounds, "the OpenID provider").map_err(failed)?;
        let discovery = Discovery::new(settings.issuer.clone(), outgoing.clone());
        Ok(OpenId { settings, outgoing, jwks, discovery, refused_codes: Seldom::new() })
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// The provider cannot be asked.
    pub async fn begin(&self, now: Timestamp) -> Result<OpenIdBegun, OpenIdError> {
        let flow = self.flow(&self.discovery.metadata(now).await?)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random();
        let mut request = flow
            .authorize_url(CsrfToken::new_random)
            .add_scopes(["openid", "profile", "email"].map(|scope| Scope::new(scope.to_owned())))
            .add_extra_param("nonce", nonce.secret())
            .set_pkce_challenge(challenge);
        if let Some(acr) = &self.settings.acr {
            request = request.add_extra_param("acr_values", acr);
        }
        let (url, state) = request.url();
        let kept = OpenIdKept {
            state: state.into_secret(),
            nonce: nonce.into_secret(),
            verifier: verifier.into_secret(),
        };
        Ok(OpenIdBegun { url: url.to_string(), kept })
    }

    /// The name of whoever has signed in at the provider, in lower case.
    ///
    /// # Errors
    /// See [`OpenIdError`].
    pub async fn finish(
        &self,
        kept: OpenIdKept,
        back: OpenIdReturn,
        now: Timestamp,
    ) -> Result<String, OpenIdError> {
        let refused = OpenIdError::Refused;
        if back.state.as_deref() != Some(kept.state.as_str()) {
            return Err(refused("The sign-in was begun in another browser, or too long ago."));
        }
        if back.iss.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(refused("Another provider has answered."));
        }
        if back.error.is_some() {
            return Err(refused("The provider did not sign you in."));
        }
        let code = back.code.ok_or(refused("The provider did not sign you in."))?;
        let metadata = self.discovery.metadata(now).await?;
        let token = self.exchange(&metadata, code, kept.verifier).await?;
        let token = Unverified::parse(&token).ok_or(refused("The identity token is none."))?;
        let claims: IdToken = token.claims().ok_or(refused("The identity token lacks a claim."))?;
        let name = claims.name_of_operator(&self.settings, &kept.nonce, now).map_err(refused)?;
        let kid = token.kid.as_deref().ok_or(refused("The identity token names no key."))?;
        let key = self.jwks.key(&metadata.jwks_uri, kid, now).await.map_err(|no_key| match no_key {
            NoKey::Unknown => refused("The identity token is signed with an unknown key."),
            NoKey::Unavailable(cause) => OpenIdError::Unavailable(cause),
        })?;
        if !token.is_signed_by(&key) {
            return Err(refused("The identity token is not signed by the provider."));
        }
        Ok(name)
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        code: String,
        verifier: String,
    ) -> Result<String, OpenIdError> {
        let send = |request: HttpRequest| self.send(request);
        let answer = self
            .flow(metadata)?
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&send)
            .await;
        let answer = answer.map_err(|error| match error {
            // A code that was used, that is another's, or that has ended.
            RequestTokenError::ServerResponse(said) => {
                if let Some(omitted) = self.refused_codes.admit(Instant::now()) {
                    tracing::warn!(error = %said.error(), omitted, "the OpenID provider refused a code");
                }
                OpenIdError::Refused("The provider does not know this sign-in. Try again.")
            }
            RequestTokenError::Request(error) => OpenIdError::Unavailable(error.to_string()),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                OpenIdError::Unavailable("the answer of the token endpoint cannot be read".to_owned())
            }
        })?;
        let token = answer.extra_fields().id_token.clone();
        token.ok_or(OpenIdError::Refused("The provider has sent no identity token."))
    }

    fn flow(&self, metadata: &Metadata) -> Result<Flow, OpenIdError> {
        let wrong = |_| OpenIdError::Unavailable("an address of the provider is none".to_owned());
        Ok(Client::new(ClientId::new(self.settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.settings.client_secret.to_string()))
            .set_auth_uri(AuthUrl::new(metadata.authorization_endpoint.clone()).map_err(wrong)?)
            .set_token_uri(TokenUrl::new(metadata.token_endpoint.clone()).map_err(wrong)?)
            .set_redirect_uri(RedirectUrl::new(self.settings.redirect_url.clone()).map_err(wrong)?))
    }

    /// Sends what oauth2 has made, within our bounds.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        let failed = |cause: &dyn std::fmt::Display| Unanswered(cause.to_string());
        let (parts, body) = request.into_parts();
        let sent = self
            .outgoing
            .client()
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body)
            .send()
            .await;
        let response = sent.map_err(|error| failed(&error.without_url()))?;
        let status = response.status();
        let kind = response.headers().get("content-type").cloned();
        let body = self.outgoing.read(response, MAX_ANSWER).await.map_err(|cause| failed(&cause))?;
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = status;
        answer.headers_mut().extend(kind.map(|kind| (oauth2::http::header::CONTENT_TYPE, kind)));
        Ok(answer)
    }
}

/// The provider did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unanswered(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_browser_keeps_reads_back() {
        let kept = OpenIdKept { state: "s".repeat(22), nonce: "n".repeat(22), verifier: "v".repeat(43) };
        assert!(OpenIdKept::parse(&kept.to_text()) == Some(kept.clone()));
        for text in ["", "..", "a.b.c", &format!("{}.x", kept.to_text()), &kept.to_text()[..50]] {
            assert!(OpenIdKept::parse(text).is_none(), "{text}");
        }
    }
}
