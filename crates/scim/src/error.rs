//! The words of RFC 7644 section 3.12: what went wrong, told to the customer's administrator.

use std::fmt;

/// `scimType`, table 9 of RFC 7644 section 3.12 and RFC 9865 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// The filter cannot be read, or compares an attribute in a way that its type does not allow.
    InvalidFilter,
    /// The request yields more results than the service provider is willing to return.
    TooMany,
    /// `userName` is taken.
    Uniqueness,
    /// An immutable or read-only attribute was to be changed.
    Mutability,
    /// The body is no JSON or not of the shape that the request needs.
    InvalidSyntax,
    /// A path is malformed or names no attribute.
    InvalidPath,
    /// A value path selected nothing to change.
    NoTarget,
    /// A value is missing, of the wrong type or not allowed.
    InvalidValue,
    /// A version of the protocol that is not supported.
    InvalidVers,
    /// Personal data must not stand in a URL.
    Sensitive,
    /// RFC 9865: the cursor is not one that this query gave out.
    InvalidCursor,
    /// RFC 9865: the cursor has expired.
    ExpiredCursor,
    /// RFC 9865: `count` is not acceptable.
    InvalidCount,
}

impl ScimType {
    /// The keyword as it stands in the error body.
    pub fn as_str(self) -> &'static str {
        match self {
            ScimType::InvalidFilter => "invalidFilter",
            ScimType::TooMany => "tooMany",
            ScimType::Uniqueness => "uniqueness",
            ScimType::Mutability => "mutability",
            ScimType::InvalidSyntax => "invalidSyntax",
            ScimType::InvalidPath => "invalidPath",
            ScimType::NoTarget => "noTarget",
            ScimType::InvalidValue => "invalidValue",
            ScimType::InvalidVers => "invalidVers",
            ScimType::Sensitive => "sensitive",
            ScimType::InvalidCursor => "invalidCursor",
            ScimType::ExpiredCursor => "expiredCursor",
            ScimType::InvalidCount => "invalidCount",
        }
    }
}

/// Longest `detail`, in characters: names in it are the client's, and can be as long as its body.
pub const MAX_DETAIL: usize = 1_000;

/// An error as the client sees it. `detail` appears verbatim in Entra's provisioning log: it is an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimError {
    /// HTTP status.
    pub status: u16,
    /// `scimType`, where the standard has one.
    pub scim_type: Option<ScimType>,
    /// What the customer's administrator should do about it.
    pub detail: String,
}

impl ScimError {
    /// An error without `scimType`. A `detail` beyond [`MAX_DETAIL`] characters is cut.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if let Some((end, _)) = detail.char_indices().nth(MAX_DETAIL) {
            detail.truncate(end);
            detail.push('…');
        }
        ScimError { status, scim_type: None, detail }
    }

    fn typed(status: u16, scim_type: ScimType, detail: impl Into<String>) -> Self {
        ScimError { scim_type: Some(scim_type), ..Self::new(status, detail) }
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidFilter, detail)
    }
    /// 400 `tooMany`.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::TooMany, detail)
    }
    /// 409 `uniqueness`.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::typed(409, ScimType::Uniqueness, detail)
    }
    /// 400 `mutability`.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::Mutability, detail)
    }
    /// 400 `invalidSyntax`.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidSyntax, detail)
    }
    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidPath, detail)
    }
    /// 400 `noTarget`.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::NoTarget, detail)
    }
    /// 400 `invalidValue`.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidValue, detail)
    }
    /// 400 `invalidCursor`.
    pub fn invalid_cursor(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidCursor, detail)
    }
    /// 400 `invalidCount`.
    pub fn invalid_count(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidCount, detail)
    }
    /// 404: the resource is not there (in this tenant).
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, detail)
    }
    /// 412: `If-Match` names another version.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(412, detail)
    }
    /// 413: more than a published limit.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(413, detail)
    }

    /// The same error with words in front of its detail, to say which operation failed.
    pub fn context(mut self, prefix: impl fmt::Display) -> Self {
        self.detail = format!("{prefix}: {}", self.detail);
        self
    }

    /// The body of RFC 7644 section 3.12; `status` is a string there.
    pub fn to_json(&self) -> serde_json::Value {
        let mut body =
            serde_json::json!({ "schemas": [crate::urn::ERROR], "status": self.status.to_string() });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        body["detail"] = self.detail.as_str().into();
        body
    }
}

impl fmt::Display for ScimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.scim_type.map_or("", ScimType::as_str))
    }
}

impl std::error::Error for ScimError {}
