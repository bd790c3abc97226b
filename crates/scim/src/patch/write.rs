//! Writing one attribute of an object: whole, by sub-attribute, or by value path.

use super::Op;
use crate::{
    ScimError,
    filter::{CompareOp, Filter, Value as FilterValue},
    path::Path,
    resource::is_unassigned,
    schema::Attribute,
    value::{MAX_VALUES, Name, Reader},
};
use serde_json::{Map, Value};

/// Writes `attribute` of `object` (the resource, or an extension's object).
pub(super) fn attribute(
    op: Op,
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    path: &Path,
    value: Option<Value>,
    reader: &mut Reader,
) -> Result<(), ScimError> {
    let sub = match &path.attribute.sub_attribute {
        None => None,
        Some(name) => Some(attribute.sub_attribute(name).ok_or_else(|| {
            ScimError::invalid_path(format!("\"{}\" has no sub-attribute \"{name}\".", attribute.name))
        })?),
    };
    match (&path.filter, sub) {
        (Some(filter), sub) => by_filter(op, object, attribute, filter, sub, value, reader),
        (None, Some(sub)) if attribute.multi_valued => in_each(op, object, attribute, sub, value, reader),
        (None, Some(sub)) => in_complex(op, object, attribute, sub, value, reader),
        (None, None) if attribute.multi_valued => list(op, object, attribute, value, reader),
        (None, None) => single(op, object, attribute, value, reader),
    }
}

fn set(object: &mut Map<String, Value>, attribute: &Attribute, value: Option<Value>) {
    match value {
        Some(value) => {
            object.insert(attribute.name.clone(), value);
        }
        None => {
            object.shift_remove(&attribute.name);
        }
    }
}

/// A single-valued attribute. The parts of a complex one that the value names are set or cleared; the others stay.
fn single(
    op: Op,
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    value: Option<Value>,
    reader: &mut Reader,
) -> Result<(), ScimError> {
    let value = value.filter(|_| op != Op::Remove).unwrap_or_default();
    let Value::Object(parts) = &value else {
        let value = reader.single(attribute, value, Name::of(&attribute.name))?;
        set(object, attribute, value);
        return Ok(());
    };
    let cleared: Vec<_> = parts
        .iter()
        .filter(|(_, part)| is_unassigned(part))
        .filter_map(|(key, _)| attribute.sub_attribute(key))
        .collect();
    let read = reader.single(attribute, value, Name::of(&attribute.name))?;
    if !attribute.is_complex() {
        set(object, attribute, read);
        return Ok(());
    }
    change_parts(object, attribute, |merged| {
        cleared.iter().for_each(|sub| set(merged, sub, None));
        if let Some(Value::Object(read)) = read {
            merged.extend(read);
        }
    });
    Ok(())
}

fn in_complex(
    op: Op,
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    sub: &Attribute,
    value: Option<Value>,
    reader: &mut Reader,
) -> Result<(), ScimError> {
    let value = value.filter(|_| op != Op::Remove).unwrap_or_default();
    let value = reader.attribute(sub, value, Name::of(&attribute.name).part(&sub.name))?;
    change_parts(object, attribute, |parts| set(parts, sub, value));
    Ok(())
}

/// Changes the parts of a single-valued complex attribute. A `$ref` that stays while the `value` beside it changes
/// would point to the wrong resource, so it goes.
fn change_parts(
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    change: impl FnOnce(&mut Map<String, Value>),
) {
    let mut parts = match object.get_mut(&attribute.name) {
        Some(Value::Object(parts)) => std::mem::take(parts),
        _ => Map::new(),
    };
    let (value, reference) = (parts.get("value").cloned(), parts.get("$ref").cloned());
    change(&mut parts);
    if reference.is_some() && parts.get("value") != value.as_ref() && parts.get("$ref") == reference.as_ref()
    {
        parts.shift_remove("$ref");
    }
    set(object, attribute, (!parts.is_empty()).then_some(Value::Object(parts)));
}

/// Takes the elements out of their object; [`put_back`] follows, or an error that drops the whole document.
fn take_elements(object: &mut Map<String, Value>, attribute: &Attribute) -> Vec<Value> {
    match object.get_mut(&attribute.name) {
        Some(Value::Array(list)) => std::mem::take(list),
        _ => Vec::new(),
    }
}

