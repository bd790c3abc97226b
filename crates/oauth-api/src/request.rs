//! A request for an access token: form body and perhaps HTTP Basic, bounded before anyone looks at it.

use super::answer::OauthError;
use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE},
    web::{BytesMut, Payload},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::StreamExt;
use std::{collections::HashMap, time::Duration};
use tokens::ClientAuthentication;
use url::form_urlencoded;

/// The one grant type.
pub(crate) const GRANT_TYPE: &str = "client_credentials";
/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Largest body, in bytes: an assertion of Entra has some 2,000.
const MAX_BODY: usize = 32 * 1024;

/// What a client sent.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    form: HashMap<String, String>,
    /// Client id and secret of HTTP Basic.
    basic: Option<(String, String)>,
}

impl TokenRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// What RFC 6749 calls an invalid request, and bodies that are too large or too slow.
    pub(crate) async fn read(
        request: &HttpRequest,
        body: Payload,
        timeout: Duration,
    ) -> Result<TokenRequest, OauthError> {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OauthError::BodyRefused(400, "Send the body as application/x-www-form-urlencoded."));
        }
        let announced =
            request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: usize| length > MAX_BODY) {
            return Err(TOO_LARGE);
        }
        let too_slow = |_| OauthError::BodyRefused(408, "The body of the request did not arrive in time.");
        let bytes = tokio::time::timeout(timeout, read(body)).await.map_err(too_slow)??;
        TokenRequest::parse(&bytes, request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()))
    }

    fn parse(body: &[u8], authorization: Option<&[u8]>) -> Result<TokenRequest, OauthError> {
        let mut form = HashMap::new();
        for (name, value) in form_urlencoded::parse(body).into_owned() {
            // A parameter without a value counts as left out (RFC 6749 section 3.2).
            if !value.is_empty() && form.insert(name, value).is_some() {
                return Err(OauthError::InvalidRequest("A parameter is in the body twice."));
            }
        }
        let basic =
            authorization.map(|value| basic(value).ok_or(OauthError::InvalidClient { used_basic: true }));
        Ok(TokenRequest { form, basic: basic.transpose()? })
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str)
    }

    /// Whether the client authenticates by HTTP Basic.
    pub(crate) fn used_basic(&self) -> bool {
        self.basic.is_some()
    }

    /// The client id and what is to prove it.
    ///
    /// # Errors
    /// Another grant type, no way to authenticate, or several (RFC 6749 section 2.3).
    pub(crate) fn client(&self) -> Result<(&str, ClientAuthentication<'_>), OauthError> {
        match self.field("grant_type") {
            Some(GRANT_TYPE) => {}
            Some(_) => return Err(OauthError::UnsupportedGrantType),
            None => return Err(OauthError::InvalidRequest("grant_type is missing.")),
        }
        let (id, secret) = (self.field("client_id"), self.field("client_secret"));
        let missing_id = OauthError::InvalidRequest("client_id is missing.");
        match (&self.basic, secret, self.field("client_assertion")) {
            (Some((basic_id, secret)), None, None) if id.is_none_or(|id| id == basic_id) => {
                Ok((basic_id, ClientAuthentication::Secret(secret)))
            }
            (None, Some(secret), None) => Ok((id.ok_or(missing_id)?, ClientAuthentication::Secret(secret))),
            (None, None, Some(assertion)) => match self.field("client_assertion_type") {
                Some(ASSERTION_TYPE) => {
                    Ok((id.ok_or(missing_id)?, ClientAuthentication::Assertion(assertion)))
                }
                _ => Err(OauthError::InvalidRequest(
                    "client_assertion_type must be that of RFC 7523, jwt-bearer.",
                )),
            },
            (None, None, None) => Err(OauthError::InvalidClient { used_basic: false }),
            _ => Err(OauthError::InvalidRequest("Authenticate the client in exactly one way.")),
        }
    }
}

/// `Basic` with both parts form-encoded (RFC 6749 section 2.3.1).
fn basic(authorization: &[u8]) -> Option<(String, String)> {
    let (scheme, encoded) = std::str::from_utf8(authorization).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

/// One form-encoded text; `&` and `=`, which only an unencoded one has, stay what they are.
fn form_decoded(text: &str) -> String {
    let text = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

const TOO_LARGE: OauthError =
    OauthError::BodyRefused(413, "The body of the request is larger than 32768 bytes.");

async fn read(mut body: Payload) -> Result<BytesMut, OauthError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| {
            OauthError::BodyRefused(400, "The body of the request ended before it was complete.")
        })?;
        if bytes.len() + chunk.len() > MAX_BODY {
            return Err(TOO_LARGE);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(body: &str, authorization: Option<&str>) -> Result<String, &'static str> {
        let request = TokenRequest::parse(body.as_bytes(), authorization.map(str::as_bytes));
        let request = request.map_err(|error| error.code())?;
        let (id, authentication) = request.client().map_err(|error| error.code())?;
        Ok(match authentication {
            ClientAuthentication::Secret(secret) => format!("{id} by secret {secret}"),
            ClientAuthentication::Assertion(assertion) => format!("{id} by assertion {assertion}"),
        })
    }

    #[test]
    fn a_client_authenticates_in_exactly_one_way() {
        let grant = "grant_type=client_credentials";
        // client+1:sec%26ret
        let basic = "Basic Y2xpZW50KzE6c2VjJTI2cmV0";
        let jwt = format!("client_assertion_type={}", ASSERTION_TYPE.replace(':', "%3A"));
        for (body, authorization, expected) in [
            (format!("{grant}&client_id=a&client_secret=b%2B"), None, Ok("a by secret b+")),
            (
                format!("{grant}&client_id=a&client_secret=b&scope=scim&baseAddress=x"),
                None,
                Ok("a by secret b"),
            ),
            (grant.to_owned(), Some(basic), Ok("client 1 by secret sec&ret")),
            (format!("{grant}&client_id=client+1"), Some(basic), Ok("client 1 by secret sec&ret")),
            (format!("{grant}&client_id=a&{jwt}&client_assertion=x.y.z"), None, Ok("a by assertion x.y.z")),
            (format!("{grant}&client_id=other"), Some(basic), Err("invalid_request")),
            (format!("{grant}&client_secret=b"), Some(basic), Err("invalid_request")),
            (
                format!("{grant}&client_id=a&client_secret=b&{jwt}&client_assertion=x"),
                None,
                Err("invalid_request"),
            ),
            (format!("{grant}&client_id=a&client_id=a&client_secret=b"), None, Err("invalid_request")),
            (format!("{grant}&client_secret=b"), None, Err("invalid_request")),
            (format!("{grant}&client_id=a&client_assertion=x"), None, Err("invalid_request")),
            ("client_id=a&client_secret=b".to_owned(), None, Err("invalid_request")),
            (
                "grant_type=password&client_id=a&client_secret=b".to_owned(),
                None,
                Err("unsupported_grant_type"),
            ),
            (format!("{grant}&client_id=a"), None, Err("invalid_client")),
            (format!("{grant}&client_id=a&client_secret="), None, Err("invalid_client")),
            (grant.to_owned(), Some("Bearer x"), Err("invalid_client")),
            (grant.to_owned(), Some("Basic !"), Err("invalid_client")),
        ] {
            assert_eq!(
                outcome(&body, authorization),
                expected.map(str::to_owned),
                "{body} {authorization:?}"
            );
        }
    }
}
