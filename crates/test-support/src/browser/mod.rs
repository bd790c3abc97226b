//! A real browser that a test uses as a person does: fields are found by their labels, buttons and links by their names, and
//! what should appear is waited for.
//!
//! What the browser complains of (a script that fails, something that the Content-Security-Policy forbids, a missing file)
//! fails the test. Where a test fails, what the browser showed is kept in `target/browser`.

mod accessibility;
mod driver;

use driver::Driver;
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fs,
    future::Future,
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};
use thirtyfour::{
    By, Key, RequestData, SessionId, WebDriver, WebElement, common::command::FormatRequestData,
    error::WebDriverResult,
};
use tokio::runtime::{Builder, Runtime};
use ureq::http::Method;

/// How long a page may take to show what is expected of it: only failures wait so long.
const PATIENCE: Duration = Duration::from_secs(15);

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
}

/// What a person can point at.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Field,
    Button,
    Link,
}

impl Browser {
    /// Opens a window; paths are those of this site, `http://127.0.0.1:1234` say.
    pub fn at(site: &str) -> Browser {
        let runtime = Builder::new_current_thread().enable_time().build().expect("runtime");
        let session = Driver::shared().session(&runtime);
        let site = site.trim_end_matches('/').to_owned();
        Browser {
            runtime,
            session: Some(session),
            site,
            size: Cell::new((1280, 900)),
            complaints: RefCell::default(),
        }
    }

    /// Goes to a path of the site, or to a whole address.
    #[track_caller]
    pub fn open(&self, path: &str) {
        let address = if path.contains("://") { path.to_owned() } else { format!("{}{path}", self.site) };
        self.must(&format!("open {address}"), self.session().goto(address.as_str()));
    }

    /// Types a text into the field with this label, in the place of what is there.
    #[track_caller]
    pub fn fill(&self, label: &str, text: &str) {
        self.act(Kind::Field, label, None, |field| async move {
            field.clear().await?;
            field.send_keys(text).await
        });
    }

    /// Chooses an option of the list with this label.
    #[track_caller]
    pub fn choose(&self, label: &str, option: &str) {
        self.act(Kind::Field, label, None, |list| async move {
            let path = format!(".//option[normalize-space()='{option}']");
            list.find(By::XPath(path)).await?.click().await
        });
    }

    /// Clicks on the box or the radio button with this label.
    #[track_caller]
    pub fn tick(&self, label: &str) {
        self.act(Kind::Field, label, None, |field| async move { field.click().await });
    }

    /// Presses the button of this name, and waits for the page to which it leads.
    #[track_caller]
    pub fn press(&self, button: &str) {
        self.act(Kind::Button, button, None, |button| async move { button.click().await });
    }

    /// The same, of the several buttons of this name the one in the row, item or section that shows `near`.
    #[track_caller]
    pub fn press_near(&self, near: &str, button: &str) {
        self.act(Kind::Button, button, Some(near), |button| async move { button.click().await });
    }

    /// Follows the link of this name.
    #[track_caller]
    pub fn follow(&self, link: &str) {
        self.act(Kind::Link, link, None, |link| async move { link.click().await });
    }

    /// The same, of the several links of this name the one in the row, item or section that shows `near`.
    #[track_caller]
    pub fn follow_near(&self, near: &str, link: &str) {
        self.act(Kind::Link, link, Some(near), |link| async move { link.click().await });
    }

    /// Waits until the page shows this text.
    #[track_caller]
    pub fn expect(&self, text: &str) {
        self.until(&format!("\"{text}\" to appear"), || Ok(self.try_text()?.contains(text).then_some(())));
    }

    /// Waits until the page no longer shows this text.
    #[track_caller]
    pub fn expect_gone(&self, text: &str) {
        self.until(&format!("\"{text}\" to go"), || Ok((!self.try_text()?.contains(text)).then_some(())));
    }

    /// Waits until the address has this path.
    #[track_caller]
    pub fn expect_path(&self, path: &str) {
        self.until(&format!("path {path}"), || Ok((self.try_path()? == path).then_some(())));
    }

    /// Waits for a complaint of the browser with this text, which is then forgiven: a status of 401, say.
    #[track_caller]
    pub fn expect_complaint(&self, text: &str) {
        self.until(&format!("the complaint \"{text}\""), || {
            self.hear_complaints()?;
            let mut complaints = self.complaints.borrow_mut();
            let found = complaints.iter().position(|complaint| complaint.contains(text));
            Ok(found.map(|found| complaints.remove(found)))
        });
    }

    /// The text that the page shows, white space made plain.
    #[track_caller]
    pub fn text(&self) -> String {
        self.until("the text of the page", || self.try_text().map(Some))
    }

    /// The path of the address.
    #[track_caller]
    pub fn path(&self) -> String {
        self.until("the address of the page", || self.try_path().map(Some))
    }

    /// What the field with this label holds.
    #[track_caller]
    pub fn value(&self, label: &str) -> String {
        self.until(&format!("field \"{label}\""), || match self.find(Kind::Field, label, None)? {
            Some(field) => self.wait(field.prop("value")),
            None => Ok(None),
        })
    }

    /// The text of the first element that this CSS selector finds, for what has no label.
    #[track_caller]
    pub fn text_of(&self, selector: &str) -> String {
        self.until(&format!("an element {selector}"), || {
            let found = self.wait(self.session().find_all(By::Css(selector)))?;
            found.first().map(|element| self.wait(element.text())).transpose()
        })
    }

    /// Types where the focus is.
    #[track_caller]
    pub fn write(&self, text: &str) {
        self.must("type", self.session().action_chain().send_keys(text).perform());
    }

