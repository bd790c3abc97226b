//! Writing one attribute in place: whole, by sub-attribute, or by value path. An absent attribute is null here, and every
//! function says whether it changed anything.

use super::{
    Op,
    budget::{Budget, weight},
    elements::Elements,
    fields::put,
};
use crate::{
    ScimError,
    filter::fold,
    path::Path,
    reference,
    resource::is_unassigned,
    schema::Attribute,
    value::{Name, Reader},
};
use serde_json::{Map, Value};

/// One operation on one attribute.
pub(super) struct Writer<'w> {
    pub(super) op: Op,
    pub(super) attribute: &'w Attribute,
    pub(super) reader: &'w mut Reader,
    pub(super) budget: &'w mut Budget,
}

impl Writer<'_> {
    /// Writes `value` to what `path` names of the attribute.
    pub(super) fn write(
        &mut self,
        current: &mut Value,
        path: &Path,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        let attribute = self.attribute;
        let sub = match &path.attribute.sub_attribute {
            None => None,
            Some(name) => Some(attribute.sub_attribute(name).ok_or_else(|| {
                ScimError::invalid_path(format!("\"{}\" has no sub-attribute \"{name}\".", attribute.name))
            })?),
        };
        let is_list = attribute.multi_valued && path.filter.is_none() && sub.is_none();
        let is_misplaced = path.filter.is_some() && !(attribute.multi_valued && attribute.is_complex());
        if self.op == Op::Add && !is_list && !is_misplaced && value.as_ref().is_none_or(is_unassigned) {
            return self.adds_nothing(Name::of(&attribute.name));
        }
        match (&path.filter, sub) {
            (Some(filter), sub) => self.by_filter(current, filter, sub, value),
            (None, Some(sub)) if attribute.multi_valued => self.in_each(current, sub, value),
            (None, Some(sub)) => self.in_complex(current, sub, value),
            (None, None) if attribute.multi_valued => self.list(current, value),
            (None, None) => self.single(current, value),
        }
    }

    /// What the operation sets: null if it removes.
    fn given(&self, value: Option<Value>) -> Value {
        value.filter(|_| self.op != Op::Remove).unwrap_or_default()
    }

    /// The value of a remove that names what it removes; `None` of any other operation.
    fn named(&self, value: Option<&Value>) -> Option<Value> {
        value.filter(|value| self.op == Op::Remove && !is_unassigned(value)).cloned()
    }

    /// A sub-attribute's value; `None` if it is cleared.
    pub(super) fn read_sub(&mut self, sub: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
        self.reader.attribute(sub, value, Name::of(&self.attribute.name).part(&sub.name))
    }

    /// A single-valued attribute. The parts of a complex one that the value names are set or cleared; the others stay.
    fn single(&mut self, current: &mut Value, value: Option<Value>) -> Result<bool, ScimError> {
        if let Some(named) = self.named(value.as_ref()) {
            return self.remove_named(current, named);
        }
        let attribute = self.attribute;
        let mut value = self.given(value);
        let is_object = object_in(&mut value).is_some();
        let cleared = self.cleared_parts(&mut value)?;
        let read = self.reader.single(attribute, value, Name::of(&attribute.name))?;
        match read {
            Some(Value::Object(read)) if attribute.is_complex() => {
                let cleared = cleared.into_iter().filter(|name| !read.contains_key(name));
                let mut changes: Vec<(String, Option<Value>)> = cleared.map(|name| (name, None)).collect();
                changes.extend(read.into_iter().map(|(key, part)| (key, Some(part))));
                Ok(change_parts(current, changes))
            }
            None if attribute.is_complex() && is_object => {
                Ok(change_parts(current, cleared.into_iter().map(|name| (name, None))))
            }
            None if self.op == Op::Add => self.adds_nothing(Name::of(&attribute.name)),
            read => Ok(put(current, read)),
        }
    }

    /// The sub-attributes of a complex attribute that its value names without a value. Those of an add are taken out of
    /// the value, and clear nothing.
    pub(super) fn cleared_parts(&mut self, value: &mut Value) -> Result<Vec<String>, ScimError> {
        let attribute = self.attribute;
        let Some(parts) = object_in(value).filter(|_| attribute.is_complex()) else { return Ok(Vec::new()) };
        let empty = parts.iter().filter(|(_, part)| is_unassigned(part)).map(|(key, _)| key.clone());
        let mut cleared = Vec::new();
        for key in empty.collect::<Vec<_>>() {
            let Some(sub) = attribute.sub_attribute(&key) else { continue };
            if self.op == Op::Add {
                self.reader.empty_add(Name::of(&attribute.name).part(&sub.name))?;
                parts.shift_remove(&key);
            } else {
                cleared.push(sub.name.clone());
            }
        }
        Ok(cleared)
    }

    /// An add whose value is none once it is read: `{"value": null}` where a text belongs.
    pub(super) fn adds_nothing(&mut self, name: Name<'_>) -> Result<bool, ScimError> {
        self.reader.empty_add(name)?;
        Ok(false)
    }

    /// A remove with a value takes no more than what the value names.
    fn remove_named(&mut self, current: &mut Value, value: Value) -> Result<bool, ScimError> {
        let attribute = self.attribute;
        let name = Name::of(&attribute.name);
        match self.reader.single(attribute, value, name)? {
            None => {
                self.reader.names_nothing(name)?;
                Ok(false)
            }
            Some(Value::Object(parts)) => {
                let is_held = |(key, part): &(String, Value)| {
                    attribute.sub_attribute(key).is_some_and(|sub| is_same(sub, part, &current[key.as_str()]))
                };
                let held: Vec<_> = parts.into_iter().filter(is_held).map(|(key, _)| (key, None)).collect();
                Ok(change_parts(current, held))
            }
            Some(simple) => Ok(is_same(attribute, &simple, current) && put(current, None)),
        }
    }

    fn in_complex(
        &mut self,
        current: &mut Value,
        sub: &Attribute,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        if let Some(named) = self.named(value.as_ref()) {
            let named = self.read_sub(sub, named)?.unwrap_or_default();
            if !is_same(sub, &named, &current[sub.name.as_str()]) {
                return Ok(false);
            }
        }
        let value = self.given(value);
        let mut parts = Map::new();
        match self.read_sub(sub, value)? {
            Some(value) => drop(parts.insert(sub.name.clone(), value)),
            None if self.op == Op::Add => {
                return self.adds_nothing(Name::of(&self.attribute.name).part(&sub.name));
            }
            None => return Ok(change_parts(current, [(sub.name.clone(), None)])),
        }
        // A new address is that of another resource.
        reference::complete(self.attribute, &mut parts, Name::of(&self.attribute.name))?;
        Ok(change_parts(current, parts.into_iter().map(|(key, part)| (key, Some(part)))))
    }

    /// A multi-valued attribute as a whole.
    fn list(&mut self, current: &mut Value, value: Option<Value>) -> Result<bool, ScimError> {
        let attribute = self.attribute;
        let value = value.unwrap_or_default();
        if self.op == Op::Remove {
            return if value.is_null() { Ok(put(current, None)) } else { self.remove_from(current, value) };
        }
        let value = if self.op == Op::Add { list_of(value) } else { value };
        let adds_nothing = self.op == Op::Add && is_unassigned(&value);
        let given = self.reader.list(attribute, value, Name::of(&attribute.name))?;
        if adds_nothing {
            return self.adds_nothing(Name::of(&attribute.name));
        }
        if self.op == Op::Replace {
            return Ok(put(current, (!given.is_empty()).then_some(Value::Array(given))));
        }
        let mut elements = Elements::take(current, self.budget)?;
        elements.add(given, self.budget)?;
        elements.put_back_to(current, attribute)
    }

    /// As with members: a client that names values does not mean all of them.
    fn remove_from(&mut self, current: &mut Value, value: Value) -> Result<bool, ScimError> {
        let attribute = self.attribute;
        let name = Name::of(&attribute.name);
        self.reader.coerced(name, "removeByValue", || {
            ScimError::invalid_value(
                "An operation remove takes no value. Select what to remove by brackets in the path.",
            )
        })?;
        let values = match value {
            Value::Array(values) => values,
            single => {
                self.reader.coerced(name, "singleValue", || {
                    ScimError::invalid_value(format!("\"{name}\" must be a list."))
                })?;
                vec![single]
            }
        };
        let mut gone = Vec::with_capacity(values.len());
        let mut names_nothing = values.is_empty();
        for value in values {
            let unknown = self.reader.unknown;
            let read = self.reader.single(attribute, value, name)?;
            // No stored value has a part that the schema does not describe, so this value names none.
            match read.filter(|_| self.reader.unknown == unknown) {
                Some(named) => gone.push(named),
                None => names_nothing = true,
            }
        }
        if names_nothing {
            self.reader.names_nothing(name)?;
        }
        let mut elements = Elements::take(current, self.budget)?;
        elements.remove(&gone, Some(attribute), self.budget)?;
        elements.put_back_to(current, attribute)
    }

    /// A sub-attribute of every element, `emails.type`; an element is made if there is none.
    fn in_each(
        &mut self,
        current: &mut Value,
        sub: &Attribute,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        let value = self.given(value);
        let value = self.read_sub(sub, value)?;
        if self.op == Op::Add && value.is_none() {
            return self.adds_nothing(Name::of(&self.attribute.name).part(&sub.name));
        }
        let mut elements = Elements::take(current, self.budget)?;
        elements.touched = (0..elements.list.len()).collect();
        if elements.list.is_empty() && value.is_some() {
            elements.push_touched(Value::Object(Map::new()));
        }
        self.set_sub(&mut elements, sub, value.as_ref())?;
        elements.put_back_to(current, self.attribute)
    }

    /// Sets or clears a sub-attribute of the touched elements; an element that is left without a value goes.
    pub(super) fn set_sub(
        &mut self,
        elements: &mut Elements,
        sub: &Attribute,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
        self.budget.steps(value.map_or(1, weight).saturating_mul(elements.touched.len()))?;
        elements.change_touched(|element| {
            Ok(element.as_object_mut().is_some_and(|parts| set(parts, &sub.name, value.cloned())))
        })?;
        if value.is_none() {
            elements.drop_touched(|element| self.reader.is_void(element));
        }
        elements.merge_pairs(self.budget)
    }
}

