//! A resource document: what may be created or put in place of another, in canonical spelling.
//!
//! A *document* is the JSON object that is stored: canonical attribute names, without `id`, `meta`, `groups` (User)
//! and `members` (Group), which live in columns and tables and are added when it is rendered.

use crate::{
    Profile, ScimError,
    comparison::{fold, user_name_key},
    effect::Effect,
    reference,
    schema::{Attribute, Mutability, ResourceKind, ResourceType},
    steps, urn,
    value::{Name, Reader, twice},
};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Longest `userName`, `externalId`, `displayName` and e-mail address, in characters: they are keys of indexes.
pub const MAX_KEY: usize = 400;

/// A validated body of POST or PUT.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The document.
    pub document: Map<String, Value>,
    /// Ids of `members` (Group only), deduplicated, in order; none if the body has no `members`.
    pub members: Option<Vec<String>>,
    /// What was coerced or ignored on the way; of each kind at most [`crate::effect::MAX_LISTED`] are listed.
    pub effects: Vec<Effect>,
}

/// Validates the body of a create (RFC 7644 section 3.3) or of a replace (section 3.5.1).
///
/// Read-only attributes are ignored, nulls and empty values dropped, unknown extension objects kept, unknown attributes
/// ignored with an effect (refused by the `rfc` profile). A password is accepted and not kept.
///
/// # Errors
/// 400 `invalidValue` (missing required attribute, wrong type), `invalidSyntax` (not an object, names that differ only in case).
pub fn draft(resource_type: &ResourceType, profile: Profile, body: Value) -> Result<Draft, ScimError> {
    let Value::Object(body) = body else {
        return Err(ScimError::invalid_syntax(format!(
            "The body must be a JSON object: a {}.",
            resource_type.name
        )));
    };
    let mut reader = Reader::new(profile);
    check_schemas(resource_type, profile, &body)?;
    // First in the text, and filled in last.
    let mut document = Map::from_iter([("schemas".to_owned(), Value::Null)]);
    let mut members = None;
    let mut extensions = HashSet::new();
    for (key, value) in body {
        steps::take(1);
        if key.contains(':') {
            if !extensions.insert(key.to_ascii_lowercase()) {
                return Err(twice(Name::of(&key)));
            }
            add_extension(resource_type, &mut reader, &mut document, key, value)?;
            continue;
        }
        let Some(attribute) = resource_type.attribute(&key) else {
            if !value.is_null() {
                reader.unknown(Name::of(&key))?;
            }
            continue;
        };
        match attribute.name.as_str() {
            "schemas" | "id" | "meta" => {}
            name if document.contains_key(name) || (name == "members" && members.is_some()) => {
                return Err(twice(Name::of(name)));
            }
            "members" if resource_type.kind == ResourceKind::Group => {
                members = Some(member_ids(attribute, &mut reader, value)?)
            }
            "password" if !value.is_null() && !profile.rules().reads_password => {
                reader.unknown(Name::of(&key))?
            }
            "password" if !value.is_null() => reader.ignored(Name::of(&key), "passwordNotKept"),
            _ if attribute.mutability == Mutability::ReadOnly => {
                reader.ignored(Name::of(&attribute.name), "readOnly")
            }
            _ => {
                if let Some(value) = reader.attribute(attribute, value, Name::of(&attribute.name))? {
                    document.insert(attribute.name.clone(), value);
                }
            }
        }
    }
    finish(resource_type, &mut document)?;
    Ok(Draft { document, members, effects: reader.notes.into_list() })
}

/// A strict profile wants each schema of the body named (RFC 7643 section 3); Entra's own lists are often incomplete.
fn check_schemas(
    resource_type: &ResourceType,
    profile: Profile,
    body: &Map<String, Value>,
) -> Result<(), ScimError> {
    if profile.rules().forgives_missing_schemas {
        return Ok(());
    }
    let schemas = body.iter().find(|(key, _)| key.eq_ignore_ascii_case("schemas")).map(|(_, value)| value);
    let list = schemas.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let listed: HashSet<String> = list.map(str::to_ascii_lowercase).collect();
    steps::take(body.len() + listed.len());
    let listed = |urn: &str| listed.contains(&urn.to_ascii_lowercase());
    let used =
        body.iter().filter(|(key, value)| key.contains(':') && !value.is_null()).map(|(key, _)| key.as_str());
    match std::iter::once(resource_type.schema.id.as_str()).chain(used).find(|urn| !listed(urn)) {
        Some(urn) => Err(ScimError::invalid_value(format!("\"schemas\" must list \"{urn}\"."))),
        None => Ok(()),
    }
}

