//! [`OldValues`]: what a change of a document replaced. The change log keeps it beside the document
//! after the change, so that the document before it can be told from one row (docs/adr/0031).

use scim::{limits::Measured, steps};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The old values at the places where a document changed, as JSON text.
///
/// An object holds the names of changed attributes, or the indexes of changed elements. An array is
/// an old value: `["old"]`, or `[]` for an attribute that was absent and for the index at which a
/// list ended. `["old", 3]` is an attribute that the document after the change does not have; it was
/// the fourth of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldValues(String);

impl OldValues {
    /// What the document `before` had that `after` has not. `None` if `before` must be kept whole:
    /// its attributes stood in another order, or the difference is not shorter.
    pub fn between(before: Measured<'_>, after: &Map<String, Value>) -> Option<OldValues> {
        let changes = in_object(before.document, after)?;
        let text = serde_json::to_string(&Change::Inside(changes)).ok()?;
        (text.len() < before.length).then_some(OldValues(text))
    }

    /// The JSON text.
    pub fn as_text(&self) -> &str {
        &self.0
    }
}

/// The document before a change: the document `after` it, with the old values put back. `None` if
/// they are not of this document.
pub(crate) fn put_back(old_values: &str, after: &str) -> Option<String> {
    let changes = serde_json::from_str(old_values).ok()?;
    let after = serde_json::from_str(after).ok()?;
    serde_json::to_string(&put_into_object(changes, after)?).ok()
}

/// How a place of a document differs from what it was.
enum Change<'d> {
    /// It was absent.
    Absent,
    Was(&'d Value),
    /// It is absent, and was at this position of its object.
    WasAt(&'d Value, usize),
    Inside(Vec<(Cow<'d, str>, Change<'d>)>),
}

impl Serialize for Change<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Change::Absent => serializer.serialize_seq(Some(0))?.end(),
            Change::Was(old) => [old].serialize(serializer),
            Change::WasAt(old, position) => (old, position).serialize(serializer),
            Change::Inside(changes) => {
                let mut map = serializer.serialize_map(Some(changes.len()))?;
                for (place, change) in changes {
                    map.serialize_entry(place, change)?;
                }
                map.end()
            }
        }
    }
}

/// `None` if nothing differs.
fn change<'d>(before: &'d Value, after: &'d Value) -> Option<Change<'d>> {
    steps::take(1);
    let changes = match (before, after) {
        (Value::Object(old), Value::Object(new)) => match in_object(old, new) {
            Some(changes) => changes,
            None => return Some(Change::Was(before)),
        },
        (Value::Array(old), Value::Array(new)) => in_list(old, new),
        _ => return (!is_same(before, after)).then_some(Change::Was(before)),
    };
    (!changes.is_empty()).then_some(Change::Inside(changes))
}

/// `None` if the attributes that both have stand in different orders.
fn in_object<'d>(
    before: &'d Map<String, Value>,
    after: &'d Map<String, Value>,
) -> Option<Vec<(Cow<'d, str>, Change<'d>)>> {
    let mut changes = Vec::new();
    let mut rest = after.iter();
    for (position, (name, old)) in before.iter().enumerate() {
        if !after.contains_key(name) {
            steps::take(1);
            changes.push((name.into(), Change::WasAt(old, position)));
            continue;
        }
        let new = loop {
            let (key, new) = rest.next()?;
            if key == name {
                break new;
            }
            if before.contains_key(key) {
                return None;
            }
            steps::take(1);
            changes.push((key.into(), Change::Absent));
        };
        changes.extend(change(old, new).map(|change| (name.into(), change)));
    }
    changes.extend(rest.map(|(name, _)| (name.into(), Change::Absent)));
    Some(changes)
}

fn in_list<'d>(before: &'d [Value], after: &'d [Value]) -> Vec<(Cow<'d, str>, Change<'d>)> {
    let index = |n: usize| Cow::Owned(n.to_string());
    let pairs = before.iter().zip(after).enumerate();
    let mut changes: Vec<_> =
        pairs.filter_map(|(n, (old, new))| Some((index(n), change(old, new)?))).collect();
    let more = before.iter().enumerate().skip(after.len());
    changes.extend(more.map(|(n, old)| (index(n), Change::Was(old))));
    if before.len() < after.len() {
        changes.push((index(before.len()), Change::Absent));
    }
    changes
}

