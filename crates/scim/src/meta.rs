//! `meta` (RFC 7643 section 3.1): timestamps, versions (ETags) and locations, and how they are added to a stored document.

/// An instant in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// RFC 3339 in UTC with milliseconds, as `2026-11-24T12:00:00.000Z`.
    pub fn to_rfc3339(self) -> String {
        todo!()
    }
    /// Any RFC 3339 date and time; none if it is not one.
    pub fn parse(_text: &str) -> Option<Timestamp> {
        todo!()
    }
}

/// What the service provider knows of a resource beside its document.
#[derive(Clone, Debug)]
pub struct Meta {
    /// Which endpoint it lives under.
    pub kind: crate::schema::ResourceKind,
    /// `id`.
    pub id: String,
    /// Counts the changes, from 1.
    pub version: i64,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub last_modified: Timestamp,
}

/// The weak ETag of a version: `W/"3"`.
pub fn etag(_version: i64) -> String {
    todo!()
}

/// Whether an `If-Match` or `If-None-Match` value (a list of ETags, weak or strong, or `*`) names this version.
pub fn names_version(_header: &str, _version: i64) -> bool {
    todo!()
}
