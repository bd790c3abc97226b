//! Why a use case failed: in the words of the standard, or by a fault below it.

use scim::{ScimError, schema::ResourceKind};
use store::{CommitError, Quota, StoreError};

/// A failed use case. Only [`Failure::Scim`] has words for the client; the rest is for our log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The request is at fault.
    #[error("{0}")]
    Scim(#[from] ScimError),
    /// The tenant was deleted while the request was under way: the answer of a credential that is not good, 401.
    #[error("the tenant is gone")]
    TenantGone,
    /// The tenant has too much in flight: 429, with the seconds after which to ask again.
    #[error("too much is in flight for this tenant")]
    Overloaded(u32),
    /// The database is away: 503.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// A bug: 500.
    #[error("{0}")]
    Internal(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded(seconds) => Failure::Overloaded(seconds),
            StoreError::Late => Failure::Unavailable(error.to_string()),
            StoreError::Unavailable(cause) => Failure::Unavailable(cause),
            StoreError::Failed(cause) => Failure::Internal(cause),
        }
    }
}

/// 404 in the words of the client.
pub(crate) fn not_found(kind: ResourceKind, id: &str) -> Failure {
    let name = match kind {
        ResourceKind::User => "user",
        ResourceKind::Group => "group",
    };
    ScimError::not_found(format!(
        "There is no {name} with id \"{id}\" in this tenant. It may have been deleted; restart provisioning to match it again."
    ))
    .into()
}

/// What a refused commit means. A version mismatch is not for here: the caller computes again or answers 412.
pub(crate) fn of_commit(error: CommitError, kind: ResourceKind, id: &str) -> Failure {
    match error {
        CommitError::NotFound => not_found(kind, id),
        CommitError::UserNameTaken => ScimError::uniqueness(
            "Another user of this tenant has this userName (upper and lower case do not count). \
             Match on userName, or give one of the two users another userName.",
        )
        .into(),
        CommitError::MissingMembers(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            missing_members(&ids)
        }
        CommitError::VersionMismatch(_) => ScimError::new(
            409,
            "The resource kept being changed by other requests while this one was tried. Send the request again.",
        )
        .into(),
        CommitError::QuotaExceeded(quota) => quota_exceeded(quota),
        CommitError::TenantGone => Failure::TenantGone,
        CommitError::Store(error) => error.into(),
    }
}

/// 400 for a change that makes a tenant larger than it may be: the provisioning service counts it against this one resource.
fn quota_exceeded(quota: Quota) -> Failure {
    let (most, of) = match quota {
        Quota::Users(most) => (most, "users"),
        Quota::Groups(most) => (most, "groups"),
        Quota::Memberships(most) => (most, "members in all groups together"),
        Quota::Bytes(most) => (most, "bytes of users and groups"),
    };
    let detail = format!(
        "This tenant may have at most {most} {of}. Remove some from the scope of provisioning, or ask the support of Juno \
         Journey for more. What is there can still be changed, disabled and deleted."
    );
    ScimError::new(400, detail).into()
}

/// 400 for members that are not there.
pub(crate) fn missing_members(ids: &[String]) -> Failure {
    ScimError::invalid_value(format!(
        "members: {} no user or group of this tenant (a group cannot be a member of itself). \
         Provision the member before the membership.",
        match ids {
            [one] => format!("\"{one}\" is"),
            many => format!("\"{}\" are", many.join("\", \"")),
        }
    ))
    .into()
}
