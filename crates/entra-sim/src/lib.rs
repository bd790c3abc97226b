//! Behaves like Microsoft Entra's provisioning service towards any SCIM 2.0 server, and speaks only HTTP to it.
//!
//! Nothing here is shared with the server under test: a shared type would hide a shared mistake.

pub mod accounts;
pub mod check;
pub mod clock;
pub mod command;
pub mod connection;
pub mod cycle;
pub mod directory;
pub mod exit;
pub mod expressions;
pub mod fingerprint;
pub mod http;
pub mod job;
pub mod report;
pub mod swarm;
pub mod tenants;
