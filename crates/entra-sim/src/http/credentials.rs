//! How the client proves who it is: Secret Token, OAuth client credentials or a federated assertion.

use std::fmt;
use std::sync::Arc;

use super::federation::Issuer;

/// A value that is sent and never shown.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one line that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

/// Where an assertion of workload identity federation comes from.
#[derive(Clone, Debug)]
pub enum Assertion {
    /// A JWT that somebody else made.
    Given(Secret),
    /// Made and signed here, as Entra would.
    Signed(Arc<Issuer>),
}

/// The credential of a tenant.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// No `Authorization` header at all.
    Anonymous,
    /// The Secret Token of the tutorial.
    Bearer(Secret),
    /// OAuth 2.0 client credentials, sent in the body of the token request.
    ClientCredentials {
        /// The client id.
        client_id: String,
        /// The client secret.
        client_secret: Secret,
        /// The address of the token endpoint.
        token_url: String,
        /// The scope, if one is asked for.
        scope: Option<String>,
    },
    /// RFC 7523: a signed assertion in place of a secret.
    Federation {
        /// The client id that the server's portal shows.
        client_id: String,
        /// The address of the token endpoint.
        token_url: String,
        /// The scope; Microsoft sends `scim`.
        scope: Option<String>,
        /// The assertion.
        assertion: Assertion,
    },
}

/// The form of the assertion (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token request: the address, the form to send, and the same form fit to be logged.
pub(super) struct TokenRequest {
    pub(super) url: String,
    pub(super) form: String,
    pub(super) shown: String,
}

impl Credentials {
    /// The token request to be made first, if this kind of credential needs one.
    ///
    /// # Errors
    /// When the assertion cannot be signed.
    pub(super) fn token_request(&self, now: jiff::Timestamp) -> Result<Option<TokenRequest>, String> {
        let (url, scope, fields) = match self {
            Self::Anonymous | Self::Bearer(_) => return Ok(None),
            Self::ClientCredentials { client_id, client_secret, token_url, scope } => (
                token_url,
                scope,
                vec![("client_id", client_id.clone()), ("client_secret", client_secret.reveal().to_owned())],
            ),
            Self::Federation { client_id, token_url, scope, assertion } => {
                let assertion = match assertion {
                    Assertion::Given(secret) => secret.reveal().to_owned(),
                    Assertion::Signed(issuer) => issuer.assertion(now)?,
                };
                let kind = ("client_assertion_type", ASSERTION_TYPE.to_owned());
                (
                    token_url,
                    scope,
                    vec![("client_id", client_id.clone()), kind, ("client_assertion", assertion)],
                )
            }
        };
        let mut all = vec![("grant_type", "client_credentials".to_owned())];
        all.extend(fields);
        all.extend(scope.iter().map(|scope| ("scope", scope.clone())));
        let form = |shown: bool| {
            let hidden = |key: &str| shown && matches!(key, "client_secret" | "client_assertion");
            let pairs =
                all.iter().map(|(key, value)| (*key, if hidden(key) { "***" } else { value.as_str() }));
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
        };
        Ok(Some(TokenRequest { url: url.clone(), form: form(false), shown: form(true) }))
    }
}
