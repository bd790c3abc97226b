//! OAuth clients, their secrets, the identity provider of a tenant and the signing keys, as they are stored.

use crate::{
    credential::Seen,
    model::{Tenant, TenantId},
};
use scim::Timestamp;
use std::fmt;
use uuid::Uuid;
use zeroize::Zeroizing;

/// A client of a tenant (RFC 6749 section 2): it authenticates by secrets or by assertions of a federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthClient {
    /// The client id.
    pub id: Uuid,
    /// Whose.
    pub tenant: TenantId,
    /// A word of the operator's.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
    /// Since when it is revoked, with everything that it holds.
    pub revoked: Option<Timestamp>,
}

/// A client secret as it is stored: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// Key.
    pub id: Uuid,
    /// Whose.
    pub tenant: TenantId,
    /// Of which client.
    pub client: Uuid,
    /// The key id inside the secret, shown to operators.
    pub key_id: String,
    /// argon2id, as a PHC string.
    pub hash: String,
    /// When it was issued.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Timestamp,
    /// Since when it is revoked.
    pub revoked: Option<Timestamp>,
    /// What is known of the use of access tokens that were issued for it, some seconds late.
    pub seen: Option<Seen>,
}

impl ClientSecret {
    /// Whether it is neither revoked nor expired; its client may be.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }

    /// When it was last used.
    pub fn last_used(&self) -> Option<Timestamp> {
        self.seen.as_ref().map(|seen| seen.last)
    }
}

/// Whose assertions a tenant takes (RFC 7523); everything is compared exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federation {
    /// Key of these terms: new whenever they change.
    pub id: Uuid,
    /// Whose.
    pub tenant: TenantId,
    /// The client that is authenticated so.
    pub client: Uuid,
    /// `iss` of its assertions.
    pub issuer: String,
    /// `sub` of its assertions.
    pub subject: String,
    /// `aud` of its assertions.
    pub audience: String,
    /// Where the issuer publishes its keys (RFC 7517).
    pub jwks_url: String,
    /// When these terms were set.
    pub created: Timestamp,
    /// What is known of the use of access tokens that were issued for it, some seconds late.
    pub seen: Option<Seen>,
}

impl Federation {
    /// When it was last used.
    pub fn last_used(&self) -> Option<Timestamp> {
        self.seen.as_ref().map(|seen| seen.last)
    }
}

/// A client with all that it may authenticate by, alive or not, and its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthClientOwner {
    /// Its tenant.
    pub tenant: Tenant,
    /// The client.
    pub client: OauthClient,
    /// Its secrets, oldest first.
    pub secrets: Vec<ClientSecret>,
    /// The federation that names it.
    pub federation: Option<Federation>,
}

/// A key pair that signs access tokens of all tenants.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its key id.
    pub id: Uuid,
    /// Ed25519, PKCS #8; never printed.
    pub private_key: Zeroizing<Vec<u8>>,
    /// From when on it signs; it is published earlier.
    pub signs_from: Timestamp,
    /// From when on its successor signs.
    pub signs_until: Timestamp,
    /// From when on no token of it is alive.
    pub published_until: Timestamp,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, redacted)", self.id)
    }
}
