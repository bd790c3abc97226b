//! A filter whose names are resolved against the schema: what evaluation in memory and translation to SQL both read.

use crate::{
    Timestamp,
    comparison::{fold, user_name_key},
    undescribed_values,
};
use serde_json::{Map, Value};
use std::cmp::Ordering;

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
    /// Text; already in lower case ([`fold`]) where the attribute ignores case.
    Text(String),
    /// One of several texts, each as [`Literal::Text`] is. No filter says this: filters that look for one text each become one
    /// condition ([`crate::lookup::Shape`]).
    OneOf(Vec<String>),
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
    /// Text without regard to case: both sides in lower case.
    Folded,
    /// `userName`: the keys of both sides ([`user_name_key`]). The literal is in lower case, because a user may be stored
    /// under that text instead of the key (`docs/adr/0034`).
    UserName,
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
    /// Its names ignore case, and a list stands for its elements, those of lists in lists included.
    Untyped,
}

/// Where in a resource a value stands. Names are spelled as the schema spells them (as the request does where no
/// schema knows them), never longer than the path limit, and free of NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// URN of the extension object that holds the attribute; none for the core schema and common attributes.
    pub extension: Option<String>,
    /// Attribute name. Inside [`Condition::Element`] it is a sub-attribute of the element, and `extension` is none. Empty
    /// for the extension as a whole, which [`Condition::Present`] alone asks for.
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
    /// sub-attributes. (`sub_attribute` of this target is none.) Where no schema describes the attribute, a value that
    /// stands alone is an element too, and an element without parts is its own `value`.
    Element(Target, Box<Condition>),
    /// Nothing fulfils it: the filter asks for something that cannot be (an id that is no UUID, say).
    Never,
}

impl Condition {
    /// The text in lower case if the condition is `userName eq "…"` and nothing else.
    pub fn as_user_name_lookup(&self) -> Option<&str> {
        self.as_lookup("userName")
    }

    /// The text if the condition is `id eq "…"` and nothing else.
    pub fn as_id_lookup(&self) -> Option<&str> {
        self.as_lookup("id")
    }

    fn as_lookup(&self, attribute: &str) -> Option<&str> {
        match self {
            Condition::Test(target, Operator::Equal, Literal::Text(text))
                if target.extension.is_none() && target.attribute == attribute =>
            {
                Some(text)
            }
            _ => None,
        }
    }

    /// How many comparisons it makes of a resource or element at most: what it costs.
    pub fn comparisons(&self) -> usize {
        match self {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().map(Condition::comparisons).sum(),
            Condition::Not(part) | Condition::Element(_, part) => part.comparisons(),
            Condition::Test(..) | Condition::Present(_) => 1,
            Condition::Never => 0,
        }
    }

    /// Whether a complete resource (with `id`, `meta`, `groups` or `members`) fulfils the condition.
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        match self {
            Condition::All(parts) => parts.iter().all(|part| part.matches(resource)),
            Condition::Any(parts) => parts.iter().any(|part| part.matches(resource)),
            Condition::Not(part) => !part.matches(resource),
            Condition::Test(target, operator, literal) => {
                target.any(resource, &mut |value| test(value, target.comparison, *operator, literal))
            }
            Condition::Present(target) => target.any(resource, &mut is_present),
            Condition::Element(target, inner) => {
                target.any(resource, &mut |element| inner.matches_element(element))
            }
            Condition::Never => false,
        }
    }

    /// Whether an element of a multi-valued attribute fulfils a condition on sub-attributes.
    pub fn matches_element(&self, element: &Value) -> bool {
        match element {
            Value::Object(element) => self.matches(element),
            Value::Null | Value::Array(_) => false,
            simple => self.matches(&Map::from_iter([("value".to_owned(), simple.clone())])),
        }
    }
}

impl Target {
    /// Whether this is an extension as a whole.
    pub fn is_extension(&self) -> bool {
        self.attribute.is_empty()
    }

    /// Whether one of the values that stand there passes the test.
    fn any(&self, resource: &Map<String, Value>, test: &mut dyn FnMut(&Value) -> bool) -> bool {
        if self.comparison != Comparison::Untyped {
            return self.values(resource).any(test);
        }
        match &self.extension {
            None => self.any_undescribed(resource, test),
            Some(urn) => extensions(resource, urn).any(|extension| match extension {
                extension if self.is_extension() => test(extension),
                Value::Object(extension) => self.any_undescribed(extension, test),
                _ => false,
            }),
        }
    }

    /// The same in the object that holds the attribute, if no schema describes it.
    fn any_undescribed(&self, object: &Map<String, Value>, test: &mut dyn FnMut(&Value) -> bool) -> bool {
        undescribed_values::any_member(object, &self.attribute, &mut |value| match &self.sub_attribute {
            Some(sub) => undescribed_values::any_part(value, sub, test),
            None => test(value),
        })
    }

    /// The values of a described attribute: those of each element if it is multi-valued.
    pub(crate) fn values<'a>(&'a self, resource: &'a Map<String, Value>) -> impl Iterator<Item = &'a Value> {
        let object = match &self.extension {
            None => Some(resource),
            Some(urn) => extensions(resource, urn).next().and_then(Value::as_object),
        };
        let whole = object.and_then(|object| object.get(&self.attribute));
        let list: &[Value] = match whole {
            Some(Value::Array(list)) if self.multi_valued => list,
            Some(value) if !self.multi_valued => std::slice::from_ref(value),
            _ => &[],
        };
        list.iter().filter_map(|value| match &self.sub_attribute {
            Some(sub) => value.get(sub),
            None => Some(value),
        })
    }
}

/// The extension of this URN, in any case.
fn extensions<'a>(resource: &'a Map<String, Value>, urn: &'a str) -> impl Iterator<Item = &'a Value> {
    resource.iter().filter(|(key, _)| key.eq_ignore_ascii_case(urn)).map(|(_, value)| value)
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn test(value: &Value, comparison: Comparison, operator: Operator, literal: &Literal) -> bool {
    match (literal, value) {
        (Literal::Text(wanted), Value::String(text)) => match comparison {
            Comparison::Folded | Comparison::Untyped => test_text(&fold(text), operator, wanted),
            Comparison::UserName => test_text(&user_name_key(text), operator, &user_name_key(wanted)),
            _ => test_text(text, operator, wanted),
        },
        (Literal::OneOf(texts), Value::String(text)) => {
            operator == Operator::Equal
                && match comparison {
                    Comparison::Folded | Comparison::Untyped => texts.contains(&fold(text)),
                    Comparison::UserName => {
                        let key = user_name_key(text);
                        texts.iter().any(|wanted| user_name_key(wanted) == key)
                    }
                    _ => texts.contains(text),
                }
        }
        (Literal::Bool(wanted), Value::Bool(value)) => value == wanted,
        (Literal::Number(wanted), Value::Number(value)) => value
            .as_f64()
            .and_then(|value| value.partial_cmp(wanted))
            .is_some_and(|order| test_order(order, operator)),
        (Literal::Instant(wanted), Value::String(text)) => {
            Timestamp::parse(text).is_some_and(|instant| test_order(instant.0.cmp(wanted), operator))
        }
        _ => false,
    }
}

fn test_text(text: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Contains => text.contains(wanted),
        Operator::StartsWith => text.starts_with(wanted),
        Operator::EndsWith => text.ends_with(wanted),
        // UTF-8 bytes are in the order of code points.
        _ => test_order(text.cmp(wanted), operator),
    }
}

fn test_order(order: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}
