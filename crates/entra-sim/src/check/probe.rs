//! What a check works with: requests, unique names, and the objects it leaves to be removed.

use super::Profile;
use super::causes::{self, Features};
use super::outcome::Stop;
pub(crate) use crate::http::tenant_url::encode;
use crate::http::{self, Client, Credentials, Exchange, Request, Response, SCIM_JSON, Secret};
use crate::swarm::connection::{Connection, Peer};
use http_body_util::Full;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the answer to a request without headers is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The schema of a PATCH body (RFC 7644 section 3.5.2).
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The schema of a list (RFC 7644 section 3.4.2).
pub(crate) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The schema of an error (RFC 7644 section 3.12).
pub(crate) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The hands of one check: they make its objects and know which ones to remove.
pub(crate) struct Probe {
    client: Client,
    oauth: Option<Client>,
    profile: Profile,
    /// Distinguishes this check's objects from those of all others, of this run and of earlier ones.
    tag: String,
    count: AtomicU32,
    created: Mutex<Vec<String>>,
    features: Mutex<Features>,
}

/// A resource that a check made.
pub(crate) struct Made {
    /// What was sent.
    pub body: Value,
    /// Its `id`.
    pub id: String,
    /// Its path under the Tenant URL.
    pub path: String,
    /// The answer to its creation.
    pub reply: Reply,
}

impl Probe {
    /// The hands of the check that is told apart by `tag`. `oauth` is a client with OAuth credentials, if any were given.
    pub(super) fn new(client: Client, oauth: Option<Client>, profile: Profile, tag: String) -> Probe {
        let (count, created, features) = (AtomicU32::new(0), Mutex::default(), Mutex::default());
        Probe { client, oauth, profile, tag, count, created, features }
    }