/// Whether two values that are not both objects or both lists have the same text.
fn is_same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        // 0.0 equals -0.0.
        (Value::Number(old), Value::Number(new)) => {
            let is_negative = |value: &Value| value.as_f64().map(f64::is_sign_negative);
            old == new && is_negative(before) == is_negative(after)
        }
        _ => before == after,
    }
}

/// `None` if the changes are not of this value.
fn put_into(changes: Map<String, Value>, after: Value) -> Option<Value> {
    match after {
        Value::Object(after) => put_into_object(changes, after).map(Value::Object),
        Value::Array(after) => put_into_list(changes, after).map(Value::Array),
        _ => None,
    }
}

fn put_into_object(changes: Map<String, Value>, after: Map<String, Value>) -> Option<Map<String, Value>> {
    let mut changed = Map::new();
    let mut gone = Vec::new();
    for (name, change) in changes {
        match change {
            Value::Array(mut old) if old.len() == 2 => {
                let position = old.pop()?.as_u64()?;
                gone.push((usize::try_from(position).ok()?, name, old.pop()?));
            }
            change => drop(changed.insert(name, change)),
        }
    }
    let mut before = Map::with_capacity(after.len() + gone.len());
    let mut gone = gone.into_iter().peekable();
    for (name, new) in after {
        while let Some((_, name, old)) = gone.next_if(|(position, ..)| *position == before.len()) {
            before.insert(name, old);
        }
        match changed.remove(&name) {
            None => drop(before.insert(name, new)),
            Some(Value::Object(changes)) => drop(before.insert(name, put_into(changes, new)?)),
            Some(Value::Array(mut old)) => {
                if let Some(old) = old.pop() {
                    before.insert(name, old);
                }
            }
            Some(_) => return None,
        }
    }
    before.extend(gone.map(|(_, name, old)| (name, old)));
    changed.is_empty().then_some(before)
}

