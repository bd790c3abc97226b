//! The filter language of RFC 7644 section 3.4.2.2: one AST, parsed, printed and resolved.

mod parse;
mod print;
mod resolve;

use crate::path::AttributePath;
pub(crate) use resolve::resolve_target;

/// A filter as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `a and b and …`; two or more.
    And(Vec<Filter>),
    /// `a or b or …`; two or more.
    Or(Vec<Filter>),
    /// `not (a)`.
    Not(Box<Filter>),
    /// `path op value`.
    Compare(AttributePath, CompareOp, Value),
    /// `path pr`.
    Present(AttributePath),
    /// `path[filter]`, and with the last part `path[filter].sub op value` / `path[filter].sub pr`.
    ValuePath(AttributePath, Box<Filter>, Option<ValueTest>),
}

impl Filter {
    /// How many comparisons it makes of a resource or element: what it costs.
    pub(crate) fn comparisons(&self) -> usize {
        match self {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().map(Filter::comparisons).sum(),
            Filter::Not(inner) => inner.comparisons(),
            Filter::Compare(..) | Filter::Present(_) => 1,
            Filter::ValuePath(_, inner, test) => inner.comparisons() + usize::from(test.is_some()),
        }
    }
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

impl CompareOp {
    /// Each operator with its word.
    pub(crate) const WORDS: [(CompareOp, &'static str); 9] = [
        (CompareOp::Eq, "eq"),
        (CompareOp::Ne, "ne"),
        (CompareOp::Co, "co"),
        (CompareOp::Sw, "sw"),
        (CompareOp::Ew, "ew"),
        (CompareOp::Gt, "gt"),
        (CompareOp::Ge, "ge"),
        (CompareOp::Lt, "lt"),
        (CompareOp::Le, "le"),
    ];
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
/// Most comparisons in one filter.
pub const MAX_TERMS: usize = 200;

/// Folds case for comparison: Unicode lower case.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}
