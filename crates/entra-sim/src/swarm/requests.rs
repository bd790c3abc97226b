//! The requests of one tenant, built before the clock runs as far as they can be.

use super::mix::{Mix, Operation};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Uri};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

const SCIM: HeaderValue = HeaderValue::from_static(crate::http::SCIM_JSON);
/// The largest number of users whose requests are kept ready.
const KEPT: usize = 1_000;

/// What a tenant's client will ask for.
pub(super) struct Requests {
    /// The path of the Tenant URL, without a slash at its end.
    base: String,
    reading: HeaderMap,
    writing: HeaderMap,
    mix: Mix,
    random: ChaCha8Rng,
    users: Vec<User>,
    group: Uri,
    patches: Vec<Bytes>,
    nobody: Uri,
    /// Distinguishes this run's objects.
    tag: String,
    created: u64,
    drawn: u64,
}

/// A user that exists, with what is asked about him.
struct User {
    at: Uri,
    filter: Uri,
    add: Bytes,
    remove: Bytes,
    is_member: bool,
}

impl Requests {
    /// The requests of the tenant at `url`, whose group has that id and whose objects are named after `tag`.
    ///
    /// # Errors
    /// A sentence, if address or token cannot stand in a request.
    pub(super) fn new(
        url: &url::Url,
        bearer: &str,
        group: &str,
        tag: &str,
        mix: Mix,
        seed: u64,
    ) -> Result<Requests, String> {
        let base = url.path().trim_end_matches('/').to_owned();
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
        let mut reading = HeaderMap::new();
        reading.insert(HOST, value(&host)?);
        reading.insert(AUTHORIZATION, value(&format!("Bearer {bearer}"))?);
        reading.insert(ACCEPT, SCIM);
        let mut writing = reading.clone();
        writing.insert(CONTENT_TYPE, SCIM);
        let patch = |path: &str, value: &str| patch(&json!({"op": "Replace", "path": path, "value": value}));
        Ok(Requests {
            group: uri(&format!("{base}/Groups/{group}"))?,
            nobody: filter(&base, "nobody@entra-sim.example")?,
            patches: vec![
                patch("displayName", "Jane Doe"),
                patch("active", "False"),
                patch("displayName", "Jane M. Doe"),
                patch("active", "True"),
                patch("emails[type eq \"work\"].value", "jane@entra-sim.example"),
            ],
            base,
            reading,
            writing,
            mix,
            random: ChaCha8Rng::seed_from_u64(seed),
            users: Vec::new(),
            tag: tag.to_owned(),
            created: 0,
            drawn: 0,
        })
    }

    /// Takes a user into the pool that queries, reads and changes draw from.
    ///
    /// # Errors
    /// A sentence, if the id cannot stand in an address.
    pub(super) fn know(&mut self, id: &str, user_name: &str) -> Result<(), String> {
        let member = json!([{"$ref": null, "value": id}]);
        let members = |op: &str| patch(&json!({"op": op, "path": "members", "value": member}));
        let user = User {
            at: uri(&format!("{}/Users/{id}", self.base))?,
            filter: filter(&self.base, user_name)?,
            add: members("Add"),
            remove: members("Remove"),
            is_member: false,
        };
        if self.users.len() < KEPT {
            self.users.push(user);
        } else {
            let replaced = self.random.random_range(0..KEPT);
            self.users[replaced] = user;
        }
        Ok(())
    }

    /// The next request of the mix. A create comes with the `userName` it uses.
    pub(super) fn next(&mut self) -> (Operation, Request<Full<Bytes>>, Option<String>) {
        self.drawn += 1;
        let drawn = self.mix.draw(&mut self.random);
        // Without a user there is nothing to read or change yet.
        let operation =
            if self.users.is_empty() && drawn != Operation::Match { Operation::Create } else { drawn };
        let nth = if self.users.is_empty() { 0 } else { self.random.random_range(0..self.users.len()) };
        let user = self.users.get_mut(nth);
        let is_odd = self.drawn % 2 == 1;
        let (method, uri, body, name) = match (operation, user) {
            (Operation::Match, Some(user)) if is_odd => {
                (Method::GET, user.filter.clone(), Bytes::new(), None)
            }
            (Operation::Get, Some(user)) => (Method::GET, user.at.clone(), Bytes::new(), None),
            (Operation::Patch, Some(user)) => {
                let body = self.patches[self.drawn as usize % self.patches.len()].clone();
                (Method::PATCH, user.at.clone(), body, None)
            }
            (Operation::Members, Some(user)) => {
                user.is_member = !user.is_member;
                let body = if user.is_member { user.add.clone() } else { user.remove.clone() };
                (Method::PATCH, self.group.clone(), body, None)
            }
            (Operation::Match, _) => (Method::GET, self.nobody.clone(), Bytes::new(), None),
            _ => return self.create(),
        };
        (operation, self.request(method, uri, body), name)
    }

    fn create(&mut self) -> (Operation, Request<Full<Bytes>>, Option<String>) {
        let name = user_name(&self.tag, self.created);
        self.created += 1;
        let body = Bytes::from(user(&name).to_string());
        // The path was read from a valid address, and only fixed letters are added to it.
        let uri = uri(&format!("{}/Users", self.base)).unwrap_or_default();
        (Operation::Create, self.request(Method::POST, uri, body), Some(name))
    }

    fn request(&self, method: Method, uri: Uri, body: Bytes) -> Request<Full<Bytes>> {
        let headers = if body.is_empty() { &self.reading } else { &self.writing };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers.clone();
        request
    }
}

/// The name of the user that was made as number `nth` in the run `tag`.
pub(super) fn user_name(tag: &str, nth: u64) -> String {
    format!("{tag}-{nth}@entra-sim.example")
}

/// The body that creates a user, as the default mapping writes it.
pub(super) fn user(user_name: &str) -> serde_json::Value {
    let name = user_name.split('@').next().unwrap_or_default();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId": name,
        "userName": user_name,
        "active": true,
        "displayName": "Jane Doe",
        "title": "Engineer",
        "emails": [{"primary": true, "type": "work", "value": user_name}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Jane Doe", "familyName": "Doe", "givenName": "Jane"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "employeeNumber": "E1"}
    })
}

fn patch(operation: &serde_json::Value) -> Bytes {
    let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    Bytes::from(json!({"schemas": [schema], "Operations": [operation]}).to_string())
}

fn filter(base: &str, user_name: &str) -> Result<Uri, String> {
    let query: String =
        url::form_urlencoded::byte_serialize(format!("userName eq \"{user_name}\"").as_bytes()).collect();
    uri(&format!("{base}/Users?filter={query}"))
}

fn uri(text: &str) -> Result<Uri, String> {
    text.parse().map_err(|error| format!("'{text}' cannot be requested: {error}"))
}
