//! Paths, queries, methods, heads and credentials that make no sense.

use super::{assert_scim_error, assert_unharmed, raw};
use crate::{raw::Raw, world::World};
use serde_json::json;
use test_support::Backend;

#[test]
fn paths_queries_and_methods_from_nowhere_are_answered_in_scim() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let tenant = world.tenant("contoso");
        let ask = |method: &str, path: &str| {
            let head = format!(
                "{method} /t/contoso/scim/v2{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n",
                tenant.token()
            );
            raw(&world, head.as_bytes(), b"").unwrap_or_else(|| panic!("no answer to {method} {path}"))
        };
        for path in [
            "/Users/%zz",
            "/Users/%",
            "/Users/%ff",
            "/Users/%00",
            "/Users/%2e%2e%2fGroups",
            "/Users/..",
            "/Users/a/b",
            "/Users/%F0%9F%92%A9",
            "/users",
            "//Users",
            "/Users/'%3bDROP%20TABLE%20users",
            "/Schemas/%ff",
            "/Schemas/urn:nothing",
            "/ResourceTypes/%00",
        ] {
            assert_scim_error(path, &ask("GET", path), &[400, 404]);
        }
        let (parentheses, long) = ("(".repeat(10_000), "a".repeat(20_000));
        let deep_not = "not%20(".repeat(2_000);
        for query in [
            "filter=%ff",
            "filter=%00",
            "filter=userName%20eq%20%22%00%22",
            "filter=",
            "filter=userName",
            "filter=(",
            "filter=userName%20xx%20%22a%22",
            "filter=userName%20eq",
            "filter=nothing%20eq%201",
            "filter=a%5b",
            "filter=userName%20eq%20%22a%22%20and",
            "sortOrder=sideways",
            "sortBy=%00",
            "count=x",
            "count=1.5",
            "count=99999999999999999999999",
            "startIndex=%ff",
            "cursor=garbage",
            "cursor=%ff",
            "cursor=AAAA",
            "attributes=%ff",
            "attributes=a%5bb",
            "count=1&count=2",
            &format!("filter={parentheses}"),
            &format!("filter=userName%20eq%20%22{long}%22"),
            &format!("filter={deep_not}"),
        ] {
            let response = ask("GET", &format!("/Users?{query}"));
            assert_scim_error(&query[..query.len().min(80)], &response, &[400]);
        }
        for method in ["TRACE", "OPTIONS", "FOO", "PROPFIND", "get", "PUT", "DELETE"] {
            let response = ask(method, "/Users");
            assert_scim_error(method, &response, &[405]);
            assert_eq!(response.header("allow"), Some("GET, POST"), "{method}");
        }
        let head = ask("HEAD", "/Users");
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert!(head.header("content-length").is_some_and(|length| length != "0"), "{:?}", head.headers);
        assert_unharmed(&world, &tenant);
    }
}

