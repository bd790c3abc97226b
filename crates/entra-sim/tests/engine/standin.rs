//! A small SCIM server for the tests: in memory, remembers every request, and can be told to misbehave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Map, Value, json};

/// What it does wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manners {
    /// This status for requests whose method and path begin so, with this body.
    pub(crate) answers: Vec<(String, u16)>,
    /// Groups come with members although they are excluded.
    pub(crate) members_though_excluded: bool,
    /// The token that it issues and accepts, if not the usual one.
    pub(crate) token: Option<&'static str>,
    /// The media type of answers.
    pub(crate) media_type: Option<&'static str>,
}

/// A request that arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) resources: BTreeMap<String, BTreeMap<String, Value>>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) manners: Manners,
    pub(crate) forms: Vec<BTreeMap<String, String>>,
    counter: BTreeMap<String, usize>,
}

/// A running stand-in.
#[derive(Clone)]
pub(crate) struct Standin {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

pub(crate) const TOKEN: &str = "a-secret-token";

impl Standin {
    pub(crate) fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let (sender, receiver) = std::sync::mpsc::channel();
        let shared = web::Data::from(inner.clone());
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || App::new().app_data(shared.clone()).default_service(web::to(answer));
                let server =
                    HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").expect("a port");
                sender.send(server.addrs()[0]).expect("the test waits");
                server.run().await.expect("it runs");
            });
        });
        let address = receiver.recv().expect("it started");
        Self { url: format!("http://{address}/scim"), inner }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panicked while holding it")
    }

    pub(crate) fn misbehave(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.lock().manners);
    }

    /// The requests since the last call, without reads if `writes`.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.lock().seen)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.take().into_iter().map(|seen| seen.line).collect()
    }

    pub(crate) fn resource(&self, kind: &str, name: &str) -> Value {
        let inner = self.lock();
        let named = |resource: &&Value| resource["userName"] == name || resource["displayName"] == name;
        inner.resources[kind].values().find(named).cloned().expect("it is there")
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.lock().resources.get(kind).map_or(0, BTreeMap::len)
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, inner: web::Data<Mutex<Inner>>) -> HttpResponse {
    let mut inner = inner.lock().expect("no handler panics");
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let path = request.path().trim_start_matches("/scim/").to_owned();
    let shown: Vec<String> = query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mark = if shown.is_empty() { "" } else { "?" };
    let line = format!("{} {path}{mark}{}", request.method(), shown.join("&"));
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let seen = Seen { line: line.clone(), headers: headers.collect(), body: body.clone() };
    let good = format!("Bearer {}", inner.manners.token.unwrap_or(TOKEN));
    let authorized = seen.headers.get("authorization").is_some_and(|value| *value == good);
    inner.seen.push(seen);
    let told =
        inner.manners.answers.iter().find(|(begin, _)| line.starts_with(begin)).map(|(_, status)| *status);
    if path == "token" {
        let (status, answer) = inner.token(&form);
        return HttpResponse::build(StatusCode::from_u16(status).expect("a status")).json(answer);
    }
    let (status, answer) = match told {
        _ if !authorized => (401, error("who are you?")),
        Some(status) => (status, error("told to")),
        None => inner.serve(request.method().as_str(), &path, &query, &body),
    };
    let media_type = inner.manners.media_type.unwrap_or("application/scim+json");
    let status = StatusCode::from_u16(status).expect("a status");
    HttpResponse::build(status).content_type(media_type).body(if answer.is_null() {
        String::new()
    } else {
        answer.to_string()
    })
}

fn error(detail: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": detail})
}

