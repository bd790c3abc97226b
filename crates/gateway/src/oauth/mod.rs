//! OAuth 2.0 over HTTP: the token endpoint of each tenant (RFC 6749), its metadata (RFC 8414) and the signing keys (RFC
//! 7517). What is decided there, `tokens` decides.

mod answer;
mod request;

use crate::{clock, settings::Settings, steady_clock::SteadyClock};
use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    web::{self, Data, Json, Path, Payload, ServiceConfig},
};
use admin::Authenticated;
use answer::OauthError;
use keys::{KeySetSettings, SigningKeys};
use outgoing::Bounds;
use prometheus::{IntCounterVec, Opts, Registry};
use request::TokenRequest;
use scim_api::OnAuthenticated;
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};
use store::Store;
use tokens::{AccessTokens, Federations, GrantError, RationSettings, SCOPE, Seldom, TokenEndpoint};

/// The outcome of a request that was granted, in metrics.
const ISSUED: &str = "issued";

/// What the endpoints share.
pub(crate) struct Oauth {
    endpoint: TokenEndpoint,
    body_timeout: Duration,
    requests: IntCounterVec,
    faults: Seldom,
}

impl Oauth {
    /// `access_tokens` are what is issued.
    ///
    /// # Errors
    /// What cannot be set up.
    pub(crate) fn new(
        settings: &Settings,
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
        let federations = Federations::new(store.clone(), key_set_settings(settings))?;
        let rate = NonZeroU32::new(settings.oauth.rate_per_client.get()).unwrap_or(NonZeroU32::MIN);
        let lifetime = settings.oauth.token_lifetime;
        let endpoint =
            TokenEndpoint::new(store, access_tokens, federations, lifetime, rate, ration(settings));
        Ok(Oauth { endpoint, body_timeout: settings.scim.body_timeout, requests, faults: Seldom::new() })
    }

    fn keys(&self) -> &SigningKeys {
        self.endpoint.access_tokens().keys()
    }

    /// Reads and replaces signing keys when it is time, and deletes old ones while the clock is steady; never returns.
    pub(crate) async fn refresh_keys(&self, clock: &SteadyClock) {
        let mut tick = tokio::time::interval(self.keys().refresh_interval());
        loop {
            tick.tick().await;
            let now = clock::now();
            if let Err(cause) = self.keys().refresh(now).await {
                tracing::warn!(%cause, "the signing keys are not refreshed; it is tried again soon");
            }
            if let Ok(true) = clock.is_steady(now).await
                && let Err(cause) = self.keys().delete_ended(now).await
            {
                tracing::warn!(%cause, "old signing keys are not deleted; it is tried again soon");
            }
        }
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
    pub(crate) async fn forget(&self) {
        if let Err(cause) = self.endpoint.forget(clock::now()).await {
            tracing::warn!(%cause, "ended assertions are not forgotten yet");
        }
    }
}

/// How many credentials that nobody knows a network may show, at the token endpoint and apart from that as tokens.
pub(crate) fn ration(settings: &Settings) -> RationSettings {
    let number = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    let tokens = &settings.tokens;
    RationSettings { rate: number(tokens.unknown_rate.get()), burst: number(tokens.unknown_burst.get()) }
}

/// How the keys of identity providers may be fetched.
pub(crate) fn key_set_settings(settings: &Settings) -> KeySetSettings {
    let federation = &settings.federation;
    let bounds = Bounds {
        allow_http: federation.allow_http,
        allow_private_networks: federation.allow_private_networks,
        timeout: federation.timeout,
    };
    KeySetSettings {
        bounds,
        lifetime: federation.keys_lifetime,
        refetch_interval: federation.refetch_interval,
    }
}

/// Mounts the endpoints. The application must hold `Data<Oauth>`.
pub(crate) fn configure(config: &mut ServiceConfig) {
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
    let from = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let asked = TokenRequest::read(request, body, oauth.body_timeout).await?;
    let (client_id, authentication) = asked.client()?;
    let granted = oauth.endpoint.grant(tenant, client_id, authentication, from, clock::now()).await;
    let issued = granted.map_err(|error| oauth.error(&error, asked.used_basic()))?;
    request.extensions_mut().insert(Authenticated);
    if let Some(then) = request.conn_data::<OnAuthenticated>() {
        then.call(issued.tenant);
    }
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
        .json(oauth.keys().jwks(clock::now()))
}

/// The same for every tenant but for its name: it says nothing about which tenants there are.
async fn metadata(oauth: Data<Oauth>, tenant: Path<String>) -> Result<Json<Value>, actix_web::Error> {
    if admin::label::check(&tenant).is_err() {
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