fn add_extension(
    resource_type: &ResourceType,
    reader: &mut Reader,
    document: &mut Map<String, Value>,
    key: String,
    value: Value,
) -> Result<(), ScimError> {
    if let Some(schema) = resource_type.extension(&key) {
        if let Some(value) = reader.extension(schema, value)? {
            document.insert(schema.id.clone(), value);
        }
        return Ok(());
    }
    let Some(value) = prune(value) else { return Ok(()) };
    if value.is_object() && urn::is_schema(&key) && !is_foreign(&key) {
        document.insert(key, value);
        return Ok(());
    }
    reader.unknown(Name::of(&key))
}

/// Whether a key stands under a schema that we know: a core schema, another resource's extension, or an attribute path.
fn is_foreign(key: &str) -> bool {
    urn::RESOURCE_SCHEMAS.iter().any(|known| {
        let head = key.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known));
        head && matches!(key.as_bytes().get(known.len()), None | Some(b':' | b'.'))
    })
}

/// Whether a value means "no value" (RFC 7643 section 2.5): null, an empty text, list or object, or one of such alone.
pub(crate) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.iter().all(is_unassigned),
        Value::Object(map) => map.values().all(is_unassigned),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether an add of this value has nothing to add. What is in a list is judged element by element.
pub(crate) fn adds_nothing(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.is_empty(),
        value => is_unassigned(value),
    }
}

/// Takes nulls and empty values out of what no schema describes; `None` if nothing is left.
pub(crate) fn prune(value: Value) -> Option<Value> {
    steps::take(1);
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(list) => {
            let list: Vec<Value> = list.into_iter().filter_map(prune).collect();
            (!list.is_empty()).then_some(Value::Array(list))
        }
        Value::Object(map) => {
            let map: Map<String, Value> =
                map.into_iter().filter_map(|(key, value)| Some((key, prune(value)?))).collect();
            (!map.is_empty()).then_some(Value::Object(map))
        }
        other => Some(other),
    }
}

