//! Signing in: the first time, with both factors, wrongly, too often, on to where one wanted to go, and out again.

use super::{
    Browser, assert_failure, assert_page, assert_redirect, assert_safe, between, operator,
    operator_with_secret,
};
use crate::{
    admin::{PASSWORD, add_operator, code},
    world::World,
};
use test_support::{Backend, Database, Postgres};

#[test]
fn the_first_sign_in_ends_with_a_password_and_a_second_factor() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let once = add_operator(&world, "anna", "support");
        let browser = Browser::new(&world);
        assert_redirect(&browser.get("/"), "/tenants");
        assert_redirect(&browser.get("/tenants"), "/sign-in");
        assert_redirect(&browser.get("/expiring"), "/sign-in?next=/expiring");
        assert_page(&browser.get("/sign-in?next=/expiring"));
        let credentials = [("name", "Anna"), ("password", once.as_str())];
        let signed_in = browser.post("/sign-in", &credentials);
        assert_redirect(&signed_in, "/expiring");
        let cookie = signed_in.header("set-cookie").expect("cookie");
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(cookie.split("; ").any(|part| part == attribute), "{cookie}");
        }
        assert_redirect(&browser.get("/tenants"), "/first-sign-in");
        assert_redirect(&browser.get("/account"), "/first-sign-in");
        assert_page(&browser.get("/first-sign-in"));

        let change = |old: &str, new: &str, repeated: &str| {
            let fields = [("old_password", old), ("new_password", new), ("repeated", repeated)];
            browser.post("/first-sign-in/password", &fields)
        };
        for (old, new, repeated, status, words) in [
            ("wrong", PASSWORD, PASSWORD, 401, "is wrong"),
            (&once, "short", "short", 400, "12 characters or more"),
            (&once, PASSWORD, "another one, really", 400, "not typed the same twice"),
            (&once, &once, &once, 400, "is the old one"),
        ] {
            let again = change(old, new, repeated);
            assert_eq!(again.status, status, "{}", again.text());
            assert_page(&again);
            let wrong = between(&again.text(), "role=\"alert\"", "</div>").expect("what is wrong");
            assert!(wrong.contains(words), "{wrong}");
            assert!(!again.text().contains(&once), "no password is shown again");
        }
        assert_redirect(&change(&once, PASSWORD, PASSWORD), "/first-sign-in");

        let shown = browser.get("/first-sign-in");
        assert_page(&shown);
        let shown = shown.text();
        assert!(shown.contains("src=\"data:image/svg+xml;base64,"), "a QR code");
        let secret = between(&shown, "id=\"secret\" type=\"text\" readonly value=\"", "\"").expect("secret");
        let again = browser.post("/first-sign-in/code", &[("code", "000000")]);
        assert_eq!(again.status, 401);
        assert_page(&again);
        assert!(again.text().contains(&secret), "the same secret, to try again");
        let secret = secret.replace(' ', "");
        let finished = browser.post("/first-sign-in/code", &[("code", &code(&secret, 0))]);
        assert_redirect(&finished, "/expiring");
        let page = browser.get("/expiring");
        assert_page(&page);
        assert!(page.text().contains("All set"), "what was done is said");
        assert!(!browser.page("/expiring").contains("All set"), "once");
        assert_redirect(&browser.get("/first-sign-in"), "/expiring");
        assert_eq!(browser.post("/first-sign-in/secret", &[]).status, 409, "the second factor stays");

        assert_redirect(&browser.post("/sign-out", &[]), "/sign-in");
        assert_redirect(&browser.get("/account"), "/sign-in?next=/account");
        browser.page("/sign-in");
        let wrong = browser.post("/sign-in", &[("name", "anna"), ("password", PASSWORD), ("code", "")]);
        assert_eq!(wrong.status, 401);
        assert_page(&wrong);
        assert!(wrong.text().contains("value=\"anna\""), "the name is kept");
        assert!(!wrong.text().contains(PASSWORD));
        let code = code(&secret, 1);
        browser.page("/sign-in?next=/account");
        let right = [("name", "anna"), ("password", PASSWORD), ("code", code.as_str())];
        assert_redirect(&browser.post("/sign-in", &right), "/account");
        assert_page(&browser.get("/account"));
    }
}

