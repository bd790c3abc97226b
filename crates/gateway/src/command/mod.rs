//! Commands that work on the database directly, beside running gateways.

pub(crate) mod audit;
pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod federation;
pub(crate) mod operator;
pub(crate) mod tenant;
pub(crate) mod token;

use crate::{
    answer::{Answer, CommandError},
    clock,
    settings::Settings,
};
use admin::{Admin, AdminSettings};
use serde_json::json;
use std::{future::Future, net::SocketAddr};
use store::{By, Store, Tenant};
use tokens::{ClientPolicy, operator::ThrottleSettings};

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
        queue_per_tenant: database.queue_per_tenant.size(),
    };
    Store::open(&store_settings)
        .map_err(|cause| CommandError::failed("the database cannot be opened (database.url)")(&cause))
}

/// Opens the store in the hands of whoever sits at the command line: what they do ends in the audit log.
fn open_store_acting(settings: &Settings) -> Result<Store, CommandError> {
    Ok(open_store(settings)?.acting(command_line()))
}

/// Whoever sits at the command line, now.
fn command_line() -> By {
    let named = |variable: &str| std::env::var(variable).ok().filter(|name| !name.is_empty());
    let user = named("USER").or_else(|| named("LOGNAME")).unwrap_or_else(|| "unknown".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("unknown");
    By { actor: format!("command line {user}"), origin: host.to_owned(), at: clock::now() }
}

/// The use cases of operators over a store, where the SCIM listener is at `scim`.
pub(crate) fn open_admin(settings: &Settings, store: Store, scim: SocketAddr) -> Result<Admin, CommandError> {
    let (admin, tokens, oauth) = (&settings.admin, &settings.tokens, &settings.oauth);
    let admin_settings = AdminSettings {
        public_url: settings.public_url(scim).as_str().to_owned(),
        session_idle: admin.session_idle,
        session_lifetime: admin.session_lifetime,
        is_secure: !admin.listen.ip().is_loopback(),
        throttle: ThrottleSettings { attempts: admin.sign_in_attempts.get(), window: admin.sign_in_window },
        max_tokens: tokens.max_per_tenant.size(),
        token_lifetime: tokens.lifetime,
        max_token_lifetime: tokens.max_lifetime,
        rotation_overlap: tokens.rotation_overlap,
        client_policy: ClientPolicy {
            max_clients: oauth.max_clients_per_tenant.size(),
            max_secrets: oauth.max_secrets_per_client.size(),
            min_lifetime: oauth.min_secret_lifetime,
            max_lifetime: oauth.max_secret_lifetime,
        },
        client_secret_lifetime: oauth.secret_lifetime,
        jwks: crate::oauth::jwks_settings(settings),
    };
    Ok(Admin::new(store, admin_settings, clock::now)?)
}

/// Runs one command on a runtime of its own.
fn block_on<T>(future: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|cause| CommandError::failed("no runtime")(&cause))?.block_on(future)
}

/// The tenant with this label or id.
async fn find_tenant(store: &Store, label_or_id: &str) -> Result<Tenant, CommandError> {
    let found = store.tenant(label_or_id).await?;
    found.ok_or_else(|| CommandError::Failed(format!("there is no tenant \"{label_or_id}\"")))
}

/// `juno migrate`.
pub(crate) fn migrate(settings: &Settings) -> Result<Answer, CommandError> {
    let store = open_store(settings)?;
    block_on(async { Ok(store.ping().await?) })?;
    Ok(Answer { json: json!({ "migrated": true }), text: "The database is up to date.".to_owned() })
}
