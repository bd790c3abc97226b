//! The values of a multi-valued attribute while one operation changes them in place.

use super::{
    budget::{Budget, weight},
    fields::put,
};
use crate::{
    ScimError,
    filter::fold,
    pairs::{self, is_pair, part},
    schema::Attribute,
    value::MAX_VALUES,
};
use serde_json::{Map, Value};
use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher,
};

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
    /// Whether a touched one has been changed or added, so that it may equal another one now.
    may_repeat: bool,
}

impl Elements {
    pub(super) fn take(current: &mut Value, budget: &mut Budget) -> Result<Elements, ScimError> {
        let list = match current {
            Value::Array(list) => std::mem::take(list),
            _ => Vec::new(),
        };
        budget.steps(list.len())?;
        Ok(Elements { before: list.len(), list, touched: Vec::new(), has_changed: false, may_repeat: false })
    }

    /// As [`Elements::put_back`], for a described attribute, whose values are limited in number.
    pub(super) fn put_back_to(self, current: &mut Value, attribute: &Attribute) -> Result<bool, ScimError> {
        if self.list.len() > MAX_VALUES.max(self.before) {
            return Err(ScimError::invalid_value(format!(
                "\"{}\" would have more than {MAX_VALUES} values.",
                attribute.name
            )));
        }
        Ok(self.put_back(current))
    }

    /// Puts the values back. Where a touched one is primary, no other stays primary. Says whether the operation changed
    /// anything.
    pub(super) fn put_back(mut self, current: &mut Value) -> bool {
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
        has_changed
    }

    /// What it takes to look at every value.
    pub(super) fn weight(&self) -> usize {
        self.list.iter().map(weight).sum()
    }

    /// Adds a value at the end, as one that the operation writes.
    pub(super) fn push_touched(&mut self, value: Value) {
        self.touched.push(self.list.len());
        self.list.push(value);
        self.may_repeat = true;
    }

