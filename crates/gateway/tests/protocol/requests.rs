//! What a request may look like: media types, addresses, parameters, methods, connections.

use super::{assert_error, ids, user};
use crate::{raw::Raw, world::World};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use test_support::{Backend, Database};

#[test]
fn accept_never_keeps_an_answer_back() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    for accept in
        ["application/scim+json", "application/json", "text/html", "*/*", "image/png;q=0.1", "nonsense"]
    {
        let response = tenant.send_with("GET", "/Users", &[("accept", accept)], "");
        assert_eq!(response.status, 200, "{accept}");
        assert_eq!(response.header("content-type"), Some("application/scim+json"), "{accept}");
    }
    assert_eq!(tenant.get("/Users").status, 200);
}

#[test]
fn a_body_is_json_whatever_its_type_is_called() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    for (n, kind) in ["application/scim+json", "application/json", "Application/SCIM+JSON; charset=utf-8", ""]
        .iter()
        .enumerate()
    {
        let response = tenant.send_with(
            "POST",
            "/Users",
            &[("content-type", kind)],
            &user(&format!("u{n}")).to_string(),
        );
        assert_eq!(response.status, 201, "{kind}: {}", response.text());
    }
    for kind in ["text/plain", "application/xml", "multipart/form-data; boundary=x"] {
        let response = tenant.send_with("POST", "/Users", &[("content-type", kind)], &user("x").to_string());
        assert_error(&response, 415, None);
    }
}

#[test]
fn a_final_slash_makes_no_difference() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let id = tenant.post("/Users/", &user("a@example.com")).json["id"].as_str().expect("id").to_owned();
    assert_eq!(ids(&tenant.get("/Users/?filter=userName%20eq%20%22a@example.com%22")), [id.as_str()]);
    assert_eq!(tenant.get(&format!("/Users/{id}/")).json["id"], id.as_str());
    for route in
        scim_api::routes::ROUTES.iter().filter(|route| route.method == "GET" && !route.path.contains('{'))
    {
        let (with, without) = (tenant.get(&format!("{}/", route.path)), tenant.get(route.path));
        assert_eq!((with.status, &with.json), (without.status, &without.json), "{}", route.path);
    }
    assert_eq!(tenant.delete(&format!("/Users/{id}/")).status, 204);
}

#[test]
fn unknown_parameters_are_ignored_and_malformed_ones_refused() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    tenant.create_user("a@example.com");
    for query in
        ["aadOptscim062020", "aadOptscim062020=", "x=%ff", "&&", "startindex=0&Count=1", "filter=username+pr"]
    {
        let response = tenant.get(&format!("/Users?{query}"));
        assert_eq!((response.status, &response.json["totalResults"]), (200, &json!(1)), "{query}");
    }
    for (query, scim_type) in [
        ("filter=%ff", "invalidSyntax"),
        ("filter=%zz", "invalidSyntax"),
        ("filter=a%2", "invalidSyntax"),
        ("count=1&count=2", "invalidSyntax"),
        ("filter=id%20pr&filter=id%20pr", "invalidSyntax"),
        ("filter=", "invalidFilter"),
        // As OData spells it. Ignored, it would find everybody.
        ("$filter=userName%20pr", "invalidFilter"),
        ("%24filter=userName%20pr", "invalidFilter"),
        ("filter=userName", "invalidFilter"),
        ("count=many", "invalidValue"),
        ("startIndex=first", "invalidValue"),
        ("sortBy=userName&sortOrder=up", "invalidValue"),
        ("sortBy=shoeSize", "invalidPath"),
        ("attributes=userName&excludedAttributes=title", "invalidValue"),
        ("cursor=nonsense", "invalidCursor"),
        ("cursor&count=many", "invalidCount"),
    ] {
        assert_error(&tenant.get(&format!("/Users?{query}")), 400, Some(scim_type));
    }
    // Not even the words of a URL are looked at before the client is known.
    for (method, path) in
        [("GET", "/Users?filter=%ff"), ("GET", "/Schemas?filter=x"), ("PUT", "/Users/x?attributes=%ff")]
    {
        let url = format!("{}{path}", tenant.url());
        let text = world.http.send(method, &url, &[("content-type", "text/plain")], b"no json");
        assert_error(&text, 401, None);
    }
}

#[test]
fn other_methods_are_refused_with_what_is_allowed() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let mut table: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for route in scim_api::routes::ROUTES {
        table.entry(route.path).or_default().insert(route.method);
    }
    for (path, allowed) in table {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            if allowed.contains(method) {
                continue;
            }
            let response = tenant.send(method, &path.replace("{id}", "x"), None);
            if method == "HEAD" && allowed.contains("GET") {
                assert_eq!(response.status, tenant.get(&path.replace("{id}", "x")).status, "{path}");
                assert_eq!(response.text(), "", "{path}");
                continue;
            } else if method == "HEAD" {
                assert_eq!((response.status, response.text().as_str()), (405, ""), "{path}");
            } else {
                assert_error(&response, 405, None);
            }
            let listed: BTreeSet<_> = response.header("allow").expect("allow").split(", ").collect();
            assert_eq!(listed, allowed, "{method} {path}");
        }
    }
}

/// Whoever never ends a chunked body, with a credential or without, does not hold its connection.
#[test]
fn the_connection_of_an_endless_body_is_closed_behind_the_answer() {
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &[("JUNO__SCIM__MAX_BODY", "10000")]);
    let tenant = world.tenant("own");
    let token = format!("authorization: Bearer {}\r\n", tenant.token());
    for (method, path, token, status) in [
        ("POST", "/nowhere", "", 404),
        ("POST", "/t/own/scim/v2/Users", "", 401),
        ("GET", "/t/own/scim/v2/Users", token.as_str(), 200),
        ("PUT", "/t/own/scim/v2/Bulk", &token, 405),
        ("POST", "/t/own/scim/v2/Users", &token, 413),
    ] {
        let mut connection = Raw::connect(&world.gateway);
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{token}transfer-encoding: chunked\r\n\r\n");
        connection.send(head.as_bytes());
        let chunk = [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat();
        (0..4).for_each(|_| _ = connection.send(&chunk));
        let answer = connection.answer().unwrap_or_else(|| panic!("no answer to {method} {path}"));
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        connection.wait_for_end();
    }
    // One that ends is like any other, and the connection lives on.
    let mut connection = Raw::connect(&world.gateway);
    for n in 0..3 {
        let body = user(&format!("u{n}")).to_string();
        let request = format!(
            "POST /t/own/scim/v2/Users HTTP/1.1\r\nhost: x\r\n{token}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        assert!(connection.send(request.as_bytes()));
        assert_eq!(connection.answer().map(|answer| answer.status), Some(201));
    }
}

#[test]
fn a_refused_caller_reads_its_answer_and_may_come_again() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    for n in 0..20 {
        let url = format!("{}/Users", tenant.url());
        let body = user(&format!("{n}{}", "x".repeat(n * 1000)));
        assert_error(&world.send("POST", &url, Some("garbage"), Some(&body)), 401, None);
    }
    assert_eq!(tenant.count("/Users"), 0);
}
