//! Signing in at an OpenID provider: the authorization code flow (OpenID Connect Core 1.0 section 3.1) with PKCE, state and
//! nonce. The protocol of the flow is oauth2's, the identity token is judged here (section 3.1.3.7), its signature is
//! jsonwebtoken's (`docs/adr/0017`).

use super::discovery::{Discovery, Metadata};
use crate::{
    jwks::{Jwks, JwksSettings, NoKey, client, read_bounded},
    jws::Unverified,
    seldom::Seldom,
};
use oauth2::{
    AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenUrl,
    basic::{
        BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use scim::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    fmt,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// How far the clocks of provider and gateway may be apart, in seconds.
const LEEWAY: i64 = 60;
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
    http: reqwest::Client,
    jwks: Jwks,
    discovery: Discovery,
    refused_codes: Seldom,
}

impl OpenId {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new(settings: OpenIdSettings) -> Result<OpenId, String> {
        let failed = |cause: reqwest::Error| format!("no HTTP client for the OpenID provider: {cause}");
        // Whoever runs the gateway chose the provider, which may stand in their own network.
        let bounds = JwksSettings {
            allow_http: settings.issuer.starts_with("http://"),
            allow_private_networks: true,
            lifetime: Duration::from_secs(3600),
            refetch_interval: Duration::from_secs(10),
            timeout: TIMEOUT,
        };
        let http = client(&bounds).map_err(failed)?;
        let jwks = Jwks::new(bounds).map_err(failed)?;
        let discovery = Discovery::new(settings.issuer.clone(), http.clone());
        Ok(OpenId { settings, http, jwks, discovery, refused_codes: Seldom::new() })
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
        let name = judge(&claims, &self.settings, &kept.nonce, now).map_err(refused)?;
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
            .http
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body)
            .send()
            .await;
        let response = sent.map_err(|error| failed(&error.without_url()))?;
        let status = response.status();
        let kind = response.headers().get("content-type").cloned();
        let body = read_bounded(response, MAX_ANSWER).await.map_err(|cause| failed(&cause))?;
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

#[derive(Deserialize)]
struct IdToken {
    iss: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nonce: Option<String>,
    acr: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// RFC 7519 section 4.1.3: one text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Claims whose case nobody heeds.
const FOLDED: [&str; 3] = ["email", "preferred_username", "upn"];

/// Judges everything but the signature (OpenID Connect Core 1.0 section 3.1.3.7); returns the operator's name.
fn judge(
    claims: &IdToken,
    settings: &OpenIdSettings,
    nonce: &str,
    now: Timestamp,
) -> Result<String, &'static str> {
    if claims.iss != settings.issuer {
        return Err("The identity token is of another provider.");
    }
    let (is_for_us, is_for_others) = match &claims.aud {
        Audience::One(one) => (*one == settings.client_id, false),
        Audience::Several(several) => (several.contains(&settings.client_id), several.len() > 1),
    };
    let is_ours = match &claims.azp {
        Some(party) => *party == settings.client_id,
        None => !is_for_others,
    };
    if !is_for_us || !is_ours {
        return Err("The identity token is for somebody else.");
    }
    let seconds = now.0 as f64 / 1000.0;
    let leeway = LEEWAY as f64;
    if claims.exp + leeway <= seconds || claims.iat - leeway > seconds {
        return Err("The identity token has ended, or has not begun.");
    }
    if claims.nonce.as_deref() != Some(nonce) {
        return Err("The identity token belongs to another sign-in.");
    }
    if settings.acr.is_some() && claims.acr != settings.acr {
        return Err("The provider did not ask for the proofs that are wanted here.");
    }
    // Whatever the provider does not vouch for, anybody may have typed.
    if settings.claim == "email" && claims.others.get("email_verified") != Some(&Value::Bool(true)) {
        return Err("The provider has not verified the e-mail address.");
    }
    let name = claims.others.get(&settings.claim).and_then(Value::as_str).unwrap_or_default().trim();
    if name.is_empty() {
        return Err("The identity token does not say who it is.");
    }
    // An identifier is what it is: two that differ in case may be two people. In ASCII alone, where one letter has one
    // lower case: operators' names have no other.
    match FOLDED.contains(&settings.claim.as_str()) {
        true => Ok(name.to_ascii_lowercase()),
        false => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp(1_795_521_600_000);

    fn judged(changes: Value, adjust: impl Fn(&mut OpenIdSettings)) -> Result<String, &'static str> {
        let mut settings = OpenIdSettings {
            issuer: "https://login.example.com/v2.0".to_owned(),
            client_id: "juno".to_owned(),
            client_secret: Zeroizing::new("secret".to_owned()),
            redirect_url: "https://admin.example.com/sign-in/openid/callback".to_owned(),
            claim: "preferred_username".to_owned(),
            acr: None,
        };
        adjust(&mut settings);
        let at = NOW.0 / 1000;
        let mut claims = json!({"iss": settings.issuer, "aud": "juno", "sub": "1", "exp": at + 600, "iat": at,
            "nonce": "n", "preferred_username": " Anna@Example.com ", "email": "anna@example.com"});
        for (name, value) in changes.as_object().expect("object") {
            claims[name] = value.clone();
        }
        let claims = serde_json::from_value(claims).map_err(|_| "unreadable")?;
        judge(&claims, &settings, "n", NOW)
    }

    #[test]
    fn an_identity_token_is_for_this_sign_in_and_for_us() {
        let at = NOW.0 / 1000;
        let as_they_are = |_: &mut OpenIdSettings| {};
        for good in [
            json!({}),
            json!({"aud": ["juno"]}),
            json!({"aud": ["juno", "other"], "azp": "juno"}),
            json!({"exp": at - 59}),
            json!({"iat": at + 60}),
        ] {
            assert_eq!(judged(good.clone(), as_they_are).as_deref(), Ok("anna@example.com"), "{good}");
        }
        for bad in [
            json!({"iss": "https://login.example.com/v2.0/"}),
            json!({"aud": "other"}),
            json!({"aud": []}),
            json!({"aud": ["juno", "other"]}),
            json!({"azp": "other"}),
            json!({"exp": at - 60}),
            json!({"exp": null}),
            json!({"iat": at + 61}),
            json!({"nonce": "other"}),
            json!({"nonce": null}),
            json!({"preferred_username": ""}),
            json!({"preferred_username": 7}),
        ] {
            assert!(judged(bad.clone(), as_they_are).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_class_that_is_wanted_is_asked_for_and_an_address_must_be_verified() {
        let strict = |settings: &mut OpenIdSettings| settings.acr = Some("mfa".to_owned());
        assert!(judged(json!({}), strict).is_err());
        assert!(judged(json!({"acr": "pwd"}), strict).is_err());
        assert!(judged(json!({"acr": "mfa"}), strict).is_ok());
        let by_mail = |settings: &mut OpenIdSettings| settings.claim = "email".to_owned();
        assert!(judged(json!({"email_verified": true}), by_mail).is_ok());
        for unverified in [
            json!({}),
            json!({"email_verified": false}),
            json!({"email_verified": null}),
            json!({"email_verified": "true"}),
        ] {
            assert!(judged(unverified.clone(), by_mail).is_err(), "{unverified}");
        }
    }

    #[test]
    fn two_people_are_never_one_operator() {
        let by = |claim: &'static str| move |settings: &mut OpenIdSettings| settings.claim = claim.to_owned();
        assert_eq!(judged(json!({"sub": "AbC"}), by("sub")).as_deref(), Ok("AbC"));
        // The sign of Kelvin is a k in lower case, though not in ASCII.
        let frank = judged(json!({"preferred_username": "Fran\u{212a}"}), |_| {});
        assert_eq!(frank.as_deref(), Ok("fran\u{212a}"));
    }

    #[test]
    fn what_the_browser_keeps_reads_back() {
        let kept = OpenIdKept { state: "s".repeat(22), nonce: "n".repeat(22), verifier: "v".repeat(43) };
        assert!(OpenIdKept::parse(&kept.to_text()) == Some(kept.clone()));
        for text in ["", "..", "a.b.c", &format!("{}.x", kept.to_text()), &kept.to_text()[..50]] {
            assert!(OpenIdKept::parse(text).is_none(), "{text}");
        }
    }
}
