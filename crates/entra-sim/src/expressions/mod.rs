//! The expression language of attribute mappings: VBA-like calls over attributes and constants.
//!
//! Source: Microsoft, "Reference for writing expressions for attribute mappings in Microsoft Entra ID". Names are
//! case-sensitive, as Microsoft says; a name that is not in its list is an error of the configuration.

mod date_format;
mod dates;
mod evaluate;
mod lists;
mod logic;
mod parse;
mod roles;
mod text;

use std::cell::RefCell;
use std::fmt;

use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

pub use roles::ROLE_TYPE;

/// Longest expression that Entra accepts, in characters.
pub const LONGEST: usize = 10_000;

/// Why an expression cannot be used; found when the configuration is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expression '{expression}': {why}")]
pub struct ParseError {
    /// As written.
    pub expression: String,
    /// What is wrong with it.
    pub why: String,
}

/// Why an expression has no value for an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{function}: {why}")]
pub struct EvaluationError {
    /// The function that failed.
    pub function: String,
    /// What it did not accept.
    pub why: String,
}

/// How the roles of a user reach the target; decides the shape of requests (`SingleAppRoleAssignment` and its two siblings).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleFunction {
    /// One role.
    Single,
    /// Many, added and never removed.
    Complex,
    /// Many, replaced as a set.
    Assertive,
}

/// A checked expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    root: parse::Node,
}

/// What an expression may look at.
pub struct Scope<'a> {
    /// The value of an attribute of the source object; null if it has none.
    pub attribute: &'a dyn Fn(&str) -> Value,
    /// The time of `Now()`.
    pub now: Timestamp,
    /// The randomness of `Guid()` and `RandomString()`.
    pub random: &'a RefCell<ChaCha8Rng>,
}

impl Expression {
    /// Reads an expression and checks the names and numbers of arguments of all its calls.
    ///
    /// # Errors
    /// [`ParseError`] for wrong syntax, an unknown function, too few or too many arguments, or too long a text.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let wrong = |why: String| ParseError { expression: text.chars().take(120).collect(), why };
        if text.chars().count() > LONGEST {
            return Err(wrong(format!("longer than {LONGEST} characters")));
        }
        let root = parse::parse(text).map_err(wrong)?;
        evaluate::check(&root).map_err(wrong)?;
        Ok(Self { text: text.to_owned(), root })
    }

    /// The value for one source object.
    ///
    /// # Errors
    /// [`EvaluationError`] when a function is given what it cannot work on.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluationError> {
        evaluate::evaluate(&self.root, scope)
    }

    /// The attributes that it reads.
    pub fn attributes(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.root.visit(&mut |node| {
            if let parse::Node::Attribute(name) = node {
                found.push(name.as_str());
            }
        });
        found
    }

    /// Whether it calls `name` anywhere.
    pub fn calls(&self, name: &str) -> bool {
        let mut found = false;
        self.root.visit(&mut |node| {
            found |= matches!(node, parse::Node::Call { name: called, .. } if called == name)
        });
        found
    }

    /// Whether an empty result is to be dropped rather than replaced by the mapping's default.
    pub fn ignores_empty(&self) -> bool {
        matches!(&self.root, parse::Node::Call { name, .. } if name == "IgnoreFlowIfNullOrEmpty")
    }

    /// The role function at its root, if there is one.
    pub fn role_function(&self) -> Option<RoleFunction> {
        let parse::Node::Call { name, .. } = &self.root else { return None };
        match name.as_str() {
            "SingleAppRoleAssignment" => Some(RoleFunction::Single),
            "AppRoleAssignmentsComplex" => Some(RoleFunction::Complex),
            "AssertiveAppRoleAssignmentsComplex" => Some(RoleFunction::Assertive),
            _ => None,
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A value as the text that .NET would make of it: `True`, not `true`; null is empty.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
        Value::Object(_) => value.to_string(),
    }
}

/// Whether a value counts as absent: null, an empty text or an empty list.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}
