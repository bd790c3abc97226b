//! `meta` (RFC 7643 section 3.1): timestamps and versions (ETags, RFC 7644 section 3.14).

use std::fmt::Write;

/// An instant in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// RFC 3339 in UTC with milliseconds, as `2026-11-24T12:00:00.000Z`.
    pub fn to_rfc3339(self) -> String {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        format!("{instant:.3}")
    }

    /// Any RFC 3339 date and time; none if it is not one.
    pub fn parse(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>().ok().map(|instant| Timestamp(instant.as_millisecond()))
    }

    /// So many seconds later.
    pub fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(seconds.saturating_mul(1000)))
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
pub fn etag(version: i64) -> String {
    let mut text = String::with_capacity(12);
    // Writing to a String cannot fail.
    let _ = write!(text, "W/\"{version}\"");
    text
}

/// The version that an ETag of ours names.
pub fn parse_etag(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"')?.strip_suffix('"')?;
    // A tag is compared letter by letter (RFC 9110 section 8.8.3.2): "03" and "+3" are not ours.
    digits.parse::<i64>().ok().filter(|version| version.to_string() == digits)
}

/// Whether an `If-Match` or `If-None-Match` value (a list of ETags, weak or strong, or `*`) names this version.
pub fn names_version(header: &str, version: i64) -> bool {
    header.split(',').any(|tag| tag.trim() == "*" || parse_etag(tag) == Some(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_three_digits_and_read_back() {
        for (millis, text) in
            [(0, "1970-01-01T00:00:00.000Z"), (1_795_521_600_123, "2026-11-24T12:00:00.123Z")]
        {
            assert_eq!(Timestamp(millis).to_rfc3339(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp(millis)));
        }
        assert_eq!(Timestamp::parse("2026-11-24T13:00:00+01:00"), Timestamp::parse("2026-11-24T12:00:00Z"));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn etags_match_weakly() {
        assert!(
            names_version("W/\"3\"", 3) && names_version("\"3\"", 3) && names_version("\"1\", W/\"3\"", 3)
        );
        assert!(names_version("*", 7) && !names_version("W/\"3\"", 4) && !names_version("3", 3));
        assert!(!names_version("\"+3\"", 3) && !names_version("\"03\"", 3) && !names_version("", 3));
    }
}
