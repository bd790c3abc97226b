//! The SCIM service without a listener, to be tried by operators: the endpoints of provisioning clients over the same
//! database, with figures of their own that nobody reads.

use crate::{clock, oauth, origin::Proxies, routing::Hosts, serve::scim_state, settings::Settings};
use actix_web::{App, web::Data};
use admin::{
    Failure, InProcess,
    conformance::{OpenScim, ScimService},
};
use futures_util::future::FutureExt;
use keys::SigningKeys;
use oauth_api::Oauth;
use prometheus::Registry;
use scim_api::Metrics;
use std::{net::SocketAddr, sync::Arc};
use store::Store;
use tokens::AccessTokens;

/// Opens it, where the SCIM listener is at `scim`.
pub(crate) fn opener(settings: &Settings, store: Store, scim: SocketAddr) -> OpenScim {
    let settings = Arc::new(settings.clone());
    Box::new(move || open(Arc::clone(&settings), store.clone(), scim).boxed_local())
}

async fn open(
    settings: Arc<Settings>,
    store: Store,
    scim: SocketAddr,
) -> Result<Box<dyn ScimService>, Failure> {
    let registry = Registry::new();
    let public_url = settings.public_url(scim);
    let metrics = Metrics::register(&registry).map_err(Failure::internal)?;
    let keys = Arc::new(SigningKeys::new(store.clone(), settings.oauth.signing_key_lifetime));
    keys.refresh(clock::now()).await.map_err(Failure::internal)?;
    let access_tokens = Arc::new(AccessTokens::new(keys, public_url.as_str()));
    let oauth = Oauth::new(oauth::settings(&settings), store.clone(), Arc::clone(&access_tokens), &registry);
    let oauth = Data::new(oauth.map_err(Failure::Internal)?);
    let state = scim_state(&settings, store, access_tokens, metrics, public_url.as_str());
    let app = App::new()
        .app_data(state)
        .app_data(oauth)
        .app_data(Data::new(Hosts::new(settings.scim.host_suffix.clone(), &public_url)))
        .app_data(Data::new(Proxies::default()))
        .configure(oauth_api::configure)
        .configure(scim_api::configure);
    Ok(Box::new(InProcess::of(app).await?))
}
