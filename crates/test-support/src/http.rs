//! A blocking HTTP client that keeps its connections.

use serde_json::Value;
use std::time::Duration;
use ureq::{
    Agent,
    http::{Request, Uri},
};

/// The client; cheap to clone, used by many threads at once.
#[derive(Clone, Debug)]
pub struct Http {
    agent: Agent,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The body as JSON; null if it is none.
    pub json: Value,
}

impl Response {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Default for Http {
    fn default() -> Self {
        Http::new()
    }
}

impl Http {
    /// A client that never asks a proxy and takes every status as an answer.
    pub fn new() -> Http {
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_idle_connections(256)
            .max_idle_connections_per_host(256)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(60)));
        Http { agent: config.build().into() }
    }

    /// Sends a request; none if there was no answer.
    pub fn try_send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Response> {
        let mut request = Request::builder().method(method).uri(url.parse::<Uri>().expect(url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = if body.is_empty() && !["POST", "PUT", "PATCH"].contains(&method) {
            self.agent.run(request.body(()).expect("request"))
        } else {
            self.agent.run(request.body(body).expect("request"))
        };
        let mut answer = answer.ok()?;
        let headers = answer.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let headers = headers.collect();
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec().ok()?;
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Some(Response { status, headers, body, json })
    }

    /// Sends a request that must be answered.
    pub fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.try_send(method, url, headers, body).unwrap_or_else(|| panic!("no answer to {method} {url}"))
    }
}
