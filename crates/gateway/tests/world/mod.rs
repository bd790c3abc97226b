//! A running gateway with tenants in it, as provisioning clients and operators meet it.

pub(crate) mod held;

use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use test_support::{Backend, Database, Gateway, GatewayOptions, Http, Response};

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) http: Http,
    /// Secret Tokens by tenant.
    tokens: Mutex<HashMap<String, Arc<str>>>,
}

/// The binary.
pub(crate) const JUNO: &str = env!("CARGO_BIN_EXE_juno");

/// A Secret Token beside the first one.
pub(crate) struct Issued {
    pub(crate) key_id: String,
    pub(crate) token: String,
}

impl World {
    pub(crate) fn start(backend: Backend) -> World {
        World::with_settings(Database::Fresh(backend), &[])
    }

    pub(crate) fn with_settings(database: Database, settings: &[(&str, &str)]) -> World {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        World::of(GatewayOptions { binary: JUNO.into(), database, settings })
    }

    pub(crate) fn of(options: GatewayOptions) -> World {
        World { gateway: Gateway::start(options), http: Http::new(), tokens: Mutex::default() }
    }

    /// The tenant with this label; opened if it is not yet there.
    pub(crate) fn tenant(&self, label: &str) -> Tenant<'_> {
        self.tenant_of_profile(label, "entra")
    }

    /// The same, where it is opened now with this profile.
    pub(crate) fn tenant_of_profile(&self, label: &str, profile: &str) -> Tenant<'_> {
        let mut tokens = self.tokens.lock().expect("tokens");
        let token = tokens.entry(label.to_owned()).or_insert_with(|| {
            let created = self.juno(&["tenant", "create", label, "--profile", profile]);
            created["secret_token"].as_str().expect("secret_token").into()
        });
        let url = format!("{}/t/{label}/scim/v2", self.gateway.scim());
        Tenant { world: self, url, token: Arc::clone(token) }
    }

    /// Runs a command with `--json` that must succeed.
    pub(crate) fn juno(&self, arguments: &[&str]) -> Value {
        self.gateway.juno(arguments)
    }

    pub(crate) fn issue(&self, label: &str) -> Issued {
        let issued = self.juno(&["token", "issue", label]);
        let text = |key: &str| issued[key].as_str().expect(key).to_owned();
        Issued { key_id: text("key_id"), token: text("secret_token") }
    }

    /// A token that has run out.
    pub(crate) fn issue_expired(&self, label: &str) -> Issued {
        let issued = self.juno(&["token", "issue", label, "--expires-in", "1s"]);
        let text = |key: &str| issued[key].as_str().expect(key).to_owned();
        let issued = Issued { key_id: text("key_id"), token: text("secret_token") };
        let users = format!("{}/t/{label}/scim/v2/Users", self.gateway.scim());
        soon("expiry", || self.send("GET", &users, Some(&issued.token), None).status == 401);
        issued
    }

    pub(crate) fn send(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Response {
        self.try_send(method, url, token, body).unwrap_or_else(|| panic!("no answer to {method} {url}"))
    }

    pub(crate) fn try_send(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Option<Response> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = Vec::new();
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        headers.extend(body.map(|_| ("content-type", "application/scim+json")));
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.http.try_send(method, url, &headers, &body)
    }

    pub(crate) fn kill(&self) {
        self.gateway.kill();
    }

    /// Starts it again, under a new address.
    pub(crate) fn restart(&mut self) {
        self.gateway.restart();
        // The old one's connections are dead.
        self.http = Http::new();
    }
}

/// A tenant, and its provisioning client.
pub(crate) struct Tenant<'w> {
    world: &'w World,
    url: String,
    token: Arc<str>,
}

impl Tenant<'_> {
    /// The Tenant URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The Secret Token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn try_send(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Response> {
        self.world.try_send(method, &format!("{}{path}", self.url), Some(&self.token), body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.world.send(method, &format!("{}{path}", self.url), Some(&self.token), body)
    }

    /// Sends a body that may be no JSON.
    pub(crate) fn send_text(&self, method: &str, path: &str, body: Option<&str>) -> Response {
        self.send_with(method, path, &[], body.unwrap_or_default())
    }

    /// Sends a request with headers of its own beside the token; one of the same name replaces `content-type`.
    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        if !body.is_empty() && headers.iter().all(|(name, _)| *name != "content-type") {
            all.push(("content-type", "application/scim+json"));
        }
        all.extend(headers);
        self.world.http.send(method, &format!("{}{path}", self.url), &all, body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, Some(body))
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Response {
        self.send("PUT", path, Some(body))
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Response {
        self.send("PATCH", path, Some(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, None)
    }

    /// Creates a user and returns its id.
    pub(crate) fn create_user(&self, user_name: &str) -> String {
        let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name});
        created(self.post("/Users", &user))
    }

    /// Creates a group and returns its id.
    pub(crate) fn create_group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
            "members": members});
        created(self.post("/Groups", &group))
    }

    /// How many resources there are.
    pub(crate) fn count(&self, endpoint: &str) -> u64 {
        self.get(&format!("{endpoint}?count=0")).json["totalResults"].as_u64().expect("totalResults")
    }

    /// How many requests of this tenant that write were answered with success since the gateway started.
    pub(crate) fn writes(&self) -> u64 {
        let label = self.url.rsplit('/').nth(2).expect("label");
        let tenant = format!("tenant=\"{label}\"");
        let count = |method: &str| {
            let labels = [tenant.as_str(), &format!("method=\"{method}\""), "status=\"2"];
            self.world.gateway.metric(&self.world.http, "juno_scim_requests_total", &labels)
        };
        ["POST", "PUT", "PATCH", "DELETE"].into_iter().map(count).sum::<f64>() as u64
    }
}

fn created(response: Response) -> String {
    assert_eq!(response.status, 201, "{}", response.text());
    response.json["id"].as_str().expect("id").to_owned()
}

/// Asks until the answer is as wished; fails if that takes longer than any timer may.
pub(crate) fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} is not felt");
    }
}
