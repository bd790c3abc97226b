//! Writing an extension that no schema describes. The rules of RFC 7644 section 3.5.2 hold for it too, read off the values
//! that are stored: a list is a multi-valued attribute, an object a complex one. It is kept as it is sent, without nulls
//! and empty values; names are compared without regard to case. Every function says whether it changed anything.

mod elements;

use super::{
    Op,
    budget::{Budget, weight},
    elements::Elements,
    fields::{Fields, Shape, put},
};
use crate::{
    ScimError, json,
    path::Path,
    resource::{is_unassigned, prune},
    value::{Name, Reader},
};
use serde_json::{Map, Value};

/// The objects around an attribute of an extension: the document and the extension.
const LEVEL: usize = 2;

/// One operation on one extension.
pub(super) struct Untyped<'w> {
    pub(super) op: Op,
    /// The path of the operation, for notes and errors.
    pub(super) path: &'w str,
    pub(super) reader: &'w mut Reader,
    pub(super) budget: &'w mut Budget,
}

impl Untyped<'_> {
    /// The extension as a whole: each attribute of its object is written, or the extension removed.
    pub(super) fn whole(
        &mut self,
        document: &mut Fields,
        key: &str,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        match (self.op, value) {
            (Op::Remove, None | Some(Value::Null)) => Ok(document.set(key, None)),
            (_, Some(Value::Object(parts))) => {
                document.inside(key, |extension| self.each(extension, parts, LEVEL))
            }
            (Op::Replace, value) if value.as_ref().is_none_or(is_unassigned) => Ok(document.set(key, None)),
            (Op::Remove, Some(_)) => self.names_nothing(),
            _ => Err(ScimError::invalid_value(format!("\"{key}\" must be an object."))),
        }
    }

    /// What a path names of the extension: an attribute, a part of one, or elements of one.
    pub(super) fn attribute(
        &mut self,
        document: &mut Fields,
        key: &str,
        path: &Path,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        let name = &path.attribute.name;
        let sub = path.attribute.sub_attribute.as_deref();
        document.inside(key, |extension| match (&path.filter, sub) {
            (Some(filter), sub) => self.by_filter(extension, name, filter, sub, value),
            (None, Some(sub)) => self.part(extension, name, sub, value),
            (None, None) => self.member(extension, name, value, LEVEL),
        })
    }

    /// Writes each part of a value. A part that an add leaves empty adds nothing, and null in a remove names nothing.
    fn each(
        &mut self,
        object: &mut Fields,
        parts: Map<String, Value>,
        level: usize,
    ) -> Result<bool, ScimError> {
        let mut has_changed = false;
        for (name, part) in parts {
            match self.op {
                Op::Add if is_unassigned(&part) => {
                    self.reader.empty_add(Name::of(self.path).part(&name))?;
                }
                Op::Remove if part.is_null() => {}
                _ => has_changed |= self.member(object, &name, Some(part), level)?,
            }
        }
        Ok(has_changed)
    }

    /// Writes a value to a member of an object that lies within `level` lists and objects.
    fn member(
        &mut self,
        object: &mut Fields,
        name: &str,
        value: Option<Value>,
        level: usize,
    ) -> Result<bool, ScimError> {
        let value = value.filter(|value| !value.is_null());
        match self.op {
            Op::Remove => self.remove(object, name, value, level),
            Op::Add => self.add(object, name, value.unwrap_or_default(), level),
            Op::Replace => self.replace(object, name, value.unwrap_or_default(), level),
        }
    }

    fn add(
        &mut self,
        object: &mut Fields,
        name: &str,
        value: Value,
        level: usize,
    ) -> Result<bool, ScimError> {
        match (object.shape(name), value) {
            (Shape::Absent | Shape::Object, Value::Object(parts)) => {
                object.inside(name, |inner| self.each(inner, parts, level + 1))
            }
            (Shape::Object, value) if !value.is_array() => {
                // As `plainValue` of a described attribute.
                self.reader.coerced(Name::of(self.path), "plainValue", || {
                    ScimError::invalid_value(format!("\"{}\" must be an object.", self.path))
                })?;
                object.inside(name, |inner| self.add(inner, "value", value, level + 1))
            }
            // A list says that the attribute is multi-valued: what is there becomes its first value.
            (Shape::List, value) | (Shape::Simple | Shape::Object, value @ Value::Array(_)) => {
                object.change(name, |current| self.append(current, value, level))
            }
            (_, value) => self.set(object, name, value, level),
        }
    }

    /// Adds the values to a list.
    fn append(&mut self, current: &mut Value, value: Value, level: usize) -> Result<bool, ScimError> {
        let given = match value {
            Value::Array(list) => list,
            single => vec![single],
        };
        let given: Vec<Value> = given.into_iter().filter_map(prune).collect();
        if given.is_empty() {
            self.reader.empty_add(Name::of(self.path))?;
            return Ok(false);
        }
        given.iter().try_for_each(|value| check_depth(value, level + 1))?;
        let was_list = current.is_array();
        if !was_list {
            self.budget.steps(weight(current))?;
            check_depth(current, level + 1)?;
            *current = Value::Array(vec![std::mem::take(current)]);
        }
        let mut elements = Elements::take(current, self.budget)?;
        elements.add(given, self.budget)?;
        Ok(elements.put_back(current) || !was_list)
    }

    fn replace(
        &mut self,
        object: &mut Fields,
        name: &str,
        value: Value,
        level: usize,
    ) -> Result<bool, ScimError> {
        match (object.shape(name), value) {
            // RFC 7644 section 3.5.2.3: parts that are not named stay.
            (Shape::Absent | Shape::Object, Value::Object(parts)) => {
                object.inside(name, |inner| self.each(inner, parts, level + 1))
            }
            (_, value) => self.set(object, name, value, level),
        }
    }

    fn set(
        &mut self,
        object: &mut Fields,
        name: &str,
        value: Value,
        level: usize,
    ) -> Result<bool, ScimError> {
        let value = prune(value);
        match &value {
            Some(value) => check_depth(value, level)?,
            None if self.op == Op::Add => {
                self.reader.empty_add(Name::of(self.path))?;
                return Ok(false);
            }
            None => {}
        }
        Ok(object.set(name, value))
    }

    /// Removes a member, or what the value names of it.
    fn remove(
        &mut self,
        object: &mut Fields,
        name: &str,
        value: Option<Value>,
        level: usize,
    ) -> Result<bool, ScimError> {
        let Some(value) = value else { return Ok(object.set(name, None)) };
        if is_unassigned(&value) {
            return self.names_nothing();
        }
        match (object.shape(name), value) {
            (Shape::Absent, _) => Ok(false),
            (Shape::List, value) => {
                self.reader.coerced(Name::of(self.path), "removeByValue", || {
                    ScimError::invalid_value(
                        "An operation remove takes no value. Select what to remove by brackets in the path.",
                    )
                })?;
                let gone: Vec<Value> = match value {
                    Value::Array(list) => list.into_iter().filter_map(prune).collect(),
                    single => prune(single).into_iter().collect(),
                };
                object.change(name, |current| {
                    let mut elements = Elements::take(current, self.budget)?;
                    elements.remove(&gone, None, self.budget)?;
                    Ok(elements.put_back(current))
                })
            }
            (Shape::Object, Value::Object(parts)) => {
                object.inside(name, |inner| self.each(inner, parts, level + 1))
            }
            (Shape::Simple, value) => Ok(object.change(name, |current| {
                let is_named = match &value {
                    Value::Array(list) => list.contains(current),
                    single => single == current,
                };
                is_named && put(current, None)
            })),
            (Shape::Object, _) => Ok(false),
        }
    }

    fn names_nothing(&mut self) -> Result<bool, ScimError> {
        self.reader.names_nothing(Name::of(self.path))?;
        Ok(false)
    }

    fn not_complex(&self, name: &str) -> ScimError {
        ScimError::invalid_path(format!(
            "\"{name}\" in \"{}\" is a simple value; it has no parts to write.",
            self.path
        ))
    }
}

/// What is stored must be readable again: no deeper than a body may be.
fn check_depth(value: &Value, level: usize) -> Result<(), ScimError> {
    if level + json::depth(value) <= json::MAX_DEPTH {
        return Ok(());
    }
    Err(ScimError::invalid_value(format!(
        "The value would be nested deeper than {} levels in the resource.",
        json::MAX_DEPTH
    )))
}
