//! Attribute paths (RFC 7644 figure 7 and section 3.10): `name.familyName`, `emails[type eq "work"].value`, URN paths.

use crate::{Profile, ScimError, filter::Filter, urn};
use std::fmt;

/// An attribute path of a filter or a projection: `[urn ":"] name ["." sub]`. A dot behind the URN is read as the colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePath {
    /// URN in front of the name, as written.
    pub urn: Option<String>,
    /// Attribute name, as written. Empty when the path is a URN alone (an extension as a whole).
    pub name: String,
    /// Sub-attribute name, as written.
    pub sub_attribute: Option<String>,
}

/// A PATCH path: an attribute path, or a value path with an optional sub-attribute behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The attribute; its `sub_attribute` is the one behind the value filter if there is a filter.
    pub attribute: AttributePath,
    /// The filter in brackets; its paths are sub-attributes.
    pub filter: Option<Box<Filter>>,
}

/// Longest attribute name that is read, in characters.
const MAX_NAME: usize = 128;

impl AttributePath {
    /// A path of a plain name.
    pub fn named(name: &str) -> AttributePath {
        AttributePath { urn: None, name: name.to_owned(), sub_attribute: None }
    }

    /// Reads an attribute path; `None` if it is none.
    pub fn parse(text: &str) -> Option<AttributePath> {
        let (urn, rest) = split_urn(text);
        if urn.is_some_and(|urn| !urn::is_schema(urn)) {
            return None;
        }
        if rest.is_empty() {
            return urn.filter(|urn| urn.len() == text.len()).map(|urn| AttributePath {
                urn: Some(urn.to_owned()),
                name: String::new(),
                sub_attribute: None,
            });
        }
        let (name, sub_attribute) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        if !is_name(name) || sub_attribute.is_some_and(|sub| !is_name(sub)) {
            return None;
        }
        Some(AttributePath {
            urn: urn.map(str::to_owned),
            name: name.to_owned(),
            sub_attribute: sub_attribute.map(str::to_owned),
        })
    }
}

/// Splits a URN off the front of an attribute path. Behind it stands `:`, or `.` as Entra writes it too. URNs that we know
/// are matched as a whole, since the `2.0` in them holds a dot. [`urn::split_undescribed`] splits any other.
fn split_urn(text: &str) -> (Option<&str>, &str) {
    for known in urn::RESOURCE_SCHEMAS {
        let Some(head) = text.get(..known.len()) else { continue };
        if head.eq_ignore_ascii_case(known) {
            let rest = &text[known.len()..];
            if rest.is_empty() {
                return (Some(head), "");
            }
            if let Some(rest) = rest.strip_prefix([':', '.']) {
                return (Some(head), rest);
            }
        }
    }
    match urn::split_undescribed(text) {
        Some((urn, rest)) => (Some(urn), rest),
        None => (None, text),
    }
}