    /// Changes each touched value by `change`, which says whether it did.
    pub(super) fn change_touched(
        &mut self,
        mut change: impl FnMut(&mut Value) -> Result<bool, ScimError>,
    ) -> Result<(), ScimError> {
        for index in &self.touched {
            let has_changed = change(&mut self.list[*index])?;
            self.may_repeat |= has_changed;
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

    /// Lets equal pairs of `value` and `type` fall together after touched values have changed.
    pub(super) fn merge_pairs(&mut self, budget: &mut Budget) -> Result<(), ScimError> {
        if !self.may_repeat || self.list.len() < 2 {
            return Ok(());
        }
        budget.steps(self.weight())?;
        let Some(places) = pairs::merge(&mut self.list) else { return Ok(()) };
        self.has_changed = true;
        self.touched = self.touched.iter().filter_map(|old| places.get(*old).copied()).collect();
        self.touched.sort_unstable();
        self.touched.dedup();
        Ok(())
    }

    /// Adds values, but for those that are there. A pair of `value` and `type` stands once (RFC 7643 section 2.4): a
    /// value of a pair that is there gives its other parts to that one. Only new primary values count as touched.
    pub(super) fn add(&mut self, given: Vec<Value>, budget: &mut Budget) -> Result<(), ScimError> {
        let mut all: Vec<usize> = (0..self.list.len()).collect();
        let mut index = (given.len() > UNINDEXED).then(|| Index::of(&self.list));
        if index.is_some() {
            budget.steps(self.weight())?;
        }
        for value in given {
            let same = match &index {
                Some(index) => index.find(&value).unwrap_or(&all),
                None => all.as_slice(),
            };
            budget.steps(weight(&value).saturating_mul(1 + same.len()))?;
            if same.iter().any(|index| names(&value, &self.list[*index])) {
                continue;
            }
            let pair = same.iter().copied().find(|index| is_pair(&value, &self.list[*index]));
            let place = pair.unwrap_or(self.list.len());
            if value["primary"] == true {
                self.touched.push(place);
            }
            match (pair.and_then(|place| self.list.get_mut(place)), value) {
                (Some(Value::Object(element)), Value::Object(parts)) => {
                    budget.steps(element.values().map(weight).sum())?;
                    self.has_changed |= add_parts(element, parts) && place < self.before;
                }
                (_, value) => {
                    if let Some(index) = &mut index {
                        index.insert(&value, place);
                    }
                    all.push(place);
                    self.list.push(value);
                }
            }
        }
        Ok(())
    }

    /// Removes every value that one of `gone` names. Texts are compared as the schema says; without a schema exactly.
    pub(super) fn remove(
        &mut self,
        gone: &[Value],
        attribute: Option<&Attribute>,
        budget: &mut Budget,
    ) -> Result<(), ScimError> {
        budget.steps(self.weight().saturating_add(gone.iter().map(weight).sum()))?;
        let gone: Vec<Value> = gone.iter().map(|named| comparable(attribute, named)).collect();
        // By one part of each, so that a value is compared only with those that share it.
        let mut by_part: HashMap<(&str, &Value), Vec<&Value>> = HashMap::with_capacity(gone.len());
        for named in &gone {
            let part = named.as_object().and_then(first_part).unwrap_or(("", named));
            by_part.entry(part).or_default().push(named);
        }
        self.list.retain(|element| {
            let element = comparable(attribute, element);
            let parts = element.as_object().into_iter().flatten().map(|(key, part)| (key.as_str(), part));
            let mut candidates =
                parts.chain([("", &element)]).filter_map(|part| by_part.get(&part)).flatten();
            let is_gone = candidates.any(|named| {
                budget.charge(weight(named));
                budget.is_spent() || names(named, &element)
            });
            self.has_changed |= is_gone;
            !is_gone
        });
        budget.steps(0)
    }
}

/// The places of values by what identifies them: `value`, or the whole of a value that has no parts.
struct Index {
    /// By a hash, so that no value is copied. Values of one hash are compared.
    places: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
}

impl Index {
    fn of(list: &[Value]) -> Index {
        let mut index = Index { places: HashMap::with_capacity(list.len()), hasher: RandomState::new() };
        for (place, value) in list.iter().enumerate() {
            index.insert(value, place);
        }
        index
    }

    fn insert(&mut self, value: &Value, place: usize) {
        if let Some(identity) = identity(value) {
            self.places.entry(self.hasher.hash_one(identity)).or_default().push(place);
        }
    }

    /// The places where the same value may be; `None` if it may be anywhere.
    fn find(&self, value: &Value) -> Option<&[usize]> {
        let identity = identity(value)?;
        Some(self.places.get(&self.hasher.hash_one(identity)).map_or(&[], Vec::as_slice))
    }
}

fn identity(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(parts) => part(parts, "value"),
        simple => Some(simple),
    }
}

/// A value as it is compared: texts in lower case where the schema ignores case, names in lower case where no schema
/// describes them.
fn comparable(attribute: Option<&Attribute>, value: &Value) -> Value {
    let folded = |attribute: Option<&Attribute>, value: &Value| match (attribute, value) {
        (Some(attribute), Value::String(text)) if !attribute.case_exact => Value::String(fold(text)),
        _ => value.clone(),
    };
    match (attribute, value) {
        (Some(attribute), Value::Object(parts)) => {
            let part =
                |(key, part): (&String, &Value)| (key.clone(), folded(attribute.sub_attribute(key), part));
            Value::Object(parts.iter().map(part).collect())
        }
        (None, Value::Object(parts)) => {
            Value::Object(parts.iter().map(|(key, part)| (key.to_ascii_lowercase(), part.clone())).collect())
        }
        (attribute, value) => folded(attribute, value),
    }
}

/// Adds parts to an element of the same pair. Its `value` and `type` keep their spelling, and it stays primary. Says
/// whether it changed anything.
fn add_parts(element: &mut Map<String, Value>, parts: Map<String, Value>) -> bool {
    let mut has_changed = false;
    let mut spelled: HashMap<String, String> =
        element.keys().map(|key| (key.to_ascii_lowercase(), key.clone())).collect();
    for (key, given) in parts {
        let key = spelled.entry(key.to_ascii_lowercase()).or_insert(key).clone();
        match element.get_mut(&key) {
            Some(_) if key.eq_ignore_ascii_case("value") || key.eq_ignore_ascii_case("type") => {}
            Some(current) if key == "primary" && *current == true => {}
            Some(current) => has_changed |= add_to(current, given),
            None => {
                element.insert(key, given);
                has_changed = true;
            }
        }
    }
    has_changed
}

/// Adds a value to a part: what a list or an object holds stays, a simple value is replaced.
fn add_to(current: &mut Value, given: Value) -> bool {
    match (current, given) {
        (Value::Object(parts), Value::Object(given)) => add_parts(parts, given),
        (Value::Array(list), given) => {
            let given = if let Value::Array(given) = given { given } else { vec![given] };
            let there: HashSet<&Value> = list.iter().collect();
            let new: Vec<Value> = given.into_iter().filter(|value| !there.contains(value)).collect();
            let has_changed = !new.is_empty();
            list.extend(new);
            has_changed
        }
        (Value::Object(_), _) => false,
        (simple, given) => put(simple, Some(given)),
    }
}

/// The part by which a value is found: `value`, else the first one.
fn first_part(parts: &Map<String, Value>) -> Option<(&str, &Value)> {
    let part = parts.get_key_value("value").or_else(|| parts.iter().next());
    part.map(|(key, part)| (key.as_str(), part))
}

/// Whether every part of `named` is so in `element`.
fn names(named: &Value, element: &Value) -> bool {
    match (named, element) {
        (Value::Object(named), Value::Object(parts)) if named.len() <= UNINDEXED => {
            named.iter().all(|(key, wanted)| part(parts, key) == Some(wanted))
        }
        (Value::Object(named), Value::Object(parts)) => {
            let parts: HashMap<String, &Value> =
                parts.iter().map(|(key, part)| (key.to_ascii_lowercase(), part)).collect();
            named.iter().all(|(key, wanted)| parts.get(&key.to_ascii_lowercase()) == Some(&wanted))
        }
        (simple, element) => simple == element,
    }
}
