//! Clients without a credential: how many connections they may keep, and how many log lines they may cause.

use crate::{
    admin::operator,
    raw::Raw,
    setup::{self, make},
    world::{Tenant, World, soon},
};
use serde_json::json;
use test_support::{Backend, Database, Response};

const HERE: [u8; 4] = [127, 0, 0, 1];
const ELSEWHERE: [u8; 4] = [127, 0, 0, 2];
/// Forty connections at most, so four of one address without an authenticated request.
const SMALL: [(&str, &str); 2] = [("JUNO__SCIM__MAX_CONNECTIONS", "40"), ("JUNO__SCIM__WORKERS", "1")];
const MOST: usize = 4;

fn world(settings: &[(&str, &str)]) -> World {
    World::with_settings(Database::Fresh(Backend::Sqlite), &[&SMALL, settings].concat())
}

/// Asks on a connection that may stay open; `None` if it was closed without an answer.
fn ask(connection: &mut Raw, tenant: &Tenant<'_>, token: &str) -> Option<Response> {
    let path = tenant.url().splitn(4, '/').last().expect("path").to_owned();
    connection.send(
        format!("GET /{path}/Users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n").as_bytes(),
    );
    connection.answer()
}

/// A connection on which no request is finished.
fn stranger(world: &World, source: [u8; 4]) -> Raw {
    let mut connection = Raw::from(source, world.gateway.scim());
    connection.send(b"GET /t/contoso");
    connection
}

/// Waits until `count` connections are open that have not sent an authenticated request.
fn wait_for_strangers(world: &World, count: usize) {
    let labels = ["listener=\"scim\"", "state=\"unauthenticated\""];
    let open = || world.gateway.metric(&world.http, "juno_connections", &labels) as usize;
    soon(&format!("{count} strangers, not {}", open()), || open() == count);
}

#[test]
fn an_address_at_its_limit_keeps_out_nobody_else() {
    let world = world(&[]);
    let tenant = world.tenant("contoso");
    let mut known = Raw::from(HERE, world.gateway.scim());
    assert_eq!(ask(&mut known, &tenant, tenant.token()).expect("an answer").status, 200);

    let mut strangers: Vec<Raw> = (0..MOST).map(|_| stranger(&world, HERE)).collect();
    wait_for_strangers(&world, MOST);
    for _ in 0..20 {
        assert!(stranger(&world, HERE).answer().is_none(), "one more");
    }
    assert_eq!(ask(&mut known, &tenant, tenant.token()).expect("an answer").status, 200, "it does not count");
    for (token, status) in [("garbage", 401), (tenant.token(), 200)] {
        let mut elsewhere = Raw::from(ELSEWHERE, world.gateway.scim());
        assert_eq!(ask(&mut elsewhere, &tenant, token).expect("an answer").status, status);
    }

    // A connection that ends makes room, and so does one that turns out to be a tenant's.
    strangers.pop();
    wait_for_strangers(&world, MOST - 1);
    let mut found = Raw::from(HERE, world.gateway.scim());
    assert_eq!(ask(&mut found, &tenant, tenant.token()).expect("an answer").status, 200);
    strangers.push(stranger(&world, HERE));
    wait_for_strangers(&world, MOST);
    assert!(stranger(&world, HERE).answer().is_none());

    let refused = world.gateway.metric(&world.http, "juno_connections_refused_total", &["listener=\"scim\""]);
    assert_eq!(refused, 21.0);
    let log = world.gateway.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("connections refused")).collect();
    assert!(!lines.is_empty() && lines.len() < 20, "{lines:?}");
    assert!(
        lines[0].contains("network=127.0.0.1 ") && lines[0].contains("scim.trusted_proxies"),
        "{lines:?}"
    );
}

#[test]
fn a_declared_proxy_has_no_limit() {
    let world = world(&[("JUNO__SCIM__TRUSTED_PROXIES", "127.0.0.1")]);
    let tenant = world.tenant("contoso");
    let strangers: Vec<_> = (0..3 * MOST).map(|_| stranger(&world, HERE)).collect();
    wait_for_strangers(&world, 3 * MOST);
    let mut connection = Raw::from(HERE, world.gateway.scim());
    for token in ["garbage", tenant.token(), "garbage"] {
        let answer = ask(&mut connection, &tenant, token).expect("an answer");
        assert_eq!(answer.header("connection"), None, "it may stay open");
    }
    drop(strangers);
}

#[test]
fn a_connection_without_an_authenticated_request_is_closed_after_its_answer() {
    let world = world(&[]);
    let tenant = world.tenant("contoso");
    let mut connection = Raw::from(HERE, world.gateway.scim());
    let answer = ask(&mut connection, &tenant, "garbage").expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (401, Some("close")));
    connection.wait_for_end();
    let mut connection = Raw::from(HERE, world.gateway.scim());
    for (token, status) in [(tenant.token(), 200), ("garbage", 401), (tenant.token(), 200)] {
        let answer = ask(&mut connection, &tenant, token).expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (status, None));
    }
}

