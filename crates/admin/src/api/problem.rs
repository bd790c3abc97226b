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

/// What the `type` of every problem begins with.
pub const PROBLEM: &str = "urn:juno:problem:";

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
    /// The body did not arrive in time.
    TooSlow,
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
            Problem::TooSlow => ("too-slow", 408, "The body came too slowly"),
            Problem::WrongMediaType => ("wrong-media-type", 415, "The body must be JSON"),
            Problem::Failure(failure) => failure.kind(),
        }
    }

    fn detail(&self) -> String {
        match self {
            Problem::MethodNotAllowed(allowed) => format!("This path answers to {allowed} only."),
            Problem::NoSuchPath => "The paths are described at /api/v1/openapi.json.".to_owned(),
            Problem::TooLarge => format!("A body has at most {} bytes.", super::MAX_BODY),
            Problem::TooSlow => "The body did not arrive in time. Send the request again.".to_owned(),
            Problem::WrongMediaType => "Send the header Content-Type: application/json.".to_owned(),
            Problem::Failure(failure) => failure.detail(),
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
        if let Problem::Failure(failure) = self {
            failure.log();
        }
        let (kind, status, title) = self.kind();
        let details =
            ProblemDetails { kind: format!("{PROBLEM}{kind}"), title, status, detail: self.detail() };
        let mut response = HttpResponse::build(self.status_code());
        if let Problem::MethodNotAllowed(allowed) = self {
            response.insert_header((ALLOW, *allowed));
        }
        if let Problem::Failure(failure) = self
            && let Some(seconds) = failure.retry_after()
        {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        response
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((CONTENT_TYPE, MEDIA_TYPE))
            .body(serde_json::to_string(&details).unwrap_or_default())
    }
}
