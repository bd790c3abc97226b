//! A small in-memory SCIM server, correct unless told to make one mistake; it shares nothing with the gateway.

pub(crate) mod body;
pub(crate) mod defect;
pub(crate) mod directory;
pub(crate) mod filter;
pub(crate) mod members;
pub(crate) mod message;
pub(crate) mod paging;
pub(crate) mod patch;
pub(crate) mod schemas;

use bytes::Bytes;
use defect::Defect;
use directory::Directory;
use entra_sim::check::Profile;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use hyper_util::rt::TokioIo;
use message::{Answer, Refusal, Request};
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The Secret Token that opens it.
pub(crate) const TOKEN: &str = "the-secret-token";
/// The access token that its token endpoint issues.
const ACCESS_TOKEN: &str = "the-access-token";
/// The client secret that its token endpoint takes.
pub(crate) const CLIENT_SECRET: &str = "the-client-secret";
/// The client assertion that its token endpoint takes.
pub(crate) const ASSERTION: &str = "the-assertion";

/// A running server; it stops when this is dropped.
pub(crate) struct StandIn {
    /// The Tenant URL.
    pub(crate) url: String,
    /// The token endpoint.
    pub(crate) token_url: String,
    house: Arc<House>,
    accepting: JoinHandle<()>,
}

struct House {
    directory: Mutex<Directory>,
    /// PATCH requests that are under way, by group, for the defect `ParallelAddsLost`.
    group_patches: Mutex<HashMap<String, usize>>,
    trouble: Trouble,
    requests: AtomicUsize,
}

/// What happens to requests besides being answered, by their number from 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    /// Every so many-th request is answered with 500; 0: none.
    pub(crate) error_every: usize,
    /// The request of this number, and all that come meanwhile, wait so long.
    pub(crate) stall: Option<(usize, Duration)>,
    /// Every so many-th request breaks the connection; 0: none.
    pub(crate) drop_every: usize,
}

impl StandIn {
    /// Starts one that is held to `profile`.
    pub(crate) async fn start(profile: Profile, defect: Option<Defect>) -> StandIn {
        StandIn::troubled(profile, defect, Trouble::default()).await
    }