/// The object that a value is, or the only one in a list, as older Entra sends it.
fn object_in(value: &mut Value) -> Option<&mut Map<String, Value>> {
    match value {
        Value::Object(parts) => Some(parts),
        Value::Array(list) if list.len() == 1 => list.first_mut().and_then(Value::as_object_mut),
        _ => None,
    }
}

/// RFC 7644 section 3.5.2.1: an add names one value of a multi-valued attribute, or several.
pub(super) fn list_of(value: Value) -> Value {
    match value {
        Value::Null | Value::Array(_) => value,
        single => Value::Array(vec![single]),
    }
}

/// Whether two values of an attribute are the same: texts without regard to case where the schema ignores it.
fn is_same(attribute: &Attribute, given: &Value, current: &Value) -> bool {
    match (given, current) {
        (Value::String(given), Value::String(current)) if !attribute.case_exact => {
            fold(given) == fold(current)
        }
        (given, current) => given == current,
    }
}

/// Sets or removes one of the few parts of a complex value.
fn set(parts: &mut Map<String, Value>, name: &str, value: Option<Value>) -> bool {
    match (parts.get_mut(name), value) {
        (Some(current), Some(value)) => put(current, Some(value)),
        (None, Some(value)) => parts.insert(name.to_owned(), value).is_none(),
        (_, None) => parts.shift_remove(name).is_some(),
    }
}

pub(super) fn set_all(parts: &mut Map<String, Value>, given: &Map<String, Value>) -> bool {
    given.iter().fold(false, |changed, (key, part)| set(parts, key, Some(part.clone())) || changed)
}

/// Changes the parts of a single-valued complex attribute, each once. A `$ref` that stays while the `value` beside it
/// changes would point to the wrong resource, so it goes.
fn change_parts(current: &mut Value, changes: impl IntoIterator<Item = (String, Option<Value>)>) -> bool {
    let (mut parts, mut has_changed) = match std::mem::take(current) {
        Value::Object(parts) => (parts, false),
        other => (Map::new(), !other.is_null()),
    };
    let (mut value_changed, mut reference_changed) = (false, false);
    for (key, part) in changes {
        let part_changed = set(&mut parts, &key, part);
        has_changed |= part_changed;
        value_changed |= part_changed && key == "value";
        reference_changed |= part_changed && key == "$ref";
    }
    if value_changed && !reference_changed {
        parts.shift_remove("$ref");
    }
    if !parts.is_empty() {
        *current = Value::Object(parts);
    }
    has_changed
}
