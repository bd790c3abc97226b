//! `If-Match` and `If-None-Match` (RFC 7644 section 3.14): change only a version that the client expects.

use scim::{ScimError, meta};

/// What the client demands of the version before a resource is changed or deleted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Precondition<'a> {
    /// The value of `If-Match`: the versions that the client has seen.
    pub if_match: Option<&'a str>,
    /// The value of `If-None-Match`: versions that the client does not want to change.
    pub if_none_match: Option<&'a str>,
}

impl Precondition<'_> {
    /// Whether the client demands nothing.
    pub fn is_none(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Compares with the version that is stored, in the order of RFC 9110 section 13.2.2.
    ///
    /// # Errors
    /// 412 if `If-Match` names another version, or `If-None-Match` names this one.
    pub fn check(&self, version: i64) -> Result<(), ScimError> {
        let names = |header: &str| meta::names_version(header, version);
        if self.if_match.is_some_and(|header| !names(header)) {
            return Err(ScimError::precondition_failed(format!(
                "The resource has changed: its version is now {}. Read it again and repeat the request.",
                meta::etag(version)
            )));
        }
        if self.if_none_match.is_some_and(names) {
            return Err(ScimError::precondition_failed(format!(
                "The resource has the version {}, which \"If-None-Match\" excludes.",
                meta::etag(version)
            )));
        }
        Ok(())
    }
}
