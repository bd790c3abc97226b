//! The work of a request grows with its size and with the size of what is stored, never with the product of the two.
//! Steps are counted, not time, so the bounds hold on every machine.

use proptest::prelude::*;
use scim::{
    Profile, ScimError, json,
    patch::{MAX_OPERATIONS, MAX_STEPS, PatchRequest, Patched},
    projection::{MAX_NAMES, Projection},
    resource,
    schema::{ResourceKind, ResourceType},
    steps, urn,
    value::MAX_VALUES,
};
use serde_json::{Map, Value, json};

/// An extension that no schema describes.
const EXTENSION: &str = "urn:acme:2.0:User";

fn user_type() -> &'static ResourceType {
    ResourceType::of(ResourceKind::User)
}

/// An object with `members` members.
fn object(members: usize) -> Value {
    Value::Object((0..members).map(|n| (format!("k{n}"), json!("v"))).collect())
}

/// A user with `keys` keys in the first extension, `extensions` extensions, and `emails` e-mail addresses.
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

/// Applies operations to a user. Returns what came of it, the steps, and the size of request and document in bytes.
fn patch(document: &Map<String, Value>, operations: Vec<Value>) -> (Result<Patched, ScimError>, u64, usize) {
    let body = json!({ "Operations": operations });
    let size = json::size(&body) + json::size(&Value::Object(document.clone()));
    measure(size, || PatchRequest::parse(Profile::Entra, body)?.apply(user_type(), Profile::Entra, document))
}

fn draft(profile: Profile, body: Value) -> (Result<resource::Draft, ScimError>, u64, usize) {
    let size = json::size(&body);
    measure(size, || resource::draft(user_type(), profile, body))
}

/// The steps of `work`, and the size of its input. What is not counted as a step, a copy above all, shows in the memory
/// that it takes.
fn measure<T>(size: usize, work: impl FnOnce() -> T) -> (T, u64, usize) {
    let mut measured = None;
    let memory = allocation_counter::measure(|| measured = Some(steps::of(work)));
    let (result, taken) = measured.unwrap();
    // A value in memory is several times as long as its text, and a step through a list may index a value.
    let bound = 100 * (size as u64 + 1_000) + 256 * taken;
    assert!(memory.bytes_total <= bound, "{} bytes were allocated for {size}", memory.bytes_total);
    (result, taken, size)
}

/// How an operation in an extension is written.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Set,
    SetInOddCase,
    Remove,
    SetPart,
    RemovePart,
    Merge,
    ReplaceByObject,
    NewExtension,
    RemoveExtension,
    AddPart,
    AddToList,
    RemoveByParts,
}

const SHAPES: [Shape; 12] = [
    Shape::Set,
    Shape::SetInOddCase,
    Shape::Remove,
    Shape::SetPart,
    Shape::RemovePart,
    Shape::Merge,
    Shape::ReplaceByObject,
    Shape::NewExtension,
    Shape::RemoveExtension,
    Shape::AddPart,
    Shape::AddToList,
    Shape::RemoveByParts,
];

impl Shape {
    fn operation(self, n: usize) -> Value {
        let path = |name: String| format!("{EXTENSION}:{name}");
        let remove = |path: String| json!({ "op": "remove", "path": path });
        let add = |path: String, value: Value| json!({ "op": "add", "path": path, "value": value });
        match self {
            Shape::Set => add(path(format!("k{n}")), json!("w")),
            Shape::SetInOddCase => add(path(format!("K{n}")), json!(n)),
            Shape::Remove => remove(path(format!("k{n}"))),
            Shape::SetPart => add(path(format!("desk.k{n}")), json!("w")),
            Shape::RemovePart => remove(path(format!("desk.k{n}"))),
            Shape::Merge => add(EXTENSION.to_owned(), json!({ format!("k{n}"): "m", format!("n{n}"): "m" })),
            Shape::ReplaceByObject => add(path("desk".to_owned()), json!({ format!("k{n}"): "m" })),
            Shape::NewExtension => add(format!("urn:acme:n{n}:2.0:User"), json!({ "a": n })),
            Shape::RemoveExtension => remove(format!("urn:acme:x{n}:2.0:User")),
            Shape::AddPart => add(path("desk".to_owned()), json!({ "inner": { format!("k{n}"): n } })),
            Shape::AddToList => add(path(format!("list{}", n % 50)), json!([n])),
            Shape::RemoveByParts => {
                json!({ "op": "remove", "path": path("desk".to_owned()), "value": { format!("k{n}"): "v" } })
            }
        }
    }
}

