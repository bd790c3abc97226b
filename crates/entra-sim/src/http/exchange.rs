//! One request and its answer as a plain value, fit to be logged: the credential is never part of it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::SCIM_JSON;

/// Whose credential a request carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// The client's own.
    #[default]
    Own,
    /// None: the header is left out.
    None,
    /// This value of the `Authorization` header, letter by letter.
    Other(String),
}

/// A request that is to be sent, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// The whole address, query included.
    pub url: String,
    /// Headers besides `Authorization`, in the order of sending.
    pub headers: Vec<(String, String)>,
    /// The body as sent.
    pub body: Option<String>,
    /// Whose credential goes with it; never logged.
    #[serde(skip)]
    pub authorization: Authorization,
}

impl Request {
    /// A request without body and without extra headers: what Entra's GET looks like.
    pub fn new(method: &str, url: String) -> Self {
        let method = method.to_owned();
        Self { method, url, headers: Vec::new(), body: None, authorization: Authorization::Own }
    }

    /// Adds a JSON body of type `application/scim+json`.
    #[must_use]
    pub fn scim(self, body: &Value) -> Self {
        self.raw(SCIM_JSON, body.to_string())
    }

    /// Adds any body, well-formed or not.
    #[must_use]
    pub fn raw(mut self, content_type: &str, body: impl Into<String>) -> Self {
        self.headers.push(("content-type".to_owned(), content_type.to_owned()));
        self.body = Some(body.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the client's credential.
    #[must_use]
    pub fn authorization(mut self, authorization: Authorization) -> Self {
        self.authorization = authorization;
        self
    }

    /// The address without scheme and host, for logs and fault patterns.
    pub fn path_and_query(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.find('/').map_or("/", |slash| &rest[slash..])
    }
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl Response {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The media type without its parameters.
    pub fn media_type(&self) -> Option<&str> {
        self.header("content-type").map(|value| value.split(';').next().unwrap_or_default().trim())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// The parser's, when the body is not JSON.
    pub fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_str(&self.body)
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", content = "cause", rename_all = "camelCase")]
pub enum Failure {
    /// The server took longer than the client waits.
    #[error("no answer in time")]
    Timeout,
    /// No connection could be made.
    #[error("no connection: {0}")]
    Connect(String),
    /// The connection broke before the answer was complete.
    #[error("the connection was dropped: {0}")]
    Dropped(String),
    /// The answer is larger than a client of this kind reads.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// No access token could be had; the exchange is the token endpoint's.
    #[error("no access token: {0}")]
    Token(String),
    /// The request could not be built.
    #[error("the request cannot be sent: {0}")]
    Request(String),
}

/// A request, what came of it, and how long it took.
#[derive(Clone, Debug, Serialize)]
pub struct Exchange {
    /// When the request was sent, by the simulated clock.
    pub sent: Timestamp,
    /// How long it took in the real world.
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub duration: Duration,
    /// What was sent.
    pub request: Request,
    /// The answer, or why there is none.
    pub outcome: Result<Response, Failure>,
}

fn milliseconds<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64() * 1000.0)
}

impl Exchange {
    /// The status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }

    /// The answer, if there was one.
    pub fn response(&self) -> Option<&Response> {
        self.outcome.as_ref().ok()
    }

    /// Whether there was an answer and it was 2xx.
    pub fn is_success(&self) -> bool {
        self.response().is_some_and(Response::is_success)
    }

    /// The body of the answer as JSON, if there was an answer and it is JSON.
    pub fn json(&self) -> Option<Value> {
        self.response().and_then(|response| response.json().ok())
    }

    /// A few lines for people: request line, body, status and answer, cut to `width` characters each.
    pub fn describe(&self, width: usize) -> String {
        let cut = |text: &str| match text.char_indices().nth(width) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        let mut lines = vec![format!("{} {}", self.request.method, self.request.url)];
        lines.extend(self.request.body.as_deref().map(|body| format!("  → {}", cut(body))));
        lines.push(match &self.outcome {
            Ok(response) => format!("  ← {} {}", response.status, cut(&response.body)),
            Err(failure) => format!("  ← {failure}"),
        });
        lines.join("\n")
    }
}
