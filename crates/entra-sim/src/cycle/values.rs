//! Which attributes flow: at creation everything that has a value, at an update what differs.

use serde_json::Value;

use super::requests::Change;
use crate::expressions::{EvaluationError, RoleFunction, Scope, text_of};
use crate::job::target::member;
use crate::job::{AttributeMapping, FlowBehavior, FlowType, ObjectMapping};

/// The attributes of a POST.
pub(super) fn for_creation<'a>(
    mapping: &'a ObjectMapping,
    scope: &Scope<'_>,
) -> Result<Vec<Change<'a>>, EvaluationError> {
    let mut changes = Vec::new();
    for line in mapping.attributes.iter().filter(|line| !line.is_reference()) {
        let new = line.or_default(line.value(scope)?);
        // A role mapping without a role is sent as an empty list; other absent values are not sent.
        if !new.is_null() {
            changes.push(Change { mapping: line, old: None, new });
        } else if line.target.is("roles") {
            changes.push(Change { mapping: line, old: None, new: Value::Array(Vec::new()) });
        }
    }
    Ok(changes)
}

/// The attributes of a PATCH: what the source has and the target has not. Values are never cleared: the service
/// does not send null.
pub(super) fn for_update<'a>(
    mapping: &'a ObjectMapping,
    current: &Value,
    scope: &Scope<'_>,
) -> Result<Vec<Change<'a>>, EvaluationError> {
    let mut changes = Vec::new();
    for line in mapping.attributes.iter().filter(|line| !line.is_reference()) {
        let new = line.value(scope)?;
        let old = line.target.read(current);
        if !new.is_null() && line.flow_type != FlowType::ObjectAddOnly {
            changes.extend(change(line, old, new));
        }
    }
    Ok(changes)
}

fn change(line: &AttributeMapping, old: Option<Value>, new: Value) -> Option<Change<'_>> {
    let Some(current) = &old else { return Some(Change { mapping: line, old, new }) };
    let same = match line.source.role_function() {
        Some(function) => same_roles(function, current, &new),
        None => same_value(current, &new),
    };
    let flows = match line.flow_type {
        FlowType::Always => !same || line.flow_behavior == FlowBehavior::FlowAlways,
        FlowType::ObjectAddOnly | FlowType::AttributeAddOnly => false,
        FlowType::ValueAddOnly | FlowType::MultiValueAddOnly => return added_values(line, current, &new),
    };
    flows.then_some(Change { mapping: line, old, new })
}

/// Of a multi-valued attribute only what is new; a single value that is there already stays.
fn added_values<'a>(line: &'a AttributeMapping, current: &Value, new: &Value) -> Option<Change<'a>> {
    let (current, new) = (current.as_array()?, new.as_array()?);
    let added: Vec<Value> =
        new.iter().filter(|value| !current.iter().any(|old| same_value(old, value))).cloned().collect();
    // Without an old value the operation is an addition.
    (!added.is_empty()).then(|| Change { mapping: line, old: None, new: Value::from(added) })
}

/// Booleans equal their texts; an element that is an object equals its `value`.
fn same_value(current: &Value, new: &Value) -> bool {
    match (current, new) {
        (Value::Bool(_), _) | (_, Value::Bool(_)) => text_of(current).eq_ignore_ascii_case(&text_of(new)),
        (Value::Array(current), Value::Array(new)) => {
            current.len() == new.len()
                && new.iter().all(|value| current.iter().any(|old| same_value(old, value)))
        }
        (Value::Object(complex), Value::String(_)) => {
            complex.get("value").is_some_and(|value| same_value(value, new))
        }
        _ => text_of(current) == text_of(new),
    }
}

/// The value of a role as a server may keep it: plain, or the JSON text that was sent.
fn role_value(role: &Value) -> String {
    let plain = member(role, "value").map_or_else(|| text_of(role), text_of);
    let lifted = serde_json::from_str::<Value>(&plain).ok();
    lifted.and_then(|json| json.get("value").map(text_of)).unwrap_or(plain)
}

fn same_roles(function: RoleFunction, current: &Value, new: &Value) -> bool {
    let values = |roles: &Value| -> Vec<String> {
        roles.as_array().map_or_else(|| vec![role_value(roles)], |all| all.iter().map(role_value).collect())
    };
    let (current, new) = (values(current), values(new));
    let covered = new.iter().all(|role| current.contains(role));
    match function {
        RoleFunction::Single | RoleFunction::Complex => covered,
        RoleFunction::Assertive => covered && current.len() == new.len(),
    }
}

/// The manager's id in a resource, in any of the shapes that servers return.
pub(super) fn manager_of(mapping: &ObjectMapping, resource: &Value) -> Option<String> {
    let line = mapping.attributes.iter().find(|line| line.is_reference() && line.target.is("manager"))?;
    match line.target.read(resource)? {
        Value::String(id) => Some(id),
        complex => member(&complex, "value").map(text_of),
    }
}
