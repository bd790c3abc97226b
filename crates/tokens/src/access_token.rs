//! Access tokens: JSON Web Tokens by the profile of RFC 9068, each for one tenant.

use keys::{KeyError, SigningKeys, Unverified};
use scim::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use store::id::new_id;
use store::{StoreError, TenantId};
use uuid::Uuid;

/// Longer texts are no tokens of ours, and cost nothing.
const MAX_LENGTH: usize = 2048;
/// The one scope that there is.
pub const SCOPE: &str = "scim";

/// Mints and verifies access tokens. Share one a process.
pub struct AccessTokens {
    keys: Arc<SigningKeys>,
    /// The issuer of a tenant is this with its label behind it.
    issuer_base: String,
}

/// What an access token says, once its signature is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The label of the tenant, out of `iss`.
    pub(crate) label: String,
    pub(crate) tenant: TenantId,
    pub(crate) client: Uuid,
    /// The client secret or the federation that the client showed.
    pub(crate) credential: Uuid,
    pub(crate) expires: Timestamp,
}

#[derive(Deserialize)]
struct RawClaims {
    iss: String,
    aud: String,
    sub: Uuid,
    client_id: Uuid,
    tenant: Uuid,
    credential: Uuid,
    exp: i64,
}

impl AccessTokens {
    /// `public_url` is where clients reach the gateway, without a final slash.
    pub fn new(keys: Arc<SigningKeys>, public_url: &str) -> AccessTokens {
        AccessTokens { keys, issuer_base: format!("{public_url}/t/") }
    }

    /// The issuer identifier (RFC 8414 section 2) of a tenant.
    pub fn issuer(&self, label: &str) -> String {
        format!("{}{label}", self.issuer_base)
    }

    /// The keys that tokens are signed with.
    pub fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// A new token; the time of its end is kept in seconds.
    pub(crate) async fn mint(&self, claims: &Claims, now: Timestamp) -> Result<String, KeyError> {
        let issuer = self.issuer(&claims.label);
        let id = new_id(now).map_err(|cause| KeyError::Unusable(cause.to_string()))?;
        let claims = json!({
            "iss": issuer,
            "aud": audience(&issuer),
            "sub": claims.client,
            "client_id": claims.client,
            "tenant": claims.tenant.0,
            "credential": claims.credential,
            "scope": SCOPE,
            "jti": id,
            "iat": now.0 / 1000,
            "exp": claims.expires.0 / 1000,
        });
        self.keys.sign(&claims, now).await
    }

    /// Whether a text may be an access token, as far as a glance tells.
    pub(crate) fn looks_like_one(text: &str) -> bool {
        text.len() <= MAX_LENGTH
            && text.starts_with("eyJ")
            && text.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// The claims of a token that we signed, for the tenant that it names itself, and that has not ended.
    ///
    /// # Errors
    /// Faults of the database, which is asked only for a key that this process does not know.
    pub(crate) async fn verify(&self, text: &str, now: Timestamp) -> Result<Option<Claims>, StoreError> {
        let Some((token, key)) = parse(text) else { return Ok(None) };
        let Some(claims) = self.read(&token).filter(|claims| now < claims.expires) else { return Ok(None) };
        let key = self.keys.find(key, now).await?;
        Ok(key.filter(|key| token.is_signed_by(key)).map(|_| claims))
    }

    fn read(&self, token: &Unverified<'_>) -> Option<Claims> {
        let raw: RawClaims = token.claims()?;
        let label = raw.iss.strip_prefix(&self.issuer_base)?.to_owned();
        (raw.aud == audience(&raw.iss) && raw.sub == raw.client_id).then_some(Claims {
            label,
            tenant: TenantId(raw.tenant),
            client: raw.client_id,
            credential: raw.credential,
            expires: Timestamp(raw.exp.saturating_mul(1000)),
        })
    }
}

fn parse(text: &str) -> Option<(Unverified<'_>, Uuid)> {
    let token = Unverified::parse(text)?;
    let key = Uuid::try_parse(token.kid.as_deref()?).ok()?;
    (token.typ.as_deref() == Some("at+jwt")).then_some((token, key))
}

/// The resource that a token is for (RFC 9068 section 2.2): the Tenant URL.
fn audience(issuer: &str) -> String {
    format!("{issuer}/scim/v2")
}