/// Puts a list back; `touched` are the elements that the operation wrote: where one of them is primary, no other is.
fn put_back(
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    mut list: Vec<Value>,
    touched: &[usize],
) -> Result<(), ScimError> {
    if list.len() > MAX_VALUES {
        return Err(ScimError::invalid_value(format!(
            "\"{}\" would have more than {MAX_VALUES} values.",
            attribute.name
        )));
    }
    let is_primary = |index: &usize| list.get(*index).is_some_and(|value| value["primary"] == true);
    if let Some(primary) = touched.iter().copied().find(is_primary) {
        for (index, value) in list.iter_mut().enumerate() {
            if index != primary && value["primary"] == true {
                value["primary"] = false.into();
            }
        }
    }
    set(object, attribute, (!list.is_empty()).then_some(Value::Array(list)));
    Ok(())
}

/// A multi-valued attribute as a whole.
fn list(
    op: Op,
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    value: Option<Value>,
    reader: &mut Reader,
) -> Result<(), ScimError> {
    let mut list = take_elements(object, attribute);
    let mut primary = Vec::new();
    match (op, value.filter(|value| !value.is_null())) {
        (Op::Replace, value) => {
            list = reader.list(attribute, value.unwrap_or_default(), Name::of(&attribute.name))?
        }
        (Op::Add, value) => {
            for value in reader.list(attribute, value.unwrap_or_default(), Name::of(&attribute.name))? {
                primary.extend(add(&mut list, value));
            }
        }
        (Op::Remove, None) => list.clear(),
        // As with members: a client that names values does not mean all of them.
        (Op::Remove, Some(value)) => {
            reader.coerced(Name::of(&attribute.name), "removeByValue", || {
                ScimError::invalid_value(
                    "An operation remove takes no value. Select what to remove by brackets in the path.",
                )
            })?;
            let gone = reader.list(attribute, value, Name::of(&attribute.name))?;
            list.retain(|element| !gone.iter().any(|gone| names(gone, element)));
        }
    }
    put_back(object, attribute, list, &primary)
}

/// Adds an element, unless it is there; a pair of `value` and `type` stands once (RFC 7643 section 2.4), so that an
/// element of the same pair takes the other parts. Says where it is if it is the new primary value.
fn add(list: &mut Vec<Value>, value: Value) -> Option<usize> {
    if list.iter().any(|element| names(&value, element)) {
        return None;
    }
    let same = |part: &str, element: &Value| element.get(part) == value.get(part);
    let is_pair = |element: &Value| {
        value.get("value").is_some()
            && same("value", element)
            && (value.get("type").is_none() || same("type", element))
    };
    let is_primary = value["primary"] == true;
    let index = list.iter().position(is_pair).unwrap_or(list.len());
    match (list.get_mut(index), value) {
        (Some(Value::Object(element)), Value::Object(parts)) => element.extend(parts),
        (_, value) => list.push(value),
    }
    is_primary.then_some(index)
}

/// Whether every part of `named` is so in `element`.
fn names(named: &Value, element: &Value) -> bool {
    match named {
        Value::Object(parts) => parts.iter().all(|(key, part)| element.get(key) == Some(part)),
        simple => simple == element,
    }
}

/// A sub-attribute of every element, `emails.type`; an element is made if there is none.
fn in_each(
    op: Op,
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    sub: &Attribute,
    value: Option<Value>,
    reader: &mut Reader,
) -> Result<(), ScimError> {
    let value = value.filter(|_| op != Op::Remove).unwrap_or_default();
    let value = reader.attribute(sub, value, Name::of(&attribute.name).part(&sub.name))?;
    let mut list = take_elements(object, attribute);
    if list.is_empty() && value.is_some() {
        list.push(Value::Object(Map::new()));
    }
    let mut all: Vec<usize> = (0..list.len()).collect();
    set_sub(&mut list, &mut all, sub, value.as_ref(), reader);
    put_back(object, attribute, list, &all)
}

/// Sets or clears a sub-attribute of the selected elements; an element that is left without a value goes.
fn set_sub(
    list: &mut Vec<Value>,
    selected: &mut Vec<usize>,
    sub: &Attribute,
    value: Option<&Value>,
    reader: &Reader,
) {
    for index in selected.iter() {
        if let Some(Value::Object(element)) = list.get_mut(*index) {
            set(element, sub, value.cloned());
        }
    }
    if value.is_none() {
        drop_selected(list, selected, |element| reader.is_void(element));
    }
}

