//! Writing the elements of a list in an extension that no schema describes.

use super::{LEVEL, Untyped, check_depth};
use crate::{
    ScimError,
    filter::{CompareOp, Filter, Value as FilterValue},
    patch::{
        Op,
        budget::weight,
        elements::Elements,
        fields::{Fields, Shape, put},
    },
    resource::{is_unassigned, prune},
    value::Name,
};
use serde_json::{Map, Value};

impl Untyped<'_> {
    /// A part of an object, or of each object in a list: `X:addr.city`.
    pub(super) fn part(
        &mut self,
        extension: &mut Fields,
        name: &str,
        sub: &str,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        match extension.shape(name) {
            Shape::Absent | Shape::Object => {
                extension.inside(name, |inner| self.member(inner, sub, value, LEVEL + 1))
            }
            Shape::List => extension.change(name, |current| {
                let mut elements = Elements::take(current, self.budget)?;
                elements.touched = (0..elements.list.len()).collect();
                self.parts(&mut elements, sub, value.as_ref())?;
                Ok(elements.put_back(current))
            }),
            Shape::Simple if self.op == Op::Remove => Ok(false),
            Shape::Simple => Err(self.not_complex(name)),
        }
    }

    /// Writes a part of each touched element; an element that is left empty goes.
    fn parts(&mut self, elements: &mut Elements, sub: &str, value: Option<&Value>) -> Result<(), ScimError> {
        let each = value.map_or(1, weight).saturating_mul(elements.touched.len());
        self.budget.steps(each.saturating_add(elements.weight()))?;
        elements.change_touched(|element| match element {
            Value::Object(parts) => {
                let mut fields: Fields = std::mem::take(parts).into_iter().collect();
                let has_changed = self.member(&mut fields, sub, value.cloned(), LEVEL + 2)?;
                *parts = fields.into_map();
                Ok(has_changed)
            }
            // A simple value is its own `value` (RFC 7643 section 2.4).
            simple if !simple.is_array() && sub.eq_ignore_ascii_case("value") => {
                let value = value.filter(|_| self.op != Op::Remove).cloned();
                Ok(put(simple, value.and_then(prune)))
            }
            _ if self.op == Op::Remove => Ok(false),
            _ => Err(self.not_complex(sub)),
        })?;
        elements.drop_touched(is_unassigned);
        elements.merge_pairs(self.budget)
    }

    /// A value path: the elements that the filter selects, or one made to its measure where there is none (Entra).
    pub(super) fn by_filter(
        &mut self,
        extension: &mut Fields,
        name: &str,
        filter: &Filter,
        sub: Option<&str>,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        let condition =
            filter.resolve_element(None).map_err(|error| ScimError::invalid_path(error.detail))?;
        extension.change(name, |current| {
            // As in filters, a value that stands alone is an element too.
            let stands_alone = !current.is_null() && !current.is_array();
            if stands_alone {
                *current = Value::Array(vec![std::mem::take(current)]);
            }
            let mut elements = Elements::take(current, self.budget)?;
            self.budget.steps(elements.weight().saturating_mul(filter.comparisons()))?;
            elements.touched = (0..elements.list.len())
                .filter(|index| condition.matches_element(&elements.list[*index]))
                .collect();
            self.write_selected(&mut elements, name, filter, sub, value)?;
            let has_changed = elements.put_back(current);
            if let Value::Array(list) = current
                && stands_alone
                && list.len() == 1
            {
                *current = list.pop().unwrap_or_default();
            }
            Ok(has_changed)
        })
    }

    /// Writes the elements that a filter has selected.
    fn write_selected(
        &mut self,
        elements: &mut Elements,
        name: &str,
        filter: &Filter,
        sub: Option<&str>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let sets = self.op != Op::Remove && value.as_ref().is_some_and(|value| !is_unassigned(value));
        if elements.touched.is_empty() && !self.make(elements, name, filter, sets)? {
            return Ok(());
        }
        match (sub, self.op) {
            (Some(sub), _) => self.parts(elements, sub, value.as_ref()),
            (None, Op::Remove) => {
                elements.drop_touched(|_| true);
                Ok(())
            }
            (None, _) => self.elements(elements, filter, value.unwrap_or_default()),
        }
    }

    /// Makes the element that a filter describes, where it selects none; false if nothing needs to be made, since the
    /// operation only clears.
    fn make(
        &mut self,
        elements: &mut Elements,
        name: &str,
        filter: &Filter,
        sets_a_value: bool,
    ) -> Result<bool, ScimError> {
        let no_target =
            || ScimError::no_target(format!("No value of \"{name}\" is selected by the filter in the path."));
        if !self.reader.profile.rules().creates_what_a_filter_selects {
            return Err(no_target());
        }
        if !sets_a_value {
            return Ok(false);
        }
        let made = element_of(filter).ok_or_else(no_target)?;
        self.reader.coerced(Name::of(self.path), "createdByFilter", no_target)?;
        elements.push_touched(Value::Object(made));
        Ok(true)
    }

    /// Writes the touched elements as a whole: add merges into an element, replace puts the value in its place, and a
    /// lenient profile keeps what selected it.
    fn elements(&mut self, elements: &mut Elements, filter: &Filter, value: Value) -> Result<(), ScimError> {
        check_depth(&value, LEVEL + 1)?;
        let each = weight(&value).saturating_add(filter.comparisons());
        self.budget.steps(each.saturating_mul(elements.touched.len()).saturating_add(elements.weight()))?;
        elements.change_touched(|element| match (self.op, element, &value) {
            (Op::Add, Value::Object(current), Value::Object(parts)) => {
                let mut fields: Fields = std::mem::take(current).into_iter().collect();
                let has_changed = self.each(&mut fields, parts.clone(), LEVEL + 2)?;
                *current = fields.into_map();
                Ok(has_changed)
            }
            (Op::Add, ..) => Err(self.not_complex(self.path)),
            (_, element, Value::Object(parts))
                if self.reader.profile.rules().creates_what_a_filter_selects =>
            {
                let mut written: Fields = element_of(filter).unwrap_or_default().into_iter().collect();
                for (key, part) in parts.clone() {
                    written.set(&key, prune(part));
                }
                Ok(put(element, prune(Value::Object(written.into_map()))))
            }
            (_, element, value) => Ok(put(element, prune(value.clone()))),
        })?;
        elements.drop_touched(is_unassigned);
        elements.merge_pairs(self.budget)
    }
}

/// An element that fulfils a filter of plain equalities; `None` for any other filter.
fn element_of(filter: &Filter) -> Option<Map<String, Value>> {
    let parts = match filter {
        Filter::And(parts) => parts.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut element = Map::new();
    for part in parts {
        let Filter::Compare(path, CompareOp::Eq, value) = part else { return None };
        if *value != FilterValue::Null {
            element.insert(path.name.clone(), value.to_json());
        }
    }
    Some(element)
}