#[test]
fn heads_that_are_no_http_are_refused_and_the_connection_is_closed() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("contoso");
    let own = format!("host: x\r\nauthorization: Bearer {}\r\n", tenant.token());
    let post = format!("POST /t/contoso/scim/v2/Users HTTP/1.1\r\n{own}connection: close\r\n");
    let long_url = format!("GET /t/contoso/scim/v2/Users?filter={} HTTP/1.1\r\n{own}", "a".repeat(300_000));
    let long_header = format!("GET /t/contoso/scim/v2/Users HTTP/1.1\r\n{own}x: {}\r\n", "a".repeat(300_000));
    let many_headers = format!("GET /t/contoso/scim/v2/Users HTTP/1.1\r\n{own}{}", "x: y\r\n".repeat(2_000));
    for head in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" as &[u8],
        b"\0\0\0\0\r\n",
        b"GET\r\n",
        b"GET /\r\n",
        b"GET / HTTP/9.9\r\n",
        b"GET /t/contoso/scim/v2/Users HTTP/1.1\r\nhost : x\r\n",
        b"GET /t/contoso/scim/v2/Users HTTP/1.1\r\nno colon\r\n",
        b"GET /t/cont\xffoso\x00 HTTP/1.1\r\nhost: x\r\n",
        long_url.as_bytes(),
        long_header.as_bytes(),
        many_headers.as_bytes(),
        format!("{post}content-length: -1\r\n").as_bytes(),
        format!("{post}content-length: 5x\r\n").as_bytes(),
        format!("{post}content-length: 99999999999999999999999\r\n").as_bytes(),
        // Two readings of where the request ends: the way to smuggle one.
        format!("{post}content-length: 2\r\ncontent-length: 40\r\n").as_bytes(),
        format!("{post}content-length: 2\r\ntransfer-encoding: chunked\r\n").as_bytes(),
        format!("{post}transfer-encoding: chunked, identity\r\n").as_bytes(),
    ] {
        let what = String::from_utf8_lossy(&head[..head.len().min(160)]).into_owned();
        if let Some(response) = raw(&world, head, b"\r\n") {
            assert!((400..500).contains(&response.status), "{what}: {} {}", response.status, response.text());
        }
    }
    for chunks in ["zz\r\n", "-1\r\n", "fffffffffffffffff\r\n", "5\r\nabc", "0\r\nx"] {
        let head = format!("{post}content-type: application/json\r\ntransfer-encoding: chunked\r\n");
        let mut raw = Raw::connect(&world.gateway);
        raw.send(format!("{head}\r\n{chunks}").as_bytes());
        raw.finish();
        let answer = raw.answer();
        raw.wait_for_end();
        if let Some(response) = answer {
            assert!(
                (400..500).contains(&response.status),
                "{chunks}: {} {}",
                response.status,
                response.text()
            );
        }
    }
    assert_unharmed(&world, &tenant);
}

#[test]
fn other_content_types_and_credentials_are_refused() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("contoso");
    let bearer = format!("Bearer {}", tenant.token());
    let url = format!("{}/Users", tenant.url());
    for kind in [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "/",
        "json",
    ] {
        let response =
            world.http.send("POST", &url, &[("authorization", &bearer), ("content-type", kind)], b"{}");
        assert_scim_error(kind, &response, &[415]);
    }
    for kind in
        ["application/json", "APPLICATION/SCIM+JSON; charset=utf-8", "application/json;charset=\"utf-8\""]
    {
        let response =
            world.http.send("POST", &url, &[("authorization", &bearer), ("content-type", kind)], b"{}");
        assert_scim_error(kind, &response, &[400]);
    }
    let own = tenant.token();
    for credential in [
        "",
        "Bearer",
        "Bearer ",
        own,
        &format!("Basic {own}"),
        &format!("Bearer {own} {own}"),
        &format!("Bearer {}", own.to_lowercase()),
        &format!("Bearer {}", "a".repeat(60_000)),
        &format!("Bearer {}é", &own[..61]),
    ] {
        let head = format!(
            "GET /t/contoso/scim/v2/Users HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {credential}\r\n"
        );
        let what = &credential.chars().take(40).collect::<String>();
        let response = raw(&world, head.as_bytes(), b"").unwrap_or_else(|| panic!("no answer to {what}"));
        assert_scim_error(what, &response, &[401]);
    }
    assert_unharmed(&world, &tenant);
}

#[test]
fn what_is_outside_every_tenant_says_nothing_about_tenants() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let ask = |path: &str| world.http.send("GET", &format!("{}{path}", world.gateway.scim()), &[], b"");
    for path in [
        "/",
        "/t",
        "/t/contoso",
        "/t/nobody",
        "/t/contoso/scim/v1/Users",
        "/scim/v2/Users",
        "/metrics",
        "/healthz",
    ] {
        assert_scim_error(path, &ask(path), &[404]);
    }
    let known = ask("/t/contoso/scim/v2/Users");
    let unknown = ask("/t/nobody/scim/v2/Users");
    assert_eq!((known.status, known.json), (unknown.status, unknown.json.clone()));
    assert_eq!(unknown.json["status"], json!("401"));
    // Each answer can be found again in the log by its id.
    let ids: Vec<_> =
        [ask("/"), unknown].iter().map(|r| r.header("x-request-id").map(str::to_owned)).collect();
    assert!(ids[0].is_some() && ids[0] != ids[1], "{ids:?}");
}
