//! What differs between two JSON documents, line by line as people read it.

use serde_json::Value;
use std::collections::BTreeMap;

/// A value that was, is, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Where in the document: `name.familyName`, `roles[0]`.
    pub(crate) place: String,
    /// What was there.
    pub(crate) before: Option<String>,
    /// What is there.
    pub(crate) after: Option<String>,
}

/// The most differences of two documents that a page lists. A document may hold a hundred thousand values.
const MAX_LISTED: usize = 200;

/// What differs between two documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// The first differences, at most [`MAX_LISTED`].
    pub(crate) listed: Vec<Difference>,
    /// How many differences are not listed.
    pub(crate) more: usize,
}

impl Differences {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.listed.len() + self.more
    }

    /// Whether the documents are the same.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The values that are not the same in both, in the order of the documents. Text that is not JSON counts as one value.
pub(crate) fn differences(before: Option<&str>, after: Option<&str>) -> Differences {
    let (before, after) = (leaves(before), leaves(after));
    let found: BTreeMap<&str, &str> = before.iter().map(|(place, value)| (&**place, &**value)).collect();
    let kept: BTreeMap<&str, &str> = after.iter().map(|(place, value)| (&**place, &**value)).collect();
    let gone = before
        .iter()
        .filter(|(place, _)| !kept.contains_key(&**place))
        .map(|(place, value)| Difference { place: place.clone(), before: Some(value.clone()), after: None });
    let is_other = |(place, value): &&(String, String)| found.get(&**place) != Some(&&**value);
    let changed = after.iter().filter(is_other).map(|(place, value)| Difference {
        place: place.clone(),
        before: found.get(&**place).map(|value| (*value).to_owned()),
        after: Some(value.clone()),
    });
    let mut all = changed.chain(gone);
    let listed = all.by_ref().take(MAX_LISTED).collect();
    Differences { listed, more: all.count() }
}

/// The values that hold no others, each with its place.
fn leaves(text: Option<&str>) -> Vec<(String, String)> {
    let Some(text) = text else { return Vec::new() };
    let document = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let mut found = Vec::new();
    collect(&document, String::new(), &mut found);
    found
}

/// Documents are as deep as the parser lets them be, 128 at most.
fn collect(value: &Value, place: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                collect(value, place, found);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for (n, value) in values.iter().enumerate() {
                collect(value, format!("{place}[{n}]"), found);
            }
        }
        // Nothing is nothing: who reads `null` asks what it means.
        Value::Null => {}
        Value::String(text) => found.push((place, text.clone())),
        other => found.push((place, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(before: Option<&str>, after: Option<&str>) -> Vec<String> {
        let show = |value: &Option<String>| value.clone().unwrap_or("-".to_owned());
        let line = |d: &Difference| format!("{}: {} > {}", d.place, show(&d.before), show(&d.after));
        differences(before, after).listed.iter().map(line).collect()
    }

    #[test]
    fn only_what_differs_is_named() {
        let before =
            r#"{"state":"active","name":{"first":"A","last":"B"},"tags":["x","y"],"old":1,"same":null}"#;
        let after =
            r#"{"state":"suspended","name":{"first":"A","last":"C"},"tags":["x"],"new":true,"same":null}"#;
        assert_eq!(
            lines(Some(before), Some(after)),
            [
                "state: active > suspended",
                "name.last: B > C",
                "new: - > true",
                "tags[1]: y > -",
                "old: 1 > -"
            ]
        );
        assert_eq!(lines(Some(before), Some(before)), [""; 0]);
    }

    #[test]
    fn of_many_differences_the_first_are_listed() {
        let many = serde_json::json!({ "x": vec![0; MAX_LISTED + 7] }).to_string();
        for (before, after) in [(Some(&*many), None), (None, Some(&*many))] {
            let found = differences(before, after);
            assert_eq!((found.listed.len(), found.more, found.len()), (MAX_LISTED, 7, MAX_LISTED + 7));
        }
        assert!(differences(Some(&many), Some(&many)).is_empty());
    }

    #[test]
    fn what_is_new_or_gone_is_named_whole() {
        assert_eq!(lines(None, Some(r#"{"a":{"b":[]},"c":{}}"#)), ["a.b: - > []", "c: - > {}"]);
        assert_eq!(lines(Some("no JSON"), None), [": no JSON > -"]);
        assert_eq!(lines(None, None), [""; 0]);
    }
}
