//! Values of a filter: read in the type of the attribute that they are compared with.

use super::{Value, fold};
use crate::{
    ScimError, Timestamp,
    condition::{Comparison, Literal, Operator, Target},
    path::AttributePath,
    schema::{Attribute, AttributeType},
};

/// The value in the type of its attribute: texts and words become what the attribute is. Where no schema says what it is,
/// each type that the value can have is tried.
pub(super) fn literals(
    value: &Value,
    operator: Operator,
    target: &Target,
) -> Result<Vec<Literal>, ScimError> {
    let mismatch = |wanted: &str| {
        ScimError::invalid_filter(format!("\"{}\" is compared with {wanted}.", target.attribute))
    };
    let literal = match target.comparison {
        Comparison::Folded | Comparison::UserName => Some(Literal::Text(fold(value.spelling()))),
        Comparison::Exact => Some(Literal::Text(value.spelling().to_owned())),
        Comparison::Untyped if *value == Value::Null => return Err(mismatch("a value")),
        Comparison::Untyped => return Ok(untyped(value, operator)),
        Comparison::Boolean => value.as_bool().map(Literal::Bool),
        Comparison::Number => value.as_number().map(Literal::Number),
        Comparison::Instant => Timestamp::parse(value.spelling()).map(|instant| Literal::Instant(instant.0)),
    };
    let wanted = match target.comparison {
        Comparison::Boolean => "true or false",
        Comparison::Number => "a number",
        _ => "a date and time such as \"2026-01-31T12:00:00Z\"",
    };
    literal.map(|literal| vec![literal]).ok_or_else(|| mismatch(wanted))
}

/// What a value can mean where no schema says it. A word is a boolean or a number if it looks like one, and a text of the
/// same spelling for operators that texts have. Entra writes booleans as texts, so "True" is a boolean too.
fn untyped(value: &Value, operator: Operator) -> Vec<Literal> {
    let text = Literal::Text(fold(value.spelling()));
    let typed = value.as_bool().map(Literal::Bool).or_else(|| value.as_number().map(Literal::Number));
    match (operator, typed) {
        (Operator::Contains | Operator::StartsWith | Operator::EndsWith, _) | (_, None) => vec![text],
        (Operator::Equal, Some(typed)) => vec![typed, text],
        (_, Some(_)) if matches!(value, Value::Text(_)) => vec![text],
        (_, Some(typed)) => vec![typed],
    }
}

/// RFC 7644 table 3: what has no order has no `gt`, what is no text has no `co`.
pub(super) fn allowed(
    operator: Operator,
    literal: &Literal,
    attribute: Option<&Attribute>,
    path: &AttributePath,
) -> Result<(), ScimError> {
    let ordered = matches!(
        operator,
        Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual
    );
    let searched = matches!(operator, Operator::Contains | Operator::StartsWith | Operator::EndsWith);
    let binary = attribute.is_some_and(|attribute| attribute.data_type == AttributeType::Binary);
    let refused = match literal {
        Literal::Bool(_) => ordered || searched,
        Literal::Number(_) | Literal::Instant(_) => searched,
        Literal::Text(_) | Literal::OneOf(_) => binary && (ordered || searched),
    };
    if refused {
        return Err(ScimError::invalid_filter(format!(
            "The type of \"{path}\" does not allow this operator."
        )));
    }
    Ok(())
}
