//! Effects of requests with many of them: the first of each kind are listed, all of them are counted.

use scim::{
    Profile,
    effect::{Count, MAX_LISTED, Outcome, counts},
    patch::{MAX_OPERATIONS, PatchRequest},
    resource,
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Map, Value, json};

fn user_type() -> &'static ResourceType {
    ResourceType::of(ResourceKind::User)
}

/// `count` attributes that no schema describes.
fn unknown(count: usize) -> Map<String, Value> {
    (0..count).map(|n| (format!("unknown{n}"), json!(n))).collect()
}

#[test]
fn a_body_of_many_unknown_attributes_has_few_effects() {
    let mut body = unknown(100_000);
    body.insert("userName".to_owned(), json!("u"));
    body.insert("active".to_owned(), json!("True"));
    body.insert("name".to_owned(), Value::Object(unknown(1_000)));
    let draft = resource::draft(user_type(), Profile::Entra, Value::Object(body)).unwrap();
    assert_eq!(
        counts(&draft.effects),
        [
            Count { outcome: Outcome::Ignored, rule: Some("unknownAttribute"), count: 101_000 },
            Count { outcome: Outcome::Coerced, rule: Some("booleanText"), count: 1 },
        ]
    );
    assert_eq!(draft.effects.len(), MAX_LISTED + 1);
    let paths: Vec<&str> = draft.effects.iter().map(|effect| effect.path.as_str()).collect();
    assert_eq!((paths[0], paths[MAX_LISTED - 1], paths[MAX_LISTED]), ("unknown0", "unknown19", "active"));
    let text = json!(draft.effects);
    assert_eq!(text[MAX_LISTED - 1]["more"], 100_980);
    assert_eq!(text[0].get("more"), None, "an effect looks as it always did");
    assert!(text.to_string().len() < 3_000);
}

#[test]
fn a_patch_of_many_operations_has_few_effects() {
    let document = Map::from_iter([("userName".to_owned(), json!("u"))]);
    let unknown = json!({ "op": "add", "path": "emails", "value": [{ "value": "a", "x": 1, "y": 2 }] });
    let mut operations = vec![unknown; MAX_OPERATIONS / 2];
    operations.extend(
        (0..MAX_OPERATIONS / 2).map(|n| json!({ "op": "add", "path": "title", "value": n.to_string() })),
    );
    let request = PatchRequest::parse(Profile::Entra, json!({ "Operations": operations })).unwrap();
    let patched = request.apply(user_type(), Profile::Entra, &document).unwrap();
    assert_eq!(
        counts(&patched.effects),
        [
            Count { outcome: Outcome::Ignored, rule: Some("unknownAttribute"), count: 2_000 },
            Count { outcome: Outcome::Applied, rule: None, count: 1_000 },
        ]
    );
    let of_title = patched.effects.iter().filter(|effect| effect.path == "title");
    assert_eq!(
        of_title.map(|effect| effect.operation).collect::<Vec<_>>(),
        (1_000..1_020).collect::<Vec<_>>()
    );
}