/// `ATTRNAME` of RFC 7643 section 2.1, and `$ref`.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'))
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            f.write_str(urn)?;
            if self.name.is_empty() {
                return Ok(());
            }
            f.write_str(":")?;
        }
        f.write_str(&self.name)?;
        match &self.sub_attribute {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl Path {
    /// Reads a PATCH path by the grammar of RFC 7644 section 3.5.2.
    ///
    /// # Errors
    /// 400 `invalidPath`.
    pub fn parse(text: &str) -> Result<Path, ScimError> {
        Path::parse_for(Profile::Rfc, text)
    }

    /// Reads a PATCH path as the clients of a profile write it.
    ///
    /// # Errors
    /// 400 `invalidPath`.
    pub fn parse_for(profile: Profile, text: &str) -> Result<Path, ScimError> {
        let text = text.trim();
        let malformed = || {
            ScimError::invalid_path(
                "The path is not an attribute path such as \"displayName\", \"name.givenName\" or emails[type eq \"work\"].value.",
            )
        };
        let Some(open) = text.find('[') else {
            let attribute = AttributePath::parse(text).ok_or_else(malformed)?;
            return Ok(Path { attribute, filter: None });
        };
        let close = text.rfind(']').filter(|close| *close > open).ok_or_else(malformed)?;
        let mut attribute = AttributePath::parse(text[..open].trim_end()).ok_or_else(malformed)?;
        let filter = Filter::parse_for(profile, &text[open + 1..close]).map_err(|error| {
            ScimError::invalid_path(format!("In the brackets of the path: {}", error.detail))
        })?;
        let tail = text[close + 1..].trim();
        if attribute.sub_attribute.is_some() || attribute.name.is_empty() {
            return Err(malformed());
        }
        if !tail.is_empty() {
            let sub = tail.strip_prefix('.').filter(|sub| is_name(sub)).ok_or_else(malformed)?;
            attribute.sub_attribute = Some(sub.to_owned());
        }
        Ok(Path { attribute, filter: Some(Box::new(filter)) })
    }
}

impl fmt::Display for Path {
    /// As it is written into effects: the filter by its shape only, since its values may be personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.filter.is_none() {
            return self.attribute.fmt(f);
        }
        let whole = AttributePath { sub_attribute: None, ..self.attribute.clone() };
        write!(f, "{whole}[]")?;
        match &self.attribute.sub_attribute {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_entra_and_of_the_rfc_are_read() {
        for (text, urn, name, sub, filter) in [
            ("displayName", None, "displayName", None, false),
            ("name.givenName", None, "name", Some("givenName"), false),
            ("emails[type eq \"work\"].value", None, "emails", Some("value"), true),
            ("members[value eq \"a]b\"]", None, "members", None, true),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
                Some(urn::ENTERPRISE_USER),
                "manager",
                None,
                false,
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department",
                Some(urn::ENTERPRISE_USER),
                "department",
                None,
                false,
            ),
            (urn::ENTERPRISE_USER, Some(urn::ENTERPRISE_USER), "", None, false),
            (
                "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User:CustomAttribute",
                Some("urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User"),
                "CustomAttribute",
                None,
                false,
            ),
            // Entra writes a dot as well.
            (
                "urn:ietf:params:scim:schemas:extension:Acme:2.0:User.otherMails",
                Some("urn:ietf:params:scim:schemas:extension:Acme:2.0:User"),
                "otherMails",
                None,
                false,
            ),
            (
                "urn:ietf:params:scim:schemas:extension:Acme:2.0:User.desk.floor",
                Some("urn:ietf:params:scim:schemas:extension:Acme:2.0:User"),
                "desk",
                Some("floor"),
                false,
            ),
            (
                "urn:ietf:params:scim:schemas:extension:Acme:2.0:User.links[type eq \"a\"].value",
                Some("urn:ietf:params:scim:schemas:extension:Acme:2.0:User"),
                "links",
                Some("value"),
                true,
            ),
            (
                "urn:ietf:params:scim:schemas:extension:Acme:2.0:User",
                Some("urn:ietf:params:scim:schemas:extension:Acme:2.0:User"),
                "",
                None,
                false,
            ),
        ] {
            let path = Path::parse(text).unwrap();
            assert_eq!(path.attribute.urn.as_deref(), urn, "{text}");
            assert_eq!(path.attribute.name, name, "{text}");
            assert_eq!(path.attribute.sub_attribute.as_deref(), sub, "{text}");
            assert_eq!(path.filter.is_some(), filter, "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            " ",
            "a.b.c",
            "a[",
            "a]",
            "a[]",
            "a[b]",
            "1a",
            "a b",
            "a[b eq 1]c",
            "a.b[c eq 1]",
            "\u{e9}",
            ":",
            "a:",
        ] {
            let refused = Path::parse(text).map_err(|error| error.scim_type);
            assert_eq!(refused, Err(Some(crate::ScimType::InvalidPath)), "{text}");
        }
    }
}
