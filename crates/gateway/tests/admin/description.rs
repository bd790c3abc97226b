//! Whether the API does what its OpenAPI description says: every exchange of every test is held to it.

use jsonschema::Validator;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    sync::{LazyLock, Mutex},
};
use test_support::Response;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::to_value(admin::api::document()).expect("JSON");
    let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
    // What is a part of something else cannot say what else that has.
    let parts: HashSet<String> = schemas.values().flat_map(parts).collect();
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !parts.contains(*name)) {
        close(schema);
    }
    document
});

/// The schemas that this one is put together from, by name.
fn parts(schema: &Value) -> Vec<String> {
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let name = |part: &Value| part["$ref"].as_str()?.rsplit('/').next().map(str::to_owned);
    parts.filter_map(name).collect()
}

/// Forbids what a schema of an object does not name.
fn close(schema: &mut Value) {
    let is_open = |schema: &Value| schema.get("additionalProperties").is_none();
    let names = |schema: &Value| ["properties", "allOf", "$ref"].iter().any(|key| schema.get(key).is_some());
    if names(schema) && is_open(schema) {
        schema["unevaluatedProperties"] = json!(false);
    }
}

/// Holds an exchange to the description; a path that it does not have is none of its business.
pub(super) fn check(method: &str, path: &str, body: &str, response: &Response) {
    let path = path.split('?').next().unwrap_or_default();
    let Some(operation) = operation(method, path) else { return };
    let place = format!("{method} {path}: {}: {}", response.status, response.text());
    let responses = &operation["responses"];
    let described = match responses.get(response.status.to_string()) {
        Some(described) => described,
        None if response.status >= 400 => &responses["default"],
        None => panic!("{place}: this status is not described"),
    };
    match described["content"].as_object().and_then(|content| content.iter().next()) {
        None => assert!(response.body.is_empty(), "{place}: a body that is not described"),
        Some((media_type, content)) => {
            let sent = response.header("content-type").unwrap_or_default();
            assert_eq!(sent.split(';').next(), Some(media_type.as_str()), "{place}");
            if media_type.ends_with("json") {
                hold(&content["schema"], &response.json, &place);
            }
        }
    }
    if response.status < 300 && !body.is_empty() && body != "{}" {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{place}: {body}: a body that is not described was taken");
        let sent: Value = serde_json::from_str(body).expect("JSON");
        hold(schema, &sent, &format!("{place}: {sent}"));
    }
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = format!("{}{path}", admin::api::PREFIX);
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let (_, found) = paths.iter().find(|(template, _)| is_of(template, &path))?;
    found.get(method.to_lowercase())
}

/// Whether a path is one of a template with `{…}` for variable parts.
fn is_of(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part.starts_with('{') || part == given => {}
            _ => return false,
        }
    }
}

fn hold(schema: &Value, value: &Value, place: &str) {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);
    let key = schema.to_string();
    let validator = *VALIDATORS.lock().expect("no panic").entry(key).or_insert_with(|| {
        let mut whole = schema.clone();
        close(&mut whole);
        whole["components"] = DOCUMENT["components"].clone();
        Box::leak(Box::new(jsonschema::validator_for(&whole).expect("a schema")))
    });
    let faults: Vec<String> =
        validator.iter_errors(value).map(|fault| format!("{} {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{place}\nis not as described: {}", faults.join("\n"));
}

#[test]
#[should_panic(expected = "is not as described")]
fn what_is_not_described_is_found() {
    let answer = json!({"name": "Contoso", "surprise": true});
    hold(&json!({"$ref": "#/components/schemas/Tenant"}), &answer, "a test");
}
