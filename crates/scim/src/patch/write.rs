//! Writing one attribute of an object: whole, by sub-attribute, or by value path.

use super::Op;
use crate::{
    ScimError,
    filter::{CompareOp, Filter, Value as FilterValue},
    path::Path,
    resource::prune,
    schema::Attribute,
    value::{MAX_VALUES, Reader},
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
    if attribute.is_complex()
        && let Value::Object(parts) = &value
        && let Some(Value::Object(current)) = object.get(&attribute.name)
    {
        let mut merged = current.clone();
        let cleared = |part: &Value| prune(part.clone()).is_none();
        for (key, _) in parts.iter().filter(|(_, part)| cleared(part)) {
            if let Some(sub) = attribute.sub_attribute(key) {
                merged.shift_remove(&sub.name);
            }
        }
        if let Some(Value::Object(read)) = reader.single(attribute, value, &attribute.name)? {
            merged.extend(read);
        }
        set(object, attribute, (!merged.is_empty()).then_some(Value::Object(merged)));
        return Ok(());
    }
    let value = reader.single(attribute, value, &attribute.name)?;
    set(object, attribute, value);
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
    let value = reader.attribute(sub, value, &format!("{}.{}", attribute.name, sub.name))?;
    let mut parts = match object.get(&attribute.name) {
        Some(Value::Object(parts)) => parts.clone(),
        _ => Map::new(),
    };
    set(&mut parts, sub, value);
    set(object, attribute, (!parts.is_empty()).then_some(Value::Object(parts)));
    Ok(())
}

fn elements(object: &Map<String, Value>, attribute: &Attribute) -> Vec<Value> {
    object.get(&attribute.name).and_then(Value::as_array).cloned().unwrap_or_default()
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
    let primary =
        touched.iter().copied().find(|index| list.get(*index).is_some_and(|value| value["primary"] == true));
    if let Some(primary) = primary {
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
    let mut list = elements(object, attribute);
    let given = value.filter(|value| !value.is_null());
    match (op, given) {
        (Op::Replace, value) => {
            list = reader.list(attribute, value.unwrap_or_default(), &attribute.name)?;
            put_back(object, attribute, list, &[])
        }
        (Op::Add, value) => {
            let mut touched = Vec::new();
            for value in reader.list(attribute, value.unwrap_or_default(), &attribute.name)? {
                if !list.contains(&value) {
                    touched.push(list.len());
                    list.push(value);
                }
            }
            put_back(object, attribute, list, &touched)
        }
        (Op::Remove, None) => put_back(object, attribute, Vec::new(), &[]),
        // As with members: a client that names values does not mean all of them.
        (Op::Remove, Some(value)) => {
            reader.coerced(&attribute.name, "removeByValue", || {
                ScimError::invalid_value(
                    "An operation remove takes no value. Select what to remove by brackets in the path.",
                )
            })?;
            let gone = reader.list(attribute, value, &attribute.name)?;
            list.retain(|element| !gone.iter().any(|gone| names(gone, element)));
            put_back(object, attribute, list, &[])
        }
    }
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
    let value = reader.attribute(sub, value, &format!("{}.{}", attribute.name, sub.name))?;
    let mut list = elements(object, attribute);
    if list.is_empty() && value.is_some() {
        list.push(Value::Object(Map::new()));
    }
    let all: Vec<usize> = (0..list.len()).collect();
    set_sub(&mut list, &all, sub, value.as_ref());
    let touched: Vec<usize> = (0..list.len()).collect();
    put_back(object, attribute, list, &touched)
}

/// Sets a sub-attribute of the selected elements. An element that loses its last part beside `type` and `primary` goes.
fn set_sub(list: &mut Vec<Value>, selected: &[usize], sub: &Attribute, value: Option<&Value>) {
    for index in selected {
        if let Some(Value::Object(element)) = list.get_mut(*index) {
            set(element, sub, value.cloned());
        }
    }
    if value.is_none() && !["type", "primary"].contains(&sub.name.as_str()) {
        let mut index = 0;
        list.retain(|element| {
            index += 1;
            !selected.contains(&(index - 1)) || !is_hollow(element)
        });
    }
}

fn is_hollow(element: &Value) -> bool {
    element.as_object().is_some_and(|parts| parts.keys().all(|key| key == "type" || key == "primary"))
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
    let mut list = elements(object, attribute);
    let mut selected: Vec<usize> =
        (0..list.len()).filter(|index| condition.matches_element(&list[*index])).collect();
    let value = match (op, sub) {
        (Op::Remove, _) => None,
        (_, Some(sub)) => {
            reader.attribute(sub, value.unwrap_or_default(), &format!("{}.{}", attribute.name, sub.name))?
        }
        (_, None) => reader.single(attribute, value.unwrap_or_default(), &attribute.name)?,
    };
    if selected.is_empty() {
        let no_target = || {
            ScimError::no_target(format!(
                "No value of \"{}\" is selected by the filter in the path.",
                attribute.name
            ))
        };
        if !reader.profile.is_lenient() {
            return Err(no_target());
        }
        if value.is_none() {
            return Ok(());
        }
        let made = element_of(filter, attribute, reader)?.ok_or_else(no_target)?;
        reader.coerced(&attribute.name, "createdByFilter", no_target)?;
        selected.push(list.len());
        list.push(Value::Object(made));
    }
    match (sub, value) {
        (Some(sub), value) => set_sub(&mut list, &selected, sub, value.as_ref()),
        (None, Some(Value::Object(parts))) => {
            for index in &selected {
                replace_element(op, &mut list[*index], &parts, filter, attribute, reader)?;
            }
        }
        (None, _) => {
            let mut index = 0;
            list.retain(|_| {
                index += 1;
                !selected.contains(&(index - 1))
            });
            selected.clear();
        }
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
        _ if reader.profile.is_lenient() => element_of(filter, attribute, reader)?.unwrap_or_default(),
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
            FilterValue::Number(number) => Value::from(*number),
            FilterValue::Text(text) => Value::String(text.clone()),
        };
        if let Some(value) = reader.single(sub, value, &format!("{}.{}", attribute.name, sub.name))? {
            element.insert(sub.name.clone(), value);
        }
    }
    Ok(Some(element))
}

