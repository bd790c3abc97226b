//! SCIM over HTTP: extractors, endpoints, media types, ETags, and the one mapping from failures to answers.
//!
//! [`configure`] mounts the routing table of [`routes`] under `/t/{tenant}/scim/v2`. A handler takes [`Client`] as an
//! argument, so none can be reached without a good credential of the tenant in the URL.

mod answer;
mod app;
mod body;
mod bulk;
mod client;
mod discovery;
mod error;
mod members;
mod memory;
mod query;
mod resources;
pub mod routes;
mod search;
mod stream;
mod telemetry;
mod tree;

pub use app::{App, Limits, TenantBase};
pub use client::Client;
pub use error::ApiError;
pub use memory::MEMORY_PER_BYTE;
pub use routes::configure;
pub use telemetry::{Metrics, RequestTenant};
