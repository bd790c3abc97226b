//! `If-Match` (RFC 7644 section 3.14): change only the version that the client has seen.

use scim::{ScimError, meta};

/// What the client demands of the version.
#[derive(Clone, Copy, Debug, Default)]
pub struct Precondition<'a> {
    /// The value of `If-Match`.
    pub if_match: Option<&'a str>,
}

impl Precondition<'_> {
    /// Whether the client demands nothing.
    pub fn is_none(&self) -> bool {
        self.if_match.is_none()
    }

    /// Compares with the version that is stored.
    ///
    /// # Errors
    /// 412 if the header names another version.
    pub fn check(&self, version: i64) -> Result<(), ScimError> {
        match self.if_match {
            Some(header) if !meta::names_version(header, version) => {
                Err(ScimError::precondition_failed(format!(
                    "The resource has changed: its version is now {}. Read it again and repeat the request.",
                    meta::etag(version)
                )))
            }
            _ => Ok(()),
        }
    }
}