fn put_into_list(changes: Map<String, Value>, after: Vec<Value>) -> Option<Vec<Value>> {
    let mut list = after;
    for (index, change) in changes {
        let index: usize = index.parse().ok()?;
        let is_next = index == list.len();
        match (change, list.get_mut(index)) {
            (Value::Object(changes), Some(place)) => *place = put_into(changes, place.take())?,
            (Value::Array(mut old), Some(place)) => match old.pop() {
                Some(old) => *place = old,
                None => list.truncate(index),
            },
            (Value::Array(mut old), None) if is_next => list.push(old.pop()?),
            _ => return None,
        }
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("no object: {value}") };
        map
    }

    fn text(document: &Map<String, Value>) -> String {
        serde_json::to_string(document).unwrap()
    }

    fn between(before: &Map<String, Value>, after: &Map<String, Value>) -> Option<OldValues> {
        OldValues::between(Measured { document: before, length: text(before).len() }, after)
    }

    /// A document that is long, so that no difference of it is longer.
    fn long(mut document: Map<String, Value>) -> Map<String, Value> {
        document.insert("long".to_owned(), "x".repeat(20_000).into());
        document
    }

    #[test]
    fn of_a_change_only_the_old_values_are_kept() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let before = object(json!({
            "userName": "ana", "title": "Engineer", "nickName": "An", "name": {"givenName": "Ana"}, "active": true,
            "emails": [{"value": "a@x"}, {"value": "b@x"}], "roles": ["r", "s"], urn: {"department": "Sales"}
        }));
        let after = object(json!({
            "userName": "ana", "title": "Lead", "name": {"givenName": "Ana", "familyName": "B"}, "active": true,
            "emails": [{"value": "a@x"}, {"value": "c@x"}, {"value": "d@x"}], "roles": ["r"],
            urn: {"department": null}, "locale": "en"
        }));
        let kept = OldValues::between(Measured { document: &before, length: 1000 }, &after).unwrap();
        let expected = json!({
            "title": ["Engineer"], "nickName": ["An", 2], "name": {"familyName": []},
            "emails": {"1": {"value": ["b@x"]}, "2": []}, "roles": {"1": ["s"]},
            urn: {"department": ["Sales"]}, "locale": []
        });
        assert_eq!(kept.as_text(), expected.to_string());
        assert_eq!(put_back(kept.as_text(), &text(&after)), Some(text(&before)));
    }

    #[test]
    fn a_document_is_kept_whole_if_its_order_changes_or_nothing_is_saved() {
        let (ab, ba) = (object(json!({"a": 1, "b": 2})), object(json!({"b": 2, "a": 1})));
        assert_eq!(between(&long(ab.clone()), &long(ba.clone())), None);
        let inside = |inner: &Map<String, Value>| long(object(json!({"inner": inner})));
        let kept = between(&inside(&ab), &inside(&ba)).unwrap();
        assert_eq!(kept.as_text(), r#"{"inner":[{"a":1,"b":2}]}"#);
        assert_eq!(between(&ab, &object(json!({"a": 3, "b": 4}))), None);
    }

    #[test]
    fn old_values_of_another_document_are_refused() {
        for (old_values, after) in [
            (r#"{"a":[1]}"#, "{}"),
            (r#"{"a":{"b":[1]}}"#, r#"{"a":1}"#),
            (r#"{"a":7}"#, r#"{"a":1}"#),
            (r#"{"a":{"2":[1]}}"#, r#"{"a":[1]}"#),
            (r#"{"a":{"x":[1]}}"#, r#"{"a":[1]}"#),
            (r#"{"a":{"1":[]}}"#, r#"{"a":[1]}"#),
            ("[]", "{}"),
            ("{}", "[]"),
        ] {
            assert_eq!(put_back(old_values, after), None, "{old_values} of {after}");
        }
    }

    /// Values of few names, so that two of them often have something in common.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            prop_oneof![Just(json!(1)), Just(json!(1.0)), Just(json!(0.0)), Just(json!(-0.0))],
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
            "[a-c\"\\\\ü]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                members(inner).prop_map(Value::from)
            ]
        })
    }

    fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::vec(("[a-f0-2]", value), 0..6).prop_map(|members| members.into_iter().collect())
    }

    /// Two documents: in any order, or the second as the first with some attributes in other places of it.
    fn documents() -> impl Strategy<Value = (Map<String, Value>, Map<String, Value>)> {
        let related = (members(value()), prop::collection::vec(any::<bool>(), 6), members(value()));
        prop_oneof![
            (members(value()), members(value())),
            related.prop_map(|(before, keep, more)| {
                let kept = before.clone().into_iter().zip(keep).filter(|(_, keep)| *keep);
                (before, kept.map(|(member, _)| member).chain(more).collect())
            })
        ]
    }

    proptest! {
        #[test]
        fn the_document_before_is_told_from_the_one_after((before, after) in documents()) {
            let (before, after) = (long(before), long(after));
            if let Some(kept) = between(&before, &after) {
                prop_assert_eq!(put_back(kept.as_text(), &text(&after)), Some(text(&before)), "{}", kept.as_text());
                prop_assert!(kept.as_text().len() < text(&before).len());
            }
        }

        #[test]
        fn a_change_of_values_never_keeps_the_whole(values in prop::collection::vec((value(), value()), 1..6)) {
            let document = |of: fn(&(Value, Value)) -> &Value| {
                long(values.iter().enumerate().map(|(n, pair)| (n.to_string(), of(pair).clone())).collect())
            };
            let (before, after) = (document(|pair| &pair.0), document(|pair| &pair.1));
            let kept = between(&before, &after);
            prop_assert!(kept.is_some_and(|kept| put_back(kept.as_text(), &text(&after)) == Some(text(&before))));
        }

        #[test]
        fn the_steps_are_linear((before, after) in documents(), many in 1_usize..20) {
            let repeat = |document: &Map<String, Value>| {
                object(json!({ "list": vec![document.clone(); many] }))
            };
            let (before, after) = (repeat(&before), repeat(&after));
            let size = text(&before).len() + text(&after).len();
            let (_, steps) = steps::of(|| between(&before, &after));
            prop_assert!(steps <= size as u64, "{} steps for {} bytes", steps, size);
        }
    }
}
