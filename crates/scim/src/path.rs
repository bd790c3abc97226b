//! Attribute paths (RFC 7644 figure 7 and section 3.10): `name.familyName`, `emails[type eq "work"].value`, URN paths.

use crate::{ScimError, filter::Filter};

/// An attribute path of a filter or a projection: `[urn ":"] name ["." sub]`.
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

impl Path {
    /// Reads a PATCH path.
    ///
    /// # Errors
    /// 400 `invalidPath`.
    pub fn parse(_text: &str) -> Result<Path, ScimError> {
        todo!()
    }
}
