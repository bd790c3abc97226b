//! The operators' API as commands ask it, in one of two ways (docs/adr/0018): in this process, on the database of the
//! settings, or over HTTP at a server. What is asked and what is answered is the same.

use super::{command_line, open_admin, open_store, server::Server};
use crate::{answer::CommandError, cli::Way, settings::Settings};
use actix_web::http::Method;
use admin::InProcess;
use serde_json::{Value, json};
use std::io::Write;
use url::Url;

/// The API.
pub(crate) enum Api {
    /// On the database, as whoever sits at the command line.
    InProcess(InProcess),
    /// At a server, as the operator whose token was given.
    Server(Server),
}

/// A request: where to, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Request {
    /// To a path under `/api/v1`, part by part; each is encoded.
    fn new(method: Method, path: &[&str]) -> Request {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        Request { method, path, query: Vec::new(), body: None }
    }

    pub(crate) fn get(path: &[&str]) -> Request {
        Request::new(Method::GET, path)
    }

    pub(crate) fn post(path: &[&str]) -> Request {
        Request::new(Method::POST, path).body(json!({}))
    }

    pub(crate) fn put(path: &[&str]) -> Request {
        Request::new(Method::PUT, path)
    }

    pub(crate) fn patch(path: &[&str]) -> Request {
        Request::new(Method::PATCH, path)
    }

    pub(crate) fn delete(path: &[&str]) -> Request {
        Request::new(Method::DELETE, path)
    }

    /// With a value in the query, if there is one.
    pub(crate) fn query(mut self, key: &'static str, value: Option<String>) -> Request {
        self.query.extend(value.map(|value| (key, value)));
        self
    }

    /// With this body, without what is null in it: what was not said.
    pub(crate) fn body(mut self, mut body: Value) -> Request {
        if let Some(members) = body.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        self.body = Some(body);
        self
    }

    /// Its address, where the API is below `base`.
    fn url(&self, base: &Url) -> Result<Url, CommandError> {
        // These two would be taken for steps, and an empty part for none.
        if let Some(part) = self.path.iter().find(|part| ["", ".", ".."].contains(&part.as_str())) {
            return Err(CommandError::Usage(format!("\"{part}\" is the name of nothing")));
        }
        let mut url = base.clone();
        let cannot = |()| CommandError::Usage(format!("{base} is no address of a server"));
        url.path_segments_mut()
            .map_err(cannot)?
            .pop_if_empty()
            .extend(admin::api::PREFIX.split('/').filter(|part| !part.is_empty()))
            .extend(&self.path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

/// An answer, of which the body is still to be read.
pub(super) enum Reply {
    InProcess(admin::Reply),
    Server(reqwest::Response),
}

impl Reply {
    fn status(&self) -> u16 {
        match self {
            Reply::InProcess(reply) => reply.status(),
            Reply::Server(response) => response.status().as_u16(),
        }
    }

    /// The next piece of the body.
    async fn chunk(&mut self) -> Result<Option<actix_web::web::Bytes>, CommandError> {
        let broken = CommandError::failed("the answer broke off");
        match self {
            Reply::InProcess(reply) => reply.chunk().await.map_err(|cause| broken(&cause)),
            Reply::Server(response) => response.chunk().await.map_err(|cause| broken(&cause)),
        }
    }

    async fn bytes(&mut self) -> Result<Vec<u8>, CommandError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}

impl Api {
    /// The API, in the way that the command line asks for.
    pub(crate) async fn open(
        way: &Way,
        settings: impl FnOnce() -> Result<Settings, CommandError>,
    ) -> Result<Api, CommandError> {
        if let Some(server) = &way.server {
            return Ok(Api::Server(Server::new(server, way.token_file.as_deref())?));
        }
        let settings = settings()?;
        let admin = open_admin(&settings, open_store(&settings)?, settings.scim.listen)?;
        Ok(Api::InProcess(InProcess::new(admin, command_line()).await?))
    }

    /// Asks; what the API refuses is an error. An answer without a body is null.
    pub(crate) async fn ask(&self, request: Request) -> Result<Value, CommandError> {
        let body = self.send(&request).await?.bytes().await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|cause| CommandError::failed("the answer is no JSON")(&cause))
    }

    /// Asks for a list, page by page to its end: the last page, with the rows of all under `rows`.
    pub(crate) async fn list(&self, asked: Request, rows: &str) -> Result<Value, CommandError> {
        let (mut all, mut cursor): (Vec<Value>, _) = (Vec::new(), None);
        loop {
            let page = asked.clone().query("count", Some("200".to_owned())).query("cursor", cursor);
            let mut page = self.ask(page).await?;
            all.extend(page[rows].as_array_mut().map(std::mem::take).unwrap_or_default());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                page[rows] = all.into();
                return Ok(page);
            }
        }
    }

    /// Asks for JSON Lines and writes them as they come; returns the last one.
    pub(crate) async fn lines(&self, request: Request, out: &mut dyn Write) -> Result<Value, CommandError> {
        let cannot = CommandError::failed("it cannot be written");
        let mut reply = self.send(&request).await?;
        let mut last = Vec::new();
        while let Some(chunk) = reply.chunk().await? {
            out.write_all(&chunk).map_err(|cause| cannot(&cause))?;
            for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                if last.ends_with(b"\n") {
                    last.clear();
                }
                last.extend_from_slice(line);
            }
        }
        out.flush().map_err(|cause| cannot(&cause))?;
        Ok(serde_json::from_slice(&last).unwrap_or_default())
    }

    async fn send(&self, request: &Request) -> Result<Reply, CommandError> {
        let mut reply = match self {
            Api::InProcess(api) => {
                let url = request.url(&here()?)?;
                let path = &url[url::Position::BeforePath..];
                Reply::InProcess(api.ask(request.method.clone(), path, request.body.as_ref()).await?)
            }
            Api::Server(server) => {
                let url = request.url(server.base())?;
                Reply::Server(server.ask(request.method.as_str(), url, request.body.as_ref()).await?)
            }
        };
        if (200..300).contains(&reply.status()) {
            return Ok(reply);
        }
        let status = reply.status();
        Err(refusal(status, &reply.bytes().await?))
    }
}

