//! Writing the elements of a described attribute that a value path selects: `emails[type eq "work"]`.

use super::{
    Op,
    budget::weight,
    elements::Elements,
    fields::put,
    write::{Writer, set_all},
};
use crate::{
    ScimError,
    filter::{CompareOp, Filter, Value as FilterValue},
    resource::is_unassigned,
    schema::{Attribute, AttributeType},
    value::{Name, Reader},
};
use serde_json::{Map, Value};

impl Writer<'_> {
    /// A value path: the elements that the filter selects, or one made to its measure where there is none (Entra).
    pub(super) fn by_filter(
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
        let mut value = value;
        if let (Some(value), None) = (&mut value, sub) {
            self.cleared_parts(value)?;
        }
        let clears = self.op == Op::Remove || value.as_ref().is_none_or(is_unassigned);
        let value = match (self.op, sub) {
            (Op::Remove, _) => None,
            (_, Some(sub)) => self.read_sub(sub, value.unwrap_or_default())?,
            (_, None) => {
                self.reader.single(attribute, value.unwrap_or_default(), Name::of(&attribute.name))?
            }
        };
        match sub {
            Some(sub) if self.op == Op::Add && value.is_none() => {
                return self.adds_nothing(Name::of(&attribute.name).part(&sub.name));
            }
            // Nothing but attributes that no schema knows.
            None if value.is_none() && !clears => return Ok(false),
            _ => {}
        }
        let mut elements = Elements::take(current, self.budget)?;
        self.budget.steps(elements.weight().saturating_mul(filter.comparisons()))?;
        let is_selected = |index: &usize| condition.matches_element(&elements.list[*index]);
        elements.touched = (0..elements.list.len()).filter(is_selected).collect();
        if elements.touched.is_empty() && !self.make(&mut elements, filter, value.is_some())? {
            return elements.put_back_to(current, attribute);
        }
        match (sub, value) {
            (Some(sub), value) => self.set_sub(&mut elements, sub, value.as_ref())?,
            (None, Some(value)) => self.write_elements(&mut elements, filter, &value)?,
            (None, None) => elements.drop_touched(|_| true),
        }
        elements.put_back_to(current, attribute)
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
        elements.merge_pairs(self.budget)
    }
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
            FilterValue::Word(_) if sub.data_type == AttributeType::Boolean => value.to_json(),
            // No attribute that a filter can create is a number: it is a bare word of digits.
            FilterValue::Text(text) | FilterValue::Word(text) => Value::String(text.clone()),
        };
        if let Some(value) = reader.single(sub, value, Name::of(&attribute.name).part(&sub.name))? {
            element.insert(sub.name.clone(), value);
        }
    }
    Ok(Some(element))
}
