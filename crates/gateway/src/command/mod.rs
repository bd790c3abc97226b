//! Commands: what operators ask is asked of the operators' API, in this process or at a server (docs/adr/0018); the rest is
//! about this machine.

mod api;
mod audit;
mod client;
pub(crate) mod config;
mod export;
mod federation;
mod operator;
mod rotation;
mod server;
mod setup_link;
mod tenant;
mod token;

use crate::{
    answer::{Answer, CommandError},
    cli::{OperatorsCommand, Way},
    clock, host,
    settings::{self, Settings},
    trial,
};
use admin::{Admin, AdminSettings};
use api::Api;
use nix::unistd::{Uid, User};
use serde_json::json;
use std::{future::Future, net::SocketAddr, time::Duration};
use store::{Actor, Budget, By, Quotas, Store};
use tokens::{
    ClientPolicy, SetupPolicy,
    operator::{OpenIdSettings, ThrottleSettings},
};

/// Runs a command of operators in the way that the command line asks for; `settings` are read only where they count.
pub(crate) fn run(
    way: &Way,
    command: &OperatorsCommand,
    settings: impl FnOnce() -> Result<Settings, CommandError>,
) -> Result<Answer, CommandError> {
    block_on(async {
        let api = &Api::open(way, settings).await?;
        match command {
            OperatorsCommand::Tenant(command) => tenant::run(api, command).await,
            OperatorsCommand::Token(command) => token::run(api, command).await,
            OperatorsCommand::Client(command) => client::run(api, command).await,
            OperatorsCommand::Federation(command) => federation::run(api, command).await,
            OperatorsCommand::Rotation(command) => rotation::run(api, command).await,
            OperatorsCommand::SetupLink(command) => setup_link::run(api, command).await,
            OperatorsCommand::Restore { tenant, id } => tenant::restore(api, tenant, id).await,
            OperatorsCommand::Operator(command) => operator::run(api, command).await,
            OperatorsCommand::Audit(command) => audit::run(api, command).await,
        }
    })
}

/// Opens the store, which brings it up to date; makes the folder of a SQLite file.
pub(crate) fn open_store(settings: &Settings) -> Result<Store, CommandError> {
    let database = &settings.database;
    if let Some(folder) = database.url.file().and_then(|file| file.parent()) {
        std::fs::create_dir_all(folder)
            .map_err(|cause| CommandError::failed("database.url: the folder cannot be made")(&cause))?;
    }
    let store_settings = store::Settings {
        url: database.url.reveal().to_owned(),
        readers: database.readers.size(),
        batch: database.batch.size(),
        budget: Budget {
            in_flight: settings.capacity.in_flight_per_tenant.get(),
            share: settings.capacity.share_per_tenant.get(),
        },
        quotas: quotas(settings),
    };
    Store::open(&store_settings)
        .map_err(|cause| CommandError::failed("the database cannot be opened (database.url)")(&cause))
}

/// The user whom this process runs as: services and containers have no USER.
fn user_of_process() -> String {
    let uid = Uid::current();
    User::from_uid(uid).ok().flatten().map_or_else(|| format!("uid {uid}"), |user| user.name)
}

/// How much there may be of each tenant. 0 is no limit.
fn quotas(settings: &Settings) -> Quotas {
    let limit = |most: u64| i64::try_from(most).ok().filter(|most| *most > 0);
    let quotas = &settings.quotas;
    Quotas {
        users: limit(quotas.users.get().into()),
        groups: limit(quotas.groups.get().into()),
        memberships: limit(quotas.memberships.get().into()),
        bytes: limit(quotas.bytes.bytes() as u64),
    }
}

/// Whoever sits at the command line, now.
fn command_line() -> By {
    let named = |variable: &str| std::env::var(variable).ok().filter(|name| !name.is_empty());
    let user = named("USER").or_else(|| named("LOGNAME")).unwrap_or_else(user_of_process);
    By { actor: Actor::CommandLine { user }, origin: host::name(), at: clock::now() }
}

