//! What the operations manual and the alert rules say about metrics is what `/metrics` shows.

use crate::world::World;
use serde_json::json;
use std::{collections::BTreeSet, fs, path::Path};
use test_support::Backend;

/// The names of our metrics in a text, without the endings that Prometheus adds to a histogram's.
fn metric_names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let names = words.filter(|word| word.starts_with("juno_") || word.starts_with("process_"));
    names
        .map(|name| {
            ["_bucket", "_sum", "_count"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
        })
        .collect()
}

#[test]
fn every_metric_that_is_documented_or_alerted_on_is_there() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("monitored");
    let id = tenant.create_user("barbara@contoso.com");
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "title", "value": "Engineer"}]});
    assert_eq!(tenant.patch(&format!("/Users/{id}"), &patch).status, 200);
    let token_endpoint = format!("{}/t/monitored/oauth/token", world.gateway.scim());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(world.http.send("POST", &token_endpoint, &form, b"grant_type=client_credentials").status, 401);
    let shown = world.http.send("GET", &format!("{}/metrics", world.gateway.admin()), &[], b"").text();
    let shown = metric_names(&shown);

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in ["docs/OPERATIONS.md", "deploy/prometheus/alerts.yml", "deploy/prometheus/alerts.test.yml"] {
        let text = fs::read_to_string(root.join(file)).expect(file);
        let named = metric_names(&text);
        let missing: Vec<_> = named.difference(&shown).collect();
        assert!(!named.is_empty() && missing.is_empty(), "{file} names {missing:?}; there are {shown:?}");
    }
    let manual = fs::read_to_string(root.join("docs/OPERATIONS.md")).expect("manual");
    let unsaid: Vec<_> = shown.difference(&metric_names(&manual)).copied().collect();
    assert!(unsaid.is_empty(), "docs/OPERATIONS.md does not say what {unsaid:?} are");
}
