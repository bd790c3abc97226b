//! Bodies without end and senders without haste.

use super::{assert_scim_error, assert_unharmed, send};
use crate::{
    admin::operator,
    raw::Raw,
    setup::{self, make},
    world::World,
};
use serde_json::json;
use std::time::{Duration, Instant};
use test_support::{Backend, Database};

/// A world with short patience, to meet slow senders.
const IMPATIENT: &[(&str, &str)] = &[("JUNO__SCIM__HEAD_TIMEOUT", "1s"), ("JUNO__SCIM__BODY_TIMEOUT", "1s")];

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
    // Hundreds of them do not keep others out.
    let idle: Vec<Raw> = (0..400)
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

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A request that changes something, up to its body, of which one byte comes; `known` is the line by which its sender is.
fn begin_body(listener: &str, path: &str, known: &str, media_type: &str, is_chunked: bool) -> Raw {
    let mut raw = Raw::to(listener);
    let host = listener.trim_start_matches("http://");
    let (length, piece) =
        if is_chunked { ("transfer-encoding: chunked", "1\r\nx\r\n") } else { ("content-length: 100", "x") };
    raw.send(
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\n{known}content-type: {media_type}\r\n{length}\r\n\r\n{piece}"
        )
        .as_bytes(),
    );
    raw
}

#[test]
fn whoever_trickles_a_body_is_told_and_cut_off_on_both_listeners() {
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), IMPATIENT);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "support");
    let (token, _) = anna.make_api_token(&json!({"label": "trickle", "role": "support"}));
    let holder = setup::Browser::new(&world);
    holder.open(&make(&anna, "contoso"));
    let (admin, scim) = (world.gateway.admin(), world.gateway.scim());
    let cookie = |cookie: &str| format!("cookie: {cookie}\r\n");
    let sign_in = world.http.send("GET", &format!("{admin}/sign-in"), &[], b"");
    let visit = cookie(sign_in.header("set-cookie").and_then(|set| set.split(';').next()).expect("cookie"));
    let session = cookie(&anna.cookie);
    let (script, opened) = (
        format!("authorization: Bearer {token}\r\n"),
        cookie(holder.cookie.borrow().as_deref().expect("cookie")),
    );
    let landing = format!("/setup{}", setup::path(&make(&anna, "contoso")));
    let mut trickling = Vec::new();
    for (listener, path, known, media_type, told) in [
        (admin, "/api/v1/session", "", JSON, "urn:juno:problem:too-slow"),
        (admin, "/api/v1/tenants", script.as_str(), JSON, "urn:juno:problem:too-slow"),
        (admin, "/sign-in", visit.as_str(), FORM, "data-failure=\"too-slow\""),
        (admin, "/tenants/new", session.as_str(), FORM, "data-failure=\"too-slow\""),
        (scim, landing.as_str(), "", FORM, "data-failure=\"form\""),
        (scim, "/setup/new-secret-token", opened.as_str(), FORM, "data-failure=\"form\""),
        (scim, "/t/contoso/oauth/token", "", FORM, "did not arrive in time"),
    ] {
        for is_chunked in [false, true] {
            trickling.push((path, told, begin_body(listener, path, known, media_type, is_chunked)));
        }
    }
    for (path, told, mut raw) in trickling {
        let response = raw.answer().expect("an answer");
        assert_eq!(response.status, 408, "{path}: {}", response.text());
        assert!(response.text().contains(told), "{path}: {}", response.text());
        assert_eq!(response.header("connection"), Some("close"), "{path}");
        raw.wait_for_end();
    }
}

#[test]
fn nothing_is_read_for_strangers() {
    let world = World::start(Backend::Sqlite);
    let (admin, scim) = (world.gateway.admin(), world.gateway.scim());
    for (listener, path, media_type, status) in [
        (admin, "/api/v1/tenants", JSON, 401),
        (admin, "/sign-in", FORM, 403),
        (admin, "/tenants/new", FORM, 303),
        (scim, "/setup/jset_garbage", FORM, 404),
        (scim, "/setup/new-secret-token", FORM, 401),
    ] {
        for is_chunked in [false, true] {
            let mut raw = begin_body(listener, path, "", media_type, is_chunked);
            let response = raw.answer().expect("an answer");
            assert_eq!(response.status, status, "{path}: {}", response.text());
            raw.wait_for_end();
        }
    }
}
