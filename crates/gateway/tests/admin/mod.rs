//! The operators' API, as operators meet it.

mod api_tokens;
mod audit;
mod callers;
mod description;
pub(crate) mod federation;
mod large_rows;
mod lists;
mod oauth_clients;
mod operators;
mod resources;
mod rotation;
mod secret_tokens;
mod session;
mod tenants;

use crate::world::World;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use test_support::{Http, Response};
use totp_rs::{Builder, Secret};

const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const PASSWORD: &str = "a password of one's own";

/// A session: the cookie and the token that goes with it. Or a script: an API token, and neither of them.
pub(crate) struct Session {
    base: String,
    http: Http,
    pub(crate) cookie: String,
    csrf: String,
    api_token: Option<String>,
}

/// The code of an authenticator app, `steps` times 30 seconds from now.
#[expect(clippy::disallowed_methods, reason = "an authenticator app reads a clock of its own")]
pub(crate) fn code(secret: &str, steps: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let secret = Secret::try_from_base32(secret).expect("base32");
    let totp = Builder::new().with_secret(secret).build().expect("totp");
    totp.generate(now + 30 * steps).to_string()
}

/// The address of the API.
pub(crate) fn base(world: &World) -> String {
    format!("{}/api/v1", world.gateway.admin())
}

/// Tries to sign in.
pub(crate) fn try_sign_in(world: &World, body: &Value) -> Response {
    let (url, body) = (format!("{}/session", base(world)), body.to_string());
    let response = world.http.send("POST", &url, &[JSON], body.as_bytes());
    description::check("POST", "/session", &body, &response);
    response
}

/// The session that signing in has begun.
pub(crate) fn session_of(world: &World, response: &Response) -> Session {
    assert_eq!(response.status, 200, "{}", response.text());
    let cookie = response.header("set-cookie").expect("cookie");
    let cookie = cookie.split(';').next().expect("cookie").to_owned();
    let csrf = response.json["csrf_token"].as_str().expect("csrf_token").to_owned();
    Session { base: base(world), http: world.http.clone(), cookie, csrf, api_token: None }
}

impl Session {
    /// Name and value of its cookie.
    pub(crate) fn cookie(&self) -> (&str, &str) {
        self.cookie.split_once('=').expect("cookie")
    }

    /// A script that shows this API token.
    pub(crate) fn script(world: &World, api_token: &str) -> Session {
        let (cookie, csrf) = (String::new(), String::new());
        Session {
            base: base(world),
            http: world.http.clone(),
            cookie,
            csrf,
            api_token: Some(api_token.to_owned()),
        }
    }

    /// Makes an API token; returns it with its key id.
    pub(crate) fn make_api_token(&self, body: &Value) -> (String, String) {
        let made = self.post("/api-tokens", body);
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(made.header("cache-control"), Some("no-store"));
        let text = |name: &str| made.json[name].as_str().expect(name).to_owned();
        (text("api_token"), text("key_id"))
    }

    /// The header by which it is known.
    pub(crate) fn credential(&self) -> (&'static str, String) {
        match &self.api_token {
            Some(token) => ("authorization", format!("Bearer {token}")),
            None => ("cookie", self.cookie.clone()),
        }
    }

    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let (header, value) = self.credential();
        let mut all = vec![(header, value.as_str())];
        if self.api_token.is_none() {
            all.push(("x-csrf-token", self.csrf.as_str()));
        }
        if !body.is_empty() {
            all.push(JSON);
        }
        all.extend(headers);
        let response = self.http.send(method, &format!("{}{path}", self.base), &all, body.as_bytes());
        description::check(method, path, body, &response);
        response
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.send_with(method, path, &[], &body.map(Value::to_string).unwrap_or_default())
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send("GET", path, None)
    }

    /// Reads what must be there.
    pub(crate) fn read(&self, path: &str) -> Value {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.json
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, Some(body))
    }

    /// With an Idempotency-Key.
    pub(crate) fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Response {
        self.send_with("POST", path, &[("idempotency-key", key)], &body.to_string())
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Response {
        self.send("PUT", path, Some(body))
    }
}

/// Adds an operator at the command line; returns the one-time password.
pub(crate) fn add_operator(world: &World, name: &str, role: &str) -> String {
    let created = world.juno(&["operator", "create", name, "--role", role]);
    created["one_time_password"].as_str().expect("one_time_password").to_owned()
}

/// Finishes the first sign-in; returns the secret of the authenticator app.
pub(crate) fn finish_first_sign_in(session: &Session, once: &str) -> String {
    let changed = session.put("/session/password", &json!({"old_password": once, "new_password": PASSWORD}));
    assert_eq!(changed.status, 204, "{}", changed.text());
    let begun = session.post("/session/totp", &json!({}));
    assert_eq!(begun.status, 200, "{}", begun.text());
    let secret = begun.json["secret"].as_str().expect("secret").to_owned();
    let confirmed = session.put("/session/totp", &json!({"code": code(&secret, 0)}));
    assert_eq!(confirmed.status, 204, "{}", confirmed.text());
    secret
}

/// An operator of this role who has finished the first sign-in, and the secret of the authenticator app.
pub(crate) fn operator_with_secret(world: &World, name: &str, role: &str) -> (Session, String) {
    let once = add_operator(world, name, role);
    let session = session_of(world, &try_sign_in(world, &json!({"name": name, "password": once})));
    let secret = finish_first_sign_in(&session, &once);
    (session, secret)
}

pub(crate) fn operator(world: &World, name: &str, role: &str) -> Session {
    operator_with_secret(world, name, role).0
}

/// A problem in the form of RFC 9457, of this kind.
pub(crate) fn assert_problem(response: &Response, status: u16, kind: &str) {
    let text = response.text();
    assert_eq!(response.status, status, "{text}");
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{text}");
    assert_eq!(response.header("cache-control"), Some("no-store"), "{text}");
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{text}");
    let keys: Vec<&str> = response.json.as_object().expect("object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["type", "title", "status", "detail"], "{text}");
    assert_eq!(response.json["type"], format!("urn:juno:problem:{kind}"), "{text}");
    assert_eq!(response.json["status"], status, "{text}");
    assert!(response.json["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{text}");
}
