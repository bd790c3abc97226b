//! No input makes a 5xx, a panic, a hanging connection or a growing process; nothing of it is written.

use crate::{
    raw::Raw,
    world::{Tenant, World},
};
use serde_json::json;
use std::time::{Duration, Instant};
use test_support::{Backend, Database, Response};

/// A world with short patience, to meet slow senders.
const IMPATIENT: &[(&str, &str)] = &[("JUNO__SCIM__HEAD_TIMEOUT", "1s"), ("JUNO__SCIM__BODY_TIMEOUT", "1s")];

fn assert_scim_error(what: &str, response: &Response, statuses: &[u16]) {
    assert!(statuses.contains(&response.status), "{what}: {} {}", response.status, response.text());
    assert_eq!(response.header("content-type"), Some("application/scim+json"), "{what}");
    assert_eq!(response.json["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{what}");
    assert_eq!(response.json["status"], response.status.to_string(), "{what}");
    assert!(
        response.json["detail"].as_str().is_some_and(|detail| detail.len() < 2000),
        "{what}: {}",
        response.text()
    );
}

/// The gateway lives, nothing was written, and nothing was called a fault of ours.
fn assert_unharmed(world: &World, tenant: &Tenant<'_>) {
    assert_eq!((tenant.count("/Users"), tenant.count("/Groups")), (0, 0));
    let count = |status: &str| world.gateway.metric(&world.http, "juno_scim_requests_total", &[status]);
    assert_eq!(count("status=\"5"), 0.0);
    let log = world.gateway.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

/// Sends a body as it is.
fn send(world: &World, tenant: &Tenant<'_>, method: &str, path: &str, body: &[u8]) -> Response {
    let bearer = format!("Bearer {}", tenant.token());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
    world.http.send(method, &format!("{}{path}", tenant.url()), &headers, body)
}

fn user(rest: &str) -> Vec<u8> {
    format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],{rest}}}"#).into_bytes()
}

#[test]
fn bodies_that_are_no_user_are_refused() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let lenient = world.tenant("lenient");
        let tenant = world.tenant_of_profile("strict", "rfc");
        let deep =
            |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
        let mut bodies: Vec<Vec<u8>> = [
            "",
            " ",
            "null",
            "true",
            "5",
            "\"text\"",
            "[]",
            "[{}]",
            "{}",
            "{",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{'a':1}",
            "NaN",
            "{\"userName\":NaN}",
            "// x\n{}",
            "{}{}",
            "{\"schemas\":[]}",
            "\u{feff}{}",
        ]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
        bodies.extend([
            deep("[", "]", 100_000).into_bytes(),
            "[".repeat(100_000).into_bytes(),
            "{\"a\":".repeat(100_000).into_bytes(),
            user(&format!("\"userName\":\"a\",\"x\":{}", deep("[", "]", 5000))),
            user(&format!("\"userName\":\"a\",\"name\":{}1{}", "{\"a\":".repeat(64), "}".repeat(64))),
            b"\xff\xfe{}".to_vec(),
            user("\"userName\":\"a").to_vec(),
            [b"{\"userName\":\"".as_slice(), b"\xc3\x28", b"\"}"].concat(),
            [b"{\"userName\":\"".as_slice(), b"\xed\xa0\x80", b"\"}"].concat(),
        ]);
        for fields in [
            // Twice the same key, also in another case: which one counts?
            r#""userName":"a","userName":"b""#,
            r#""userName":"a","USERNAME":"b""#,
            r#""userName":5"#,
            r#""userName":null"#,
            r#""userName":"""#,
            r#""userName":["a"]"#,
            r#""userName":{"value":"a"}"#,
            r#""userName":true"#,
            r#""userName":"a\u0000b""#,
            r#""userName":"\ud800""#,
            r#""userName":"a","active":{}"#,
            r#""userName":"a","active":"maybe""#,
            r#""userName":"a","active":2"#,
            r#""userName":"a","name":"text""#,
            r#""userName":"a","name":[1]"#,
            r#""userName":"a","emails":5"#,
            r#""userName":"a","emails":[5]"#,
            r#""userName":"a","emails":[[]]"#,
            r#""userName":"a","emails":[{"value":{}}]"#,
            r#""userName":"a","emails":[{"value":"x","primary":"perhaps"}]"#,
            r#""userName":"a","schemas":5"#,
            r#""userName":"a","title":1e999999"#,
            r#""userName":"a","title":99999999999999999999999999999999999999999999"#,
            r#""userName":"a","title":-1e-999999,"x":1e400"#,
            r#""userName":"a","x":123456789012345678901234567890.5e-20"#,
            r#""userName":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":5"#,
            r#""userName":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":[[]]}"#,
        ] {
            bodies.push(user(fields));
        }
        for body in &bodies {
            let start = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
            assert_scim_error(&start, &send(&world, &tenant, "POST", "/Users", body), &[400]);
            // Entra's dialect lets some of it pass; each with a name of its own it must be one or the other.
            let response = send(&world, &lenient, "POST", "/Users", body);
            match response.status {
                201 => assert_eq!(
                    lenient.delete(&format!("/Users/{}", response.json["id"].as_str().expect("id"))).status,
                    204
                ),
                _ => assert_scim_error(&start, &response, &[400]),
            }
        }
        assert_unharmed(&world, &lenient);
        assert_unharmed(&world, &tenant);
    }
}

