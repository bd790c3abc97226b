//! The work of a request grows with its size and with the size of what is stored, never with the product of the two.
//! Steps are counted, not time, so the bounds hold on every machine.

use proptest::prelude::*;
use scim::{
    json,
    projection::{MAX_NAMES, Projection},
    schema::{ResourceKind, ResourceType},
    steps,
};
use serde_json::{Map, Value, json};

/// An extension that no schema describes.
const EXTENSION: &str = "urn:acme:2.0:User";

fn user_type() -> &'static ResourceType {
    ResourceType::of(ResourceKind::User)
}

/// An object with so many members.
fn object(members: usize) -> Value {
    Value::Object((0..members).map(|n| (format!("k{n}"), json!("v"))).collect())
}

/// A user with so many keys in one extension, so many extensions, and so many e-mail addresses.
fn user(keys: usize, extensions: usize, emails: usize) -> Map<String, Value> {
    let mut user = Map::from_iter([
        ("schemas".to_owned(), json!([user_type().schema.id])),
        ("userName".to_owned(), json!("u")),
    ]);
    if emails > 0 {
        let emails = (0..emails).map(|n| json!({ "value": format!("{n}@example.com"), "type": "work" }));
        user.insert("emails".to_owned(), emails.collect());
    }
    if keys > 0 {
        user.insert(EXTENSION.to_owned(), object(keys));
    }
    user.extend((0..extensions).map(|n| (format!("urn:acme:x{n}:2.0:User"), json!({ "a": "b" }))));
    user
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_projection_looks_at_each_key_once(
        names in 0..=MAX_NAMES,
        keys in 0..3000usize,
        extensions in 0..300usize,
        emails in 0..300usize,
        excludes in any::<bool>(),
    ) {
        let names = (0..names).map(|n| match n % 4 {
            0 => format!("{EXTENSION}:k{n}"),
            1 => format!("urn:acme:x{n}:2.0:User"),
            2 => "emails.value".to_owned(),
            _ => format!("a{n}"),
        });
        let names = names.collect::<Vec<_>>().join(",");
        let (attributes, excluded) = if excludes { (None, Some(&*names)) } else { (Some(&*names), None) };
        let projection = Projection::parse(user_type(), attributes, excluded).unwrap();
        let mut user = user(keys, extensions, emails);
        let size = json::size(&Value::Object(user.clone()));
        let ((), taken) = steps::of(|| projection.apply(&mut user));
        prop_assert!(taken <= size as u64, "{taken} steps for {size} bytes");
    }
}
