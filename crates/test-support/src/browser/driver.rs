//! chromedriver, started once a test program, and the sessions it gives: headless Chromium with a profile of its own.

use crate::{Http, supervised::Supervised};
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Command,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};
use thirtyfour::{
    Capabilities, WebDriver,
    error::{WebDriverError, WebDriverResult},
    session::http::{Body, HttpClient},
};
use ureq::http::{Request, Response};

/// How Chromium runs: nobody looks at it, it may be root in a container, and it asks nothing of the network but the tests' pages.
const ARGUMENTS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--force-device-scale-factor=1",
    "--window-size=1280,900",
    // How find.js hears what assistive technology hears.
    "--enable-blink-features=ComputedAccessibilityInfo",
];

/// The driver that all tests of the process share.
pub(super) struct Driver {
    server: Supervised,
    address: String,
    profiles: AtomicU32,
}

impl Driver {
    pub(super) fn shared() -> &'static Driver {
        static SHARED: OnceLock<Driver> = OnceLock::new();
        SHARED.get_or_init(Driver::start)
    }

    fn start() -> Driver {
        let version = Command::new("chromedriver").arg("--version").output();
        assert!(
            version.is_ok(),
            "chromedriver is missing: run `make test`, or `deploy/setup.sh browser axe`"
        );
        let folder = tempfile::Builder::new().prefix("juno-browser-").tempdir().expect("folder").keep();
        let server = Supervised::new(&folder, "KILL", Path::new("chromedriver"), |command| {
            // What the browsers leave behind is removed with the folder.
            command.arg("--port=0").env("TMPDIR", &folder).env("HOME", &folder);
        });
        let (_, port) = server.start(|line| {
            line.strip_prefix("ChromeDriver was started successfully on port ")?
                .trim_end_matches('.')
                .parse::<u16>()
                .ok()
        });
        Driver { server, address: format!("http://127.0.0.1:{port}"), profiles: AtomicU32::new(0) }
    }

    /// A browser of one's own, with these arguments beside those of all. `runtime` needs nothing: waiting is done by the HTTP
    /// client.
    pub(super) fn session(&self, runtime: &tokio::runtime::Runtime, more: &[&str]) -> WebDriver {
        let profile = format!("profile-{}", self.profiles.fetch_add(1, Ordering::Relaxed));
        let profile = format!("--user-data-dir={}", self.server.folder().join(profile).display());
        let arguments: Vec<&str> = [ARGUMENTS, more, &[&profile]].concat();
        let wanted = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": arguments},
        });
        let Value::Object(wanted) = wanted else { unreachable!("it is an object") };
        let builder =
            WebDriver::builder(&self.address, Capabilities::from(wanted)).client(Client(Http::new()));
        let session = runtime.block_on(async { builder.await });
        session.unwrap_or_else(|cause| {
            panic!(
                "no browser: {cause}\n(`deploy/setup.sh browser` installs it)\n{}",
                self.server.end_of_log()
            )
        })
    }
}

/// The blocking HTTP client of the tests, behind the trait of the WebDriver client.
struct Client(Http);

#[async_trait]
impl HttpClient for Client {
    async fn send(&self, request: Request<Body<'_>>) -> WebDriverResult<Response<Bytes>> {
        let (head, body) = request.into_parts();
        let headers: Vec<(&str, &str)> = head
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let body = match body {
            Body::Empty => String::new(),
            Body::Json(json) => json.to_string(),
        };
        let answer = self.0.try_send(head.method.as_str(), &head.uri.to_string(), &headers, body.as_bytes());
        let answer =
            answer.ok_or_else(|| WebDriverError::HttpError("no answer from chromedriver".to_owned()))?;
        let response = Response::builder().status(answer.status).body(Bytes::from(answer.body));
        response.map_err(|cause| WebDriverError::HttpError(cause.to_string()))
    }

    async fn new(&self) -> Arc<dyn HttpClient> {
        Arc::new(Client(self.0.clone()))
    }
}
