//! Printing a filter: the canonical text that parses to the same AST.

use super::{CompareOp, Filter, Value, ValueTest};
use std::fmt;

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::And(parts) => {
                join(f, parts, " and ", |part| matches!(part, Filter::And(_) | Filter::Or(_)))
            }
            Filter::Or(parts) => join(f, parts, " or ", |part| matches!(part, Filter::Or(_))),
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

/// Parts stand in parentheses only where they stood so: the printed filter is nested no deeper than what was read.
fn join(
    f: &mut fmt::Formatter<'_>,
    parts: &[Filter],
    word: &str,
    in_parentheses: fn(&Filter) -> bool,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        match in_parentheses(part) {
            true => write!(f, "({part})")?,
            false => write!(f, "{part}")?,
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
            Value::Word(word) => f.write_str(word),
            Value::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
        }
    }
}
