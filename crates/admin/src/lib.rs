//! The operators' listener: the JSON API, the console, health and metrics. Not for the internet.
//!
//! What an operator can do is a method of [`Admin`]: handlers and the command line only read what is asked, call it, and
//! show what it answers. Each takes the one who acts, so that it ends in the audit log (`docs/adr/0012`).

mod actors;
mod admin;
pub mod api;
mod api_tokens;
mod audit_log;
mod caller;
pub mod conformance;
pub mod console;
mod cookies;
pub mod expiry;
mod export;
mod failure;
mod federation;
pub mod health;
mod idempotency;
mod in_process;
mod monitoring;
mod oauth_clients;
mod openid;
mod operators;
mod overview;
mod paging;
mod purge;
mod request;
mod resource_search;
mod resources;
mod rotations;
mod route;
mod secret_tokens;
pub mod setup;
mod setup_links;
mod sign_in;
mod tenants;
mod user_names;
mod web;

pub use actors::Actors;
pub use admin::{Admin, AdminSettings};
pub use api_tokens::{GivenApiToken, NewApiToken};
pub use failure::Failure;
pub use in_process::{InProcess, Reply};
pub use monitoring::{Monitoring, is_probe};
pub use oauth_clients::GivenSecret;
pub use operators::{NewOperator, OneTimePassword};
pub use overview::{TenantOverview, TenantsQuery};
pub use paging::Listed;
pub use rotations::{NewRotation, NewSecret, StartedRotation};
pub use secret_tokens::GivenToken;
pub use setup::{Setup, SetupSettings};
pub use setup_links::GivenLink;
pub use sign_in::{SignIn, SignedIn};
pub use tenants::NewTenant;

/// Mounts the API. The application must hold `Data<Admin>`.
pub fn configure_api(config: &mut actix_web::web::ServiceConfig) {
    api::configure(config);
}

/// Mounts the console and its assets at the root: after everything else, as it answers every path that is left. The
/// application must hold `Data<Admin>`.
pub fn configure_console(config: &mut actix_web::web::ServiceConfig) {
    console::configure(config);
}

/// Mounts health and metrics. The application must hold `Data<Monitoring>`.
pub fn configure_monitoring(config: &mut actix_web::web::ServiceConfig) {
    monitoring::configure(config);
}

/// Mounts the customer's pages, for the host of the public URL alone. The application must hold this `Data<Setup>`.
pub fn configure_setup(config: &mut actix_web::web::ServiceConfig, setup: &Setup) {
    setup::configure(config, setup.host());
}
