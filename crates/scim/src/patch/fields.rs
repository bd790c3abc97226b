//! An object while it is patched: a member is found by its name in any case in one step, however many members there
//! are, and to remove one moves no other.

use crate::steps;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Up to this many members are searched one after the other: that is faster than to build an index.
const UNINDEXED: usize = 32;

/// The members of an object, in their order.
#[derive(Default)]
pub(super) struct Fields {
    members: Vec<Member>,
    /// How many members are not removed.
    live: usize,
    /// The first live member of each name, the name in lower case. Built once there are more than [`UNINDEXED`].
    index: Option<HashMap<String, usize>>,
}

struct Member {
    key: String,
    content: Content,
    /// The next member of the same name: an extension that no schema describes may spell a name in several ways.
    next: Option<usize>,
}

/// What a member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// There is no such member.
    Absent,
    /// A text, a number or a boolean.
    Simple,
    /// A list.
    List,
    /// An object.
    Object,
}

enum Content {
    /// Null is a member that was removed: documents hold no nulls.
    Value(Value),
    /// An object whose own members are changed.
    Object(Fields),
}

impl Fields {
    /// The members of a copy of `map`.
    pub(super) fn copy(map: &Map<String, Value>) -> Fields {
        map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        steps::take(self.members.len());
        let mut map = Map::with_capacity(self.live);
        for Member { key, content, .. } in self.members.into_iter().filter(|member| !member.is_removed()) {
            map.insert(key, content.into_value());
        }
        map
    }

    /// The key of the first member of this name, as it is spelled.
    pub(super) fn key(&mut self, name: &str) -> Option<&str> {
        let at = self.find(name)?;
        Some(&self.members[at].key)
    }

    /// Changes the value of a member; it is null where there is no such member, and null removes the member.
    pub(super) fn change<R>(&mut self, name: &str, change: impl FnOnce(&mut Value) -> R) -> R {
        let at = self.find_or_add(name);
        let content = &mut self.members[at].content;
        let mut value = std::mem::take(content).into_value();
        let result = change(&mut value);
        let is_removed = value.is_null();
        *content = Content::Value(value);
        if is_removed {
            self.remove(at);
        }
        result
    }

    /// Sets or removes a member. Says whether that changed anything.
    pub(super) fn set(&mut self, name: &str, value: Option<Value>) -> bool {
        self.change(name, |current| put(current, value))
    }

    /// What a member holds.
    pub(super) fn shape(&mut self, name: &str) -> Shape {
        let Some(at) = self.find(name) else { return Shape::Absent };
        match &self.members[at].content {
            Content::Object(_) | Content::Value(Value::Object(_)) => Shape::Object,
            Content::Value(Value::Array(_)) => Shape::List,
            Content::Value(_) => Shape::Simple,
        }
    }

    /// Changes the members of a member. What is no object counts as an empty one, and an object that is left empty is
    /// removed.
    pub(super) fn inside<R>(&mut self, name: &str, change: impl FnOnce(&mut Fields) -> R) -> R {
        let at = self.find_or_add(name);
        let mut object = match std::mem::take(&mut self.members[at].content) {
            Content::Object(object) => object,
            Content::Value(Value::Object(map)) => map.into_iter().collect(),
            Content::Value(_) => Fields::default(),
        };
        let result = change(&mut object);
        if object.live == 0 {
            self.remove(at);
        } else {
            self.members[at].content = Content::Object(object);
        }
        result
    }

    fn find(&mut self, name: &str) -> Option<usize> {
        if self.index.is_none() && self.members.len() > UNINDEXED {
            self.index = Some(index(&mut self.members));
        }
        let Some(index) = &self.index else {
            steps::take(self.members.len());
            let is_named = |member: &Member| !member.is_removed() && member.key.eq_ignore_ascii_case(name);
            return self.members.iter().position(is_named);
        };
        steps::take(1);
        index.get(&name.to_ascii_lowercase()).copied()
    }

    /// The place of a member. A new one is null, and must be set or removed.
    fn find_or_add(&mut self, name: &str) -> usize {
        if let Some(at) = self.find(name) {
            return at;
        }
        let at = self.members.len();
        self.members.push(Member { key: name.to_owned(), content: Content::default(), next: None });
        self.live += 1;
        if let Some(index) = &mut self.index {
            index.insert(name.to_ascii_lowercase(), at);
        }
        at
    }

    /// Removes the first member of its name.
    fn remove(&mut self, at: usize) {
        let member = &mut self.members[at];
        member.content = Content::default();
        self.live -= 1;
        if let Some(index) = &mut self.index {
            let name = member.key.to_ascii_lowercase();
            match member.next {
                Some(next) => drop(index.insert(name, next)),
                None => drop(index.remove(&name)),
            }
        }
    }
}