#[test]
fn a_patch_of_many_operations_on_a_user_of_many_keys_takes_a_few_steps_for_each_of_them() {
    let mut user = user(100_000, 5_000, 0);
    user[EXTENSION]["desk"] = object(5_000);
    for shape in SHAPES {
        let operations = (0..MAX_OPERATIONS).map(|n| shape.operation(n)).collect();
        let (patched, taken, size) = patch(&user, operations);
        assert!(patched.unwrap().changed);
        assert!(taken <= 2 * size as u64, "{shape:?}: {taken} steps for {size} bytes");
    }
    // Opened and replaced in turn.
    let operations = (0..MAX_OPERATIONS).map(|n| SHAPES[n % SHAPES.len()].operation(n)).collect();
    let (patched, taken, size) = patch(&user, operations);
    assert!(patched.unwrap().changed);
    assert!(taken <= 2 * size as u64, "{taken} steps for {size} bytes");
}

/// A value of many parts, nested as deeply as a body may be.
fn nested(width: usize) -> Value {
    (0..20).fold(object(width), |inner, n| json!({ format!("d{n}"): inner, "beside": [inner_leaf(n)] }))
}

fn inner_leaf(n: usize) -> Value {
    json!({ "leaf": n })
}

#[test]
fn deep_values_are_walked_once_for_each_time_they_are_sent() {
    let mut user = user(0, 0, 0);
    user.insert(EXTENSION.to_owned(), json!({ "deep": nested(3_000), "other": nested(3_000) }));
    let operations = (0..MAX_OPERATIONS)
        .map(|n| json!({ "op": "add", "path": format!("{EXTENSION}:deep"), "value": { "d19": nested(n % 3), "n": n } }));
    let (patched, taken, size) = patch(&user, operations.collect());
    assert!(patched.unwrap().changed);
    assert!(taken <= 2 * size as u64, "{taken} steps for {size} bytes");
}

