//! Bodies without end and senders without haste.

use super::{assert_scim_error, assert_unharmed, send};
use crate::{raw::Raw, world::World};
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
