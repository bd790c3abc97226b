//! Answers of the token endpoint: never cached, and errors in the words of RFC 6749 section 5.2.

use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode};
use serde_json::json;

/// Every code that an answer may have.
pub(crate) const CODES: [&str; 6] = [
    "invalid_request",
    "unsupported_grant_type",
    "invalid_client",
    "unauthorized_client",
    "slow_down",
    "temporarily_unavailable",
];

/// Why there is no token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OauthError {
    /// The request is not as RFC 6749 wants it.
    InvalidRequest(&'static str),
    /// The body was not read to its end: answered, then the connection is closed.
    BodyRefused(u16, &'static str),
    /// Another grant than client credentials.
    UnsupportedGrantType,
    /// Not authenticated; one answer for every cause.
    InvalidClient {
        /// Whether the client tried HTTP Basic, which has to be answered in kind.
        used_basic: bool,
    },
    /// An authenticated client of a suspended tenant.
    Suspended,
    /// Beyond the rate of one client or one network. The number is the seconds to wait.
    TooManyRequests(u32),
    /// Try again later.
    Unavailable,
    /// The path exists, the method does not.
    MethodNotAllowed(&'static str),
}

impl OauthError {
    /// The word of RFC 6749 for it; where it has none, one of its own kind.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            OauthError::InvalidRequest(_) | OauthError::BodyRefused(..) | OauthError::MethodNotAllowed(_) => {
                "invalid_request"
            }
            OauthError::UnsupportedGrantType => "unsupported_grant_type",
            OauthError::InvalidClient { .. } => "invalid_client",
            OauthError::Suspended => "unauthorized_client",
            OauthError::TooManyRequests(_) => "slow_down",
            OauthError::Unavailable => "temporarily_unavailable",
        }
    }

    fn status(&self) -> u16 {
        match self {
            OauthError::InvalidRequest(_) | OauthError::UnsupportedGrantType | OauthError::Suspended => 400,
            OauthError::BodyRefused(status, _) => *status,
            OauthError::InvalidClient { .. } => 401,
            OauthError::TooManyRequests(_) => 429,
            OauthError::Unavailable => 503,
            OauthError::MethodNotAllowed(_) => 405,
        }
    }

    fn description(&self) -> &'static str {
        match self {
            OauthError::InvalidRequest(what) | OauthError::BodyRefused(_, what) => what,
            OauthError::UnsupportedGrantType => "The only grant type here is client_credentials.",
            OauthError::InvalidClient { .. } => {
                "The client is not authenticated for this token endpoint. Check token endpoint, client id and client \
                 secret (or issuer, subject and audience of the federation) against those in Juno Journey, or ask Juno \
                 support for a new client secret."
            }
            OauthError::Suspended => {
                "Provisioning for this tenant is suspended. Ask Juno support to resume it."
            }
            OauthError::TooManyRequests(_) => {
                "Too many requests of this client, or of unknown clients from its network. Send the request again after \
                 the time in Retry-After, and keep an access token until it ends."
            }
            OauthError::Unavailable => "No token can be issued at the moment. Send the request again later.",
            OauthError::MethodNotAllowed(_) => "This endpoint does not answer to this method.",
        }
    }

    /// The answer.
    pub(crate) fn into_response(self) -> HttpResponse {
        let mut response = uncached(self.status());
        match &self {
            OauthError::InvalidClient { used_basic: true } => {
                response.insert_header(("WWW-Authenticate", "Basic realm=\"oauth\", charset=\"UTF-8\""));
            }
            OauthError::BodyRefused(..) => {
                response.insert_header(("Connection", "close"));
            }
            OauthError::MethodNotAllowed(allowed) => {
                response.insert_header(("Allow", *allowed));
            }
            OauthError::TooManyRequests(seconds) => {
                response.insert_header(("Retry-After", *seconds));
            }
            OauthError::Unavailable => {
                response.insert_header(("Retry-After", "5"));
            }
            _ => {}
        }
        response.json(json!({ "error": self.code(), "error_description": self.description() }))
    }
}

/// An answer that nobody keeps (RFC 6749 section 5.1).
pub(crate) fn uncached(status: u16) -> HttpResponseBuilder {
    let mut response =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response.insert_header(("Cache-Control", "no-store")).insert_header(("Pragma", "no-cache"));
    response
}
