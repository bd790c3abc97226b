//! Takes keys out of the tree of settings one by one and remembers what was wrong.

use super::kinds::Kind;
use config::{Map, Value, ValueKind};
use std::collections::BTreeMap;

/// The settings not yet taken.
pub(super) struct Reader {
    left: BTreeMap<String, Value>,
    wrong: Vec<String>,
}

impl Reader {
    pub(super) fn new(tree: Map<String, Value>) -> Reader {
        let mut left = BTreeMap::new();
        flatten("", tree, &mut left);
        Reader { left, wrong: Vec::new() }
    }

    /// Takes a key; none if its value is wrong, which is remembered.
    pub(super) fn take<K: Kind>(&mut self, key: &'static str) -> Option<K> {
        let Some(value) = self.left.remove(key) else {
            self.wrong.push(format!("{key}: is missing"));
            return None;
        };
        let origin = origin(&value);
        match K::read(value) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.wrong.push(format!("{key}: {reason}{origin}"));
                None
            }
        }
    }

    /// Everything that was wrong; a key that nobody took is a mistyped one.
    pub(super) fn finish(mut self) -> Vec<String> {
        let unknown =
            self.left.iter().map(|(key, value)| format!("{key}: is not a setting{}", origin(value)));
        self.wrong.extend(unknown);
        self.wrong
    }
}

fn origin(value: &Value) -> String {
    value.origin().map(|origin| format!(" (in {origin})")).unwrap_or_default()
}

fn flatten(prefix: &str, tree: Map<String, Value>, leaves: &mut BTreeMap<String, Value>) {
    for (key, value) in tree {
        let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        match value.kind {
            ValueKind::Table(inner) => flatten(&key, inner, leaves),
            _ => {
                leaves.insert(key, value);
            }
        }
    }
}
