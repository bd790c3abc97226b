//! What all kinds of credentials have in common: evidence of their use, rotations, and their ends.

use crate::{
    model::{SecretTokenRow, Tenant, TenantId},
    oauth::ClientSecret,
};
use scim::Timestamp;
use uuid::Uuid;

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialKind {
    /// A Secret Token.
    SecretToken,
    /// A secret of an OAuth client.
    ClientSecret,
    /// An identity provider whose assertions a tenant takes.
    Federation,
}

impl CredentialKind {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            CredentialKind::SecretToken => "secret-token",
            CredentialKind::ClientSecret => "client-secret",
            CredentialKind::Federation => "federation",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<CredentialKind> {
        let all = [CredentialKind::SecretToken, CredentialKind::ClientSecret, CredentialKind::Federation];
        all.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What is known of the use of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The first use.
    pub first: Timestamp,
    /// The last use.
    pub last: Timestamp,
    /// From which address the last one came: that of a proxy that is not trusted, where there is one in front.
    pub from: Option<String>,
    /// What the last one was: a method and a route, as `GET /Users/{id}`.
    pub doing: Option<String>,
}

impl Seen {
    /// Out of columns: nothing without a last use; the first and the last are the same one if only the last is known.
    pub(crate) fn read(
        (first, last): (Option<i64>, Option<i64>),
        from: Option<String>,
        doing: Option<String>,
    ) -> Option<Seen> {
        let last = last?;
        Some(Seen { first: Timestamp(first.unwrap_or(last)), last: Timestamp(last), from, doing })
    }
}

/// Uses of a credential that shall be noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedUse {
    /// Of which kind it is.
    pub kind: CredentialKind,
    /// Whose.
    pub tenant: TenantId,
    /// Which: its key.
    pub id: Uuid,
    /// What was seen of it; the first time counts if none was noted before.
    pub seen: Seen,
}

/// A Secret Token that was used lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedToken {
    /// Its digest.
    pub digest: [u8; 32],
    /// Its tenant.
    pub tenant: TenantId,
    /// The time of its last use.
    pub at: Timestamp,
}

/// How a rotation has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The old credential has ended, the new one stays.
    Completed,
    /// The new credential has ended, the old one stays.
    Cancelled,
}

impl Outcome {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Outcome> {
        [Outcome::Completed, Outcome::Cancelled].into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// A credential that takes the place of another, in steps (`docs/adr/0015`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Key; version 7, so the order of ids is the order of starting.
    pub id: Uuid,
    /// Whose.
    pub tenant: TenantId,
    /// Of which kind both credentials are: a Secret Token or a client secret.
    pub kind: CredentialKind,
    /// The credential that shall end.
    pub old: Uuid,
    /// Its key id.
    pub old_key_id: String,
    /// The one in its place.
    pub new: Uuid,
    /// Its key id.
    pub new_key_id: String,
    /// When it was started.
    pub started: Timestamp,
    /// Whether a gateway completes it as soon as that is safe.
    pub is_automatic: bool,
    /// When and how it has ended.
    pub ended: Option<(Timestamp, Outcome)>,
}

/// The new credential of a rotation.
#[derive(Clone, Debug)]
pub enum Successor {
    /// A Secret Token.
    SecretToken(SecretTokenRow),
    /// A secret of an OAuth client.
    ClientSecret(ClientSecret),
}

/// Why and how a rotation is ended, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// In which state the rotation was, in words.
    pub because: String,
    /// Whether somebody wanted it although it was not safe yet.
    pub is_early: bool,
}

/// A credential with an end that comes, or has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingCredential {
    /// A Secret Token or a client secret.
    pub kind: CredentialKind,
    /// Key.
    pub id: Uuid,
    /// Whose.
    pub tenant: Tenant,
    /// The OAuth client that a client secret belongs to.
    pub client: Option<Uuid>,
    /// How people speak of it.
    pub key_id: String,
    /// The word of the operator's for the token, or for the client of the secret.
    pub label: String,
    /// From when on it is refused.
    pub expires: Timestamp,
    /// What is known of its use.
    pub seen: Option<Seen>,
}
