//! A filter whose names are resolved against the schema: what evaluation in memory and translation to SQL both read.

/// Comparison operators that survive resolution. `ne` is the negation of `eq`; `eq null` is the negation of `pr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Equal,
    /// Contains.
    Contains,
    /// Starts with.
    StartsWith,
    /// Ends with.
    EndsWith,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
}

/// A value to compare with, already in the type of its attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Text; already folded ([`crate::filter::fold`]) where the attribute ignores case.
    Text(String),
    /// Boolean; the texts "true"/"false" in any case have become this for Boolean attributes.
    Bool(bool),
    /// Number (integer and decimal compare alike).
    Number(f64),
    /// An instant in milliseconds since 1970 UTC, for `dateTime` attributes (`meta.created`, `meta.lastModified`).
    Instant(i64),
}

/// How the values of a target compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Text without regard to case: both sides folded.
    Folded,
    /// Text, exact.
    Exact,
    /// Boolean.
    Boolean,
    /// Number.
    Number,
    /// Instant.
    Instant,
    /// An attribute of an extension that no schema describes: compares like [`Comparison::Folded`] with text, as
    /// boolean with a boolean, as number with a number; a value of another JSON type than the literal never matches.
    Untyped,
}

/// Where in a resource a value stands. Names are spelled as the schema spells them (as the request does where no
/// schema knows them), never longer than the path limit, and free of NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// URN of the extension object that holds the attribute; none for the core schema and common attributes.
    pub extension: Option<String>,
    /// Attribute name. Inside [`Condition::Element`] it is a sub-attribute of the element, and `extension` is none.
    pub attribute: String,
    /// Sub-attribute name; `value` is filled in for a multi-valued complex attribute compared without one.
    pub sub_attribute: Option<String>,
    /// Whether `attribute` holds a list: the test is true when it is true of any element.
    pub multi_valued: bool,
    /// How values compare.
    pub comparison: Comparison,
}

/// A resolved filter.
///
/// Semantics, the same in memory and in SQL: a test on an absent attribute is false; `Not` is plain two-valued
/// negation; a list satisfies a test when any of its elements does. Text order is the order of code points.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Every part holds. Never empty.
    All(Vec<Condition>),
    /// Some part holds. Never empty.
    Any(Vec<Condition>),
    /// The part does not hold.
    Not(Box<Condition>),
    /// A comparison.
    Test(Target, Operator, Literal),
    /// The attribute has a value: not absent, null, an empty list, an empty object, or an empty text.
    Present(Target),
    /// One and the same element of the multi-valued complex attribute fulfils the inner condition, whose targets are
    /// sub-attributes. (`sub_attribute` of this target is none.)
    Element(Target, Box<Condition>),
    /// Nothing fulfils it: the filter asks for something that cannot be (an id that is no UUID, say).
    Never,
}
