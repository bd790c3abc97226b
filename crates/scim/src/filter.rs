//! The filter language of RFC 7644 section 3.4.2.2: one AST, parsed, printed and resolved.

use crate::{ScimError, condition::Condition, path::AttributePath, schema::ResourceType};

/// A filter as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `a and b`.
    And(Box<Filter>, Box<Filter>),
    /// `a or b`.
    Or(Box<Filter>, Box<Filter>),
    /// `not (a)`.
    Not(Box<Filter>),
    /// `path op value`.
    Compare(AttributePath, CompareOp, Value),
    /// `path pr`.
    Present(AttributePath),
    /// `path[filter]`, and with the last part `path[filter].sub op value` / `path[filter].sub pr`.
    ValuePath(AttributePath, Box<Filter>, Option<ValueTest>),
}

/// What stands behind a value path in a filter, as Entra sends it: `emails[type eq "work"].value eq "x"`.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueTest {
    /// `.sub op value`; the sub-attribute is `value` if it is not named.
    Compare(String, CompareOp, Value),
    /// `.sub pr`.
    Present(String),
}

/// Operators of table 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `eq`
    Eq,
    /// `ne`
    Ne,
    /// `co`
    Co,
    /// `sw`
    Sw,
    /// `ew`
    Ew,
    /// `gt`
    Gt,
    /// `ge`
    Ge,
    /// `lt`
    Lt,
    /// `le`
    Le,
}

/// `compValue`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A JSON number.
    Number(f64),
    /// A JSON string (or a bare word, which Entra's prose shows).
    Text(String),
}

/// Longest filter that is read, in characters.
pub const MAX_LENGTH: usize = 16_384;
/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 32;

/// Folds case for comparison: Unicode lower case.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// 400 `invalidFilter`, with the position.
    pub fn parse(_text: &str) -> Result<Filter, ScimError> {
        todo!()
    }

    /// Resolves names and types against the schemas of a resource type.
    ///
    /// # Errors
    /// 400 `invalidFilter` for an attribute that no schema knows, or an operator that its type does not allow.
    pub fn resolve(&self, _resource_type: &ResourceType) -> Result<Condition, ScimError> {
        todo!()
    }

    /// Resolves a filter in the brackets of a value path: its names are sub-attributes of `attribute`.
    ///
    /// # Errors
    /// As [`Filter::resolve`].
    pub fn resolve_element(&self, _attribute: &crate::schema::Attribute) -> Result<Condition, ScimError> {
        todo!()
    }
}