/// Ids of a `members` value: elements with a `value` or a `$ref`, or bare ids. Each once, in order.
pub(crate) fn member_ids(
    attribute: &Attribute,
    reader: &mut Reader,
    value: Value,
) -> Result<Vec<String>, ScimError> {
    let list = match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list,
        single => {
            reader.coerced(Name::of(&attribute.name), "singleValue", || {
                ScimError::invalid_value("\"members\" must be a list.")
            })?;
            vec![single]
        }
    };
    let mut seen = HashSet::new();
    let mut ids = Vec::with_capacity(list.len());
    steps::take(list.len());
    for element in list {
        let Some(id) = member_id(attribute, reader, element)? else {
            return Err(ScimError::invalid_value(
                "Each of \"members\" must be an object with a \"value\": the id of a user or group.",
            ));
        };
        if seen.insert(id.clone()) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The id of one member: its `value`, else the one in its `$ref`; `None` if it has neither.
pub(crate) fn member_id(
    attribute: &Attribute,
    reader: &mut Reader,
    element: Value,
) -> Result<Option<String>, ScimError> {
    let name = Name::of(&attribute.name);
    let value = match element {
        Value::Object(member) => {
            let is_named = |key: &str| key.eq_ignore_ascii_case("value") || key == reference::REFERENCE;
            let mut parts: Map<String, Value> = member
                .into_iter()
                .filter(|(key, part)| is_named(key) && !is_unassigned(part))
                .map(|(key, part)| (key.to_ascii_lowercase(), part))
                .collect();
            reference::complete(attribute, &mut parts, name)?;
            parts.remove("value")
        }
        Value::String(id) => {
            reader.coerced(name, "plainValue", || {
                ScimError::invalid_value("Each of \"members\" must be an object with a \"value\".")
            })?;
            Some(Value::String(id))
        }
        _ => None,
    };
    match value {
        Some(Value::String(id)) if !id.is_empty() => Ok(Some(id)),
        _ => Ok(None),
    }
}

/// Whether the replacement of a disabled user leaves `active` out. The user stays disabled then: RFC 7644 section 3.5.1
/// lets the service provider assign a default value to what a PUT leaves out, and a user without `active` would count as
/// enabled.
pub fn says_nothing_of_active(
    resource_type: &ResourceType,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> bool {
    let is_disabled = before.get("active") == Some(&Value::Bool(false));
    resource_type.kind == ResourceKind::User && is_disabled && !after.contains_key("active")
}

/// What holds of every document: required attributes, lengths of keys, and `schemas` as what is in it.
pub(crate) fn finish(
    resource_type: &ResourceType,
    document: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    for attribute in resource_type.schema.attributes.iter().filter(|attribute| attribute.required) {
        if !document.contains_key(&attribute.name) {
            return Err(ScimError::invalid_value(format!(
                "\"{}\" is required. Map a source attribute to it that is never empty.",
                attribute.name
            )));
        }
    }
    let too_long = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() > MAX_KEY);
    for key in ["userName", "externalId", "displayName"] {
        if document.get(key).is_some_and(too_long) {
            return Err(ScimError::invalid_value(format!("\"{key}\" is longer than {MAX_KEY} characters.")));
        }
    }
    let mut emails = document.get("emails").and_then(Value::as_array).into_iter().flatten();
    if emails.any(|email| too_long(&email["value"])) {
        return Err(ScimError::invalid_value(format!(
            "A value of \"emails\" is longer than {MAX_KEY} characters."
        )));
    }
    let extensions = document.keys().filter(|key| key.contains(':')).cloned();
    let schemas: Vec<Value> =
        std::iter::once(resource_type.schema.id.clone()).chain(extensions).map(Value::String).collect();
    document.insert("schemas".to_owned(), Value::Array(schemas));
    Ok(())
}

/// Stands for more than one work e-mail address: which, only the document knows.
pub const SEVERAL: &str = "\u{1}";

/// The values that the store keeps in columns, taken from a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// The key of `userName` ([`user_name_key`]).
    pub user_name: Option<String>,
    /// `userName` in lower case, if that differs from its key: a user whose key belongs to another user is stored under
    /// this text.
    pub lower_user_name: Option<String>,
    /// `externalId`, exact.
    pub external_id: Option<String>,
    /// `displayName`, folded.
    pub display_name: Option<String>,
    /// `active`; true when absent.
    pub active: bool,
    /// The only `emails[type eq "work"].value`, folded; [`SEVERAL`] if there is more than one.
    pub work_email: Option<String>,
}

impl Keys {
    /// Reads the keys of a document.
    pub fn of(document: &Map<String, Value>) -> Keys {
        let text = |key: &str| document.get(key).and_then(Value::as_str);
        let emails = document.get("emails").and_then(Value::as_array).into_iter().flatten();
        // As the filter would compare it, Kelvin sign and all.
        let is_work = |email: &&Value| email["type"].as_str().is_some_and(|kind| fold(kind) == "work");
        let mut work = emails.filter(is_work).filter_map(|email| email["value"].as_str());
        let user_name = text("userName").map(user_name_key);
        let lower = text("userName").map(fold);
        Keys {
            lower_user_name: lower.filter(|lower| user_name.as_ref() != Some(lower)),
            user_name,
            external_id: text("externalId").map(str::to_owned),
            display_name: text("displayName").map(fold),
            active: document.get("active").and_then(Value::as_bool).unwrap_or(true),
            work_email: match (work.next(), work.next()) {
                (Some(only), None) => Some(fold(only)),
                (Some(_), Some(_)) => Some(SEVERAL.to_owned()),
                _ => None,
            },
        }
    }
}
