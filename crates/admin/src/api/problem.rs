//! The one mapping from failures to HTTP: problem details (RFC 9457). The cause of a fault goes to our log alone.

use crate::Failure;
use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
};
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// The media type of a problem.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not answered as it wished.
#[derive(Debug)]
pub(crate) enum Problem {
    /// A use case failed.
    Failure(Failure),
    /// The path exists, the method does not.
    MethodNotAllowed(&'static str),
    /// There is no such path.
    NoSuchPath,
    /// The body is too large.
    TooLarge,
    /// The body is not JSON by its media type.
    WrongMediaType,
}

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemDetails {
    /// Which kind of problem; for programs.
    #[serde(rename = "type")]
    #[schema(example = "urn:juno:problem:not-found")]
    kind: String,
    /// The same in words.
    title: &'static str,
    /// The status of the answer.
    #[schema(example = 404)]
    status: u16,
    /// What to do about it.
    detail: String,
}

impl<F: Into<Failure>> From<F> for Problem {
    fn from(failure: F) -> Self {
        Problem::Failure(failure.into())
    }
}

impl Problem {
    /// Kind, status and title.
    fn kind(&self) -> (&'static str, u16, &'static str) {
        match self {
            Problem::MethodNotAllowed(_) => ("method-not-allowed", 405, "The method is not allowed here"),
            Problem::NoSuchPath => ("not-found", 404, "There is no such thing"),
            Problem::TooLarge => ("too-large", 413, "The body is too large"),
            Problem::WrongMediaType => ("wrong-media-type", 415, "The body must be JSON"),
            Problem::Failure(failure) => match failure {
                Failure::Invalid(_) => ("invalid", 400, "The request makes no sense"),
                Failure::WrongSignIn => ("wrong-sign-in", 401, "That was not right"),
                Failure::NotSignedIn => ("not-signed-in", 401, "There is no session"),
                Failure::WrongCsrfToken => ("wrong-csrf-token", 403, "The CSRF token is missing or wrong"),
                Failure::NotReady => ("not-ready", 403, "The first sign-in is not finished"),
                Failure::Forbidden(_) => ("forbidden", 403, "The role does not allow it"),
                Failure::NotFound(_) => ("not-found", 404, "There is no such thing"),
                Failure::Conflict(_) => ("conflict", 409, "It cannot be done as things are"),
                Failure::KeyReused => ("idempotency-key-reused", 422, "The Idempotency-Key was used before"),
                Failure::Blocked(_) | Failure::Overloaded => ("too-many-requests", 429, "Too many requests"),
                Failure::Unavailable(_) => ("unavailable", 503, "The service is not available at the moment"),
                Failure::Internal(_) => ("internal", 500, "The service failed on this request"),
            },
        }
    }

    fn detail(&self) -> String {
        match self {
            Problem::MethodNotAllowed(allowed) => format!("This path answers to {allowed} only."),
            Problem::NoSuchPath => "The paths are described at /api/v1/openapi.json.".to_owned(),
            Problem::TooLarge => format!("A body has at most {} bytes.", super::MAX_BODY),
            Problem::WrongMediaType => "Send the header Content-Type: application/json.".to_owned(),
            Problem::Failure(Failure::Unavailable(_)) => "Try again later.".to_owned(),
            Problem::Failure(Failure::Internal(_)) => "The cause is in the log of the gateway.".to_owned(),
            Problem::Failure(failure) => failure.to_string(),
        }
    }

    fn log(&self) {
        match self {
            Problem::Failure(Failure::Internal(cause)) => {
                tracing::error!(%cause, "operator's request failed")
            }
            Problem::Failure(Failure::Unavailable(cause)) => tracing::warn!(%cause, "store unavailable"),
            _ => {}
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().2)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        let (kind, status, title) = self.kind();
        let details =
            ProblemDetails { kind: format!("urn:juno:problem:{kind}"), title, status, detail: self.detail() };
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Problem::MethodNotAllowed(allowed) => response.insert_header((ALLOW, *allowed)),
            Problem::Failure(Failure::Blocked(blocked)) => {
                response.insert_header((RETRY_AFTER, blocked.retry_after.to_string()))
            }
            Problem::Failure(Failure::Overloaded) => response.insert_header((RETRY_AFTER, "1")),
            Problem::Failure(Failure::Unavailable(_)) => response.insert_header((RETRY_AFTER, "5")),
            _ => &mut response,
        };
        response
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((CONTENT_TYPE, MEDIA_TYPE))
            .body(serde_json::to_string(&details).unwrap_or_default())
    }
}
