//! The hand-over: a setup link from the operator who makes it to the first request of Entra, on both listeners.

mod callers;
mod links;
mod pages;

use crate::{
    admin::Session,
    console::{assert_page, between},
    world::World,
};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    time::{Duration, Instant},
};
use test_support::{Http, Response};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const LINKS: &str = "/tenants/contoso/setup-links";

/// A link that an operator has made: its id and its address.
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) url: String,
}

/// Makes a link over the API.
pub(crate) fn make(operator: &Session, tenant: &str) -> Link {
    let made = operator.post(&format!("/tenants/{tenant}/setup-links"), &json!({"label": "Adele Vance"}));
    assert_eq!(made.status, 201, "{}", made.text());
    let text = |key: &str| made.json[key].as_str().expect(key).to_owned();
    Link { id: text("id"), url: text("url") }
}

/// The browser of a customer's administrator.
pub(crate) struct Browser {
    http: Http,
    /// Of the pages, with their path.
    root: String,
    /// The `Host` that it asks for, where that is not the address.
    host: Option<&'static str>,
    pub(crate) cookie: RefCell<Option<String>>,
    csrf: RefCell<String>,
}

impl Browser {
    pub(crate) fn new(world: &World) -> Browser {
        let root = format!("{}/setup", world.gateway.scim());
        let (cookie, csrf) = (RefCell::default(), RefCell::default());
        Browser { http: world.http.clone(), root, host: None, cookie, csrf }
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let cookie = self.cookie.borrow().clone();
        let mut all = headers.to_vec();
        all.extend(cookie.as_deref().map(|cookie| ("cookie", cookie)));
        all.extend(self.host.map(|host| ("host", host)));
        let url = format!("{}{path}", self.root);
        let response = self.http.send(method, &url, &all, body.as_bytes());
        if let Some(set) = response.header("set-cookie") {
            *self.cookie.borrow_mut() = Some(set.split(';').next().expect("cookie").to_owned());
        }
        if let Some(csrf) = between(&response.text(), "name=\"csrf\" value=\"", "\"") {
            *self.csrf.borrow_mut() = csrf;
        }
        response
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], "")
    }

    /// A page that must be there.
    pub(crate) fn page(&self, path: &str) -> String {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        assert_page(&response);
        assert_eq!(response.header("x-robots-tag"), Some("noindex"));
        response.text()
    }

    /// Sends the form of the last page.
    pub(crate) fn post(&self, path: &str, fields: &str) -> Response {
        let body = format!("csrf={}{fields}", self.csrf.borrow());
        self.send("POST", path, &[FORM], &body)
    }

    /// Looks at a link and opens it; the Secret Token.
    pub(crate) fn open(&self, link: &Link) -> String {
        self.page(&path(link));
        let opened = self.post(&path(link), "");
        assert_eq!(opened.status, 200, "{}", opened.text());
        assert_page(&opened);
        secret_token(&opened.text()).expect("Secret Token")
    }
}

/// The part of a link behind `/setup`.
pub(crate) fn path(link: &Link) -> String {
    link.url[link.url.rfind('/').expect("path")..].to_owned()
}

/// The Secret Token in a page, if it is shown.
fn secret_token(page: &str) -> Option<String> {
    between(page, "id=\"secret-token\" type=\"text\" readonly value=\"", "\"")
}

/// Waits until the live line says this.
pub(crate) fn wait_for(browser: &Browser, words: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let line = browser.get("/status");
        assert_eq!(line.status, 200, "{}", line.text());
        if line.text().contains(words) {
            return line.text();
        }
        assert!(Instant::now() < deadline, "no {words} in {}", line.text());
        std::thread::yield_now();
    }
}

/// A page that says why there is none, of this kind.
pub(crate) fn assert_refused(response: &Response, status: u16, kind: &str) {
    let text = response.text();
    assert_eq!(response.status, status, "{text}");
    assert_eq!(between(&text, "data-failure=\"", "\"").as_deref(), Some(kind), "{text}");
    assert_page(response);
}

fn actions(world: &World) -> Vec<(String, String)> {
    let log = world.juno(&["audit", "list", "--tenant", "contoso"]);
    let text = |row: &Value, key: &str| row[key].as_str().expect("text").to_owned();
    let rows = log["audit"].as_array().expect("audit");
    rows.iter().rev().map(|row| (text(row, "actor"), text(row, "action"))).collect()
}