    /// Presses Tab until the field, button or link of this name has the focus; it must come within one round.
    #[track_caller]
    pub fn tab_to(&self, name: &str) {
        let mut seen = Vec::new();
        for _ in 0..200 {
            self.write(&char::from(Key::Tab).to_string());
            let focused = self.focused();
            if focused == name {
                return;
            }
            seen.push(focused);
        }
        panic!("Tab does not reach \"{name}\", only {seen:?}");
    }

    /// Presses Enter where the focus is, and waits for the page to which it leads, if it leads to one.
    #[track_caller]
    pub fn enter(&self) {
        self.write(&char::from(Key::Enter).to_string());
    }

    /// What has the focus, as assistive technology names it.
    #[track_caller]
    pub fn focused(&self) -> String {
        let name =
            self.script("return document.activeElement.computedName.replace(/\\s+/g, ' ').trim()", vec![]);
        name.as_str().unwrap_or_default().to_owned()
    }

    /// Whether the focus can be seen: something about the element's outline or shadow differs from what it is without.
    #[track_caller]
    pub fn focus_is_visible(&self) -> bool {
        let script = "const style = getComputedStyle(document.activeElement);
            return document.activeElement.matches(':focus-visible') &&
                (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none');";
        self.script(script, vec![]) == true
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

    /// How much wider than the window the page is, in CSS pixels: 0 where nobody has to scroll sideways.
    #[track_caller]
    pub fn overflow(&self) -> u64 {
        let root =
            "const root = document.documentElement; return Math.max(0, root.scrollWidth - root.clientWidth)";
        self.script(root, vec![]).as_u64().expect("pixels")
    }

    /// A number that stays the same until the page is loaded anew.
    #[track_caller]
    pub fn load(&self) -> f64 {
        self.script("return performance.timeOrigin", vec![]).as_f64().expect("a time")
    }

    /// Keeps a picture of the whole page, however long, as PNG.
    #[track_caller]
    pub fn picture(&self, file: &Path) {
        let (width, height) = self.size.get();
        let length = self.script("return document.documentElement.scrollHeight", vec![]);
        self.show(width, height.max(length.as_u64().expect("pixels") as u32));
        let png = self.must("take a picture", self.session().screenshot_as_png());
        self.show(width, height);
        fs::create_dir_all(file.parent().expect("folder")).expect("folder of pictures");
        fs::write(file, png).expect("picture is written");
    }

    /// Runs a script in the page; the Content-Security-Policy does not bind it.
    #[track_caller]
    pub fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.until("a script to run", || self.try_script(script, arguments.clone()).map(Some))
    }

    fn try_script(&self, script: &str, arguments: Vec<Value>) -> WebDriverResult<Value> {
        Ok(self.wait(self.session().execute(script, arguments))?.json().clone())
    }

    fn try_text(&self) -> WebDriverResult<String> {
        let text = self.try_script("return document.body.innerText.replace(/\\s+/g, ' ')", vec![])?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    fn try_path(&self) -> WebDriverResult<String> {
        Ok(self.wait(self.session().current_url())?.path().to_owned())
    }

    /// Does something with the one element that is called so, and does it again where the page changed meanwhile.
    #[track_caller]
    fn act<F: Future<Output = WebDriverResult<()>>>(
        &self,
        kind: Kind,
        name: &str,
        near: Option<&str>,
        act: impl Fn(WebElement) -> F,
    ) {
        let what = format!(
            "{kind:?} \"{name}\"{}",
            near.map(|near| format!(" near \"{near}\"")).unwrap_or_default()
        );
        self.until(&what, || match self.find(kind, name, near)? {
            Some(element) => self.wait(act(element)).map(Some),
            None => Ok(None),
        });
    }

    /// The visible element of this kind and name. There must not be several.
    #[track_caller]
    fn find(&self, kind: Kind, name: &str, near: Option<&str>) -> WebDriverResult<Option<WebElement>> {
        let kind_name = format!("{kind:?}").to_lowercase();
        let arguments = vec![json!(kind_name), json!(name), json!(near)];
        let mut found = self.wait(self.session().execute(include_str!("find.js"), arguments))?.elements()?;
        assert!(found.len() < 2, "{} times a {kind_name} called \"{name}\" at {}", found.len(), self.path());
        Ok(found.pop())
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
        self.complaints.borrow_mut().extend(heard.map(|entry| entry.message));
        Ok(())
    }

    /// Keeps what the browser shows, and says where.
    fn keep_evidence(&self) {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/browser"));
        let name = free_name();
        let _ = fs::create_dir_all(folder);
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let (picture, source) = (folder.join(format!("{name}.png")), folder.join(format!("{name}.html")));
        if let Ok(png) = self.wait(self.session().screenshot_as_png()) {
            let _ = fs::write(&picture, png);
        }
        if let Ok(html) = self.wait(self.session().source()) {
            let _ = fs::write(&source, html);
        }
        let _ = self.hear_complaints();
        eprintln!("--- the browser is kept in {} and {}", picture.display(), source.display());
        eprintln!("--- it complained of {:?}", self.complaints.borrow());
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

/// A name for what a test keeps. Several browsers of one test, each its own; an earlier run's is overwritten.
fn free_name() -> String {
    static TAKEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let test = thread::current().name().unwrap_or("test").replace("::", ".");
    let mut taken = TAKEN.lock().expect("names");
    let mut names = (1..).map(|number| format!("{test}-{number}"));
    names.find(|name| taken.insert(name.clone())).expect("numbers do not end")
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
