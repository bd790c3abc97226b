//! Bodies of requests: the POST, and the PATCH in both dialects.

use serde_json::{Map, Value, json};

use crate::expressions::{RoleFunction, text_of};
use crate::http::Dialect;
use crate::job::target::{CORE_GROUP, CORE_USER, ENTERPRISE};
use crate::job::{AttributeMapping, AttributeType, ObjectType};

/// Entra names this schema in every POST of a group.
const VENDOR_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
/// RFC 7644 section 3.5.2.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// An attribute with the value that it is to have.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Its line in the mapping.
    pub mapping: &'a AttributeMapping,
    /// What the target has; none if nothing.
    pub old: Option<Value>,
    /// What it is to have, as the source gave it: `"False"` where an expression says so.
    pub new: Value,
}

/// The body of a POST. Extensions other than the enterprise one are sent without being named in `schemas`,
/// references come later.
pub fn create(object_type: ObjectType, values: &[Change<'_>]) -> Value {
    let schemas = match object_type {
        ObjectType::User => [CORE_USER, ENTERPRISE],
        ObjectType::Group => [CORE_GROUP, VENDOR_GROUP],
    };
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!(schemas));
    for change in values {
        change.mapping.target.write(&mut body, change.mapping.typed(change.new.clone()));
    }
    body.insert("meta".to_owned(), json!({"resourceType": object_type.to_string()}));
    Value::Object(body)
}

/// The body of a PATCH.
pub fn patch(dialect: Dialect, changes: &[Change<'_>], roles: &Value) -> Value {
    let operations: Vec<Value> = match dialect {
        Dialect::Default => changes.iter().map(|change| default_operation(change, roles)).collect(),
        Dialect::AadOptscim062020 => flagged_operations(changes),
    };
    envelope(operations)
}

fn envelope(operations: Vec<Value>) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

/// One operation an attribute; roles as JSON in a text, but for the assertive function.
fn default_operation(change: &Change<'_>, roles: &Value) -> Value {
    let path = change.mapping.target.to_string();
    match change.mapping.source.role_function() {
        Some(RoleFunction::Single) => {
            let first = roles.as_array().and_then(|roles| roles.first()).cloned().unwrap_or(Value::Null);
            json!({"op": "Add", "path": "roles", "value": [{"value": first.to_string()}]})
        }
        Some(RoleFunction::Complex) => {
            let all = roles.as_array().into_iter().flatten().map(|role| json!({"value": role.to_string()}));
            json!({"op": "Add", "path": "roles", "value": all.collect::<Vec<_>>()})
        }
        Some(RoleFunction::Assertive) => json!({"op": "replace", "path": "roles", "value": change.new}),
        None => {
            let op = if change.old.is_none() { "Add" } else { "Replace" };
            let boolean = change.mapping.kind == AttributeType::Boolean;
            let value = if boolean { Value::from(text_of(&change.new)) } else { change.new.clone() };
            json!({"op": op, "path": path, "value": value})
        }
    }
}

/// Lower case, real booleans; plain attributes that are replaced together in one operation without a path.
fn flagged_operations(changes: &[Change<'_>]) -> Vec<Value> {
    let plain = |change: &&Change<'_>| {
        change.old.is_some()
            && !change.mapping.target.has_filter()
            && change.mapping.kind != AttributeType::Boolean
            && !change.mapping.target.is_roles()
    };
    let replaced: Vec<&Change<'_>> = changes.iter().filter(plain).collect();
    let together = replaced.len() > 1;
    let mut operations: Vec<Value> = changes
        .iter()
        .filter(|change| !(together && plain(change)))
        .map(|change| {
            let (mapping, value) = (change.mapping, change.mapping.typed(change.new.clone()));
            if mapping.target.is_roles() {
                let value = match mapping.source.role_function() {
                    Some(RoleFunction::Single) => single_role(&value),
                    _ => value,
                };
                let op = if mapping.source.role_function() == Some(RoleFunction::Complex) {
                    "add"
                } else {
                    "replace"
                };
                return json!({"op": op, "path": "roles", "value": value});
            }
            let op = if change.old.is_none() { "add" } else { "replace" };
            json!({"op": op, "path": mapping.target.to_string(), "value": value})
        })
        .collect();
    if together {
        let named = |change: &&Change<'_>| {
            (change.mapping.target.to_string(), change.mapping.typed(change.new.clone()))
        };
        let values: Map<String, Value> = replaced.iter().map(named).collect();
        operations.push(json!({"op": "replace", "value": values}));
    }
    operations
}

fn single_role(value: &Value) -> Value {
    json!([{"primary": true, "type": crate::expressions::ROLE_TYPE, "value": value}])
}

/// Sets, changes or (with none) clears a manager. How the service clears one is not known; this is the
/// acceptance suite's way.
pub fn manager(dialect: Dialect, path: &str, before: Option<&str>, after: Option<&str>) -> Value {
    let op = match (dialect, before.is_some() || after.is_none()) {
        (Dialect::Default, false) => "Add",
        (Dialect::Default, true) => "Replace",
        (Dialect::AadOptscim062020, false) => "add",
        (Dialect::AadOptscim062020, true) => "replace",
    };
    envelope(vec![json!({"op": op, "path": path, "value": after.unwrap_or_default()})])
}

/// Adds members.
pub fn add_members(dialect: Dialect, path: &str, ids: &[&str]) -> Value {
    let op = if dialect == Dialect::Default { "Add" } else { "add" };
    envelope(vec![json!({"op": op, "path": path, "value": references(ids)})])
}

/// Removes members: by default in a value, which by RFC 7644 would empty the group; with the flag by filter.
pub fn remove_members(dialect: Dialect, path: &str, ids: &[&str]) -> Value {
    match dialect {
        Dialect::Default => envelope(vec![json!({"op": "Remove", "path": path, "value": references(ids)})]),
        Dialect::AadOptscim062020 => {
            let one =
                |id: &&str| json!({"op": "remove", "path": format!("{path}[value eq \"{}\"]", quoted(id))});
            envelope(ids.iter().map(one).collect())
        }
    }
}

fn references(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({"$ref": null, "value": id})).collect()
}

/// `attribute eq "value"`.
pub fn equals(attribute: &str, value: &str) -> String {
    format!("{attribute} eq \"{}\"", quoted(value))
}

fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}
