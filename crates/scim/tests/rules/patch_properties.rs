//! What holds of every PATCH: an add never takes anything away, and a replace can be taken back.

use crate::sound;
use proptest::prelude::*;
use scim::{
    Profile,
    patch::PatchRequest,
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// An extension that no schema describes.
const OWN: &str = "urn:example:own:2.0:User";

fn apply(profile: Profile, document: &Map<String, Value>, operation: &Value) -> Option<Map<String, Value>> {
    let user = ResourceType::of(ResourceKind::User);
    let body =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
    let patched = PatchRequest::parse(profile, body).ok()?.apply(user, profile, document).ok()?;
    sound::check(user, &patched.document);
    Some(patched.document)
}

fn word() -> impl Strategy<Value = Value> {
    prop::sample::select(vec!["a", "A", "b", "work", "home"]).prop_map(Value::from)
}

/// A value without nulls and empty values, as an extension that no schema describes may hold it.
fn kept() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![4 => word(), 1 => any::<bool>().prop_map(Value::from), 1 => (0..3i64).prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let name = prop::sample::select(vec!["value", "type", "label", "Label"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 1..4).prop_map(|parts| {
                // A name once: which of two spellings is meant is another question.
                let mut seen = BTreeSet::new();
                let parts = parts.into_iter().filter(|(name, _)| seen.insert(name.to_lowercase()));
                Value::Object(parts.map(|(name, part)| (name.to_owned(), part)).collect())
            }),
        ]
    })
}

fn email() -> impl Strategy<Value = Value> {
    let parts = (word(), prop::option::of(word()), prop::option::of(any::<bool>()));
    parts.prop_map(|(value, kind, primary)| {
        let mut email = json!({ "value": value });
        kind.into_iter().for_each(|kind| email["type"] = kind);
        primary.into_iter().for_each(|primary| email["primary"] = primary.into());
        email
    })
}

/// A value as a client sends it, nulls and empty values among it.
fn sent() -> impl Strategy<Value = Value> {
    let empty = prop::sample::select(vec![
        Value::Null,
        json!(""),
        json!([]),
        json!({}),
        json!([null]),
        json!({ "value": "" }),
        json!({ "value": null, "type": "work" }),
        json!([{ "type": "work", "value": "" }, { "value": "a" }]),
        json!({ "foo": "bar" }),
        json!([{ "foo": "bar" }]),
        json!({ "givenName": null, "formatted": "a" }),
        json!([{ "givenName": "", "formatted": "a" }]),
    ]);
    prop_oneof![
        3 => kept(),
        3 => empty,
        2 => prop::collection::vec(email(), 1..4).prop_map(Value::from),
        1 => email(),
    ]
}

fn document() -> impl Strategy<Value = Map<String, Value>> {
    let own = prop::collection::btree_map(prop::sample::select(vec!["tags", "links", "addr"]), kept(), 0..3);
    let emails = prop::sample::subsequence(
        vec![
            json!({ "value": "a", "type": "work", "primary": true, "display": "A" }),
            json!({ "value": "b", "type": "work" }),
            json!({ "value": "a", "type": "home" }),
            json!({ "display": "a", "type": "home" }),
        ],
        0..=4,
    );
    let manager = prop::option::of(Just(json!({ "value": "a", "$ref": "../Users/a" })));
    (own, emails, manager, any::<bool>()).prop_map(|(own, emails, manager, active)| {
        let mut document = Map::new();
        let mut schemas = vec!["urn:ietf:params:scim:schemas:core:2.0:User"];
        document.insert("schemas".to_owned(), Value::Null);
        document.insert("userName".to_owned(), json!("u"));
        document.insert("active".to_owned(), json!(active));
        document.insert("title".to_owned(), json!("a"));
        document.insert("name".to_owned(), json!({ "givenName": "a", "familyName": "b" }));
        if !emails.is_empty() {
            document.insert("emails".to_owned(), json!(emails));
        }
        if let Some(manager) = manager {
            document.insert(ENTERPRISE.to_owned(), json!({ "department": "a", "manager": manager }));
            schemas.push(ENTERPRISE);
        }
        if !own.is_empty() {
            document.insert(OWN.to_owned(), json!(own));
            schemas.push(OWN);
        }
        document.insert("schemas".to_owned(), json!(schemas));
        document
    })
}

/// Paths of attributes as a whole, and paths of parts and of elements.
fn path() -> impl Strategy<Value = (Option<String>, bool)> {
    let whole = ["userName", "active", "title", "nickName", "name", "emails", "roles"].map(str::to_owned);
    let own = ["", ":tags", ":TAGS", ":links", ":addr", ":new"].map(|name| format!("{OWN}{name}"));
    let known = ["", ":manager", ":department"].map(|name| format!("{ENTERPRISE}{name}"));
    let parts =
        ["name.givenName", "emails.type", "emails[type eq \"work\"]", "emails[type eq \"work\"].value"];
    let own_parts = [
        ":addr.label",
        ":links.value",
        ":links[type eq \"work\"]",
        ":links[value eq \"a\"].label",
        ":tags[value eq \"a\"]",
    ];
    let own_parts = own_parts.map(|name| format!("{OWN}{name}"));
    let manager = format!("{ENTERPRISE}:manager.value");
    let whole: Vec<String> = whole.into_iter().chain(own).chain(known).collect();
    let parts: Vec<String> = parts.map(str::to_owned).into_iter().chain(own_parts).chain([manager]).collect();
    prop_oneof![
        4 => prop::sample::select(whole).prop_map(|path| (Some(path), true)),
        3 => prop::sample::select(parts).prop_map(|path| (Some(path), false)),
        1 => Just((None, true)),
    ]
}