    /// The features that the requests so far used.
    pub(super) fn features(&self) -> Features {
        self.features.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A client that gets its own access token, if the run was given what it needs.
    pub(crate) fn oauth(&self) -> Option<&Client> {
        self.oauth.as_ref()
    }

    /// Whether the server is held to RFC 7644 without Entra's deviations.
    pub(crate) fn is_strict(&self) -> bool {
        self.profile != Profile::Entra
    }

    /// A name that nobody used before.
    pub(crate) fn name(&self) -> String {
        format!("sim-{}-{}", self.tag, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// A request to `path` (its query included) that carries nothing but the credential.
    pub(crate) fn bare(&self, method: &str, path: &str) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut request = self.client.request(method, path, &[]);
        if !query.is_empty() {
            request.url.push(if request.url.contains('?') { '&' } else { '?' });
            request.url.push_str(query);
        }
        request
    }

    /// A request with the headers of Microsoft's acceptance suite.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        self.bare(method, path).header("accept", SCIM_JSON)
    }

    /// Sends `request` as it is.
    pub(crate) async fn send(&self, request: Request) -> Result<Reply, Stop> {
        let used = causes::features(&request, self.client.tenant().base());
        self.features.lock().unwrap_or_else(PoisonError::into_inner).extend(used);
        Reply::new(self.client.send(request).await)
    }

    /// `GET path` with no header but `Host` and the Secret Token, which most clients cannot do: they add an `Accept`.
    /// `None` if the run has no Secret Token.
    pub(crate) async fn get_headerless(&self, path: &str) -> Result<Option<Reply>, Stop> {
        let Credentials::Bearer(token) = self.client.credentials() else { return Ok(None) };
        let (sent, begun, request) = (self.client.clock().now(), Instant::now(), self.bare("GET", path));
        let outcome = headerless(&request.url, token).await;
        Reply::new(Exchange { sent, duration: begun.elapsed(), request, outcome }).map(Some)
    }

    /// `GET path`, with the headers of Microsoft's samples.
    pub(crate) async fn get(&self, path: &str) -> Result<Reply, Stop> {
        self.send(self.request("GET", path)).await
    }

    /// `DELETE path`.
    pub(crate) async fn delete(&self, path: &str) -> Result<Reply, Stop> {
        self.send(self.request("DELETE", path)).await
    }

    /// A request with a JSON body. What a POST makes is removed at the end.
    pub(crate) async fn write(&self, method: &str, path: &str, body: &Value) -> Result<Reply, Stop> {
        self.write_text(method, path, body.to_string()).await
    }

    /// The same with a body that need not be JSON.
    pub(crate) async fn write_text(&self, method: &str, path: &str, body: String) -> Result<Reply, Stop> {
        let reply = self.send(self.request(method, path).raw(SCIM_JSON, body)).await?;
        if let ("POST", 200..300, Some(id)) = (method, reply.status(), reply.id()) {
            let endpoint = path.split('?').next().unwrap_or(path).trim_end_matches('/');
            self.remove_at_end(format!("{endpoint}/{}", encode(id)));
        }
        Ok(reply)
    }

    /// The resource at `path` is removed at the end.
    pub(crate) fn remove_at_end(&self, path: String) {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }

    /// `PATCH path` with these operations.
    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Result<Reply, Stop> {
        self.write("PATCH", path, &json!({"schemas": [PATCH_OP], "Operations": operations})).await
    }

    /// The same, and it must succeed (200 or 204).
    pub(crate) async fn change(&self, path: &str, operations: Value) -> Result<Reply, Stop> {
        self.patch(path, operations).await?.expect(&[200, 204], "the PATCH must be carried out")
    }

    /// The resource at `path`, which must exist.
    pub(crate) async fn resource(&self, path: &str) -> Result<Reply, Stop> {
        let reply = self.get(path).await?.expect(&[200], "the resource must be readable by its id")?;
        reply.ensure(reply.json().is_object(), "the answer must be a JSON object")?;
        Ok(reply)
    }

    /// Makes a user, which must succeed.
    pub(crate) async fn user(&self, body: Value) -> Result<Made, Stop> {
        self.make("/Users", body).await
    }

    /// Makes a user with few attributes.
    pub(crate) async fn plain_user(&self) -> Result<Made, Stop> {
        self.user(super::sample::user(&self.name())).await
    }

    /// Makes an empty group, which must succeed.
    pub(crate) async fn group(&self) -> Result<Made, Stop> {
        self.make("/Groups", super::sample::group(&self.name())).await
    }

    /// Makes an empty group with the body that Entra sends, vendor's URN included, unless the RFC forbids it.
    pub(crate) async fn entra_group(&self, name: &str) -> Result<Made, Stop> {
        let mut body = super::sample::group(name);
        if !self.is_strict() {
            body["schemas"] = json!([super::schemas::GROUP, super::sample::VENDOR_GROUP]);
        }
        self.make("/Groups", body).await
    }

    /// Makes a resource of any kind, which must succeed.
    pub(crate) async fn make(&self, endpoint: &str, body: Value) -> Result<Made, Stop> {
        let reply = self.write("POST", endpoint, &body).await?;
        let reply = reply.expect(&[200, 201], "the resource must be created")?;
        let Some(id) = reply.id().map(str::to_owned) else {
            return Err(reply.blame("the created resource must have a non-empty id"));
        };
        let endpoint = endpoint.split('?').next().unwrap_or(endpoint);
        let path = format!("{endpoint}/{}", encode(&id));
        Ok(Made { body, id, path, reply })
    }

    /// The list that `filter` selects at `endpoint` (`/Users`, `/Groups`), which must be an answer with status 200.
    pub(crate) async fn find(&self, endpoint: &str, filter: &str) -> Result<Reply, Stop> {
        self.list(&format!("{endpoint}?filter={}", encode(filter))).await
    }

    /// The list at `path`.
    pub(crate) async fn list(&self, path: &str) -> Result<Reply, Stop> {
        let reply = self.get(path).await?;
        let reply = reply.expect(&[200], "a query must be answered with 200, also if nothing matches")?;
        let total = reply.json()["totalResults"].as_u64();
        reply.ensure(total.is_some(), "the answer must be a ListResponse with a numeric totalResults")?;
        reply.ensure(total == Some(0) || reply.list().is_some(), "the ListResponse must have Resources")?;
        Ok(reply)
    }

    /// The one resource that `filter` selects; its id must be `id`.
    pub(crate) async fn find_one(&self, endpoint: &str, filter: &str, id: &str) -> Result<Reply, Stop> {
        let reply = self.find(endpoint, filter).await?;
        let found = reply.list().unwrap_or_default();
        let ids: Vec<_> = found.iter().filter_map(|resource| resource["id"].as_str()).collect();
        reply.ensure(
            ids == [id],
            &format!("the filter must find exactly the resource {id}, it found {ids:?}"),
        )?;
        Ok(reply)
    }

    /// `filter` must select nothing, and say so with an empty list.
    pub(crate) async fn find_none(&self, endpoint: &str, filter: &str) -> Result<Reply, Stop> {
        let reply = self.find(endpoint, filter).await?;
        let is_empty = reply.json()["totalResults"] == 0 && reply.list().unwrap_or_default().is_empty();
        reply.ensure(is_empty, "the filter must match nothing: totalResults 0, no Resources")?;
        Ok(reply)
    }

    /// One PATCH operation in the spelling of the profile: `Replace` as Entra writes it, or `replace`.
    pub(crate) fn op(&self, verb: &str, path: &str, value: impl Into<Value>) -> Value {
        json!({"op": self.verb(verb), "path": path, "value": value.into()})
    }

    /// A removal in the spelling of the profile.
    pub(crate) fn removal(&self, path: &str) -> Value {
        json!({"op": self.verb("remove"), "path": path})
    }

    /// The operation that sets `active`, in the spelling of the profile: Entra sends a string.
    pub(crate) fn activate(&self, active: bool) -> Value {
        match (self.is_strict(), active) {
            (true, _) => self.op("replace", "active", active),
            (false, true) => self.op("replace", "active", "True"),
            (false, false) => self.op("replace", "active", "False"),
        }
    }

    /// The operation that takes `ids` out of a group: by value list as Entra does, by value path in the RFC's way.
    pub(crate) fn without_members(&self, ids: &[&str]) -> Value {
        if self.is_strict() {
            return ids.iter().map(|id| self.removal(&format!("members[value eq \"{id}\"]"))).collect();
        }
        json!([{"op": "Remove", "path": "members", "value": super::sample::members(ids)}])
    }

    fn verb(&self, verb: &str) -> String {
        match verb.split_at_checked(1) {
            Some((first, rest)) if !self.is_strict() => first.to_ascii_uppercase() + rest,
            _ => verb.to_owned(),
        }
    }

    /// Removes what the check made, newest first. Whether it succeeds is not the check's business.
    pub(super) async fn clean_up(&self) {
        let created = std::mem::take(&mut *self.created.lock().unwrap_or_else(PoisonError::into_inner));
        for path in created.iter().rev() {
            let _ = self.client.send(self.request("DELETE", path)).await;
        }
    }
}

async fn headerless(url: &str, token: &Secret) -> Result<Response, http::Failure> {
    let failed = |why: String| http::Failure::Request(why);
    let url = url::Url::parse(url).map_err(|error| failed(error.to_string()))?;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = hyper::Request::get(target)
        .header("host", authority)
        .header("authorization", format!("Bearer {}", token.reveal()))
        .body(Full::default())
        .map_err(|error| failed(error.to_string()))?;
    let sending = async {
        let mut connection = Connection::new(Peer::of(&url).map_err(failed)?);
        connection.send(request).await.map_err(|trouble| http::Failure::Dropped(trouble.to_owned()))
    };
    let answer = tokio::time::timeout(PATIENCE, sending).await.map_err(|_| http::Failure::Timeout)??;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    Ok(Response { status: answer.status, headers: Vec::new(), body })
}

/// The answer to a request, with what is needed to blame it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    exchange: Exchange,
    status: u16,
    json: Value,
}

