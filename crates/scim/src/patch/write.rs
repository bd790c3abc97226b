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
    filter::{CompareOp, Filter, Value as FilterValue},
    path::Path,
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

    /// A sub-attribute's value; `None` if it is cleared.
    fn read_sub(&mut self, sub: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
        self.reader.attribute(sub, value, Name::of(&self.attribute.name).part(&sub.name))
    }

    /// A single-valued attribute. The parts of a complex one that the value names are set or cleared; the others stay.
    fn single(&mut self, current: &mut Value, value: Option<Value>) -> Result<bool, ScimError> {
        let attribute = self.attribute;
        let value = self.given(value);
        let Value::Object(parts) = &value else {
            let value = self.reader.single(attribute, value, Name::of(&attribute.name))?;
            return Ok(put(current, value));
        };
        let cleared: Vec<_> = parts
            .iter()
            .filter(|(_, part)| is_unassigned(part))
            .filter_map(|(key, _)| attribute.sub_attribute(key))
            .collect();
        let read = self.reader.single(attribute, value, Name::of(&attribute.name))?;
        if !attribute.is_complex() {
            return Ok(put(current, read));
        }
        let read = match read {
            Some(Value::Object(read)) => read,
            _ => Map::new(),
        };
        let cleared = cleared.into_iter().filter(|sub| !read.contains_key(&sub.name));
        let mut changes: Vec<(String, Option<Value>)> = cleared.map(|sub| (sub.name.clone(), None)).collect();
        changes.extend(read.into_iter().map(|(key, part)| (key, Some(part))));
        Ok(change_parts(current, changes))
    }

    fn in_complex(
        &mut self,
        current: &mut Value,
        sub: &Attribute,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        let value = self.given(value);
        let value = self.read_sub(sub, value)?;
        Ok(change_parts(current, [(sub.name.clone(), value)]))
    }

    /// A multi-valued attribute as a whole.
    fn list(&mut self, current: &mut Value, value: Option<Value>) -> Result<bool, ScimError> {
        let attribute = self.attribute;
        let name = Name::of(&attribute.name);
        let value = match (self.op, value.filter(|value| !value.is_null())) {
            (Op::Remove, None) => return Ok(put(current, None)),
            // As with members: a client that names values does not mean all of them.
            (Op::Remove, Some(value)) => {
                self.reader.coerced(name, "removeByValue", || {
                    ScimError::invalid_value(
                        "An operation remove takes no value. Select what to remove by brackets in the path.",
                    )
                })?;
                value
            }
            (_, value) => value.unwrap_or_default(),
        };
        let given = self.reader.list(attribute, value, name)?;
        if self.op == Op::Replace {
            return Ok(put(current, (!given.is_empty()).then_some(Value::Array(given))));
        }
        let mut elements = Elements::take(current, self.budget)?;
        match self.op {
            Op::Remove => elements.remove(&given, self.budget)?,
            _ => elements.add(given, self.budget)?,
        }
        elements.put_back(current, attribute)
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
        let mut elements = Elements::take(current, self.budget)?;
        elements.touched = (0..elements.list.len()).collect();
        if elements.list.is_empty() && value.is_some() {
            elements.push_touched(Value::Object(Map::new()));
        }
        self.set_sub(&mut elements, sub, value.as_ref())?;
        elements.put_back(current, self.attribute)
    }

    /// Sets or clears a sub-attribute of the touched elements; an element that is left without a value goes.
    fn set_sub(
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
        Ok(())
    }

    /// A value path: the elements that the filter selects, or one made to its measure where there is none (Entra).
    fn by_filter(
        &mut self,
        current: &mut Value,
        filter: &Filter,
        sub: Option<&Attribute>,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        let attribute = self.attribute;
        if !(attribute.multi_valued && attribute.is_complex()) {
            return Err(ScimError::invalid_path(format!(
                "\"{}\" does not hold a list of complex values; brackets cannot stand behind it.",
                attribute.name
            )));
        }
        let condition =
            filter.resolve_element(Some(attribute)).map_err(|error| ScimError::invalid_path(error.detail))?;
        let value = match (self.op, sub) {
            (Op::Remove, _) => None,
            (_, Some(sub)) => self.read_sub(sub, value.unwrap_or_default())?,
            (_, None) => {
                self.reader.single(attribute, value.unwrap_or_default(), Name::of(&attribute.name))?
            }
        };
        let mut elements = Elements::take(current, self.budget)?;
        let weight_of_all: usize = elements.list.iter().map(weight).sum();
        self.budget.steps(weight_of_all.saturating_mul(filter.comparisons()))?;
        let is_selected = |index: &usize| condition.matches_element(&elements.list[*index]);
        elements.touched = (0..elements.list.len()).filter(is_selected).collect();
        if elements.touched.is_empty() && !self.make(&mut elements, filter, value.is_some())? {
            return elements.put_back(current, attribute);
        }
        match (sub, value) {
            (Some(sub), value) => self.set_sub(&mut elements, sub, value.as_ref())?,
            (None, Some(value)) => self.write_elements(&mut elements, filter, &value)?,
            (None, None) => elements.drop_touched(|_| true),
        }
        elements.put_back(current, attribute)
    }

    /// Makes the element that a filter describes, where it selects none; false if nothing needs to be made, since the
    /// operation only clears.
    fn make(
        &mut self,
        elements: &mut Elements,
        filter: &Filter,
        sets_a_value: bool,
    ) -> Result<bool, ScimError> {
        let attribute = self.attribute;
        let no_target = || {
            ScimError::no_target(format!(
                "No value of \"{}\" is selected by the filter in the path.",
                attribute.name
            ))
        };
        if !self.reader.profile.rules().creates_what_a_filter_selects {
            return Err(no_target());
        }
        if !sets_a_value {
            return Ok(false);
        }
        let made = element_of(filter, attribute, self.reader)?.ok_or_else(no_target)?;
        self.reader.coerced(Name::of(&attribute.name), "createdByFilter", no_target)?;
        elements.push_touched(Value::Object(made));
        Ok(true)
    }

    /// Writes the touched elements. Add merges into an element; replace puts the value in its place, and a lenient
    /// profile keeps what selected it. What is left without a value goes.
    fn write_elements(
        &mut self,
        elements: &mut Elements,
        filter: &Filter,
        value: &Value,
    ) -> Result<(), ScimError> {
        let Value::Object(parts) = value else {
            elements.drop_touched(|_| true);
            return Ok(());
        };
        let each = weight(value).saturating_add(filter.comparisons());
        self.budget.steps(each.saturating_mul(elements.touched.len()))?;
        elements.change_touched(|element| {
            if let (Op::Add, Value::Object(current)) = (self.op, &mut *element) {
                return Ok(set_all(current, parts));
            }
            let mut written = if self.reader.profile.rules().creates_what_a_filter_selects {
                element_of(filter, self.attribute, self.reader)?.unwrap_or_default()
            } else {
                Map::new()
            };
            set_all(&mut written, parts);
            Ok(put(element, Some(Value::Object(written))))
        })?;
        elements.drop_touched(|element| self.reader.is_void(element));
        Ok(())
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

fn set_all(parts: &mut Map<String, Value>, given: &Map<String, Value>) -> bool {
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

/// An element that fulfils a filter of plain equalities; `None` for any other filter.
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
