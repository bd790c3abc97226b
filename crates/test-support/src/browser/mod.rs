//! A real browser that a test uses as a person does: fields are found by their labels, buttons and links by their names, and
//! what should appear is waited for.
//!
//! What the browser complains of (a script that fails, something that the Content-Security-Policy forbids, a missing file)
//! fails the test. Where a test fails, what the browser showed is kept in `target/browser`.

mod accessibility;
mod driver;
mod person;
mod pictures;

use driver::Driver;
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    thread,
    time::{Duration, Instant},
};
use thirtyfour::{
    RequestData, SessionId, WebDriver, common::command::FormatRequestData, error::WebDriverResult,
};
use tokio::runtime::{Builder, Runtime};
use ureq::http::Method;

/// How long a page may take to show what is expected of it: only failures wait so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Light or dark, as the person's system prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Scheme {
    /// As CSS says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        }
    }
}

/// The browser of one person: one window, no cookies yet.
pub struct Browser {
    runtime: Runtime,
    /// None only while it is dropped.
    session: Option<WebDriver>,
    site: String,
    /// Width and height of the window, in CSS pixels.
    size: Cell<(u32, u32)>,
    /// What the browser complained of and no test has expected.
    complaints: RefCell<Vec<String>>,
    /// Beginnings of complaints that are not about us.
    not_ours: RefCell<Vec<String>>,
}

impl Browser {
    /// Opens a window; paths are those of this site, `http://127.0.0.1:1234` say.
    pub fn at(site: &str) -> Browser {
        Browser::start(site, &[])
    }

    /// The same where the site has a name, `http://admin.localhost` say, and is found at this address, `http://127.0.0.1:1234`.
    pub fn at_name(site: &str, address: &str) -> Browser {
        let without_scheme = |url: &str| url.split("://").last().unwrap_or_default().to_owned();
        let rule = format!("--host-resolver-rules=MAP {} {}", without_scheme(site), without_scheme(address));
        Browser::start(site, &[&rule])
    }

    fn start(site: &str, arguments: &[&str]) -> Browser {
        let runtime = Builder::new_current_thread().enable_time().build().expect("runtime");
        let session = Driver::shared().session(&runtime, arguments);
        let site = site.trim_end_matches('/').to_owned();
        Browser {
            runtime,
            session: Some(session),
            site,
            size: Cell::new((1280, 900)),
            complaints: RefCell::default(),
            not_ours: RefCell::default(),
        }
    }

    /// What is at this address is not ours: whatever the browser complains of there is forgiven.
    pub fn forgive(&self, address: &str) {
        self.not_ours.borrow_mut().push(address.to_owned());
    }

    /// Goes to a path of the site, or to a whole address.
    #[track_caller]
    pub fn open(&self, path: &str) {
        let address = if path.starts_with('/') { format!("{}{path}", self.site) } else { path.to_owned() };
        self.must(&format!("open {address}"), self.session().goto(address.as_str()));
    }

    /// Keeps a cookie of the site, as if a page had set it: who has signed in elsewhere goes on here.
    #[track_caller]
    pub fn remember(&self, name: &str, value: &str) {
        let cookie = json!({"name": name, "value": value, "url": self.site, "httpOnly": true});
        assert_eq!(self.devtools("Network.setCookie", cookie)["success"], true);
    }

    /// Forgets every cookie: another person sits down.
    #[track_caller]
    pub fn forget(&self) {
        self.devtools("Network.clearBrowserCookies", json!({}));
    }

    /// Makes the window so large that the page sees this, in CSS pixels.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.size.set((width, height));
        self.show(width, height);
    }

    #[track_caller]
    fn show(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Sets what the person's system prefers; nothing moves on pages.
    #[track_caller]
    pub fn prefer(&self, scheme: Scheme) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme.as_str()},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Pages run no script from now on, as where the person forbids it.
    #[track_caller]
    pub fn forbid_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    }

    /// Runs a script in the page; the Content-Security-Policy does not bind it.
    #[track_caller]
    pub fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.until("a script to run", || self.try_script(script, arguments.clone()).map(Some))
    }

    fn try_script(&self, script: &str, arguments: Vec<Value>) -> WebDriverResult<Value> {
        Ok(self.wait(self.session().execute(script, arguments))?.json().clone())
    }

    /// Asks again and again, until there is an answer or patience ends. What fails because the page is changing is asked again.
    #[track_caller]
    fn until<T>(&self, what: &str, mut ask: impl FnMut() -> WebDriverResult<Option<T>>) -> T {
        let began = Instant::now();
        loop {
            let trouble = match ask() {
                Ok(Some(answer)) => return answer,
                Ok(None) => None,
                Err(cause) => Some(cause),
            };
            if began.elapsed() > PATIENCE {
                let trouble = trouble.map(|cause| format!(" ({cause})")).unwrap_or_default();
                let address = self.wait(self.session().current_url()).map(String::from).unwrap_or_default();
                let shown = self.try_text().unwrap_or_default();
                panic!("waited in vain for {what}{trouble} at {address}, which shows:\n{shown}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A command of the DevTools protocol, for what WebDriver has no words for.
    #[track_caller]
    fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        let answer = self.must(command, self.session().cmd(DevTools { command, parameters }));
        self.must(command, async { answer.value_json() })
    }

    #[track_caller]
    fn must<T>(&self, what: &str, future: impl Future<Output = WebDriverResult<T>>) -> T {
        self.wait(future).unwrap_or_else(|cause| panic!("{what}: {cause}"))
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn session(&self) -> &WebDriver {
        self.session.as_ref().expect("alive")
    }

    /// Reads what the browser has complained of since the last time.
    fn hear_complaints(&self) -> WebDriverResult<()> {
        let heard = self.wait(self.session().browser_log())?;
        let heard = heard.into_iter().filter(|entry| entry.level == "SEVERE" || entry.level == "WARNING");
        let not_ours = self.not_ours.borrow();
        let is_ours = |complaint: &String| !not_ours.iter().any(|address| complaint.starts_with(address));
        self.complaints.borrow_mut().extend(heard.map(|entry| entry.message).filter(is_ours));
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let failed = thread::panicking();
        if failed {
            self.keep_evidence();
        }
        let heard = self.hear_complaints();
        let session = self.session.take().expect("alive");
        let _ = self.wait(session.quit());
        if !failed {
            heard.expect("the browser is there to the end");
            let complaints = self.complaints.take();
            assert!(complaints.is_empty(), "the browser complained: {complaints:#?}");
        }
    }
}

#[derive(Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl FormatRequestData for DevTools {
    fn format_request(&self, session: &SessionId) -> RequestData {
        let path = format!("/session/{session}/goog/cdp/execute");
        RequestData::new(Method::POST, path).add_body(json!({"cmd": self.command, "params": self.parameters}))
    }
}