    /// Starts one whose answers fail or wait now and then.
    pub(crate) async fn troubled(profile: Profile, defect: Option<Defect>, trouble: Trouble) -> StandIn {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let house = Arc::new(House {
            directory: Mutex::new(Directory::new(profile, defect)),
            group_patches: Mutex::default(),
            trouble,
            requests: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&house)));
        let (url, token_url) = (format!("http://{address}/scim"), format!("http://{address}/token"));
        StandIn { url, token_url, house, accepting }
    }

    /// How many resources it holds.
    pub(crate) fn len(&self) -> usize {
        self.house.directory().len()
    }

    /// Changes what it holds, without a request.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> T {
        change(&mut self.house.directory())
    }

    /// How many requests it has seen.
    pub(crate) fn requests(&self) -> usize {
        self.house.requests.load(Ordering::Relaxed)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, house: Arc<House>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let house = Arc::clone(&house);
        let service = hyper::service::service_fn(move |request| {
            let house = Arc::clone(&house);
            async move { house.serve(request).await }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// Makes hyper close the connection without an answer.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

impl House {
    fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(
        &self,
        request: hyper::Request<Incoming>,
    ) -> Result<hyper::Response<Full<Bytes>>, Dropped> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let is_nth = |every: usize| every > 0 && number % every == every - 1;
        if is_nth(self.trouble.drop_every) {
            return Err(Dropped);
        }
        if let Some((_, pause)) = self.trouble.stall.filter(|(at, _)| *at == number) {
            // Blocks the whole server on purpose, as a stalled one would be.
            std::thread::sleep(pause);
        }
        let request = self.read(request).await;
        let answer = match is_nth(self.trouble.error_every) {
            true => Refusal::plain(500, "trouble").answer(None),
            false => self.answer(request).await,
        };
        Ok(self.written(answer))
    }

    async fn read(&self, request: hyper::Request<Incoming>) -> Request {
        let plus = if self.directory().has(Defect::PlusNotDecoded) { "%2B" } else { "+" };
        let header = |name| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let query = request.uri().query().unwrap_or_default().replace('+', plus);
        let authorization = request.headers().contains_key(AUTHORIZATION).then(|| header(AUTHORIZATION));
        Request {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            accept: header(ACCEPT),
            authorization,
            body: match request.into_body().collect().await {
                Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
                Err(_) => String::new(),
            },
        }
    }

    async fn answer(&self, mut request: Request) -> Answer {
        let defect = self.directory().defect();
        if request.path == "/token" {
            return token(&request.body, defect);
        }
        let Some(path) = request.path.strip_prefix("/scim").map(str::to_owned) else {
            return Refusal::plain(404, "there is nothing here").answer(None);
        };
        request.path = path;
        let is_known =
            |header: &str| [TOKEN, ACCESS_TOKEN].iter().any(|token| header == format!("Bearer {token}"));
        let may_enter = match request.authorization.as_deref() {
            None => defect == Some(Defect::AbsentTokenAccepted),
            Some(header) => is_known(header) || defect == Some(Defect::AnyTokenAccepted),
        };
        if !may_enter {
            return Refusal::plain(401, "the token is not valid").answer(defect);
        }
        let is_refused = match defect {
            Some(Defect::AcceptDemanded) => !request.accept.contains("scim+json"),
            Some(Defect::AcceptMissed) => request.accept.is_empty(),
            _ => false,
        };
        if is_refused {
            return Refusal::plain(406, "only application/scim+json").answer(defect);
        }
        if defect == Some(Defect::ParallelAddsLost)
            && request.method == "PATCH"
            && request.path.starts_with("/Groups/")
        {
            return self.patch_late(&request).await;
        }
        self.directory().answer(&request)
    }

    /// Reads the group, waits for another PATCH to do the same, and writes: one of the two is lost.
    async fn patch_late(&self, request: &Request) -> Answer {
        let id = request.path.trim_start_matches("/Groups/");
        let base = self.directory().snapshot(true, id);
        self.under_way(id, 1);
        for _ in 0..250 {
            if self.under_way(id, 0) > 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let answer = self.directory().patch(request, true, id, base);
        self.under_way(id, -1);
        answer.unwrap_or_else(|refusal| refusal.answer(None))
    }

    /// Counts the PATCH requests of a group that are under way.
    fn under_way(&self, id: &str, change: isize) -> usize {
        let mut patches = self.group_patches.lock().unwrap_or_else(PoisonError::into_inner);
        let count = patches.entry(id.to_owned()).or_default();
        *count = count.saturating_add_signed(change);
        *count
    }

    fn written(&self, answer: Answer) -> hyper::Response<Full<Bytes>> {
        let kind = match self.directory().has(Defect::PlainJsonType) {
            true => "application/json",
            false => "application/scim+json; charset=utf-8",
        };
        let mut response = hyper::Response::builder().status(answer.status);
        if answer.body.is_some() {
            response = response.header(CONTENT_TYPE, kind);
        }
        if let Some(location) = answer.location {
            response = response.header(LOCATION, location);
        }
        let body = answer.body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        response.body(Full::new(body)).expect("a valid answer")
    }
}

/// The token endpoint: client credentials or a client assertion, as a form.
fn token(form: &str, defect: Option<Defect>) -> Answer {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let is = |name: &str, wanted: &str| fields.iter().any(|(key, value)| key == name && value == wanted);
    let by_secret = is("client_secret", CLIENT_SECRET);
    let by_assertion = is("client_assertion", ASSERTION) && defect != Some(Defect::AssertionRefused);
    if !is("grant_type", "client_credentials") || !(by_secret || by_assertion) {
        return Answer { status: 401, location: None, body: Some(json!({"error": "invalid_client"})) };
    }
    let life = if defect == Some(Defect::ShortTokenLife) { 600 } else { 3_600 };
    Answer::ok(json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": life}))
}