/// The use cases of operators over a store, where the SCIM listener is at `scim`.
pub(crate) fn open_admin(settings: &Settings, store: Store, scim: SocketAddr) -> Result<Admin, CommandError> {
    let (admin, tokens, oauth) = (&settings.admin, &settings.tokens, &settings.oauth);
    let admin_settings = AdminSettings {
        public_url: settings.public_url(scim).as_str().to_owned(),
        body_timeout: settings.scim.body_timeout,
        session_idle: admin.session_idle,
        session_lifetime: admin.session_lifetime,
        is_secure: !is_reached_without_tls(admin),
        throttle: ThrottleSettings { attempts: admin.sign_in_attempts.get(), window: admin.sign_in_window },
        openid: openid(settings),
        openid_name: settings.openid.name.as_str().to_owned(),
        max_api_tokens: admin.max_api_tokens.size(),
        api_token_lifetime: admin.api_token_lifetime,
        max_api_token_lifetime: admin.max_api_token_lifetime,
        max_tokens: tokens.max_per_tenant.size(),
        token_lifetime: tokens.lifetime,
        max_token_lifetime: tokens.max_lifetime,
        silence: tokens.silence,
        keep_deleted: settings.provisioning.keep_deleted,
        client_policy: ClientPolicy {
            max_clients: oauth.max_clients_per_tenant.size(),
            max_secrets: oauth.max_secrets_per_client.size(),
            min_lifetime: oauth.min_secret_lifetime,
            max_lifetime: oauth.max_secret_lifetime,
        },
        client_secret_lifetime: oauth.secret_lifetime,
        jwks: crate::oauth::key_sets(settings),
        setup_policy: setup_policy(settings),
        setup_link_lifetime: settings.setup.link_lifetime,
        unknown: crate::oauth::ration(settings),
    };
    let admin = Admin::new(store.clone(), admin_settings, clock::now)?;
    admin.try_scim_by(trial::opener(settings, store, scim));
    Ok(admin)
}

/// Whether operators' browsers connect to a loopback address, with nothing between that could end TLS.
fn is_reached_without_tls(admin: &settings::Admin) -> bool {
    let is_https = admin.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    admin.listen.ip().is_loopback() && admin.trusted_proxies.is_empty() && !is_https
}

/// What setup links may do.
pub(crate) fn setup_policy(settings: &Settings) -> SetupPolicy {
    let (setup, tokens) = (&settings.setup, &settings.tokens);
    SetupPolicy {
        max_open: setup.max_open_links.size(),
        max_lifetime: setup.max_link_lifetime,
        session_lifetime: setup.session_lifetime,
        max_issued: setup.max_secret_tokens.get(),
        token_lifetime: tokens.lifetime,
        max_tokens: tokens.max_per_tenant.size(),
    }
}

/// Where operators may sign in beside passwords; the settings are whole, as they were checked when they were read.
fn openid(settings: &Settings) -> Option<OpenIdSettings> {
    let (openid, public_url) = (&settings.openid, settings.admin.public_url.as_ref()?);
    Some(OpenIdSettings {
        issuer: openid.issuer.as_ref()?.as_str().to_owned(),
        client_id: openid.client_id.as_ref()?.as_str().to_owned(),
        client_secret: openid.client_secret.as_ref()?.reveal().to_owned().into(),
        redirect_url: format!("{}/sign-in/openid/callback", public_url.as_str()),
        claim: openid.claim.as_ref()?.as_str().to_owned(),
        acr: openid.acr.as_ref().map(|acr| acr.as_str().to_owned()),
    })
}

/// Runs one command on a runtime of its own.
fn block_on<T>(future: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    actix_web::rt::System::new().block_on(future)
}

/// What a body of the API says of how long something shall last.
fn seconds(duration: Option<Duration>) -> Option<u64> {
    duration.map(|duration| duration.as_secs())
}

/// `juno migrate`.
pub(crate) fn migrate(settings: &Settings) -> Result<Answer, CommandError> {
    let store = open_store(settings)?;
    block_on(async { Ok(store.ping().await?) })?;
    Ok(Answer { json: json!({ "migrated": true }), text: "The database is up to date.".to_owned() })
}