impl FromIterator<(String, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Fields {
        let member = |(key, value)| Member { key, content: Content::Value(value), next: None };
        let members: Vec<Member> = members.into_iter().map(member).collect();
        steps::take(members.len());
        Fields { live: members.len(), members, index: None }
    }
}

/// From the last member to the first, so that the first of a name is the one that is found.
fn index(members: &mut [Member]) -> HashMap<String, usize> {
    steps::take(members.len());
    let mut index = HashMap::with_capacity(members.len());
    for (at, member) in members.iter_mut().enumerate().rev().filter(|(_, member)| !member.is_removed()) {
        member.next = index.insert(member.key.to_ascii_lowercase(), at);
    }
    index
}

impl Member {
    fn is_removed(&self) -> bool {
        matches!(self.content, Content::Value(Value::Null))
    }
}

impl Content {
    fn into_value(self) -> Value {
        match self {
            Content::Value(value) => value,
            Content::Object(object) => Value::Object(object.into_map()),
        }
    }
}

impl Default for Content {
    fn default() -> Content {
        Content::Value(Value::Null)
    }
}

/// Puts a value in place of another, null for none. Says whether that changed anything; it looks at no more than the
/// new value holds.
pub(super) fn put(current: &mut Value, value: Option<Value>) -> bool {
    let value = value.unwrap_or_default();
    let has_changed = *current != value;
    *current = value;
    has_changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: Value) -> Fields {
        Fields::copy(value.as_object().unwrap())
    }

    /// How many other members an object has: without an index of names, and with one.
    const FILLERS: [usize; 2] = [0, 2 * UNINDEXED];

    fn filled(fillers: usize, value: &Value) -> Value {
        let mut map: Map<String, Value> = (0..fillers).map(|n| (format!("filler{n}"), json!(n))).collect();
        map.extend(value.as_object().unwrap().clone());
        Value::Object(map)
    }

    #[test]
    fn a_member_keeps_its_spelling_and_comes_last_again_once_it_was_removed() {
        for fillers in FILLERS {
            let mut object = fields(filled(fillers, &json!({ "Badge": 1, "desk": 2 })));
            assert!(object.set("BADGE", Some(json!(3))) && !object.set("badge", Some(json!(3))));
            assert_eq!(object.key("badge"), Some("Badge"));
            assert!(object.set("badge", None) && !object.set("badge", None));
            assert_eq!(object.key("badge"), None);
            assert!(object.set("bADGE", Some(json!(4))));
            let text = Value::Object(object.into_map()).to_string();
            assert!(text.ends_with("\"desk\":2,\"bADGE\":4}"), "{text}");
        }
    }

    #[test]
    fn of_members_that_differ_in_case_the_first_that_is_left_is_meant() {
        for fillers in FILLERS {
            let mut object = fields(filled(fillers, &json!({ "a": 1, "A": 2 })));
            assert!(object.set("A", Some(json!(3))));
            assert_eq!(object.key("A"), Some("a"));
            assert!(object.set("a", None));
            assert!(object.set("a", Some(json!(4))));
            assert_eq!(Value::Object(object.into_map()), filled(fillers, &json!({ "A": 4 })));
        }
    }

    #[test]
    fn an_object_is_changed_inside_and_goes_when_it_is_empty() {
        let mut object = fields(json!({ "desk": { "floor": 1 }, "badge": "text" }));
        assert!(object.inside("Desk", |desk| desk.set("no", Some(json!(2)))));
        assert!(!object.inside("desk", |desk| desk.set("NO", Some(json!(2)))));
        // Read as a whole while it is open.
        assert!(!object.set("desk", Some(json!({ "no": 2, "floor": 1 }))));
        assert!(object.inside("desk", |desk| desk.set("no", None) && desk.set("floor", None)));
        assert_eq!(object.shape("badge"), Shape::Simple);
        object.set("badge", None);
        assert_eq!((object.shape("badge"), object.shape("desk")), (Shape::Absent, Shape::Absent));
        assert!(!object.inside("other", |other| other.set("no", None)));
        assert!(object.into_map().is_empty());
    }

    #[test]
    fn members_that_come_and_go_make_an_index_that_is_right() {
        let mut object = fields(json!({}));
        for n in 0..5 * UNINDEXED {
            assert!(object.set("a", Some(json!(n))) && object.set("A", None));
            assert!(object.set(&format!("b{n}"), Some(json!(n))));
        }
        assert_eq!(object.key("B7"), Some("b7"));
        let expected: Map<String, Value> = (0..5 * UNINDEXED).map(|n| (format!("b{n}"), json!(n))).collect();
        assert_eq!(object.into_map(), expected);
    }
}
