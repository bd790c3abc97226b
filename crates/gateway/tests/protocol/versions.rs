//! Versions: ETag, If-None-Match, If-Match (RFC 7644 section 3.14).

use super::{assert_error, group, patch, user};
use crate::world::World;
use serde_json::{Value, json};
use test_support::Backend;

#[test]
fn a_version_that_the_client_has_is_not_sent_again() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let path = format!("/Users/{}", tenant.create_user("a@example.com"));
    for seen in ["W/\"1\"", "\"1\"", "\"7\", W/\"1\"", "*"] {
        let response = tenant.send_with("GET", &path, &[("if-none-match", seen)], "");
        assert_eq!((response.status, response.text().as_str()), (304, ""), "{seen}");
        assert_eq!(response.header("etag"), Some("W/\"1\""));
    }
    tenant.patch(&path, &patch("title", json!("x")));
    let response = tenant.send_with("GET", &path, &[("if-none-match", "W/\"1\"")], "");
    assert_eq!((response.status, response.header("etag")), (200, Some("W/\"2\"")));
}

#[test]
fn a_write_on_an_old_version_is_refused() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let users = [tenant.create_user("a@example.com"), tenant.create_user("b@example.com")];
    let groups = [tenant.create_group("G", &[]), tenant.create_group("H", &[])];
    let members = patch("members", json!([{"value": users[1]}]));
    for (path, put, patch) in [
        (format!("/Users/{}", users[0]), user("a@example.com"), patch("title", json!("x"))),
        (format!("/Groups/{}", groups[0]), group("G", &[]), members),
    ] {
        let send_with = |method: &str, header: &str, versions: &[&str], body: &Value| {
            let headers: Vec<_> = versions.iter().map(|version| (header, *version)).collect();
            let body = if method == "DELETE" { String::new() } else { body.to_string() };
            tenant.send_with(method, &path, &headers, &body)
        };
        let send =
            |method: &str, versions: &[&str], body: &Value| send_with(method, "if-match", versions, body);
        for (method, body) in [("PUT", &put), ("PATCH", &patch), ("DELETE", &put)] {
            assert_error(&send(method, &["W/\"0\""], body), 412, None);
            // RFC 9110 section 13.1.2: a condition that is false is 412 for any method but GET and HEAD.
            assert_error(&send_with(method, "if-none-match", &["W/\"1\""], body), 412, None);
            assert_error(&send_with(method, "if-none-match", &["*"], body), 412, None);
        }
        assert_eq!(tenant.get(&path).header("etag"), Some("W/\"1\""));
        assert!([200, 204].contains(&send("PATCH", &["W/\"1\""], &patch).status));
        // The lines of a list are one list.
        assert_eq!(send("PUT", &["\"0\"", "W/\"2\""], &put).status, 200);
        assert_eq!(send("DELETE", &["*"], &put).status, 204);
        assert_error(&send("DELETE", &["*"], &put), 404, None);
    }
}