/// Drops those of the selected elements (indices in ascending order) that `gone` names; the others stay selected.
fn drop_selected(list: &mut Vec<Value>, selected: &mut Vec<usize>, gone: impl Fn(&Value) -> bool) {
    let mut kept = Vec::with_capacity(selected.len());
    let (mut before, mut after) = (0, 0);
    list.retain(|element| {
        let chosen = selected.binary_search(&before).is_ok();
        before += 1;
        if chosen && gone(element) {
            return false;
        }
        if chosen {
            kept.push(after);
        }
        after += 1;
        true
    });
    *selected = kept;
}

/// A value path: the elements that the filter selects, or one made to its measure where there is none (Entra).
fn by_filter(
    op: Op,
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    filter: &Filter,
    sub: Option<&Attribute>,
    value: Option<Value>,
    reader: &mut Reader,
) -> Result<(), ScimError> {
    if !(attribute.multi_valued && attribute.is_complex()) {
        return Err(ScimError::invalid_path(format!(
            "\"{}\" does not hold a list of complex values; brackets cannot stand behind it.",
            attribute.name
        )));
    }
    let condition =
        filter.resolve_element(Some(attribute)).map_err(|error| ScimError::invalid_path(error.detail))?;
    let value = match (op, sub) {
        (Op::Remove, _) => None,
        (_, Some(sub)) => {
            reader.attribute(sub, value.unwrap_or_default(), Name::of(&attribute.name).part(&sub.name))?
        }
        (_, None) => reader.single(attribute, value.unwrap_or_default(), Name::of(&attribute.name))?,
    };
    let mut list = take_elements(object, attribute);
    let mut selected: Vec<usize> =
        (0..list.len()).filter(|index| condition.matches_element(&list[*index])).collect();
    if selected.is_empty() {
        let no_target = || {
            ScimError::no_target(format!(
                "No value of \"{}\" is selected by the filter in the path.",
                attribute.name
            ))
        };
        if !reader.profile.creates_what_a_filter_selects() {
            return Err(no_target());
        }
        if value.is_none() {
            return put_back(object, attribute, list, &[]);
        }
        let made = element_of(filter, attribute, reader)?.ok_or_else(no_target)?;
        reader.coerced(Name::of(&attribute.name), "createdByFilter", no_target)?;
        selected.push(list.len());
        list.push(Value::Object(made));
    }
    match (sub, value) {
        (Some(sub), value) => set_sub(&mut list, &mut selected, sub, value.as_ref(), reader),
        (None, Some(Value::Object(parts))) => {
            for index in &selected {
                replace_element(op, &mut list[*index], &parts, filter, attribute, reader)?;
            }
            drop_selected(&mut list, &mut selected, |element| reader.is_void(element));
        }
        (None, _) => drop_selected(&mut list, &mut selected, |_| true),
    }
    put_back(object, attribute, list, &selected)
}

/// Add merges into an element; replace puts the value in its place, and a lenient profile keeps what selected it.
fn replace_element(
    op: Op,
    element: &mut Value,
    parts: &Map<String, Value>,
    filter: &Filter,
    attribute: &Attribute,
    reader: &mut Reader,
) -> Result<(), ScimError> {
    let mut written = match (op, &*element) {
        (Op::Add, Value::Object(current)) => current.clone(),
        _ if reader.profile.creates_what_a_filter_selects() => {
            element_of(filter, attribute, reader)?.unwrap_or_default()
        }
        _ => Map::new(),
    };
    written.extend(parts.clone());
    *element = Value::Object(written);
    Ok(())
}

/// An element that fulfils a filter of plain equalities; none for any other filter.
fn element_of(
    filter: &Filter,
    attribute: &Attribute,
    reader: &mut Reader,
) -> Result<Option<Map<String, Value>>, ScimError> {
    let parts = match filter {
        Filter::And(parts) => parts.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut element = Map::new();
    for part in parts {
        let Filter::Compare(path, CompareOp::Eq, value) = part else { return Ok(None) };
        let Some(sub) = attribute.sub_attribute(&path.name) else { return Ok(None) };
        let value = match value {
            FilterValue::Null => continue,
            FilterValue::Bool(value) => Value::Bool(*value),
            // No attribute that a filter can create is a number: it is a bare word of digits.
            FilterValue::Number(_) => Value::String(value.to_string()),
            FilterValue::Text(text) => Value::String(text.clone()),
        };
        if let Some(value) = reader.single(sub, value, Name::of(&attribute.name).part(&sub.name))? {
            element.insert(sub.name.clone(), value);
        }
    }
    Ok(Some(element))
}
