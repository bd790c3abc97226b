//! Equal values of one list fall together: a pair of `value` and `type` stands once (RFC 7643 section 2.4).

use serde_json::{Map, Value};
use std::{
    collections::{HashMap, HashSet},
    hash::{Hash, Hasher},
};

/// Up to this many values are compared with each other: that is faster than to hash them.
const UNINDEXED: usize = 8;

/// What makes two values the same: `value` and `type` where there is a `value`, else the whole. The type is compared
/// without regard to case.
#[derive(Clone, Copy)]
enum Key<'a> {
    Pair(&'a Value, Option<&'a str>),
    Whole(&'a Value),
}

impl<'a> Key<'a> {
    fn of(element: &'a Value) -> Key<'a> {
        let Some(parts) = element.as_object() else { return Key::Whole(element) };
        match (part(parts, "value"), part(parts, "type")) {
            (Some(value), None) => Key::Pair(value, None),
            (Some(value), Some(Value::String(kind))) => Key::Pair(value, Some(kind)),
            _ => Key::Whole(element),
        }
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Key::Pair(value, kind), Key::Pair(other, other_kind)) => {
                value == other && is_same_type(*kind, *other_kind)
            }
            (Key::Whole(value), Key::Whole(other)) => value == other,
            _ => false,
        }
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (Key::Pair(value, _) | Key::Whole(value)) = self;
        value.hash(state);
    }
}

fn is_same_type(kind: Option<&str>, other: Option<&str>) -> bool {
    match (kind, other) {
        (Some(kind), Some(other)) => kind.eq_ignore_ascii_case(other),
        (kind, other) => kind == other,
    }
}

/// Whether `element` has the `value` of `given`, and its `type` if `given` has one.
pub(crate) fn is_pair(given: &Value, element: &Value) -> bool {
    match (Key::of(given), Key::of(element)) {
        (Key::Pair(value, None), Key::Pair(other, _)) => value == other,
        (given @ Key::Pair(..), element) => given == element,
        (Key::Whole(_), _) => false,
    }
}

/// A part of an object, by its name in any case. Documents spell the names of described attributes canonically.
pub(crate) fn part<'a>(parts: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let other_case = || parts.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, part)| part);
    parts.get(name).or_else(other_case)
}

/// Lets equal values fall together: the first one stays in its place, takes the parts that it lacks, and is primary if
/// one of them was. Returns the new place of each value; `None` if nothing has moved.
pub(crate) fn merge(list: &mut Vec<Value>) -> Option<Vec<usize>> {
    let firsts = firsts(list);
    if firsts.iter().enumerate().all(|(place, first)| place == *first) {
        return None;
    }
    let mut places = Vec::with_capacity(list.len());
    let mut merged: Vec<Value> = Vec::with_capacity(list.len());
    for (place, value) in std::mem::take(list).into_iter().enumerate() {
        match firsts.get(place).and_then(|first| places.get(*first)).copied() {
            Some(first) => {
                places.push(first);
                if let Some(element) = merged.get_mut(first) {
                    complete(element, value);
                }
            }
            None => {
                places.push(merged.len());
                merged.push(value);
            }
        }
    }
    *list = merged;
    Some(places)
}

/// For each value the place of the first one that is the same.
fn firsts(list: &[Value]) -> Vec<usize> {
    if list.len() <= UNINDEXED {
        let keys: Vec<Key<'_>> = list.iter().map(Key::of).collect();
        let first = |(place, key)| keys.iter().position(|other| other == key).unwrap_or(place);
        return keys.iter().enumerate().map(first).collect();
    }
    let mut seen = HashMap::with_capacity(list.len());
    list.iter().enumerate().map(|(place, value)| *seen.entry(Key::of(value)).or_insert(place)).collect()
}

/// Gives an element the parts that it lacks.
fn complete(element: &mut Value, same: Value) {
    let (Value::Object(parts), Value::Object(others)) = (element, same) else { return };
    let mut names: HashSet<String> = parts.keys().map(|name| name.to_ascii_lowercase()).collect();
    for (key, other) in others {
        let was_primary = key == "primary" && other == true;
        if names.insert(key.to_ascii_lowercase()) || was_primary {
            parts.insert(key, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_values_that_are_repeated_the_first_stays() {
        for length in [3, 8, 9, 100] {
            let value = |n: usize| json!({ "value": n % 3, "type": "work" });
            let mut list: Vec<Value> = (0..length).map(value).collect();
            // The order of parts does not count.
            list.push(json!({ "type": "work", "value": 1 }));
            let places = merge(&mut list);
            assert_eq!(list, (0..3).map(value).collect::<Vec<_>>(), "{length}");
            let expected: Vec<usize> = (0..length).map(|n| n % 3).chain([1]).collect();
            assert_eq!(places, Some(expected));
            assert_eq!(merge(&mut list), None);
        }
    }

    #[test]
    fn the_first_of_a_pair_takes_what_it_lacks() {
        for fillers in [0, 2 * UNINDEXED] {
            let mut list = vec![
                json!({ "value": "a", "type": "work", "display": "A" }),
                json!({ "value": "a", "type": "Work", "display": "B", "primary": true }),
                json!({ "value": "a" }),
                json!({ "value": "a", "type": "home" }),
                json!({ "display": "C", "type": "work" }),
                json!({ "display": "D", "type": "work" }),
            ];
            let rest: Vec<Value> = list[2..].to_vec();
            let others: Vec<Value> = (0..fillers).map(|n| json!({ "value": n })).collect();
            list.extend(others.clone());
            merge(&mut list);
            let first = json!({ "value": "a", "type": "work", "display": "A", "primary": true });
            assert_eq!(list, [vec![first], rest, others].concat());
        }
    }
}
