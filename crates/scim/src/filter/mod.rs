//! The filter language of RFC 7644 section 3.4.2.2: one AST, parsed, printed and resolved.

mod literal;
mod names;
mod parse;
mod print;
mod resolve;

pub use crate::comparison::fold;
use crate::path::AttributePath;
pub(crate) use names::resolve_target;

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

/// `compValue`. Which type it has depends on the attribute that it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// A JSON string.
    Text(String),
    /// A value without quotes, as it is spelled: `true`, `false`, a JSON number, or any word where the grammar is lenient.
    /// Compared with a text it is the text of this spelling: `007`, `1e3`, `+491234`.
    Word(String),
}

impl Value {
    /// The text, or the word as it is spelled.
    pub(crate) fn spelling(&self) -> &str {
        match self {
            Value::Null => "null",
            Value::Text(text) | Value::Word(text) => text,
        }
    }

    /// The value that JSON would have in its place; a word that is none is a text.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Text(text) => text.as_str().into(),
            Value::Word(word) => match self.as_bool() {
                Some(value) => value.into(),
                None if self.as_number().is_some() => serde_json::from_str(word).unwrap_or_default(),
                None => word.as_str().into(),
            },
        }
    }

    /// The boolean if the word is `true` or `false`; a lenient grammar reads capitals as well.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.spelling() {
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The number if it is a word that is one in JSON, up to 2^53.
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Value::Word(word) => number(word).filter(|number| number.abs() <= 9_007_199_254_740_992.0),
            Value::Null | Value::Text(_) => None,
        }
    }
}

/// Reads a JSON number.
fn number(word: &str) -> Option<f64> {
    serde_json::from_str(word).ok()
}

/// Longest filter that is read, in characters.
pub const MAX_LENGTH: usize = 16_384;
/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 32;
/// Most comparisons in one filter.
pub const MAX_TERMS: usize = 200;
