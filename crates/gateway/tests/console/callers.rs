//! Route × caller over the console's routing table: walked by the caller matrix of the API (`admin/callers.rs`), with the
//! same callers.

use super::{FORM, assert_failure, assert_page, assert_redirect, assert_safe, encoded};
use admin::{
    api::{Access, Route},
    console::ROUTES,
};
use test_support::{Http, Response};

/// What a form says that would be taken. A route without a row is sent an empty form: whoever may not use it is refused
/// before anybody reads it, and whoever may has to learn what is missing without a fault.
const FIELDS: &[(&str, &[(&str, &str)])] = &[
    ("/tenants/{tenant}/hand-over", &[("label", "matrix"), ("hours", "24"), ("key", "matrix")]),
    ("/sign-in", &[("name", "nobody"), ("password", "nothing")]),
    (
        "/account/password",
        &[("old_password", "wrong"), ("new_password", "another password"), ("repeated", "another password")],
    ),
];

/// Why a caller is kept out of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Sent to sign in.
    SignIn,
    /// Sent to finish the first sign-in.
    FirstSignIn,
    /// The form cannot be trusted.
    WrongCsrf,
    /// The role does not allow it.
    Forbidden,
}

/// Somebody who opens every page and sends every form.
pub(crate) struct Walker<'w> {
    pub(crate) base: &'w str,
    pub(crate) http: &'w Http,
    /// The header by which it is known.
    pub(crate) credential: (&'w str, &'w str),
    pub(crate) csrf: &'w str,
}

impl Walker<'_> {
    fn send(&self, route: &Route, path: &str) -> Response {
        let url = format!("{}{path}", self.base);
        if route.method == "GET" {
            return self.http.send("GET", &url, &[self.credential], b"");
        }
        let fields =
            FIELDS.iter().find(|(path, _)| *path == route.path).map_or(&[][..], |(_, fields)| fields);
        let all: Vec<_> = [("csrf", self.csrf)].into_iter().chain(fields.iter().copied()).collect();
        self.http.send(route.method, &url, &[self.credential, FORM], encoded(&all).as_bytes())
    }

    /// Every route keeps this caller out as `expected` says, and lets in without a fault where it says nothing.
    pub(crate) fn walk(
        &self,
        caller: &str,
        values: &[(&str, String)],
        expected: impl Fn(&Route) -> Option<Kept>,
    ) {
        for route in ROUTES {
            let expected = expected(route);
            // Signing out ends the caller; it is tried in `sign_in.rs`.
            if expected.is_none() && route.path == "/sign-out" {
                continue;
            }
            let path =
                values.iter().fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value));
            assert!(!path.contains('{'), "{route:?} has a variable that the caller matrix has no value for");
            let response = self.send(route, &path);
            let words = format!("{caller} on {route:?}: {} {}", response.status, response.text());
            match expected {
                Some(Kept::SignIn) => {
                    assert_eq!(response.status, 303, "{words}");
                    let to = response.header("location").expect("location");
                    assert!(to == "/sign-in" || to.starts_with("/sign-in?next=/"), "{words}: {to}");
                    assert!(route.method == "GET" || to == "/sign-in", "a form cannot be sent again: {to}");
                    assert_safe(&response);
                }
                Some(Kept::FirstSignIn) => assert_redirect(&response, "/first-sign-in"),
                Some(Kept::WrongCsrf) => assert_failure(&response, 403, "wrong-csrf-token"),
                Some(Kept::Forbidden) => assert_failure(&response, 403, "forbidden"),
                None => {
                    assert!(response.status < 500, "{words}");
                    let location = response.header("location").unwrap_or_default();
                    assert!(!location.starts_with("/sign-in"), "{words}");
                    let kinds = ["data-failure=\"wrong-csrf-token\"", "data-failure=\"forbidden\""];
                    let is_public_form = route.access == Access::Public && route.method != "GET";
                    assert!(
                        is_public_form || !kinds.iter().any(|kind| response.text().contains(kind)),
                        "{words}"
                    );
                    let is_page =
                        response.header("content-type").is_some_and(|text| text.starts_with("text/html"));
                    // A part of a page, which the script loads, is no page of its own.
                    if is_page && response.text().starts_with("<!doctype") {
                        assert_page(&response);
                    }
                }
            }
        }
    }
}
