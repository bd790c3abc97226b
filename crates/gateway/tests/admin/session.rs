//! Signing in: the first time, with a second factor, with a wrong one, too often, and out again.

use super::{
    PASSWORD, add_operator, assert_problem, code, finish_first_sign_in, operator, operator_with_secret,
    session_of, try_sign_in,
};
use crate::world::{World, soon};
use serde_json::json;
use std::thread;
use test_support::{Backend, Database, Postgres};

#[test]
fn the_first_sign_in_ends_with_a_password_and_a_second_factor() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let once = add_operator(&world, "Anna", "support");
        let first = try_sign_in(&world, &json!({"name": "anna", "password": once}));
        let cookie = first.header("set-cookie").expect("cookie");
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(cookie.split("; ").any(|part| part == attribute), "{cookie}");
        }
        assert!(!cookie.contains("Secure"), "the listener is on a loopback address: {cookie}");
        let session = session_of(&world, &first);
        let shown = session.read("/session");
        assert_eq!((&shown["name"], &shown["role"]), (&json!("anna"), &json!("support")));
        assert_eq!(shown["must_change_password"], true);
        assert_eq!(shown["must_set_up_totp"], true);
        assert_problem(&session.get("/tenants"), 403, "not-ready");

        let change = |old: &str, new: &str| {
            session.put("/session/password", &json!({"old_password": old, "new_password": new}))
        };
        assert_problem(&change("wrong", PASSWORD), 401, "wrong-sign-in");
        assert_problem(&change(&once, "short"), 400, "invalid");
        assert_problem(&change(&once, "anna has a cat"), 400, "invalid");
        assert_problem(&change(&once, &once), 400, "invalid");
        assert_problem(&session.put("/session/totp", &json!({"code": "000000"})), 409, "conflict");
        let secret = finish_first_sign_in(&session, &once);
        assert_problem(&session.post("/session/totp", &json!({})), 409, "conflict");
        assert_eq!(session.get("/tenants").status, 200);

        // From now on, both factors; the one-time password is none any more.
        for wrong in [
            json!({"name": "anna", "password": once, "code": code(&secret, 1)}),
            json!({"name": "anna", "password": PASSWORD}),
            json!({"name": "anna", "password": PASSWORD, "code": ""}),
            json!({"name": "anna", "password": PASSWORD, "code": "12345"}),
            json!({"name": "anna", "password": "wrong", "code": code(&secret, 1)}),
            json!({"name": "nobody", "password": PASSWORD, "code": code(&secret, 1)}),
        ] {
            assert_problem(&try_sign_in(&world, &wrong), 401, "wrong-sign-in");
        }
        let right = json!({"name": "ANNA", "password": PASSWORD, "code": code(&secret, 1)});
        let second = session_of(&world, &try_sign_in(&world, &right));
        assert_eq!(second.read("/session")["must_set_up_totp"], false);
        // The same code again is nobody's.
        assert_problem(&try_sign_in(&world, &right), 401, "wrong-sign-in");

        assert_eq!(second.send("DELETE", "/session", None).status, 204);
        assert_problem(&second.get("/session"), 401, "not-signed-in");
        assert_eq!(session.get("/session").status, 200, "another session of the same operator");
    }
}

