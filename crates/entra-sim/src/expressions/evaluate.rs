//! Evaluation: the table of functions, and what every function needs of its arguments.

use std::cmp::Ordering;

use serde_json::Value;

use super::parse::{Node, Operator};
use super::{EvaluationError, Scope, dates, lists, logic, roles, text, text_of};

/// What a function is given.
pub(super) struct Call<'a> {
    name: &'a str,
    pub(super) arguments: Vec<Option<Value>>,
    pub(super) scope: &'a Scope<'a>,
}

pub(super) type Outcome = Result<Value, EvaluationError>;
type Function = fn(&Call<'_>) -> Outcome;

/// Name, fewest and most arguments, function.
type Entry = (&'static str, usize, usize, Function);

const MANY: usize = usize::MAX;

const FUNCTIONS: &[Entry] = &[
    ("Append", 2, 2, text::append),
    ("AppRoleAssignmentsComplex", 1, 1, roles::complex),
    ("AssertiveAppRoleAssignmentsComplex", 1, 1, roles::assertive),
    ("BitAnd", 2, 2, logic::bit_and),
    ("CBool", 1, 1, logic::to_boolean),
    ("CDate", 1, 1, dates::to_date),
    ("Coalesce", 1, MANY, logic::coalesce),
    ("ConvertToBase64", 1, 1, text::to_base64),
    ("ConvertToUTF8Hex", 1, 1, text::to_hex),
    ("Count", 1, 1, lists::count),
    ("CStr", 1, 1, text::to_text),
    ("DateAdd", 3, 3, dates::add),
    ("DateDiff", 3, 3, dates::difference),
    ("DateFromNum", 1, 1, dates::from_file_time),
    ("FormatDateTime", 4, 4, dates::format),
    ("Guid", 0, 0, text::guid),
    ("IgnoreFlowIfNullOrEmpty", 1, 1, logic::ignore_empty),
    ("IIF", 3, 3, logic::iif),
    ("InStr", 2, 4, text::position),
    ("IsNull", 1, 1, logic::is_null),
    ("IsNullOrEmpty", 1, 1, logic::is_null_or_empty),
    ("IsPresent", 1, 1, logic::is_present),
    ("IsString", 1, 1, logic::is_string),
    ("Item", 2, 2, lists::item),
    ("Join", 2, MANY, lists::join),
    ("Left", 2, 2, text::left),
    ("Mid", 3, 3, text::mid),
    ("NormalizeDiacritics", 1, 1, text::normalize_diacritics),
    ("Not", 1, 1, logic::not),
    ("Now", 0, 0, dates::now),
    ("NumFromDate", 1, 1, dates::to_file_time),
    ("PCase", 1, 2, text::proper_case),
    ("RandomString", 5, 6, text::random),
    ("Redact", 1, 1, logic::same),
    ("RemoveDuplicates", 1, 1, lists::remove_duplicates),
    ("Replace", 7, 7, text::replace),
    ("SingleAppRoleAssignment", 1, 1, roles::single),
    ("Split", 2, 2, lists::split),
    ("StripSpaces", 1, 1, text::strip_spaces),
    ("Switch", 4, MANY, logic::switch),
    ("ToLower", 1, 2, text::lower),
    ("ToUpper", 1, 2, text::upper),
    ("Word", 3, 3, text::word),
];

/// In Microsoft's list, and refused for SCIM applications by Microsoft.
const NOT_FOR_SCIM: &str = "SelectUniqueValue";

fn function(name: &str) -> Option<&'static Entry> {
    FUNCTIONS.iter().find(|(known, ..)| *known == name)
}

/// Checks names and numbers of arguments, so that evaluation meets only known functions.
pub(super) fn check(root: &Node) -> Result<(), String> {
    let mut wrong = Ok(());
    root.visit(&mut |node| {
        if let (Ok(()), Node::Call { name, arguments }) = (&wrong, node) {
            wrong = check_call(name, arguments.len());
        }
    });
    wrong
}

fn check_call(name: &str, given: usize) -> Result<(), String> {
    if name == NOT_FOR_SCIM {
        return Err(format!("{name} is not supported for SCIM applications"));
    }
    let Some((_, fewest, most, _)) = function(name) else {
        let near = FUNCTIONS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        let hint = near.map_or(String::new(), |(known, ..)| format!("; names are case-sensitive: {known}"));
        return Err(format!("'{name}' is not a function{hint}"));
    };
    if given < *fewest || given > *most {
        return Err(format!("{name} takes {} arguments, {given} are given", counted(*fewest, *most)));
    }
    if name == "Switch" && !given.is_multiple_of(2) {
        return Err("Switch takes its keys and values in pairs".to_owned());
    }
    Ok(())
}

fn counted(fewest: usize, most: usize) -> String {
    match most {
        MANY => format!("at least {fewest}"),
        _ if fewest == most => fewest.to_string(),
        _ => format!("{fewest} to {most}"),
    }
}

pub(super) fn evaluate(node: &Node, scope: &Scope<'_>) -> Outcome {
    match node {
        Node::Attribute(name) => Ok((scope.attribute)(name)),
        Node::Text(text) | Node::Word(text) => Ok(Value::from(text.as_str())),
        Node::Number(number) => Ok(Value::from(*number)),
        Node::Compare { operator, left, right } => {
            Ok(Value::from(compare(*operator, &evaluate(left, scope)?, &evaluate(right, scope)?)))
        }
        Node::Call { name, arguments } => {
            let values =
                arguments.iter().map(|node| node.as_ref().map(|node| evaluate(node, scope)).transpose());
            let call = Call { name, arguments: values.collect::<Result<_, _>>()?, scope };
            match function(name) {
                Some((.., run)) => run(&call),
                None => Err(call.wrong("is not a function")),
            }
        }
    }
}

/// Numbers compare as numbers, everything else as text; a comparison with null is false, as Microsoft warns for IIF.
fn compare(operator: Operator, left: &Value, right: &Value) -> bool {
    if left.is_null() || right.is_null() {
        return false;
    }
    let (left, right) = (text_of(left), text_of(right));
    let order = match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        _ => left.cmp(&right),
    };
    match operator {
        Operator::Equal => order == Ordering::Equal,
        Operator::NotEqual => order != Ordering::Equal,
        Operator::Less => order == Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
        Operator::Greater => order == Ordering::Greater,
        Operator::GreaterOrEqual => order != Ordering::Less,
    }
}

impl Call<'_> {
    /// An error of this function.
    pub(super) fn wrong(&self, why: &str) -> EvaluationError {
        EvaluationError { function: self.name.to_owned(), why: why.to_owned() }
    }

    /// An argument; null if it is left out.
    pub(super) fn value(&self, index: usize) -> &Value {
        self.arguments.get(index).and_then(Option::as_ref).unwrap_or(&Value::Null)
    }

    /// An argument as text, or `None` if it is null or left out.
    pub(super) fn text(&self, index: usize) -> Option<String> {
        let value = self.value(index);
        (!value.is_null()).then(|| text_of(value))
    }

    /// An argument as a whole number; digits in a text count, since Entra's own forms quote numbers.
    pub(super) fn number(&self, index: usize) -> Result<i64, EvaluationError> {
        let text = text_of(self.value(index));
        text.trim()
            .parse()
            .map_err(|_| self.wrong(&format!("argument {} is '{text}', not a whole number", index + 1)))
    }
}
