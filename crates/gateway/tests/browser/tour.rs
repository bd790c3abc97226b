//! A tour of every page: whether all people can use it, and what it looks like.

use super::office::Office;
use crate::{
    admin::{PASSWORD, Session},
    setup::make,
};
use admin::{console, setup};
use serde_json::json;
use std::path::Path;
use test_support::{Browser, Scheme};

/// Who looks at a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Stranger,
    Newcomer,
    Admin,
}

/// One page of the tour.
struct Stop {
    /// The route of the console that shows it; none for pages that no route stands for.
    route: &'static str,
    /// A name for its pictures.
    name: &'static str,
    who: Who,
    path: String,
    /// What has to be done on the page until it shows what the stop is for.
    deeds: fn(&Browser, &Office),
}

/// Addresses that show no page of their own: redirects, files, parts of pages.
const NO_PAGES: &[&str] = &[
    "/",
    "/assets/{file}",
    "/sign-in/openid",
    "/sign-in/openid/callback",
    "/tenants/{tenant}/credentials/live",
    "/tenants/{tenant}/credentials/live",
    "/tenants/{tenant}/hand-over/links",
    "/setup/status",
    "/setup/new-secret-token",
    "/setup/assets/{file}",
];

/// The tour. A new page without a stop here fails the test.
fn stops(office: &Office) -> Vec<Stop> {
    let stop = |route: &'static str, name, who| Stop {
        route,
        name,
        who,
        path: office.path(route),
        deeds: |_, _| {},
    };
    let setup = |route, name| Stop { path: office.link.url.clone(), ..stop(route, name, Who::Stranger) };
    let page = |route, name| stop(route, name, Who::Admin);
    vec![
        stop("/sign-in", "sign-in", Who::Stranger),
        stop("/first-sign-in", "first-password", Who::Newcomer),
        Stop { deeds: choose_password, ..stop("/first-sign-in", "second-factor", Who::Newcomer) },
        page("/account", "account"),
        Stop { deeds: make_an_api_token, ..page("/account", "account-api-token") },
        page("/account/api-tokens/{key_id}/revoke", "account-api-token-revoke"),
        page("/tenants", "tenants"),
        page("/tenants/new", "tenants-new"),
        page("/tenants/{tenant}", "tenant"),
        page("/tenants/{tenant}/suspend", "tenant-suspend"),
        Stop {
            path: "/tenants/wide-world/resume".to_owned(),
            ..page("/tenants/{tenant}/resume", "tenant-resume")
        },
        page("/tenants/{tenant}/export", "tenant-export"),
        page("/tenants/{tenant}/erase", "tenant-erase"),
        page("/tenants/{tenant}/oauth", "oauth"),
        Stop { deeds: make_a_client, ..page("/tenants/{tenant}/oauth", "oauth-secret") },
        page("/tenants/{tenant}/oauth/clients/{client_id}/revoke", "oauth-client-revoke"),
        page("/tenants/{tenant}/oauth/clients/{client_id}/secrets/{key_id}/rotate", "oauth-secret-rotate"),
        page("/tenants/{tenant}/oauth/clients/{client_id}/secrets/{key_id}/revoke", "oauth-secret-revoke"),
        page("/tenants/{tenant}/oauth/federation/remove", "oauth-federation-remove"),
        page("/tenants/{tenant}/credentials", "credentials"),
        Stop { deeds: issue_a_token, ..page("/tenants/{tenant}/credentials", "secret-token") },
        page("/tenants/{tenant}/credentials/{key_id}/rotate", "credentials-rotate"),
        page("/tenants/{tenant}/credentials/{key_id}/revoke", "credentials-revoke"),
        Stop {
            deeds: rotate,
            ..page("/tenants/{tenant}/credentials/{key_id}/rotate", "secret-token-rotated")
        },
        page("/tenants/{tenant}/rotations/{id}/complete", "rotation-complete"),
        page("/tenants/{tenant}/rotations/{id}/cancel", "rotation-cancel"),
        page("/tenants/{tenant}/hand-over", "hand-over"),
        Stop { deeds: make_a_link, ..page("/tenants/{tenant}/hand-over", "hand-over-link") },
        page("/tenants/{tenant}/hand-over/{id}/revoke", "hand-over-revoke"),
        page("/tenants/{tenant}/users", "users"),
        Stop { deeds: search, ..page("/tenants/{tenant}/users", "users-found") },
        page("/tenants/{tenant}/users/{id}", "user"),
        page("/tenants/{tenant}/groups", "groups"),
        page("/tenants/{tenant}/groups/{id}", "group"),
        page("/tenants/{tenant}/changes", "changes"),
        page("/tenants/{tenant}/deleted", "deleted"),
        page("/tenants/{tenant}/deleted/{id}/restore", "deleted-restore"),
        page("/expiring", "expiring"),
        page("/operators", "operators"),
        Stop { deeds: add_an_operator, ..page("/operators", "operator-password") },
        page("/operators/{name}", "operator"),
        page("/operators/{name}/reset", "operator-reset"),
        Stop { deeds: reset, ..page("/operators/{name}/reset", "operator-reset-password") },
        page("/operators/{name}/disable", "operator-disable"),
        page("/audit", "audit"),
        Stop { deeds: verify, ..page("/audit", "audit-verified") },
        setup("/setup/{token}", "setup-link"),
        Stop { deeds: connect, ..setup("/setup", "setup-connected") },
        Stop { deeds: revoke, ..setup("/setup", "setup-revoked") },
        Stop { deeds: open_link, ..setup("/setup", "setup") },
        Stop { deeds: is_spent, ..setup("/setup/{token}", "setup-link-spent") },
        Stop { path: "/nothing".to_owned(), deeds: is_missing, ..stop("", "not-found", Who::Stranger) },
    ]
}

