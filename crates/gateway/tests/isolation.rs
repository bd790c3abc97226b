//! No tenant sees, changes, infers another: the same traffic gives the same bytes with and without a neighbour.

use crate::world::{Tenant, World};
use serde_json::{Value, json};
use std::collections::HashMap;
use test_support::{Backend, Database};

/// A tenant's day: creates, conflicts, filters, patches, groups, deletes. Returns what it was answered, with ids and
/// times replaced by the order in which they first appeared, so that two runs can be compared byte for byte.
fn day(tenant: &Tenant<'_>, interleave: impl Fn(usize)) -> Vec<String> {
    let mut transcript = Transcript::default();
    let user = |n: usize| {
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("user{n}@example.com"),
        "externalId": format!("e{n}"), "displayName": format!("User {}", n % 3), "active": true,
        "emails": [{"type": "work", "value": format!("user{n}@example.com"), "primary": true}]})
    };
    let mut ids = Vec::new();
    for n in 0..8 {
        interleave(n);
        let response = tenant.post("/Users", &user(n));
        ids.push(response.json["id"].as_str().unwrap_or_default().to_owned());
        transcript.add(&response.status.to_string(), &response.json);
        let again = tenant.post("/Users", &user(n));
        transcript.add(&again.status.to_string(), &again.json);
    }
    let group = tenant.post(
        "/Groups",
        &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "All",
            "members": ids.iter().map(|id| json!({"value": id})).collect::<Vec<_>>()}),
    );
    transcript.add("group", &group.json);
    for (n, query) in [
        "/Users?filter=userName%20eq%20%22USER3@example.com%22",
        "/Users?filter=displayName%20eq%20%22User%201%22",
        "/Users?filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22user5@example.com%22",
        "/Users?filter=not%20(active%20eq%20true)",
        "/Users?startIndex=3&count=2",
        "/Users?sortBy=userName&sortOrder=descending&count=3",
        "/Users?cursor&count=3",
        "/Groups?filter=displayName%20eq%20%22All%22",
        "/Users?filter=userName%20eq%20%22nobody%22",
        "/Schemas",
        "/ServiceProviderConfig",
    ]
    .iter()
    .enumerate()
    {
        interleave(n);
        let response = tenant.get(query);
        let mut json = response.json.clone();
        if let Some(object) = json.as_object_mut()
            && object.remove("nextCursor").is_some()
        {
            object.insert("nextCursor".into(), "present".into());
        }
        transcript.add(query, &json);
    }
    let disabled = tenant.patch(
        &format!("/Users/{}", ids[0]),
        &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}),
    );
    transcript.add("disabled", &disabled.json);
    transcript.add("deleted", &json!(tenant.delete(&format!("/Users/{}", ids[1])).status));
    transcript.add("after", &tenant.get("/Users").json);
    transcript.add("members", &tenant.get("/Groups").json);
    transcript.lines
}

#[derive(Default)]
struct Transcript {
    seen: HashMap<String, String>,
    lines: Vec<String>,
}

impl Transcript {
    fn add(&mut self, what: &str, json: &Value) {
        let text = self.redact(json).to_string();
        self.lines.push(format!("{what} {text}"));
    }

    fn redact(&mut self, json: &Value) -> Value {
        match json {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| match key.as_str() {
                    "created" | "lastModified" => {
                        assert!(
                            value.as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')),
                            "{value}"
                        );
                        (key.clone(), json!("[time]"))
                    }
                    _ => (key.clone(), self.redact(value)),
                })
                .collect(),
            Value::Array(list) => list.iter().map(|value| self.redact(value)).collect(),
            Value::String(text) => Value::String(self.redact_ids(text)),
            other => other.clone(),
        }
    }

    /// Each UUID in the text becomes `[id N]`, in the order of first appearance.
    fn redact_ids(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let head: String = rest.chars().take(36).collect();
            if head.len() == 36 && head.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && is_hex(&head) {
                let next = format!("[id {}]", self.seen.len());
                out.push_str(self.seen.entry(head).or_insert(next));
                rest = &rest[36..];
            } else {
                let first = rest.chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..first]);
                rest = &rest[first..];
            }
        }
        out
    }
}

fn is_hex(text: &str) -> bool {
    text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn differential(backend: Backend) {
    // Both worlds call themselves the same, so that locations are the same bytes.
    let start = || {
        World::with_settings(
            Database::Fresh(backend),
            &[("JUNO__SCIM__PUBLIC_URL", "https://scim.example.com")],
        )
    };
    let alone = start();
    let lines_alone = day(&alone.tenant("tenant-a"), |_| {});

    let crowded = start();
    let neighbour = crowded.tenant("tenant-b");
    let a = crowded.tenant("tenant-a");
    // The neighbour has the same people, and is busy between any two requests.
    let lines_crowded = day(&a, |n| {
        let name = format!("user{n}@example.com");
        neighbour.post(
            "/Users",
            &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "externalId": format!("e{n}"),
                "displayName": "User 1", "active": n % 2 == 0, "emails": [{"type": "work", "value": name}]}),
        );
        neighbour.post(
            "/Groups",
            &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "All"}),
        );
    });
    assert!(lines_alone.len() > 30);
    for (alone, crowded) in lines_alone.iter().zip(&lines_crowded) {
        assert_eq!(alone, crowded);
    }
    assert_eq!(lines_alone.len(), lines_crowded.len());

    // Ids of the neighbour are nothing here: not to be read, changed, deleted or made members.
    let theirs = neighbour.get("/Users").json["Resources"][0]["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(a.get(&format!("/Users/{theirs}")).status, 404);
    assert_eq!(a.delete(&format!("/Users/{theirs}")).status, 404);
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": "owned"}]});
    assert_eq!(a.patch(&format!("/Users/{theirs}"), &patch).status, 404);
    let group = a.create_group("Mine", &[]);
    let add = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "members", "value": [{"value": theirs}]}]});
    assert_eq!(a.patch(&format!("/Groups/{group}"), &add).status, 400);
    assert_eq!(neighbour.get(&format!("/Users/{theirs}")).json["title"], Value::Null);
}

#[test]
fn a_neighbour_changes_no_byte_on_sqlite() {
    differential(Backend::Sqlite);
}

#[test]
fn a_neighbour_changes_no_byte_on_postgres() {
    differential(Backend::Postgres);
}