/// The base of addresses that lead nowhere but into this process.
fn here() -> Result<Url, CommandError> {
    Url::parse("http://localhost").map_err(|cause| CommandError::Failed(cause.to_string()))
}

/// What the API says no with: problem details (RFC 9457). A request that makes no sense is one of the command line.
fn refusal(status: u16, body: &[u8]) -> CommandError {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    // Other services say `detail` as well: the SCIM listener, for one.
    let is_ours = problem["type"].as_str().is_some_and(|kind| kind.starts_with(admin::api::PROBLEM));
    match (status, problem["detail"].as_str().filter(|_| is_ours)) {
        (400, Some(detail)) => CommandError::Usage(detail.to_owned()),
        (_, Some(detail)) => CommandError::Failed(detail.to_owned()),
        (300..400, None) => CommandError::Failed(format!(
            "the server wants to be asked elsewhere (status {status}): name that address with --server"
        )),
        (_, None) => CommandError::Failed(format!(
            "the answer has the status {status} and is not one of this API: is the address of --server right?"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str, request: &Request) -> Option<String> {
        request.url(&Url::parse(base).expect("base")).ok().map(String::from)
    }

    #[test]
    fn parts_of_a_path_stay_parts() {
        let request = Request::get(&["tenants", "a/b c?d#e%"]).query("confirm", Some("x&y".to_owned()));
        assert_eq!(
            url("https://ops.example.com/juno/", &request).as_deref(),
            Some("https://ops.example.com/juno/api/v1/tenants/a%2Fb%20c%3Fd%23e%25?confirm=x%26y")
        );
        assert_eq!(
            url("http://[::1]:9090", &Request::get(&["audit"])).as_deref(),
            Some("http://[::1]:9090/api/v1/audit")
        );
        for part in ["", ".", ".."] {
            assert_eq!(url("https://ops.example.com", &Request::get(&["tenants", part, "suspend"])), None);
        }
    }

    #[test]
    fn what_was_not_said_is_not_sent() {
        let request = Request::post(&["tenants"]).body(json!({"name": "x", "label": null}));
        assert_eq!(request.body, Some(json!({"name": "x"})));
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_api() {
        let problem = br#"{"type":"urn:juno:problem:invalid","detail":"No."}"#;
        assert!(matches!(refusal(400, problem), CommandError::Usage(words) if words == "No."));
        assert!(matches!(refusal(409, problem), CommandError::Failed(words) if words == "No."));
        let of_scim = br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"No."}"#;
        assert!(refusal(404, of_scim).to_string().contains("--server"));
        for (status, words) in [(302, "elsewhere"), (404, "--server"), (400, "--server")] {
            let refused = refusal(status, b"<html>").to_string();
            assert!(refused.contains(words), "{status}: {refused}");
        }
    }
}
