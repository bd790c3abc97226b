//! A query: URL parameters of RFC 7644 section 3.4.2, the body of `/.search` (3.4.3), and cursors (RFC 9865).

use crate::{ScimError, condition::{Condition, Target}, projection::Projection, schema::ResourceType};

/// How to sort (RFC 7644 section 3.4.2.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// By which attribute. Of a multi-valued attribute the primary value counts, else the first.
    pub target: Target,
    /// `sortOrder` is `descending`.
    pub descending: bool,
}

/// Which page.
#[derive(Clone, Debug, PartialEq)]
pub enum Paging {
    /// RFC 7644 section 3.4.2.4; `start_index` is 1 or more.
    Index {
        /// 1-based.
        start_index: u64,
        /// Most resources wanted, already cut to the page limit; 0 asks for `totalResults` alone.
        count: u32,
    },
    /// RFC 9865.
    Cursor {
        /// None on the first page.
        after: Option<Position>,
        /// As above.
        count: u32,
    },
}

/// Where a cursor stands: behind the resource with this sort key and id.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// Sort key of the last resource returned; none if it had none or the query is not sorted.
    pub key: Option<SortKey>,
    /// Its id.
    pub id: String,
}

/// The value a resource is sorted by.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum SortKey {
    /// Text, folded where the attribute ignores case.
    Text(String),
    /// Number, boolean (0, 1) or instant.
    Number(f64),
}

/// A query, all of its words checked.
#[derive(Clone, Debug)]
pub struct Query {
    /// What to find; none finds everything.
    pub condition: Option<Condition>,
    /// In which order; none is the order of creation.
    pub sort: Option<Sort>,
    /// Which page.
    pub paging: Paging,
    /// Which attributes.
    pub projection: Projection,
    /// Digest of filter and sort, bound into cursors.
    pub fingerprint: [u8; 8],
}

/// The words of a query before they are checked: from the URL or from a `SearchRequest` body.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// `filter`
    pub filter: Option<String>,
    /// `sortBy`
    pub sort_by: Option<String>,
    /// `sortOrder`
    pub sort_order: Option<String>,
    /// `startIndex`
    pub start_index: Option<String>,
    /// `count`
    pub count: Option<String>,
    /// `cursor`
    pub cursor: Option<String>,
    /// `attributes`, comma-separated
    pub attributes: Option<String>,
    /// `excludedAttributes`, comma-separated
    pub excluded_attributes: Option<String>,
}

impl Words {
    /// Reads a URL query string (without `?`): percent-decoding, `+` as space; unknown keys are ignored (Entra's
    /// `aadOptscim062020` among them).
    ///
    /// # Errors
    /// 400 `invalidSyntax` if it does not decode to UTF-8 or names a parameter twice.
    pub fn from_url(_query: &str) -> Result<Words, ScimError> {
        todo!()
    }

    /// Reads the body of `/.search`.
    ///
    /// # Errors
    /// 400 `invalidSyntax`.
    pub fn from_body(_body: serde_json::Value) -> Result<Words, ScimError> {
        todo!()
    }

    /// Checks the words for a resource type.
    ///
    /// # Errors
    /// 400 with `invalidFilter`, `invalidPath`, `invalidValue`, `invalidCursor` or `invalidCount`.
    pub fn check(&self, _resource_type: &ResourceType, _limits: PageLimits) -> Result<Query, ScimError> {
        todo!()
    }
}

/// Published page sizes.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Where `count` is absent.
    pub default: u32,
    /// The most.
    pub max: u32,
}

/// Prints a cursor (RFC 9865 section 2.1: opaque, unreserved characters) for the page behind `position`.
pub fn print_cursor(_position: &Position, _fingerprint: &[u8; 8]) -> String {
    todo!()
}
