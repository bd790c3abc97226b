//! Printing a filter: the canonical text that parses to the same AST.

use super::{CompareOp, Filter, Value, ValueTest};
use std::fmt;

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::And(parts) => join(f, parts, " and "),
            Filter::Or(parts) => join(f, parts, " or "),
            Filter::Not(inner) => write!(f, "not ({inner})"),
            Filter::Compare(path, op, value) => write!(f, "{path} {op} {value}"),
            Filter::Present(path) => write!(f, "{path} pr"),
            Filter::ValuePath(path, inner, None) => write!(f, "{path}[{inner}]"),
            Filter::ValuePath(path, inner, Some(ValueTest::Present(sub))) => {
                write!(f, "{path}[{inner}].{sub} pr")
            }
            Filter::ValuePath(path, inner, Some(ValueTest::Compare(sub, op, value))) => {
                write!(f, "{path}[{inner}].{sub} {op} {value}")
            }
        }
    }
}

/// Parts that are joined themselves stand in parentheses.
fn join(f: &mut fmt::Formatter<'_>, parts: &[Filter], word: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        match part {
            Filter::And(_) | Filter::Or(_) => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

impl fmt::Display for CompareOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = CompareOp::WORDS.iter().find(|(op, _)| op == self).map_or("", |(_, word)| word);
        f.write_str(word)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(number) => write!(f, "{}", serde_json::Value::from(*number)),
            Value::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
        }
    }
}