#[test]
fn whoever_signs_in_goes_on_to_where_they_wanted_to_and_never_elsewhere() {
    let world = World::start(Backend::Sqlite);
    let (anna, secret) = operator_with_secret(&world, "anna", "viewer");
    assert_redirect(&anna.get("/sign-in"), "/tenants");
    assert_redirect(&anna.get("/sign-in?next=/account"), "/account");
    for foreign in
        ["//evil.example", "https://evil.example", "/%5Cevil.example", "javascript:alert(1)", "%2F%2Fevil"]
    {
        assert_redirect(&anna.get(&format!("/sign-in?next={foreign}")), "/tenants");
    }
    let browser = Browser::new(&world);
    let asked = "/tenants?cursor=YQ%26b";
    let to = browser.get(asked).header("location").expect("location").to_owned();
    browser.page(&to);
    assert_eq!(browser.post("/sign-in", &[("name", "anna"), ("password", "wrong")]).status, 401);
    let code = code(&secret, 1);
    let given = [("name", "anna"), ("password", PASSWORD), ("code", code.as_str())];
    assert_redirect(&browser.post("/sign-in", &given), asked);
    assert_redirect(&browser.get("/sign-in"), asked);
    // Whoever could set the cookie could not send anybody elsewhere either.
    for foreign in ["Ly9ldmlsLmV4YW1wbGU", "aHR0cHM6Ly9ldmlsLmV4YW1wbGU", "/account", "_w"] {
        browser.cookies.borrow_mut().insert("juno_next".to_owned(), foreign.to_owned());
        assert_redirect(&browser.get("/sign-in"), "/tenants");
    }
}

#[test]
fn no_other_site_can_send_a_form() {
    let world = World::start(Backend::Sqlite);
    let anna = operator(&world, "anna", "viewer");
    anna.page("/account");
    let fields = [
        ("old_password", PASSWORD),
        ("new_password", "quite another one"),
        ("repeated", "quite another one"),
    ];
    assert_failure(&anna.post_as_it_is("/account/password", &fields), 403, "wrong-csrf-token");
    let stranger = Browser::new(&world);
    let sign_in = [("name", "anna"), ("password", PASSWORD)];
    assert_failure(&stranger.post_as_it_is("/sign-in", &sign_in), 403, "wrong-csrf-token");
    stranger.page("/sign-in");
    assert_failure(&stranger.post_as_it_is("/sign-in", &sign_in), 403, "wrong-csrf-token");
    assert_eq!(stranger.post("/sign-in", &sign_in).status, 401);
    // A session that has ended is no reason to complain of the form.
    assert_redirect(&stranger.post("/account/password", &fields), "/sign-in");
    assert_failure(
        &anna.send("POST", "/account/password", &[("content-type", "text/plain")], "csrf=x"),
        415,
        "wrong-media-type",
    );
    let long = "x".repeat(100_000);
    assert_failure(&stranger.post("/sign-in", &[("name", &long)]), 413, "too-large");
    assert_failure(
        &stranger.send("POST", "/sign-in", &[("content-type", "application/json")], "{}"),
        415,
        "wrong-media-type",
    );
}

