//! The wire: requests as Entra sends them, answers as they came, and faults put between the two.

pub mod client;
pub mod credentials;
pub mod exchange;
pub mod faults;
pub mod federation;
pub mod tenant_url;

pub use client::{Client, ClientError, Settings};
pub use credentials::{Credentials, Secret};
pub use exchange::{Exchange, Failure, Request, Response};
pub use faults::{Fault, FaultRule};
pub use tenant_url::{Dialect, Encoding, TenantUrl};

/// The media type of SCIM bodies (RFC 7644 section 3.1).
pub const SCIM_JSON: &str = "application/scim+json";