/// An operation on the e-mail addresses, one shape for each `n`.
fn email_operation(n: usize, values: usize) -> Value {
    let many = (0..values).map(|m| json!({ "value": format!("{n}-{m}@example.com"), "display": "d" }));
    let work = "emails[type eq \"work\"]";
    match n % 8 {
        0 => json!({ "op": "add", "path": format!("{work}.display"), "value": n.to_string() }),
        1 => {
            json!({ "op": "replace", "path": format!("emails[value eq \"{n}@example.com\"].type"), "value": "home" })
        }
        2 => json!({ "op": "add", "path": "emails", "value": many.collect::<Value>() }),
        3 => json!({ "op": "remove", "path": "emails", "value": many.collect::<Value>() }),
        4 => json!({ "op": "replace", "path": "emails.display", "value": n.to_string() }),
        5 => json!({ "op": "remove", "path": format!("emails[value co \"x\" or value co \"{n}-\"]") }),
        6 => json!({ "op": "add", "path": work, "value": { "display": "x".repeat(values) } }),
        _ => {
            json!({ "op": "add", "path": "emails", "value": [{ "type": "work", "display": n.to_string() }] })
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_patch_of_lists_stays_within_its_budget(
        emails in 0..=MAX_VALUES,
        operations in 1..MAX_OPERATIONS,
        values in 1..40usize,
        shape in 0..16usize,
    ) {
        let user = user(0, 0, emails);
        // One shape alone, or all of them in turn.
        let shape = |n: usize| if shape < 8 { shape } else { n };
        let operations = (0..operations).map(|n| email_operation(shape(n), values)).collect();
        let (patched, taken, size) = patch(&user, operations);
        // To weigh a value takes more steps than are spent for it: one for each of its parts.
        prop_assert!(taken <= (size + 4 * MAX_STEPS) as u64, "{taken} steps for {size} bytes");
        if let Err(error) = patched {
            prop_assert!(error.status == 413 || error.status == 400, "{error:?}");
        }
    }
}

/// An operation on a list in an extension that no schema describes, one shape for each `n`.
fn untyped_operation(n: usize, values: usize) -> Value {
    let many = (0..values).map(|m| json!({ "value": format!("{n}-{m}"), "Label": "l" }));
    let path = |rest: &str| format!("{EXTENSION}:links{rest}");
    match n % 9 {
        0 => json!({ "op": "add", "path": path("[type eq \"work\"].label"), "value": n.to_string() }),
        1 => json!({ "op": "replace", "path": path(&format!("[value eq \"{n}\"].type")), "value": "home" }),
        2 => json!({ "op": "add", "path": path(""), "value": many.collect::<Value>() }),
        3 => json!({ "op": "remove", "path": path(""), "value": many.collect::<Value>() }),
        4 => json!({ "op": "replace", "path": path(".label"), "value": n.to_string() }),
        5 => json!({ "op": "remove", "path": path(&format!("[value co \"x\" or value co \"{n}-\"]")) }),
        6 => {
            json!({ "op": "add", "path": path("[type eq \"work\"]"), "value": { "label": "x".repeat(values) } })
        }
        7 => json!({ "op": "add", "path": path(""), "value": [{ "type": "work", "label": n.to_string() }] }),
        _ => json!({ "op": "remove", "path": path(""), "value": [{ "LABEL": "l", "value": n.to_string() }] }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_patch_of_lists_without_a_schema_stays_within_its_budget(
        links in 0..3 * MAX_VALUES,
        operations in 1..MAX_OPERATIONS,
        values in 1..40usize,
        parts in 0..40usize,
        shape in 0..18usize,
    ) {
        let mut user = user(1, 0, 0);
        let link = |n: usize| {
            let mut link = object(parts);
            link["value"] = json!(n.to_string());
            link["type"] = json!("work");
            link
        };
        user[EXTENSION]["links"] = (0..links).map(link).collect();
        let shape = |n: usize| if shape < 9 { shape } else { n };
        let operations = (0..operations).map(|n| untyped_operation(shape(n), values)).collect();
        let (patched, taken, size) = patch(&user, operations);
        // To look at an element takes several steps for each that is spent: for each of its parts.
        prop_assert!(taken <= (size + 64 * MAX_STEPS) as u64, "{taken} steps for {size} bytes");
        if let Err(error) = patched {
            prop_assert!(error.status == 413 || error.status == 400, "{error:?}");
        }
    }
}

#[test]
fn a_list_that_grows_by_copies_of_one_long_value_is_refused_before_it_is_made() {
    let value = "x".repeat(1_000_000);
    let operations = vec![json!({ "op": "add", "path": "emails.display", "value": value })];
    let (patched, ..) = patch(&user(0, 0, MAX_VALUES), operations);
    assert_eq!(patched.unwrap_err().status, 413);
}

#[test]
fn lists_as_long_as_they_may_be_can_be_added_and_removed() {
    let emails = user(0, 0, MAX_VALUES)["emails"].clone();
    for (op, document, left) in [("add", user(0, 0, 0), MAX_VALUES), ("remove", user(0, 0, MAX_VALUES), 0)] {
        let (patched, taken, size) =
            patch(&document, vec![json!({ "op": op, "path": "emails", "value": emails })]);
        let left_there =
            patched.unwrap().document.get("emails").map_or(0, |list| list.as_array().unwrap().len());
        assert_eq!(left_there, left);
        assert!(taken <= 2 * size as u64, "{op}: {taken} steps for {size} bytes");
    }
}

#[test]
fn a_body_of_post_or_put_takes_a_few_steps_for_each_of_its_parts() {
    let lists: Map<String, Value> = ["emails", "phoneNumbers", "photos", "ims", "roles", "entitlements"]
        .map(|name| (name.to_owned(), (0..MAX_VALUES).map(|n| json!({ "value": n.to_string() })).collect()))
        .into_iter()
        .collect();
    let unknown = |count: usize| (0..count).map(|n| (format!("u{n}"), json!(n))).collect::<Map<_, _>>();
    let mut bodies = vec![user(100_000, 0, 0), user(0, 10_000, 0), lists, unknown(100_000)];
    bodies.push(Map::from_iter([("name".to_owned(), Value::Object(unknown(100_000)))]));
    bodies.push(Map::from_iter([(EXTENSION.to_owned(), nested(3_000))]));
    let hollow = vec![json!({ "type": "work" }); MAX_VALUES];
    bodies.push(Map::from_iter([("emails".to_owned(), Value::Array(hollow))]));
    for (n, mut body) in bodies.into_iter().enumerate() {
        body.insert("userName".to_owned(), json!("u"));
        let (drafted, taken, size) = draft(Profile::Entra, Value::Object(body));
        assert!(drafted.is_ok(), "body {n}");
        assert!(taken <= 2 * size as u64, "body {n}: {taken} steps for {size} bytes");
    }
    // To the letter of the RFC every extension is looked up among the schemas that the body names.
    let mut body = user(0, 10_000, 0);
    let schemas: Value = std::iter::once(urn::USER).chain(body.keys().map(String::as_str)).rev().collect();
    body.insert("schemas".to_owned(), schemas);
    let (drafted, taken, size) = draft(Profile::Rfc, Value::Object(body));
    assert!(drafted.is_ok());
    assert!(taken <= 2 * size as u64, "{taken} steps for {size} bytes");
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
