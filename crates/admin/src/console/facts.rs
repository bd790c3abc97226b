//! A user or group as people read it: its attributes by schema, each with its values on lines of their own.

use serde_json::{Map, Value};

/// The attributes of one schema.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) title: String,
    /// The URN of an extension.
    pub(super) urn: Option<String>,
    /// Names and values.
    pub(super) facts: Vec<(String, Vec<String>)>,
}

/// What stands elsewhere on the page, or says nothing to people.
const ELSEWHERE: [&str; 5] = ["schemas", "meta", "groups", "members", "id"];

/// The sections of a resource in the form of SCIM: its own attributes first, then each extension.
pub(super) fn sections(resource: &Value) -> Vec<Section> {
    let Some(resource) = resource.as_object() else { return Vec::new() };
    let (mut own, mut sections) = (Map::new(), Vec::new());
    for (name, value) in resource.iter().filter(|(name, _)| !ELSEWHERE.contains(&name.as_str())) {
        match value {
            Value::Object(attributes) if name.starts_with("urn:") => sections.push(Section {
                title: extension_title(name),
                urn: Some(name.clone()),
                facts: facts(attributes),
            }),
            _ => drop(own.insert(name.clone(), value.clone())),
        }
    }
    sections.insert(0, Section { title: "Attributes".to_owned(), urn: None, facts: facts(&own) });
    sections
}

/// `…:extension:enterprise:2.0:User` is the extension `enterprise`.
fn extension_title(urn: &str) -> String {
    let word = urn.split(':').skip_while(|part| *part != "extension").nth(1);
    word.map_or_else(|| "Extension".to_owned(), |word| format!("Extension “{word}”"))
}

fn facts(attributes: &Map<String, Value>) -> Vec<(String, Vec<String>)> {
    let mut facts = Vec::new();
    for (name, value) in attributes {
        match value {
            Value::Object(parts) => {
                let parts = parts.iter().map(|(part, value)| (format!("{name}.{part}"), lines(value)));
                facts.extend(parts.filter(|(_, lines)| !lines.is_empty()));
            }
            value => facts.push((name.clone(), lines(value))),
        }
    }
    facts.retain(|(_, lines)| !lines.is_empty());
    facts
}

/// One line for each value.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().map(element).filter(|line| !line.is_empty()).collect(),
        value => vec![element(value)],
    }
}

/// A value in one line: of an object the value first, then what else there is, by name where it does not speak for itself.
fn element(value: &Value) -> String {
    let Value::Object(parts) = value else { return plain(value) };
    let (mut first, mut rest) = (None, Vec::new());
    for (name, part) in parts {
        match (name.as_str(), part) {
            (_, Value::Null) | ("$ref", _) | ("primary", Value::Bool(false)) => {}
            ("value", part) => first = Some(plain(part)),
            ("primary", Value::Bool(true)) => rest.push("primary".to_owned()),
            ("type", Value::String(word)) => rest.push(word.clone()),
            (name, part) => rest.push(format!("{name} {}", plain(part))),
        }
    }
    match (first, rest.is_empty()) {
        (Some(first), true) => first,
        (Some(first), false) => format!("{first} ({})", rest.join(", ")),
        (None, _) => rest.join(", "),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_user_is_told_by_schema_and_value() {
        let user = json!({
            "schemas": ["x"], "id": "1", "userName": "ana", "active": true,
            "name": {"givenName": "Ana", "familyName": null},
            "emails": [{"value": "a@b.c", "type": "work", "primary": true}, {"value": "x@y.z", "primary": false}],
            "addresses": [{"type": "work", "locality": "Bern", "country": "CH"}],
            "roles": [], "nickName": null,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
                {"department": "R&D", "manager": {"value": "7", "$ref": "https://x"}},
            "meta": {"version": "1"}
        });
        let [own, enterprise] = sections(&user).try_into().unwrap();
        let fact = |name: &str, lines: &[&str]| {
            (name.to_owned(), lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
        };
        let mut facts = own.facts;
        facts.sort();
        assert_eq!(
            facts,
            [
                fact("active", &["yes"]),
                fact("addresses", &["work, locality Bern, country CH"]),
                fact("emails", &["a@b.c (work, primary)", "x@y.z"]),
                fact("name.givenName", &["Ana"]),
                fact("userName", &["ana"]),
            ]
        );
        assert_eq!(enterprise.title, "Extension “enterprise”");
        assert!(enterprise.facts.contains(&fact("manager.value", &["7"])), "{enterprise:?}");
        assert_eq!(sections(&json!("text")), []);
    }
}
