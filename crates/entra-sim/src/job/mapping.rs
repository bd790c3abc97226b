//! Attribute mappings: where a value comes from, where it goes and when.

use serde::Deserialize;
use serde_json::Value;

use super::target::{AttributeType, Target};
use crate::expressions::{EvaluationError, Expression, RoleFunction, Scope, is_empty, text_of};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// An attribute of the source object, as it is.
    Direct(String),
    /// Always this text.
    Constant(String),
    /// An expression.
    Expression(Box<Expression>),
    /// Nothing: the attribute stays as it is in the target, but for the default at creation.
    None,
}

impl Source {
    /// Reads an expression; one that is only an attribute or a constant becomes that kind.
    ///
    /// # Errors
    /// A sentence saying why the expression cannot be used.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expression = Expression::parse(text).map_err(|error| error.to_string())?;
        let inner = text.trim();
        match expression.attributes().as_slice() {
            [only] if inner.starts_with('[') && inner.ends_with(']') => Ok(Self::Direct((*only).to_owned())),
            _ => Ok(Self::Expression(Box::new(expression))),
        }
    }

    /// The role function that makes the value, if one does.
    pub fn role_function(&self) -> Option<RoleFunction> {
        match self {
            Self::Expression(expression) => expression.role_function(),
            Self::Direct(_) | Self::Constant(_) | Self::None => None,
        }
    }
}

/// Graph's `flowType`: when an attribute is updated in the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum FlowType {
    /// At creation and at each change.
    #[default]
    Always,
    /// Only when the object is created ("Only during object creation" in the portal).
    ObjectAddOnly,
    /// Values are added to a multi-valued attribute, never removed.
    MultiValueAddOnly,
    /// Values are added, never removed.
    ValueAddOnly,
    /// Only where the target has no value at all.
    AttributeAddOnly,
}

/// Graph's `flowBehavior`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum FlowBehavior {
    /// When the value differs.
    #[default]
    FlowWhenChanged,
    /// At every update, changed or not.
    FlowAlways,
}

/// One line of the mapping table.
#[derive(Clone, Debug)]
pub struct AttributeMapping {
    /// Where the value comes from.
    pub source: Source,
    /// Where it goes.
    pub target: Target,
    /// The target's type.
    pub kind: AttributeType,
    /// Sent at creation when the source has no value.
    pub default: Option<String>,
    /// Above 0: used to match objects, lowest first.
    pub matching_priority: u32,
    /// When it flows.
    pub flow_type: FlowType,
    /// Whether it flows unchanged.
    pub flow_behavior: FlowBehavior,
}

impl AttributeMapping {
    /// The value for an object; null if there is none. Not for references, which are ids of the target.
    ///
    /// # Errors
    /// [`EvaluationError`] when an expression cannot work on the object's values.
    pub fn value(&self, scope: &Scope<'_>) -> Result<Value, EvaluationError> {
        let value = match &self.source {
            Source::Direct(name) => (scope.attribute)(name),
            Source::Constant(text) => Value::from(text.as_str()),
            Source::Expression(expression) => expression.evaluate(scope)?,
            Source::None => Value::Null,
        };
        Ok(if is_empty(&value) { Value::Null } else { self.plain(value) })
    }

    /// A single-valued text target takes the first of many values, and texts for numbers and booleans.
    fn plain(&self, value: Value) -> Value {
        match value {
            Value::Array(items) if self.target.has_filter() => {
                items.into_iter().next().map_or(Value::Null, |first| self.plain(first))
            }
            Value::Bool(_) | Value::Number(_) if self.kind == AttributeType::String => {
                Value::from(text_of(&value))
            }
            other => other,
        }
    }

    /// The value of a creation: the default stands in for an absent one.
    pub fn or_default(&self, value: Value) -> Value {
        let dropped = matches!(&self.source, Source::Expression(expression) if expression.ignores_empty());
        match &self.default {
            Some(default) if value.is_null() && !dropped => Value::from(default.as_str()),
            _ => value,
        }
    }

    /// The value in the target's own type, as a POST carries it.
    pub fn typed(&self, value: Value) -> Value {
        match (self.kind, &value) {
            (AttributeType::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
                Value::Bool(true)
            }
            (AttributeType::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
                Value::Bool(false)
            }
            (AttributeType::Integer, Value::String(text)) => text.parse::<i64>().map_or(value, Value::from),
            _ => value,
        }
    }

    /// Whether it carries the manager, or members of a group: references are sent after all objects.
    pub fn is_reference(&self) -> bool {
        matches!(&self.source, Source::Direct(name) if name == "manager" || name == "members")
    }

    /// Whether its value depends on `IsSoftDeleted`, which makes it the switch that disables.
    pub fn reads_soft_deleted(&self) -> bool {
        match &self.source {
            Source::Direct(name) => name == "IsSoftDeleted",
            Source::Expression(expression) => expression.attributes().contains(&"IsSoftDeleted"),
            Source::Constant(_) | Source::None => false,
        }
    }

    /// Whether logs show `[Redact]` instead of its values.
    pub fn is_redacted(&self) -> bool {
        matches!(&self.source, Source::Expression(expression) if expression.calls("Redact"))
    }
}