impl Reply {
    /// The answer of an exchange; a failure of the check if none came.
    pub(crate) fn new(exchange: Exchange) -> Result<Reply, Stop> {
        match &exchange.outcome {
            Ok(response) => {
                let (status, json) = (response.status, response.json().unwrap_or(Value::Null));
                Ok(Reply { exchange, status, json })
            }
            Err(failure) => Err(Stop::fail(format!("no answer: {failure}"), exchange.clone())),
        }
    }

    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// A header of the answer, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.exchange.response()?.header(name)
    }

    /// The exchange itself.
    pub(crate) fn into_exchange(self) -> Exchange {
        self.exchange
    }

    /// The body; `null` if it is no JSON.
    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// The body's non-empty `id`.
    pub(crate) fn id(&self) -> Option<&str> {
        self.json["id"].as_str().filter(|id| !id.is_empty())
    }

    /// The `Resources` of a list.
    pub(crate) fn list(&self) -> Option<&[Value]> {
        self.json["Resources"].as_array().map(Vec::as_slice)
    }

    /// The first of the `Resources`; `null` if there is none.
    pub(crate) fn first(&self) -> &Value {
        &self.json["Resources"][0]
    }

    /// Itself if the status is one of these, else a failure.
    pub(crate) fn expect(self, statuses: &[u16], rule: &str) -> Result<Reply, Stop> {
        let is_fine = statuses.contains(&self.status());
        self.ensure(is_fine, &format!("{rule}: expected {}, got {}", words(statuses), self.status()))?;
        Ok(self)
    }

    /// A failure with this answer unless `condition` holds.
    pub(crate) fn ensure(&self, condition: bool, rule: &str) -> Result<(), Stop> {
        if condition { Ok(()) } else { Err(self.blame(rule)) }
    }

    /// A failure with this answer unless the resource holds `wanted` at `target`.
    pub(crate) fn holds(&self, target: &str, wanted: &Value) -> Result<(), Stop> {
        self.holds_in(&self.json, target, wanted)
    }

    /// The same for a resource inside this answer.
    pub(crate) fn holds_in(&self, resource: &Value, target: &str, wanted: &Value) -> Result<(), Stop> {
        let found = super::attribute::read(resource, target).unwrap_or(&Value::Null);
        self.ensure(found == wanted, &format!("{target} must be {wanted}, it is {found}"))
    }

    /// A failure of the check, shown by this exchange.
    pub(crate) fn blame(&self, reason: &str) -> Stop {
        Stop::fail(reason, self.exchange.clone())
    }
}

fn words(statuses: &[u16]) -> String {
    statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
}
