//! The console, as a browser without script meets it: pages, forms, redirects, cookies.

mod audit;
pub(crate) mod callers;
mod credentials;
mod hand_over;
mod oauth;
mod openid;
mod operators;
mod resources;
mod sign_in;
mod tenants;

use crate::{
    admin::{PASSWORD, add_operator, code},
    world::World,
};
use std::{cell::RefCell, collections::BTreeMap};
use test_support::{Http, Response};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A browser: it keeps cookies, and the CSRF token of the last page that had one.
pub(crate) struct Browser {
    base: String,
    http: Http,
    cookies: RefCell<BTreeMap<String, String>>,
    csrf: RefCell<String>,
}

impl Browser {
    pub(crate) fn new(world: &World) -> Browser {
        let base = world.gateway.admin().to_owned();
        Browser { base, http: world.http.clone(), cookies: RefCell::default(), csrf: RefCell::default() }
    }

    /// The cookie header.
    fn cookie(&self) -> String {
        let cookies = self.cookies.borrow();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let cookie = self.cookie();
        let mut all = vec![("cookie", cookie.as_str())];
        all.extend(headers);
        let response = self.http.send(method, &format!("{}{path}", self.base), &all, body.as_bytes());
        for (_, line) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("cookie");
            if line.contains("Max-Age=0;") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(csrf) = between(&response.text(), "name=\"csrf\" value=\"", "\"") {
            *self.csrf.borrow_mut() = csrf;
        }
        response
    }

    /// Opens a page.
    pub(crate) fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], "")
    }

    /// Opens a page that must be there.
    pub(crate) fn page(&self, path: &str) -> String {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.text()
    }

    /// Sends a form of the last page.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let csrf = self.csrf.borrow().clone();
        let all: Vec<_> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post_as_it_is(path, &all)
    }

    /// Sends a form without a CSRF token of its own.
    pub(crate) fn post_as_it_is(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.send("POST", path, &[FORM], &encoded(fields))
    }
}

/// What stands between two texts.
pub(crate) fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(rest[..rest.find(after)?].to_owned())
}

/// The hidden key of the forms of a page, by which they do once what they do, however often they are sent.
fn key_of(page: &str) -> String {
    between(page, "name=\"key\" value=\"", "\"").expect("key")
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A redirect to this path.
pub(crate) fn assert_redirect(response: &Response, to: &str) {
    assert_eq!(response.status, 303, "{}", response.text());
    assert_eq!(response.header("location"), Some(to));
    assert_safe(response);
}

/// A page of failure, of this kind.
pub(crate) fn assert_failure(response: &Response, status: u16, kind: &str) {
    let text = response.text();
    assert_eq!(response.status, status, "{text}");
    assert_eq!(between(&text, "data-failure=\"", "\"").as_deref(), Some(kind), "{text}");
    assert_page(response);
}

/// The headers that every answer of the console has.
pub(crate) fn assert_safe(response: &Response) {
    let csp = response.header("content-security-policy").expect("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(csp.split("; ").any(|found| found == part), "{part} is not in {csp}");
    }
    assert!(!csp.contains("unsafe"), "{csp}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(response.header(name), Some(value), "{name}");
    }
    assert!(response.header("permissions-policy").is_some());
}

/// A page: the headers, and nothing in it that the policy would stop.
pub(crate) fn assert_page(response: &Response) {
    assert_safe(response);
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    let text = response.text();
    assert!(text.starts_with("<!doctype html>\n<html lang=\"en\">"), "{text}");
    for (opening, rest) in text.split('<').map(|tag| tag.split_once('>').unwrap_or((tag, ""))) {
        assert!(
            !opening.contains(" style=") && !opening.contains(" on"),
            "inline style or script: <{opening}>"
        );
        assert!(!opening.starts_with("style"), "inline style");
        assert!(
            !opening.starts_with("script") || (opening.contains(" src=\"/") && rest.is_empty()),
            "inline script"
        );
        assert!(!opening.contains("javascript:"), "<{opening}>");
    }
    assert_eq!(text.matches("<h1").count(), 1, "one heading that says what the page is: {text}");
    assert!(
        between(&text, "<title>", "</title>").is_some_and(|title| title.len() > " · Juno provisioning".len())
    );
}

/// A new operator, brought through the first sign-in in the browser; the secret of the authenticator app.
pub(crate) fn operator_with_secret(world: &World, name: &str, role: &str) -> (Browser, String) {
    let once = add_operator(world, name, role);
    let browser = Browser::new(world);
    browser.page("/sign-in");
    let signed_in = browser.post("/sign-in", &[("name", name), ("password", &once), ("code", "")]);
    assert_redirect(&signed_in, "/tenants");
    assert_redirect(&browser.get("/tenants"), "/first-sign-in");
    browser.page("/first-sign-in");
    let changed = browser.post(
        "/first-sign-in/password",
        &[("old_password", &once), ("new_password", PASSWORD), ("repeated", PASSWORD)],
    );
    assert_redirect(&changed, "/first-sign-in");
    let page = browser.page("/first-sign-in");
    let secret = between(&page, "id=\"secret\" type=\"text\" readonly value=\"", "\"")
        .expect("secret")
        .replace(' ', "");
    assert_redirect(&browser.post("/first-sign-in/code", &[("code", &code(&secret, 0))]), "/tenants");
    (browser, secret)
}

/// A browser in which an operator of this role has signed in.
pub(crate) fn operator(world: &World, name: &str, role: &str) -> Browser {
    operator_with_secret(world, name, role).0
}