#[test]
fn a_wrong_name_and_a_wrong_password_read_the_same() {
    let world = World::start(Backend::Sqlite);
    operator(&world, "anna", "viewer");
    let answers = ["anna", "nobody"]
        .map(|name| try_sign_in(&world, &json!({"name": name, "password": "wrong password"})).text());
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn guessing_is_stopped_for_the_name_even_with_the_right_password() {
    let settings = [("JUNO__ADMIN__SIGN_IN_ATTEMPTS", "3"), ("JUNO__ADMIN__SIGN_IN_WINDOW", "1h")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
    let once = add_operator(&world, "anna", "viewer");
    let sign_in =
        |name: &str, password: &str| try_sign_in(&world, &json!({"name": name, "password": password}));
    for _ in 0..3 {
        assert_problem(&sign_in("anna", "wrong"), 401, "wrong-sign-in");
    }
    for (name, password) in
        [("anna", "wrong"), ("anna", once.as_str()), ("ANNA", once.as_str()), (" anna\t", once.as_str())]
    {
        let blocked = sign_in(name, password);
        assert_problem(&blocked, 429, "too-many-requests");
        let wait: u64 =
            blocked.header("retry-after").and_then(|wait| wait.parse().ok()).expect("retry-after");
        assert!((3500..=3600).contains(&wait), "{wait}");
    }
    // Another name is not, until the address has tried too many: ten times three, of which six are gone.
    for n in 0..27 {
        assert_problem(&sign_in(&format!("name{n}"), "wrong"), 401, "wrong-sign-in");
    }
    assert_problem(&sign_in("ben", "wrong"), 429, "too-many-requests");
}

#[test]
fn a_session_that_nobody_uses_ends() {
    for backend in Backend::ALL {
        let folder = tempfile::tempdir().expect("folder");
        let database = backend.fresh_database(folder.path());
        let world = World::with_settings(Database::At(database.clone()), &[]);
        let mut anna = operator(&world, "anna", "viewer");
        assert_eq!(anna.get("/session").status, 200);
        // The same session where sessions may be idle for no time at all.
        let strict = World::with_settings(Database::At(database), &[("JUNO__ADMIN__SESSION_IDLE", "1ms")]);
        anna.base = super::base(&strict);
        assert_problem(&anna.get("/session"), 401, "not-signed-in");
    }
}

/// The settings that we ship for systemd, without what is of the machine alone: database, ports, log.
fn shipped_settings() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("../../../../deploy/juno.env.example").lines();
    let settings = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let of_the_machine = ["DATABASE__", "__LISTEN", "LOG__"];
    settings.filter(|(key, _)| !of_the_machine.iter().any(|part| key.contains(part))).collect()
}

#[test]
fn a_cookie_is_for_https_where_others_can_connect_or_a_proxy_stands_in_front() {
    for settings in [
        vec![("JUNO__ADMIN__LISTEN", "0.0.0.0:0")],
        vec![("JUNO__ADMIN__TRUSTED_PROXIES", "127.0.0.1")],
        vec![("JUNO__ADMIN__PUBLIC_URL", "https://juno-admin.example.com")],
        shipped_settings(),
    ] {
        let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
        let once = add_operator(&world, "anna", "viewer");
        let response = try_sign_in(&world, &json!({"name": "anna", "password": once}));
        let cookie = response.header("set-cookie").expect("cookie");
        assert!(cookie.ends_with("; Secure"), "{settings:?}: {cookie}");
    }
}

#[test]
fn a_new_password_ends_other_sessions() {
    let world = World::start(Backend::Sqlite);
    let (first, secret) = operator_with_secret(&world, "anna", "viewer");
    let given = json!({"name": "anna", "password": PASSWORD, "code": code(&secret, 1)});
    let second = session_of(&world, &try_sign_in(&world, &given));
    let change = json!({"old_password": PASSWORD, "new_password": "quite another one"});
    assert_eq!(second.put("/session/password", &change).status, 204);
    assert_problem(&first.get("/session"), 401, "not-signed-in");
    assert_eq!(second.get("/session").status, 200);
}

/// A password takes a while to check, and counts only if it is still the one when the session begins. PostgreSQL shows it: a
/// transaction that gives another password ends once the sign-in waits for it, or has begun a session without.
#[test]
fn a_sign_in_under_way_does_not_survive_a_reset() {
    let postgres = Postgres::shared();
    let database = postgres.fresh_database();
    let world = World::with_settings(Database::At(database.clone()), &[]);
    let once = add_operator(&world, "anna", "support");
    let reset = "UPDATE operators SET password_hash = 'another'; SELECT pg_advisory_xact_lock(1); \
        DO $$ BEGIN \
        WHILE NOT EXISTS (SELECT FROM pg_locks WHERE transactionid = pg_current_xact_id()::xid AND NOT granted) \
        AND NOT EXISTS (SELECT FROM operator_sessions) LOOP NULL; END LOOP; END $$";
    let is_held = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database \
        WHERE datname = current_database() AND locktype = 'advisory'";
    thread::scope(|scope| {
        let resetting = scope.spawn(|| postgres.query(&database, reset));
        soon("the reset", || postgres.query(&database, is_held) == "1");
        let response = try_sign_in(&world, &json!({"name": "anna", "password": once}));
        resetting.join().expect("reset");
        assert_problem(&response, 401, "wrong-sign-in");
    });
}
