//! The SCIM service as a provisioning client meets it, for whoever asks it in this process.

use crate::Failure;
use actix_web::http::Method;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use std::fmt;

/// A request of a provisioning client.
pub struct ScimRequest {
    /// Method.
    pub method: Method,
    /// Path and query from the root of the SCIM listener.
    pub path: String,
    /// What stands behind `Bearer`; nothing is sent if there is none.
    pub token: Option<String>,
    /// Body of type `application/scim+json`.
    pub body: Option<Value>,
}

impl fmt::Debug for ScimRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ScimRequest").field("method", &self.method).field("path", &self.path).finish()
    }
}

/// The answer.
#[derive(Clone, Debug)]
pub struct ScimAnswer {
    /// Status.
    pub status: u16,
    /// Body; null if it is empty or no JSON.
    pub body: Value,
}

/// The endpoints that provisioning clients use: SCIM and the token endpoint's metadata.
pub trait ScimService {
    /// Asks. What the service refuses is an answer.
    ///
    /// # Errors
    /// The service did not answer.
    fn ask(&self, request: ScimRequest) -> LocalBoxFuture<'_, Result<ScimAnswer, Failure>>;
}

/// Opens the service for one use: it stays on the thread that opened it.
pub type OpenScim =
    Box<dyn Fn() -> LocalBoxFuture<'static, Result<Box<dyn ScimService>, Failure>> + Send + Sync>;