/// The names of all attributes and parts, whichever element of a list they stand in.
fn names(value: &Value, parent: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(parts) => parts.iter().for_each(|(name, part)| {
            let name = format!("{parent}/{}", name.to_lowercase());
            names(part, &name, found);
            found.insert(name);
        }),
        Value::Array(list) => list.iter().for_each(|value| names(value, parent, found)),
        _ => {}
    }
}

/// Whether what a list held is still there: the value itself, or one with its `value` and `type`.
fn keeps(before: &Value, after: &Value) -> bool {
    let part = |value: &Value, name: &str| {
        let parts = value.as_object()?;
        let found = parts.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(
            found
                .1
                .as_str()
                .filter(|_| name == "type")
                .map_or(found.1.clone(), |text| json!(text.to_lowercase())),
        )
    };
    match (before, after) {
        (Value::Object(parts), Value::Object(others)) if part(before, "value").is_some() => {
            let same = |name: &str| part(before, name) == part(after, name);
            same("value") && same("type") && parts.len() <= others.len()
        }
        (Value::Object(parts), Value::Object(_)) => {
            parts.iter().all(|(name, value)| name == "primary" || after.get(name) == Some(value))
        }
        (before, after) => before == after,
    }
}

/// Whether every list holds what it held before.
fn lists_keep(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(parts), Value::Object(others)) => parts.iter().all(|(name, part)| {
            let other = others.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            other.map_or(!part.is_array(), |(_, other)| lists_keep(part, other))
        }),
        (Value::Array(list), Value::Array(others)) => {
            list.iter().all(|value| others.iter().any(|other| keeps(value, other)))
        }
        (Value::Array(_), _) => false,
        _ => true,
    }
}

proptest! {
    #[test]
    fn an_add_never_takes_anything_away(
        document in document(),
        (path, whole) in path(),
        value in sent(),
        profile in prop::sample::select(Profile::ALL.to_vec()),
    ) {
        let operation = match &path {
            Some(path) => json!({ "op": "add", "path": path, "value": value }),
            None => json!({ "op": "add", "value": { "title": value.clone(), "emails": value.clone(), OWN: { "tags": value } } }),
        };
        if let Some(after) = apply(profile, &document, &operation) {
            let (before, after) = (Value::Object(document), Value::Object(after));
            let (mut named, mut left) = (BTreeSet::new(), BTreeSet::new());
            names(&before, "", &mut named);
            names(&after, "", &mut left);
            // The address of a resource goes with its id.
            let gone: Vec<_> = named.difference(&left).filter(|name| !name.ends_with("/manager/$ref")).collect();
            prop_assert!(gone.is_empty(), "{gone:?} gone from {before} by {operation}: {after}");
            prop_assert!(!whole || lists_keep(&before, &after), "{before} by {operation}: {after}");
        }
    }

    #[test]
    fn a_replace_can_be_taken_back(
        document in document(),
        place in 0..7usize,
        other in prop::sample::select(vec!["x", "y"]),
        profile in prop::sample::select(Profile::ALL.to_vec()),
    ) {
        // One value each, where the document has it: a path and what stands there.
        let own = document.get(OWN).and_then(|own| own.get("addr"));
        let home = document.get("emails").and_then(Value::as_array).into_iter().flatten();
        let home: Vec<&Value> = home.filter(|email| email["type"] == "home" && email.get("value").is_some()).collect();
        let (path, value) = match place {
            0 => ("title".to_owned(), Some(json!("a"))),
            1 => ("name.givenName".to_owned(), Some(json!("a"))),
            2 => ("name".to_owned(), Some(document["name"].clone())),
            3 => ("emails[type eq \"home\" and value pr].value".to_owned(), home.first().map(|email| email["value"].clone())),
            4 => (format!("{ENTERPRISE}:department"), document.get(ENTERPRISE).map(|known| known["department"].clone())),
            5 => (format!("{OWN}:addr"), own.filter(|own| !own.is_object()).cloned()),
            _ => (format!("{OWN}:addr.label"), own.and_then(|own| own.get("label")).filter(|label| !label.is_object()).cloned()),
        };
        if let Some(value) = value {
            let new = match place {
                2 => json!({ "givenName": other, "familyName": other }),
                _ => json!(other),
            };
            let replace = json!({ "op": "replace", "path": path, "value": new });
            let Some(there) = apply(profile, &document, &replace) else {
                // It keeps no extension that no schema describes.
                prop_assert!(profile == Profile::Interop && path.starts_with(OWN), "{path} is refused");
                return Ok(());
            };
            prop_assert_ne!(&there, &document);
            let back = apply(profile, &there, &json!({ "op": "replace", "path": path, "value": value })).unwrap();
            prop_assert_eq!(back, document, "{}", path);
        }
    }
}
