//! The values of a multi-valued attribute while one operation changes them in place.

use super::budget::{Budget, weight};
use crate::{ScimError, schema::Attribute, value::MAX_VALUES};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Up to this many values are compared with every value of the list: that is faster than to build an index.
const UNINDEXED: usize = 8;

/// The values, taken out of their attribute. [`Elements::put_back`] follows, or an error that drops the whole document.
pub(super) struct Elements {
    pub(super) list: Vec<Value>,
    /// How many there were.
    before: usize,
    /// The places of those that the operation writes.
    pub(super) touched: Vec<usize>,
    /// Whether one of those that were there has been changed or dropped.
    has_changed: bool,
}

impl Elements {
    pub(super) fn take(current: &mut Value, budget: &mut Budget) -> Result<Elements, ScimError> {
        let list = match current {
            Value::Array(list) => std::mem::take(list),
            _ => Vec::new(),
        };
        budget.steps(list.len())?;
        Ok(Elements { before: list.len(), list, touched: Vec::new(), has_changed: false })
    }

    /// Puts the values back. Where a touched one is primary, no other stays primary. Says whether the operation changed
    /// anything.
    pub(super) fn put_back(mut self, current: &mut Value, attribute: &Attribute) -> Result<bool, ScimError> {
        if self.list.len() > MAX_VALUES.max(self.before) {
            return Err(ScimError::invalid_value(format!(
                "\"{}\" would have more than {MAX_VALUES} values.",
                attribute.name
            )));
        }
        let is_primary = |index: &usize| self.list.get(*index).is_some_and(|value| value["primary"] == true);
        if let Some(primary) = self.touched.iter().copied().find(is_primary) {
            for (index, value) in self.list.iter_mut().enumerate() {
                if index != primary && value["primary"] == true {
                    value["primary"] = false.into();
                    self.has_changed = true;
                }
            }
        }
        let has_changed = self.has_changed || self.list.len() != self.before;
        *current = if self.list.is_empty() { Value::Null } else { Value::Array(self.list) };
        Ok(has_changed)
    }

    /// Adds a value at the end, as one that the operation writes.
    pub(super) fn push_touched(&mut self, value: Value) {
        self.touched.push(self.list.len());
        self.list.push(value);
    }

    /// Changes each touched value by `change`, which says whether it did.
    pub(super) fn change_touched(
        &mut self,
        mut change: impl FnMut(&mut Value) -> Result<bool, ScimError>,
    ) -> Result<(), ScimError> {
        for index in &self.touched {
            let has_changed = change(&mut self.list[*index])?;
            // A value that this operation added counts by being there.
            self.has_changed |= has_changed && *index < self.before;
        }
        Ok(())
    }

    /// Drops those of the touched values that `gone` names; the others stay touched. Their places must be in ascending
    /// order.
    pub(super) fn drop_touched(&mut self, gone: impl Fn(&Value) -> bool) {
        let mut kept = Vec::with_capacity(self.touched.len());
        let mut touched = std::mem::take(&mut self.touched).into_iter().peekable();
        let (mut old, mut new) = (0, 0);
        let Elements { list, before, has_changed, .. } = self;
        list.retain(|value| {
            let is_touched = touched.next_if_eq(&old).is_some();
            let stays = !(is_touched && gone(value));
            *has_changed |= !stays && old < *before;
            old += 1;
            if stays {
                if is_touched {
                    kept.push(new);
                }
                new += 1;
            }
            stays
        });
        self.touched = kept;
    }

    /// Adds values, but for those that are there. A pair of `value` and `type` stands once (RFC 7643 section 2.4): a
    /// value of a pair that is there gives its other parts to that one. Only new primary values count as touched.
    pub(super) fn add(&mut self, given: Vec<Value>, budget: &mut Budget) -> Result<(), ScimError> {
        let mut all: Vec<usize> = (0..self.list.len()).collect();
        let mut by_value = (given.len() > UNINDEXED).then(|| self.by_value());
        for value in given {
            let same = match (&by_value, value.get("value")) {
                (Some(by_value), Some(value)) => by_value.get(value).map_or(&[][..], Vec::as_slice),
                _ => all.as_slice(),
            };
            budget.steps(weight(&value).saturating_mul(1 + same.len()))?;
            if same.iter().any(|index| names(&value, &self.list[*index])) {
                continue;
            }
            let pair = same.iter().copied().find(|index| is_pair(&value, &self.list[*index]));
            let index = pair.unwrap_or(self.list.len());
            if value["primary"] == true {
                self.touched.push(index);
            }
            match (pair.and_then(|index| self.list.get_mut(index)), value) {
                (Some(Value::Object(element)), Value::Object(parts)) => {
                    element.extend(parts);
                    self.has_changed |= index < self.before;
                }
                (_, value) => {
                    if let Some(by_value) = &mut by_value {
                        by_value.entry(value["value"].clone()).or_default().push(index);
                    }
                    all.push(index);
                    self.list.push(value);
                }
            }
        }
        Ok(())
    }

    /// The places of the values of each `value`.
    fn by_value(&self) -> HashMap<Value, Vec<usize>> {
        let mut by_value: HashMap<Value, Vec<usize>> = HashMap::with_capacity(self.list.len());
        for (index, element) in self.list.iter().enumerate() {
            by_value.entry(element["value"].clone()).or_default().push(index);
        }
        by_value
    }

    /// Removes every value that one of `gone` names.
    pub(super) fn remove(&mut self, gone: &[Value], budget: &mut Budget) -> Result<(), ScimError> {
        // By one part of each, so that a value is compared only with those that share it.
        let mut by_part: HashMap<(&str, &Value), Vec<&Value>> = HashMap::with_capacity(gone.len());
        for named in gone {
            let part = named.as_object().and_then(part).unwrap_or(("", named));
            by_part.entry(part).or_default().push(named);
        }
        self.list.retain(|element| {
            let parts = element.as_object().into_iter().flatten().map(|(key, part)| (key.as_str(), part));
            let mut candidates = parts.chain([("", element)]).filter_map(|part| by_part.get(&part)).flatten();
            let is_gone = candidates.any(|named| {
                budget.charge(weight(named));
                budget.is_spent() || names(named, element)
            });
            self.has_changed |= is_gone;
            !is_gone
        });
        budget.steps(0)
    }
}

/// The part by which a value is found: `value`, else the first one.
fn part(parts: &Map<String, Value>) -> Option<(&str, &Value)> {
    let part = parts.get_key_value("value").or_else(|| parts.iter().next());
    part.map(|(key, part)| (key.as_str(), part))
}

/// Whether every part of `named` is so in `element`.
fn names(named: &Value, element: &Value) -> bool {
    match named {
        Value::Object(parts) => parts.iter().all(|(key, part)| element.get(key) == Some(part)),
        simple => simple == element,
    }
}

/// Whether `element` has the `value` of `given`, and its `type` if it has one.
fn is_pair(given: &Value, element: &Value) -> bool {
    let is_same = |part: &str| element.get(part) == given.get(part);
    given.get("value").is_some() && is_same("value") && (given.get("type").is_none() || is_same("type"))
}