#[test]
fn guessing_is_stopped() {
    let settings = [("JUNO__ADMIN__SIGN_IN_ATTEMPTS", "2"), ("JUNO__ADMIN__SIGN_IN_WINDOW", "1h")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
    add_operator(&world, "anna", "viewer");
    let browser = Browser::new(&world);
    browser.page("/sign-in");
    let guess = || browser.post("/sign-in", &[("name", "anna"), ("password", "wrong")]);
    assert_eq!((guess().status, guess().status), (401, 401));
    let blocked = guess();
    assert_eq!(blocked.status, 429);
    assert_page(&blocked);
    assert!(blocked.text().contains("Too many wrong sign-ins"));
    assert!(blocked.header("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok()));
}

/// What a page asks by itself, nobody need be there for.
#[test]
fn a_page_that_keeps_itself_fresh_keeps_no_session_awake() {
    let (postgres, database) = (Postgres::shared(), Postgres::shared().fresh_database());
    let world = World::with_settings(Database::At(database.clone()), &[]);
    world.tenant("contoso");
    let anna = operator(&world, "anna", "viewer");
    let pages = ["/tenants/contoso/credentials", "/tenants/contoso/hand-over"];
    let lives = pages.map(|page| between(&anna.page(page), "data-live=\"", "\"").expect("a live part"));
    // Last used some minutes ago, for all that the gateway knows.
    let ago = "UPDATE operator_sessions SET seen_at = seen_at - 300000 RETURNING seen_at";
    let earlier = postgres.query(&database, ago).lines().next().expect("a session").to_owned();
    let seen = || postgres.query(&database, "SELECT seen_at FROM operator_sessions");
    for live in &lives {
        anna.page(live);
        assert_eq!(seen(), earlier, "{live}");
    }
    anna.page(pages[0]);
    assert_ne!(seen(), earlier, "somebody is there");
}

#[test]
fn a_new_password_ends_other_sessions() {
    let world = World::start(Backend::Sqlite);
    let (first, secret) = operator_with_secret(&world, "anna", "viewer");
    let second = Browser::new(&world);
    second.page("/sign-in");
    let code = code(&secret, 1);
    second.post("/sign-in", &[("name", "anna"), ("password", PASSWORD), ("code", &code)]);
    second.page("/account");
    let change = |old: &str| {
        let new = "quite another one";
        second.post("/account/password", &[("old_password", old), ("new_password", new), ("repeated", new)])
    };
    let wrong = change("wrong");
    assert_eq!(wrong.status, 401);
    assert_page(&wrong);
    assert_redirect(&change(PASSWORD), "/account");
    assert!(second.page("/account").contains("Your password is changed"));
    assert_redirect(&first.get("/account"), "/sign-in?next=/account");
}

#[test]
fn unknown_pages_and_methods_are_said_to_be() {
    let world = World::start(Backend::Sqlite);
    let stranger = Browser::new(&world);
    assert_failure(&stranger.get("/nothing"), 404, "not-found");
    assert_failure(&stranger.get("/sign-out"), 405, "method-not-allowed");
    assert_eq!(stranger.get("/sign-out").header("allow"), Some("POST"));
    let anna = operator(&world, "anna", "viewer");
    let unknown = anna.get("/tenants/contoso/nothing");
    assert_failure(&unknown, 404, "not-found");
    assert!(unknown.text().contains("/sign-out"), "in the frame of whoever is signed in");
    let wrong = anna.get("/tenants?state=gone");
    assert_failure(&wrong, 400, "invalid");
    assert!(wrong.text().contains("/sign-out"));
    assert_failure(&anna.get("/tenants?surprise=1"), 400, "invalid");
}

#[test]
fn assets_are_kept_for_ever_under_names_of_their_own() {
    let world = World::start(Backend::Sqlite);
    let browser = Browser::new(&world);
    let page = browser.page("/sign-in");
    let addresses: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert_eq!(addresses.len(), 4, "icon, style, script, and the icon once more: {addresses:?}");
    for address in addresses {
        let asset = browser.get(address);
        assert_eq!(asset.status, 200, "{address}");
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(asset.header("x-content-type-options"), Some("nosniff"));
        assert!(!asset.body.is_empty());
    }
    let gone = browser.get("/assets/juno.0000000000000000.css");
    assert_eq!(gone.status, 404);
    assert_safe(&gone);
}
