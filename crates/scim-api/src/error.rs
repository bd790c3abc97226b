//! The one mapping from failures to HTTP: status, headers and the SCIM error body. The cause goes to our log alone.

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use provisioning::Failure;
use scim::ScimError;
use std::{fmt, time::Instant};
use store::bytes::Refused;
use tokens::Seldom;

/// While the database is away every request has the same to say, a stranger's too.
static UNAVAILABLE: Seldom = Seldom::new();

/// Why a request was not answered as it wished.
#[derive(Debug)]
pub enum ApiError {
    /// No good credential for this URL: 401, the same for every cause.
    Unauthorized,
    /// A good credential of a suspended tenant: 403.
    Suspended,
    /// Too many unknown credentials were shown from the network of the client: 429, as this one may be valid. The number is
    /// the seconds to wait.
    TooManyUnknown(u32),
    /// The memory that the request needs did not become free: 429.
    MemoryRefused(Refused),
    /// The client did not read its answer in time, so the connection is closed.
    NotRead,
    /// The path exists, the method does not: 405 with what is allowed.
    MethodNotAllowed(&'static str),
    /// A use case failed.
    Failure(Failure),
    /// The body was not read to its end (too large, too slow): answered, then the connection is closed.
    BodyRefused(ScimError),
    /// The listener was assembled without its state: a bug.
    Misconfigured,
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        ApiError::Failure(failure)
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        ApiError::MemoryRefused(refused)
    }
}

impl From<ScimError> for ApiError {
    fn from(error: ScimError) -> Self {
        ApiError::Failure(Failure::Scim(error))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::Failure(failure) => failure.fmt(f),
            other => write!(f, "{}", other.words()),
        }
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// What the client may read.
    pub(crate) fn words(&self) -> ScimError {
        match self {
            ApiError::Unauthorized | ApiError::Failure(Failure::TenantGone) => ScimError::new(
                401,
                "The Secret Token is not valid for this Tenant URL. Copy both again from Juno Journey, \
                 or ask Juno support for a new Secret Token.",
            ),
            ApiError::Suspended => ScimError::new(
                403,
                "Provisioning for this tenant is suspended. Ask Juno support to resume it.",
            ),
            ApiError::Failure(Failure::Overloaded(seconds)) => ScimError::new(
                429,
                format!(
                    "This tenant has too many requests in progress. Send the request again in {seconds} seconds."
                ),
            ),
            ApiError::TooManyUnknown(seconds) => ScimError::new(
                429,
                format!(
                    "Too many unknown Secret Tokens were sent from this network. Send the request again in {seconds} \
                     seconds."
                ),
            ),
            ApiError::MemoryRefused(Refused { retry_after }) => ScimError::new(
                429,
                format!(
                    "The requests in progress of this tenant are too large together. Send the request again in {} seconds, \
                     or fewer large ones at the same time.",
                    retry_after.as_secs()
                ),
            ),
            ApiError::NotRead => ScimError::new(408, "The answer was not read in time."),
            ApiError::MethodNotAllowed(allowed) => {
                ScimError::new(405, format!("This endpoint answers to {allowed} only."))
            }
            ApiError::Failure(Failure::Scim(error)) | ApiError::BodyRefused(error) => error.clone(),
            ApiError::Failure(Failure::Unavailable(_)) => ScimError::new(
                503,
                "Provisioning is not available at the moment. Nothing needs to be done: send the request again later.",
            ),
            ApiError::Failure(Failure::Internal(_)) | ApiError::Misconfigured => ScimError::new(
                500,
                "The service failed on this request. If it fails again, tell Juno support when.",
            ),
        }
    }

    /// What the client may read, once our log has what it may not.
    pub(crate) fn told(&self) -> ScimError {
        self.log();
        self.words()
    }

    /// Says in our log what the client is not told.
    pub(crate) fn log(&self) {
        match self {
            ApiError::Failure(Failure::Internal(cause)) => tracing::error!(%cause, "request failed"),
            ApiError::Failure(Failure::Unavailable(cause)) => {
                if let Some(omitted) = UNAVAILABLE.admit(Instant::now()) {
                    tracing::warn!(%cause, omitted, "store unavailable");
                }
            }
            ApiError::NotRead => tracing::info!("a client did not read its answer in time"),
            ApiError::Misconfigured => tracing::error!("listener has no state"),
            _ => {}
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.words().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let words = self.told();
        let mut response = HttpResponse::build(self.status_code());
        match words.status {
            401 => response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"scim\"")),
            503 => response.insert_header((RETRY_AFTER, "5")),
            _ => &mut response,
        };
        match self {
            ApiError::TooManyUnknown(seconds) | ApiError::Failure(Failure::Overloaded(seconds)) => {
                response.insert_header((RETRY_AFTER, *seconds))
            }
            ApiError::MethodNotAllowed(allowed) => response.insert_header((ALLOW, *allowed)),
            ApiError::MemoryRefused(Refused { retry_after }) => {
                response.insert_header((RETRY_AFTER, retry_after.as_secs().to_string()))
            }
            ApiError::BodyRefused(_) => response.insert_header((CONNECTION, "close")),
            _ => &mut response,
        };
        response.insert_header((CONTENT_TYPE, crate::answer::MEDIA_TYPE)).body(words.to_json().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_sent_again_says_when() {
        for (error, status, seconds) in [
            (Failure::Unavailable("late".to_owned()).into(), 503, Some("5")),
            (Failure::Overloaded(7).into(), 429, Some("7")),
            (ApiError::TooManyUnknown(3), 429, Some("3")),
            (ScimError::too_many("Ask for less.").into(), 400, None),
        ] {
            let response = error.error_response();
            let retry_after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), retry_after), (status, seconds));
        }
    }
}