#[test]
fn patches_groups_searches_and_bulks_that_make_no_sense_are_refused() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let tenant = world.tenant("contoso");
        let id = tenant.create_user("victim@example.com");
        let group = tenant.create_group("Victims", &[&id]);
        let before =
            (tenant.get(&format!("/Users/{id}")).text(), tenant.get(&format!("/Groups/{group}")).text());
        let patch = |operations: &str| {
            format!(
                r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":{operations}}}"#
            )
        };
        let many = format!("[{}]", vec![r#"{"op":"explode"}"#; 2000].join(","));
        let long_path = format!(r#"[{{"op":"add","path":"{}","value":1}}]"#, "a.".repeat(50_000));
        let nested_path = format!(r#"[{{"op":"add","path":"emails[{}","value":1}}]"#, "(".repeat(50_000));
        for operations in [
            "5",
            "null",
            "{}",
            "\"x\"",
            "[5]",
            "[null]",
            "[[]]",
            "[{}]",
            r#"[{"op":5}]"#,
            r#"[{"op":"explode"}]"#,
            r#"[{"op":"remove"}]"#,
            r#"[{"op":"add"}]"#,
            r#"[{"op":"add","path":5,"value":1}]"#,
            r#"[{"op":"add","path":"","value":[]}]"#,
            r#"[{"op":"replace","path":"userName","value":{}}]"#,
            r#"[{"op":"replace","path":"userName","value":null}]"#,
            r#"[{"op":"add","path":"emails[","value":1}]"#,
            r#"[{"op":"add","path":"emails[type eq \"work\"","value":1}]"#,
            r#"[{"op":"add","path":"emails[type eq \"work\"].value.x","value":1}]"#,
            r#"[{"op":"replace","value":5}]"#,
            r#"[{"op":"replace","value":[{"a":1}]}]"#,
            r#"[{"op":"add","path":"userName","value":"a\u0000"}]"#,
            &many,
            &long_path,
            &nested_path,
        ] {
            let response =
                send(&world, &tenant, "PATCH", &format!("/Users/{id}"), patch(operations).as_bytes());
            assert_scim_error(&operations[..operations.len().min(120)], &response, &[400]);
        }
        for operations in [
            r#"[{"op":"add","path":"members","value":5}]"#,
            r#"[{"op":"add","path":"members","value":[5]}]"#,
            r#"[{"op":"add","path":"members","value":[{}]}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":5}]}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":"not-an-id"}]}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":"00000000-0000-0000-0000-000000000000"}]}]"#,
            r#"[{"op":"add","path":"members[value eq ","value":[]}]"#,
        ] {
            let response =
                send(&world, &tenant, "PATCH", &format!("/Groups/{group}"), patch(operations).as_bytes());
            assert_scim_error(operations, &response, &[400]);
        }
        for body in
            ["5", "[]", r#"{"filter":5}"#, r#"{"filter":{}}"#, r#"{"filter":"("}"#, r#"{"count":"x"}"#]
        {
            for path in ["/Users/.search", "/Groups/.search", "/.search"] {
                assert_scim_error(body, &send(&world, &tenant, "POST", path, body.as_bytes()), &[400]);
            }
        }
        let bulk = |operations: &str| {
            format!(
                r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":{operations}}}"#
            )
        };
        for operations in ["5", "{}", "null"] {
            assert_scim_error(
                operations,
                &send(&world, &tenant, "POST", "/Bulk", bulk(operations).as_bytes()),
                &[400],
            );
        }
        for operation in [
            "5",
            "{}",
            r#"{"method":5}"#,
            r#"{"method":"POST","path":"/Users"}"#,
            r#"{"method":"GET","path":"/Users"}"#,
            r#"{"method":"DELETE","path":"/Users/%00"}"#,
        ] {
            let response = send(&world, &tenant, "POST", "/Bulk", bulk(&format!("[{operation}]")).as_bytes());
            assert_eq!(response.status, 200, "{operation}: {}", response.text());
            let status = response.json["Operations"][0]["status"].as_str().unwrap_or_default();
            assert!(status.starts_with('4'), "{operation}: {}", response.text());
        }
        let many = format!("[{}]", vec![r#"{"method":"DELETE","path":"/Users/x"}"#; 1001].join(","));
        assert_scim_error("1001", &send(&world, &tenant, "POST", "/Bulk", bulk(&many).as_bytes()), &[413]);
        let after =
            (tenant.get(&format!("/Users/{id}")).text(), tenant.get(&format!("/Groups/{group}")).text());
        assert_eq!(before, after);
        let log = world.gateway.log();
        assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
    }
}

/// A request line and headers as they are, the connection closed after the answer.
fn raw(world: &World, head: &[u8], body: &[u8]) -> Option<Response> {
    let mut raw = Raw::connect(&world.gateway);
    raw.send(&[head, b"\r\n", body].concat());
    let answer = raw.answer();
    raw.wait_for_end();
    answer
}

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
fn bodies_of_any_size_are_cut_off_early_and_cost_no_memory() {
    const HUGE: usize = 100 << 20;
    const MOST: usize = 2 << 20;
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("contoso");
    tenant.get("/Users");
    let before = world.gateway.resident_memory();
    let chunk = vec![b' '; 64 << 10];
    for (token, status) in [(tenant.token(), 413), ("garbage", 401)] {
        for (length, is_chunked) in
            [(format!("content-length: {HUGE}"), false), ("transfer-encoding: chunked".to_owned(), true)]
        {
            let mut raw = Raw::connect(&world.gateway);
            let head = format!(
                "POST /t/contoso/scim/v2/Users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/scim+json\r\n{length}\r\n\r\n"
            );
            raw.send(head.as_bytes());
            let frame = if is_chunked { format!("{:x}\r\n", chunk.len()) } else { String::new() };
            let end: &[u8] = if is_chunked { b"\r\n" } else { b"" };
            let piece = [frame.as_bytes(), &chunk, end].concat();
            // A little more than is read, far less than was announced: the answer does not wait for the rest.
            let mut sent = 0;
            while sent <= MOST && raw.send(&piece) {
                sent += chunk.len();
            }
            if let Some(response) = raw.answer() {
                assert_scim_error(&head, &response, &[status]);
                assert_eq!(response.header("connection"), Some("close"), "{head}");
            }
            // Whoever goes on is cut off.
            let began = Instant::now();
            while raw.send(&piece) {
                assert!(began.elapsed() < Duration::from_secs(10), "{length} {status} is read without end");
            }
        }
    }
    // One more than the most, and exactly the most.
    let too_large = send(&world, &tenant, "POST", "/Users", &vec![b' '; MOST + 1]);
    assert_scim_error("2 MiB + 1", &too_large, &[413]);
    assert_scim_error("2 MiB", &send(&world, &tenant, "POST", "/Users", &vec![b' '; MOST]), &[400]);
    let after = world.gateway.resident_memory();
    assert!(after < before + (64 << 20), "{before} bytes before, {after} after");
    assert_unharmed(&world, &tenant);
}

#[test]
fn slow_senders_are_told_and_cut_off() {
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), IMPATIENT);
    let tenant = world.tenant("contoso");
    let head = format!(
        "POST /t/contoso/scim/v2/Users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n",
        tenant.token()
    );
    let slow_body = format!("{head}content-length: 100\r\n\r\n{{\"userName\"");
    for (sent, is_scim) in [(&head[..40], false), (&head, false), (&slow_body, true)] {
        let began = Instant::now();
        let mut raw = Raw::connect(&world.gateway);
        raw.send(sent.as_bytes());
        let response = raw.answer().expect("an answer");
        raw.wait_for_end();
        assert_eq!(response.status, 408, "{sent}: {}", response.text());
        if is_scim {
            assert_scim_error(sent, &response, &[408]);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{sent}: {:?}", began.elapsed());
    }
    // A thousand of them do not keep others out.
    let idle: Vec<Raw> = (0..1000)
        .map(|_| {
            let mut raw = Raw::connect(&world.gateway);
            raw.send(b"GET /t/contoso");
            raw
        })
        .collect();
    assert_eq!(tenant.get("/Users").status, 200);
    drop(idle);
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