impl Inner {
    /// A token for whoever knows the secret or brings an assertion.
    fn token(&mut self, form: &BTreeMap<String, String>) -> (u16, Value) {
        self.forms.push(form.clone());
        let knows = form.get("client_secret").is_some_and(|secret| secret == "a-client-secret");
        if knows || form.contains_key("client_assertion") {
            let token = self.manners.token.unwrap_or(TOKEN);
            (200, json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}))
        } else {
            (401, json!({"error": "invalid_client"}))
        }
    }

    fn serve(
        &mut self,
        method: &str,
        path: &str,
        query: &BTreeMap<String, String>,
        body: &Value,
    ) -> (u16, Value) {
        let (kind, id) = path.split_once('/').map_or((path, None), |(kind, id)| (kind, Some(id.to_owned())));
        let excluded = query.get("excludedAttributes").is_some_and(|names| names == "members")
            && !self.manners.members_though_excluded;
        let shown = move |resource: &Value| {
            let mut resource = resource.clone();
            if let Some(object) = resource.as_object_mut().filter(|_| excluded) {
                object.remove("members");
            }
            resource
        };
        let store = self.resources.entry(kind.to_owned()).or_default();
        match (method, id) {
            ("GET", None) => {
                let filter = query.get("filter").map(String::as_str).unwrap_or_default();
                let found: Vec<Value> =
                    store.values().filter(|resource| holds(filter, resource)).map(shown).collect();
                (200, json!({"totalResults": found.len(), "Resources": found, "startIndex": 1}))
            }
            ("GET", Some(id)) => {
                store.get(&id).map_or((404, error("gone")), |resource| (200, shown(resource)))
            }
            ("POST", None) => {
                let key = if kind == "Users" { "userName" } else { "displayName" };
                if store.values().any(|other| other[key] == body[key]) {
                    return (409, error("exists already"));
                }
                let counter = self.counter.entry(kind.to_owned()).or_default();
                *counter += 1;
                let id = format!("{}{counter}", &kind[..1].to_lowercase());
                let mut resource = body.clone();
                resource["id"] = json!(id);
                store.insert(id, resource.clone());
                (201, resource)
            }
            ("PATCH", Some(id)) => {
                let Some(resource) = store.get_mut(&id) else { return (404, error("gone")) };
                for operation in body["Operations"].as_array().into_iter().flatten() {
                    apply(resource, operation);
                }
                if kind == "Groups" { (204, Value::Null) } else { (200, resource.clone()) }
            }
            ("DELETE", Some(id)) => store.remove(&id).map_or((404, error("gone")), |_| (204, Value::Null)),
            _ => (405, error("no")),
        }
    }
}

/// `attribute eq "value"` on top-level attributes and one dotted step, which is all that the tests ask.
fn holds(filter: &str, resource: &Value) -> bool {
    filter.split(" and ").all(|clause| match clause.split_once(" eq ") {
        Some((name, value)) => {
            let wanted = value.trim_matches('"');
            let found =
                if name == "manager" { &resource[ENTERPRISE]["manager"]["value"] } else { &resource[name] };
            found.as_str().is_some_and(|found| found.eq_ignore_ascii_case(wanted))
        }
        None => clause.is_empty(),
    })
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn apply(resource: &mut Value, operation: &Value) {
    let removes = operation["op"].as_str().unwrap_or_default().eq_ignore_ascii_case("remove");
    match operation["path"].as_str() {
        Some("members") => {
            let ids =
                operation["value"].as_array().into_iter().flatten().map(|member| member["value"].clone());
            let ids: Vec<Value> = ids.collect();
            members(resource).retain(|member| !ids.contains(&member["value"]));
            if !removes {
                members(resource).extend(ids.into_iter().map(|id| json!({"value": id})));
            }
        }
        Some(path) if path.starts_with("members[") => {
            let id = path.split('"').nth(1).unwrap_or_default().to_owned();
            members(resource).retain(|member| member["value"] != json!(id));
        }
        Some(path) => put(resource, path, &operation["value"]),
        None => {
            for (path, value) in operation["value"].as_object().unwrap_or(&Map::new()) {
                put(resource, path, value);
            }
        }
    }
}

fn members(resource: &mut Value) -> &mut Vec<Value> {
    if !resource["members"].is_array() {
        resource["members"] = json!([]);
    }
    resource["members"].as_array_mut().expect("just made")
}

fn put(resource: &mut Value, path: &str, value: &Value) {
    let value = match value.as_str() {
        Some(text) if path == "active" => json!(text == "True"),
        _ => value.clone(),
    };
    if let Some(name) = path.strip_prefix(ENTERPRISE) {
        let name = name.trim_start_matches(':');
        let value = if name == "manager" { json!({"value": value}) } else { value };
        resource[ENTERPRISE][name] = value;
    } else if let Some((name, rest)) = path.split_once('[') {
        let mut quoted = rest.split('"');
        let kind = quoted.nth(1).unwrap_or_default().to_owned();
        let sub = rest.rsplit('.').next().unwrap_or_default().to_owned();
        if !resource[name].is_array() {
            resource[name] = json!([]);
        }
        let elements = resource[name].as_array_mut().expect("just made");
        match elements.iter_mut().find(|element| element["type"] == json!(kind)) {
            Some(element) => element[sub.as_str()] = value,
            None => elements.push(json!({"type": kind, sub: value})),
        }
    } else if let Some((name, sub)) = path.split_once('.') {
        resource[name][sub] = value;
    } else {
        resource[path] = value;
    }
}