#[test]
fn a_tenant_keeps_a_tenth_of_the_connections_and_is_served_on_others() {
    let world = world(&[]);
    let (loud, quiet) = (world.tenant("loud"), world.tenant("quiet"));
    let mut open = Vec::new();
    for n in 0..2 * MOST {
        let mut connection = Raw::from(HERE, world.gateway.scim());
        let answer = ask(&mut connection, &loud, loud.token()).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let is_closed = answer.header("connection") == Some("close");
        assert_eq!(is_closed, n >= MOST, "{n}");
        if is_closed {
            connection.wait_for_end();
        } else {
            open.push(connection);
        }
    }
    let mut connection = Raw::from(HERE, world.gateway.scim());
    let answer = ask(&mut connection, &quiet, quiet.token()).expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (200, None));
}

#[test]
fn strangers_share_one_log_line_a_second() {
    const ASKED: usize = 500;
    let logged = [("JUNO__LOG__FORMAT", "json"), ("JUNO__LOG__LEVEL", "info")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &logged);
    let tenant = world.tenant("contoso");
    for _ in 0..ASKED {
        let mut connection = Raw::connect(&world.gateway);
        assert_eq!(ask(&mut connection, &tenant, "garbage").expect("an answer").status, 401);
    }
    assert_eq!(tenant.get("/Users").status, 200);
    let log = world.gateway.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let access: Vec<_> = lines.filter(|line| line["target"] == "access").collect();
    let refused: Vec<_> = access.iter().filter(|line| line["status"] == 401).collect();
    assert!(!refused.is_empty() && refused.len() < ASKED / 10, "{} lines", refused.len());
    let omitted: u64 = refused.iter().filter_map(|line| line["omitted"].as_u64()).sum();
    assert!(omitted as usize + refused.len() <= ASKED);
    let of_tenant = access.iter().filter(|line| line["tenant"] == "contoso");
    assert_eq!(of_tenant.count(), 1, "a tenant's line is its own");
    let labels = ["listener=\"scim\"", "status=\"401\""];
    let counted = world.gateway.metric(&world.http, "juno_unauthenticated_requests_total", &labels);
    assert_eq!(counted as usize, ASKED, "the metric has them all");
}

#[test]
fn unknown_credentials_are_rationed_on_both_listeners_and_valid_ones_are_not() {
    const ASKED: u64 = 20;
    let ration = [("JUNO__TOKENS__UNKNOWN_RATE", "1"), ("JUNO__TOKENS__UNKNOWN_BURST", "5")];
    for backend in Backend::ALL {
        let world = World::with_settings(Database::Fresh(backend), &ration);
        let tenant = world.tenant("contoso");
        assert_eq!(tenant.get("/Users").status, 200);
        let anna = operator(&world, "anna", "support");
        let (script, _) = anna.make_api_token(&json!({"label": "script", "role": "support"}));
        let holder = setup::Browser::new(&world);
        holder.open(&make(&anna, "contoso"));
        let host = world.gateway.scim().trim_start_matches("http://");
        let (admin, scim) = (world.gateway.admin(), world.gateway.scim());
        let ask = |listener: &str, path: &str, name: &str, value: &str| {
            let headers = [("host", host), (name, value)];
            world.http.send("GET", &format!("{listener}{path}"), &headers, b"").status
        };
        let bearer = |token: &str| format!("Bearer {token}");
        let made_up = |n: u64| format!("{n:064x}");
        let session = |n| format!("{}={}", anna.cookie.split('=').next().expect("name"), made_up(n));
        let visit = |n| format!("juno_setup={}", made_up(n));
        let known = bearer(&script);
        assert_eq!(ask(admin, "/api/v1/tenants", "authorization", &known), 200);
        let statuses = |path: &str, listener: &str, cookie: &dyn Fn(u64) -> String| -> Vec<u16> {
            (0..ASKED).map(|n| ask(listener, path, "cookie", &cookie(n))).collect()
        };
        for statuses in [
            statuses("/api/v1/tenants", admin, &session),
            statuses("/setup", scim, &visit),
            (0..ASKED)
                .map(|n| {
                    world.send("GET", &format!("{}/Users", tenant.url()), Some(&unknown(n)), None).status
                })
                .collect(),
        ] {
            let refused = statuses.iter().filter(|status| **status == 429).count();
            assert!(refused > 0 && statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
        }
        assert_eq!(tenant.get("/Users").status, 200);
        assert_eq!(ask(admin, "/api/v1/tenants", "authorization", &known), 200);
        assert_eq!(ask(admin, "/api/v1/tenants", "cookie", &anna.cookie), 200);
        let held = holder.cookie.borrow().clone().expect("cookie");
        assert_eq!(ask(scim, "/setup", "cookie", &held), 200);
    }
}

/// A well-formed Secret Token of nobody.
fn unknown(n: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let checked = format!("juno_abcdefgh_{n:043}");
    let mut rest = crc32(checked.as_bytes()) as usize;
    let mut sum = [b'0'; 6];
    for place in sum.iter_mut().rev() {
        *place = DIGITS[rest % 62];
        rest /= 62;
    }
    format!("{checked}{}", String::from_utf8_lossy(&sum))
}

/// CRC-32 as zip has it, without a table.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 },
        )
    })
}
