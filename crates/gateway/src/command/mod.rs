//! Commands that work on the database directly, beside running gateways.

pub(crate) mod config;
pub(crate) mod tenant;
pub(crate) mod token;

use crate::{
    answer::{Answer, CommandError},
    settings::Settings,
};
use serde_json::json;
use std::future::Future;
use store::{Store, Tenant};

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
