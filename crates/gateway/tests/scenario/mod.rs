//! Scenarios as data: requests in order, and what their answers must hold.

use crate::world::Tenant;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One request and its answer. `${name}` in texts stands for what an earlier step saved, `${base}` for the Tenant URL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// What it shows.
    say: String,
    method: String,
    /// Path and query as one would say them; percent-encoded on their way.
    path: String,
    body: Option<Value>,
    /// A body that is no JSON.
    text: Option<String>,
    status: u16,
    /// Values of the answer by JSON pointer.
    #[serde(default)]
    expect: BTreeMap<String, Value>,
    /// Pointers to what the answer must not hold.
    #[serde(default)]
    absent: Vec<String>,
    /// Names for values of the answer, by JSON pointer.
    #[serde(default)]
    save: BTreeMap<String, String>,
}

/// Plays the steps of a file for a tenant.
pub(crate) fn play(tenant: &Tenant<'_>, file: &str) {
    let steps: Vec<Step> = serde_json::from_str(file).expect("scenario");
    assert!(!steps.is_empty());
    let mut saved = BTreeMap::from([("base".to_owned(), tenant.url().to_owned())]);
    for step in steps {
        let path = encode(&fill_text(&step.path, &saved));
        let body = step.body.map(|body| fill(body, &saved).to_string()).or(step.text);
        let answer = tenant.send_text(&step.method, &path, body.as_deref());
        assert_eq!(answer.status, step.status, "{}: {}", step.say, answer.text());
        if answer.status != 204 {
            assert_eq!(answer.header("content-type"), Some("application/scim+json"), "{}", step.say);
        }
        for (name, pointer) in step.save {
            let value = answer.json.pointer(&escape(&pointer)).and_then(Value::as_str);
            saved.insert(name, value.unwrap_or_else(|| panic!("{}: no {pointer}", step.say)).to_owned());
        }
        for (pointer, expected) in step.expect {
            let found = answer.json.pointer(&escape(&pointer));
            assert_eq!(found, Some(&fill(expected, &saved)), "{}: {pointer} in {}", step.say, answer.text());
        }
        for pointer in step.absent {
            let found = answer.json.pointer(&escape(&pointer));
            assert_eq!(found, None, "{}: {pointer} in {}", step.say, answer.text());
        }
    }
}

/// Nothing of ours needs `~` in a pointer.
fn escape(pointer: &str) -> String {
    pointer.replace('~', "~0")
}

fn fill(value: Value, saved: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => fill_text(&text, saved).into(),
        Value::Array(list) => list.into_iter().map(|value| fill(value, saved)).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, fill(value, saved))).collect(),
        other => other,
    }
}

fn fill_text(text: &str, saved: &BTreeMap<String, String>) -> String {
    let fill = |text: String, (name, value): (&String, &String)| text.replace(&format!("${{{name}}}"), value);
    let text = saved.iter().fold(text.to_owned(), fill);
    assert!(!text.contains("${"), "nothing was saved for {text}");
    text
}

/// Percent-encodes what a URL does not take as it is.
pub(crate) fn encode(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?&=+:,%".contains(&byte);
    path.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
