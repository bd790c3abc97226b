//! The settings of OAuth, and the timer of its signing keys.

use crate::{clock, settings::Settings, steady_clock::SteadyClock};
use keys::{KeySetSettings, SigningKeys};
use oauth_api::OauthSettings;
use outgoing::Bounds;
use std::num::NonZeroU32;
use tokens::RationSettings;

/// What the endpoints are set to.
pub(crate) fn settings(settings: &Settings) -> OauthSettings {
    OauthSettings {
        body_timeout: settings.scim.body_timeout,
        key_sets: key_sets(settings),
        token_lifetime: settings.oauth.token_lifetime,
        rate_per_client: not_zero(settings.oauth.rate_per_client.get()),
        unknown: ration(settings),
        now: clock::now,
    }
}

/// How many credentials that nobody knows a network may show, at the token endpoint and apart from that as tokens.
pub(crate) fn ration(settings: &Settings) -> RationSettings {
    let tokens = &settings.tokens;
    RationSettings { rate: not_zero(tokens.unknown_rate.get()), burst: not_zero(tokens.unknown_burst.get()) }
}

/// How the keys of identity providers may be fetched.
pub(crate) fn key_sets(settings: &Settings) -> KeySetSettings {
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

fn not_zero(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

/// Reads and replaces signing keys when it is time, and deletes old ones while the clock is steady; never returns.
pub(crate) async fn refresh_keys(keys: &SigningKeys, clock: &SteadyClock) {
    let mut tick = tokio::time::interval(keys.refresh_interval());
    loop {
        tick.tick().await;
        let now = clock::now();
        if let Err(cause) = keys.refresh(now).await {
            tracing::warn!(%cause, "the signing keys are not refreshed; it is tried again soon");
        }
        if let Ok(true) = clock.is_steady(now).await
            && let Err(cause) = keys.delete_ended(now).await
        {
            tracing::warn!(%cause, "old signing keys are not deleted; it is tried again soon");
        }
    }
}