/// An extension that no schema describes, as a whole.
pub(super) fn unknown_extension(
    op: Op,
    document: &mut Map<String, Value>,
    key: &str,
    value: Option<Value>,
) -> Result<bool, ScimError> {
    let before = document.get(key).cloned();
    match (op, value) {
        (Op::Remove, _) | (_, None | Some(Value::Null)) => {
            document.shift_remove(key);
        }
        (_, Some(Value::Object(parts))) => {
            let mut object = before.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
            for (name, part) in parts {
                set_untyped(&mut object, &name, prune(part));
            }
            put_object(document, key, object);
        }
        _ => return Err(ScimError::invalid_value(format!("\"{key}\" must be an object."))),
    }
    Ok(before.as_ref() != document.get(key))
}

/// An attribute, or a part of one, of an extension that no schema describes.
pub(super) fn in_unknown_extension(
    op: Op,
    document: &mut Map<String, Value>,
    key: &str,
    path: &Path,
    value: Option<Value>,
) -> Result<bool, ScimError> {
    if path.filter.is_some() {
        return Err(ScimError::invalid_path(
            "No schema describes this extension, so its values cannot be selected by brackets.",
        ));
    }
    let before = document.get(key).cloned();
    let mut object = before.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let value = value.filter(|_| op != Op::Remove).and_then(prune);
    match &path.attribute.sub_attribute {
        None => set_untyped(&mut object, &path.attribute.name, value),
        Some(sub) => {
            let current = object.iter().find(|(name, _)| name.eq_ignore_ascii_case(&path.attribute.name));
            let mut parts = current.and_then(|(_, value)| value.as_object()).cloned().unwrap_or_default();
            set_untyped(&mut parts, sub, value);
            set_untyped(
                &mut object,
                &path.attribute.name,
                (!parts.is_empty()).then_some(Value::Object(parts)),
            );
        }
    }
    put_object(document, key, object);
    Ok(before.as_ref() != document.get(key))
}

/// Sets a member by its name in any case; the spelling that is there stays.
fn set_untyped(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    let key =
        object.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned());
    match value {
        Some(value) => {
            object.insert(key, value);
        }
        None => {
            object.shift_remove(&key);
        }
    }
}

fn put_object(document: &mut Map<String, Value>, key: &str, object: Map<String, Value>) {
    if object.is_empty() {
        document.shift_remove(key);
    } else {
        document.insert(key.to_owned(), Value::Object(object));
    }
}
