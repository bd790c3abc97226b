//! Scoping filters: clauses joined by AND in a filter, filters joined by OR.

use std::fmt;

use fancy_regex::Regex;
use serde_json::Value;

use crate::expressions::{is_empty, text_of};

/// The operators, named as Microsoft names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Exact, case-sensitive.
    Equals,
    /// Not exactly; case-sensitive.
    NotEquals,
    /// The boolean true.
    IsTrue,
    /// The boolean false.
    IsFalse,
    /// Absent or empty.
    IsNull,
    /// Neither absent nor empty.
    IsNotNull,
    /// .NET regular expression, case-sensitive.
    RegexMatch,
    /// The opposite; still false for an absent value.
    NotRegexMatch,
    /// Whole numbers.
    GreaterThan,
    /// Whole numbers.
    GreaterThanOrEquals,
    /// Contains, case-sensitive.
    Includes,
    /// Ends with, case-sensitive.
    EndsWith,
    /// The value occurs in the given text.
    ExistsIn,
    /// The value does not occur in the given text.
    NotExistsIn,
}

const NAMES: &[(Operator, &str)] = &[
    (Operator::Equals, "EQUALS"),
    (Operator::NotEquals, "NOT EQUALS"),
    (Operator::IsTrue, "IS TRUE"),
    (Operator::IsFalse, "IS FALSE"),
    (Operator::IsNull, "IS NULL"),
    (Operator::IsNotNull, "IS NOT NULL"),
    (Operator::RegexMatch, "REGEX MATCH"),
    (Operator::NotRegexMatch, "NOT REGEX MATCH"),
    (Operator::GreaterThan, "Greater_Than"),
    (Operator::GreaterThanOrEquals, "Greater_Than_OR_EQUALS"),
    (Operator::Includes, "Includes"),
    (Operator::EndsWith, "ENDS_WITH"),
    (Operator::ExistsIn, "&"),
    (Operator::NotExistsIn, "!&"),
];

/// Attributes that Microsoft does not let a filter look at.
const NOT_SUPPORTED: &[&str] = &["IsMemberOf", "members", "appRoleAssignments", "userType", "manager"];

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(operator, _)| operator == self).map_or("", |(_, name)| name))
    }
}

/// One clause.
#[derive(Clone, Debug)]
pub struct Clause {
    attribute: String,
    operator: Operator,
    value: String,
    pattern: Option<Regex>,
}

impl Clause {
    /// Checks and makes a clause; the operator's name is read without regard to case, spaces and underscores.
    ///
    /// # Errors
    /// A sentence naming what cannot be used.
    pub fn new(attribute: &str, operator: &str, value: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("scoping filter on '{attribute}': {why}");
        let plain = |name: &str| name.replace(['_', ' '], "").to_ascii_lowercase();
        let found = NAMES.iter().find(|(_, name)| plain(name) == plain(operator));
        let Some((operator, name)) = found else {
            return Err(wrong(format!("'{operator}' is not an operator")));
        };
        if NOT_SUPPORTED.iter().any(|name| name.eq_ignore_ascii_case(attribute)) {
            return Err(wrong("the attribute is not supported in filters".to_owned()));
        }
        let needs_number = matches!(operator, Operator::GreaterThan | Operator::GreaterThanOrEquals);
        if needs_number && value.parse::<i64>().is_err() {
            return Err(wrong(format!("{name} compares whole numbers, not '{value}'")));
        }
        let pattern = match operator {
            Operator::RegexMatch | Operator::NotRegexMatch => {
                Some(Regex::new(value).map_err(|error| wrong(error.to_string()))?)
            }
            _ => None,
        };
        Ok(Self { attribute: attribute.to_owned(), operator: *operator, value: value.to_owned(), pattern })
    }

    /// Whether an object satisfies it; an absent value satisfies only `IS NULL`.
    pub fn holds(&self, attribute: &dyn Fn(&str) -> Value) -> bool {
        let value = attribute(&self.attribute);
        if is_empty(&value) {
            return self.operator == Operator::IsNull;
        }
        let text = text_of(&value);
        let matched =
            || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&text).unwrap_or(false));
        let numbers = || text.parse::<i64>().ok().zip(self.value.parse::<i64>().ok());
        match self.operator {
            Operator::Equals => text == self.value,
            Operator::NotEquals => text != self.value,
            Operator::IsTrue => text.eq_ignore_ascii_case("true"),
            Operator::IsFalse => text.eq_ignore_ascii_case("false"),
            Operator::IsNull => false,
            Operator::IsNotNull => true,
            Operator::RegexMatch => matched(),
            Operator::NotRegexMatch => !matched(),
            Operator::GreaterThan => numbers().is_some_and(|(left, right)| left > right),
            Operator::GreaterThanOrEquals => numbers().is_some_and(|(left, right)| left >= right),
            Operator::Includes => text.contains(&self.value),
            Operator::EndsWith => text.ends_with(&self.value),
            Operator::ExistsIn => self.value.contains(&text),
            Operator::NotExistsIn => !self.value.contains(&text),
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.attribute, self.operator, self.value)
    }
}

/// A filter: all its clauses must hold.
#[derive(Clone, Debug)]
pub struct ScopingFilter {
    /// Its title in the portal.
    pub title: String,
    /// Its clauses.
    pub clauses: Vec<Clause>,
}

impl ScopingFilter {
    /// Whether an object satisfies it.
    pub fn holds(&self, attribute: &dyn Fn(&str) -> Value) -> bool {
        self.clauses.iter().all(|clause| clause.holds(attribute))
    }
}
