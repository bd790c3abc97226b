//! OAuth 2.0 over HTTP: the token endpoint of each tenant (RFC 6749), its metadata (RFC 8414) and the signing keys (RFC
//! 7517). What is decided there, `tokens` decides.

mod answer;
mod request;

use ::web::{Authenticated, OnAuthenticated, Origin};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, Json, Path, Payload, ServiceConfig},
};
use answer::OauthError;
use keys::{KeySetSettings, SigningKeys};
use prometheus::{IntCounterVec, Opts, Registry};
use request::TokenRequest;
use scim::Timestamp;
use serde_json::{Value, json};
use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Store, label};
use tokens::{AccessTokens, Federations, GrantError, RationSettings, SCOPE, Seldom, TokenEndpoint};

/// The outcome of a request that was granted, in metrics.
const ISSUED: &str = "issued";

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct OauthSettings {
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// How the keys of identity providers are fetched.
    pub key_sets: KeySetSettings,
    /// How long an access token is good.
    pub token_lifetime: Duration,
    /// Access tokens a second that one client gets.
    pub rate_per_client: NonZeroU32,
    /// How many clients that nobody knows a network may name.
    pub unknown: RationSettings,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// What the endpoints share.
pub struct Oauth {
    endpoint: TokenEndpoint,
    body_timeout: Duration,
    requests: IntCounterVec,
    faults: Seldom,
    now: fn() -> Timestamp,
}

impl Oauth {
    /// `access_tokens` are what is issued.
    ///
    /// # Errors
    /// What cannot be set up.
    pub fn new(
        settings: OauthSettings,
        store: Store,
        access_tokens: Arc<AccessTokens>,
        registry: &Registry,
    ) -> Result<Oauth, String> {
        let help = "Requests for access tokens, by outcome.";
        let requests = IntCounterVec::new(Opts::new("juno_oauth_token_requests_total", help), &["outcome"]);
        let requests = requests.map_err(|cause| cause.to_string())?;
        registry.register(Box::new(requests.clone())).map_err(|cause| cause.to_string())?;
        // Shown from the start, so that the first failure is an increase.
        for outcome in answer::CODES.iter().chain(&[ISSUED]) {
            requests.with_label_values(&[*outcome]).reset();
        }
        let OauthSettings { body_timeout, key_sets, token_lifetime, rate_per_client, unknown, now } =
            settings;
        let federations = Federations::new(store.clone(), key_sets)?;
        let endpoint =
            TokenEndpoint::new(store, access_tokens, federations, token_lifetime, rate_per_client, unknown);
        Ok(Oauth { endpoint, body_timeout, requests, faults: Seldom::new(), now })
    }

    /// The keys that sign access tokens.
    pub fn keys(&self) -> &SigningKeys {
        self.endpoint.access_tokens().keys()
    }

    fn error(&self, error: &GrantError, used_basic: bool) -> OauthError {
        match error {
            GrantError::InvalidClient => OauthError::InvalidClient { used_basic },
            GrantError::Suspended => OauthError::Suspended,
            GrantError::TooManyRequests(seconds) => OauthError::TooManyRequests(*seconds),
            GrantError::Busy => OauthError::Unavailable,
            GrantError::Unavailable(cause) => {
                if let Some(omitted) = self.faults.admit(Instant::now()) {
                    tracing::warn!(cause, omitted, "no access token could be issued");
                }
                OauthError::Unavailable
            }
        }
    }

    /// Forgets what is over; called now and then.
    pub async fn forget(&self) {
        if let Err(cause) = self.endpoint.forget((self.now)()).await {
            tracing::warn!(%cause, "ended assertions are not forgotten yet");
        }
    }
}

/// Mounts the endpoints. The application must hold `Data<Oauth>`.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/t/{tenant}/oauth/token")
                .route(web::post().to(token))
                .default_service(web::to(async || OauthError::MethodNotAllowed("POST").into_response())),
        )
        .service(
            web::resource("/t/{tenant}/oauth/jwks")
                .route(web::get().to(jwks))
                .default_service(web::to(async || OauthError::MethodNotAllowed("GET").into_response())),
        )
        .service(
            // RFC 8414 section 3.1 puts the well-known part in front of the issuer's path; many look behind it.
            web::resource([
                "/.well-known/oauth-authorization-server/t/{tenant}",
                "/t/{tenant}/.well-known/oauth-authorization-server",
            ])
            .route(web::get().to(metadata))
            .default_service(web::to(async || OauthError::MethodNotAllowed("GET").into_response())),
        );
}

async fn token(
    oauth: Data<Oauth>,
    tenant: Path<String>,
    request: HttpRequest,
    body: Payload,
) -> HttpResponse {
    let outcome = grant(&oauth, &tenant, &request, body).await;
    let label = outcome.as_ref().map_or_else(OauthError::code, |_| ISSUED);
    oauth.requests.with_label_values(&[label]).inc();
    match outcome {
        Ok(granted) => answer::uncached(200).json(granted),
        Err(error) => error.into_response(),
    }
}

async fn grant(
    oauth: &Oauth,
    tenant: &str,
    request: &HttpRequest,
    body: Payload,
) -> Result<Value, OauthError> {
    let Origin(from) = Origin::of(request);
    let asked = TokenRequest::read(request, body, oauth.body_timeout).await?;
    let (client_id, authentication) = asked.client()?;
    let granted = oauth.endpoint.grant(tenant, client_id, authentication, from, (oauth.now)()).await;
    let issued = granted.map_err(|error| oauth.error(&error, asked.used_basic()))?;
    Authenticated::mark(request);
    OnAuthenticated::tell(request, issued.tenant);
    Ok(json!({
        "access_token": issued.token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": SCOPE,
    }))
}

/// The same keys for every tenant, whether it exists or not.
async fn jwks(oauth: Data<Oauth>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "public, max-age=300"))
        .json(oauth.keys().jwks((oauth.now)()))
}

/// The same for every tenant but for its name: it says nothing about which tenants there are.
async fn metadata(oauth: Data<Oauth>, tenant: Path<String>) -> Result<Json<Value>, actix_web::Error> {
    if label::check(&tenant).is_err() {
        return Err(actix_web::error::ErrorNotFound(""));
    }
    let issuer = oauth.endpoint.access_tokens().issuer(&tenant);
    Ok(Json(json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth/token"),
        "jwks_uri": format!("{issuer}/oauth/jwks"),
        "grant_types_supported": [request::GRANT_TYPE],
        "response_types_supported": [],
        "scopes_supported": [SCOPE],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported":
            ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"],
    })))
}