fn make_an_api_token(page: &Browser, _: &Office) {
    page.fill("Label", "Dashboard");
    page.press("Make a token");
    page.expect("It is shown this one time.");
}

fn make_a_client(page: &Browser, _: &Office) {
    page.fill("Label (optional)", "Second application");
    page.press("Make the client");
    page.expect("It is shown this one time");
}

fn make_a_link(page: &Browser, _: &Office) {
    page.fill("For whom", "Diego Siciliani");
    page.press("Make the link");
    page.expect("It is shown this one time.");
}

fn search(page: &Browser, _: &Office) {
    page.fill("A text, or a SCIM filter", "active eq true and userName co \"a\"");
    page.press("Search");
    page.expect("users found");
}

fn add_an_operator(page: &Browser, _: &Office) {
    page.fill("Name", "erik");
    page.tick("Support");
    page.press("Add the operator");
    page.expect("It is shown this one time");
}

fn issue_a_token(page: &Browser, _: &Office) {
    page.fill("Label (optional)", "Pilot");
    page.press("Issue a token");
    page.expect("It is shown this one time");
}

fn verify(page: &Browser, _: &Office) {
    page.press("Verify the chain");
    page.expect("The log is what was written");
}

fn open_link(page: &Browser, _: &Office) {
    page.press("Open the setup page");
    page.expect("Seven steps");
}

/// A link of its own; the Tenant URL and the Secret Token behind it.
fn open_another_link(page: &Browser, office: &Office) -> (String, String) {
    page.open(&make(&office.anna, "contoso").url);
    open_link(page, office);
    (page.value("Tenant URL"), page.value("Secret Token"))
}

fn connect(page: &Browser, office: &Office) {
    let (tenant_url, token) = open_another_link(page, office);
    office.world.send("GET", &format!("{tenant_url}/Users?count=1"), Some(&token), None);
    page.expect("Entra has connected.");
}

fn revoke(page: &Browser, office: &Office) {
    let (_, token) = open_another_link(page, office);
    let key_id = token.split('_').nth(1).expect("key id");
    let path = format!("/tenants/contoso/secret-tokens/{key_id}/revoke");
    assert_eq!(office.anna.post(&path, &json!({})).status, 200);
    page.expect("This Secret Token was revoked by Juno support.");
}

fn rotate(page: &Browser, _: &Office) {
    page.press("Start and show the new one");
    page.expect("It is shown this one time");
}

fn reset(page: &Browser, _: &Office) {
    page.press("Reset ben");
    page.expect("It is shown this one time");
}

fn is_spent(page: &Browser, _: &Office) {
    page.expect("It was opened on");
    page.expect_complaint("status of 410");
}

fn choose_password(page: &Browser, office: &Office) {
    page.fill("One-time password", &office.newcomer.1);
    page.fill("New password", PASSWORD);
    page.fill("New password, once more", PASSWORD);
    page.press("Go on");
    page.expect("A second factor");
}

fn is_missing(page: &Browser, _: &Office) {
    page.expect_complaint("status of 404");
}

/// Goes from stop to stop in one browser.
fn walk(office: &Office, look: impl Fn(&Browser, &Stop)) {
    let page = Browser::at(office.world.gateway.admin());
    for stop in stops(office) {
        // A page that keeps itself fresh would ask once more without a cookie.
        page.open("about:blank");
        page.forget();
        if let Some((cookie, value)) = session(office, stop.who).map(Session::cookie) {
            page.remember(cookie, value);
        }
        page.open(&stop.path);
        (stop.deeds)(&page, office);
        look(&page, &stop);
    }
}

fn session(office: &Office, who: Who) -> Option<&Session> {
    match who {
        Who::Stranger => None,
        Who::Newcomer => Some(&office.newcomer.0),
        Who::Admin => Some(&office.anna),
    }
}

#[test]
fn every_page_can_be_used_by_all_people() {
    let office = Office::open(12);
    let seen: Vec<&str> = stops(&office).iter().map(|stop| stop.route).collect();
    let all =
        [("", console::ROUTES), (setup::PREFIX, setup::ROUTES)].into_iter().flat_map(|(prefix, routes)| {
            let pages = routes.iter().filter(|route| route.method == "GET");
            pages.map(move |route| format!("{prefix}{}", route.path))
        });
    for path in all.filter(|path| !NO_PAGES.contains(&path.as_str())) {
        assert!(seen.contains(&path.as_str()), "{path} has no stop on the tour");
    }
    let found = std::cell::RefCell::new(Vec::new());
    walk(&office, |page, stop| found.borrow_mut().extend(faults(page, stop.name)));
    let found = found.into_inner();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What keeps some people from using the page that is shown, in light and dark, wide and narrow.
pub(super) fn faults(page: &Browser, name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (scheme, width) in [(Scheme::Light, 1280), (Scheme::Dark, 390)] {
        page.prefer(scheme);
        page.resize(width, 844);
        let place = format!("{name}, {} at {width} px", scheme.as_str());
        faults.extend(page.violations().into_iter().map(|fault| format!("{place}: {fault}")));
        if page.overflow() > 0 {
            faults.push(format!("{place}: {} px too wide", page.overflow()));
        }
    }
    faults
}

#[test]
#[ignore = "it takes pictures and proves nothing: `make screenshots`"]
fn screenshots() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/screenshots"));
    let office = Office::open(300);
    walk(&office, |page, stop| {
        for (scheme, width) in
            [Scheme::Light, Scheme::Dark].into_iter().flat_map(|scheme| [(scheme, 1280), (scheme, 390)])
        {
            page.prefer(scheme);
            page.resize(width, 844);
            page.picture(&folder.join(format!("{}-{}-{width}.png", stop.name, scheme.as_str())));
        }
    });
}
