//! The operators' listener: the JSON API, health and metrics. Not for the internet.
//!
//! What an operator can do is a method of [`Admin`]: handlers and the command line only read what is asked, call it, and
//! show what it answers. Each takes the one who acts, so that it ends in the audit log (`docs/adr/0012`).

mod admin;
pub mod api;
mod audit_log;
mod export;
mod failure;
mod federation;
mod idempotency;
pub mod label;
mod monitoring;
mod oauth_clients;
mod operators;
mod paging;
mod resources;
mod secret_tokens;
mod sign_in;
mod tenants;

pub use admin::{Admin, AdminSettings};
pub use failure::Failure;
pub use monitoring::Monitoring;
pub use oauth_clients::GivenSecret;
pub use operators::{NewOperator, OneTimePassword};
pub use paging::Listed;
pub use sign_in::{SignIn, SignedIn};
pub use tenants::NewTenant;

use actix_web::web;

/// Mounts the API. The application must hold `Data<Admin>`.
pub fn configure_api(config: &mut web::ServiceConfig) {
    api::configure(config);
}

/// Mounts health and metrics. The application must hold `Data<Monitoring>`.
pub fn configure_monitoring(config: &mut web::ServiceConfig) {
    monitoring::configure(config);
}
