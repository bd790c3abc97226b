//! What a person does with a page, and what a person sees of it.

use super::Browser;
use serde_json::json;
use std::future::Future;
use thirtyfour::{By, Key, WebElement, error::WebDriverResult};

/// What a person can point at.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Field,
    Button,
    Link,
}

impl Browser {
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
        self.leave_by(Kind::Button, button, None);
    }

    /// The same, of the several buttons of this name the one in the row, item or section that shows `near`.
    #[track_caller]
    pub fn press_near(&self, near: &str, button: &str) {
        self.leave_by(Kind::Button, button, Some(near));
    }

    /// Presses the button of this name, which leads nowhere.
    #[track_caller]
    pub fn press_here(&self, button: &str) {
        self.act(Kind::Button, button, None, |button| async move { button.click().await });
    }

    /// Follows the link of this name, and waits for the page to which it leads.
    #[track_caller]
    pub fn follow(&self, link: &str) {
        self.leave_by(Kind::Link, link, None);
    }

    /// The same, of the several links of this name the one in the row, item or section that shows `near`.
    #[track_caller]
    pub fn follow_near(&self, near: &str, link: &str) {
        self.leave_by(Kind::Link, link, Some(near));
    }

    /// Waits until the page shows this text.
    #[track_caller]
    pub fn expect(&self, text: &str) {
        self.until(&format!("\"{text}\" to appear"), || Ok(self.try_text()?.contains(text).then_some(())));
    }

    /// Opens a path again and again, until the page shows this text.
    #[track_caller]
    pub fn expect_at(&self, path: &str, text: &str) {
        self.until(&format!("\"{text}\" to appear"), || {
            self.open(path);
            Ok(self.try_text()?.contains(text).then_some(()))
        });
    }

    /// Waits until the page no longer shows this text.
    #[track_caller]
    pub fn expect_gone(&self, text: &str) {
        self.until(&format!("\"{text}\" to go"), || Ok((!self.try_text()?.contains(text)).then_some(())));
    }

    /// Waits until a script says so.
    #[track_caller]
    pub fn expect_script(&self, what: &str, script: &str) {
        self.until(what, || Ok((self.try_script(script, vec![])? == true).then_some(())));
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

    /// What was copied last: the person allows the site to see it.
    #[track_caller]
    pub fn clipboard(&self) -> String {
        self.devtools("Browser.grantPermissions", json!({"permissions": ["clipboardReadWrite"]}));
        let text = self.script("return navigator.clipboard.readText()", vec![]);
        text.as_str().unwrap_or_default().to_owned()
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

    /// Presses Enter where the focus is, and waits for the page to which it leads.
    #[track_caller]
    pub fn enter(&self) {
        let left = self.load();
        self.write(&char::from(Key::Enter).to_string());
        self.until("another page", || Ok((self.try_load()? != left).then_some(())));
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
        self.until("a page", || self.try_load().map(Some))
    }

    fn try_load(&self) -> WebDriverResult<f64> {
        Ok(self.try_script("return performance.timeOrigin", vec![])?.as_f64().expect("a time"))
    }

    pub(super) fn try_text(&self) -> WebDriverResult<String> {
        let text = self.try_script("return document.body.innerText.replace(/\\s+/g, ' ')", vec![])?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    fn try_path(&self) -> WebDriverResult<String> {
        Ok(self.wait(self.session().current_url())?.path().to_owned())
    }

    /// Clicks on the one element that is called so and waits until another page is loaded: the driver itself does not
    /// always, and what is done next must not be done to the page that is left.
    #[track_caller]
    fn leave_by(&self, kind: Kind, name: &str, near: Option<&str>) {
        let (left, mut is_clicked) = (self.load(), false);
        self.until(&format!("the page behind {}", called(kind, name, near)), || {
            if self.try_load()? != left {
                return Ok(Some(()));
            }
            if !is_clicked && let Some(element) = self.find(kind, name, near)? {
                self.wait(element.click())?;
                is_clicked = true;
            }
            Ok(None)
        });
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
        self.until(&called(kind, name, near), || match self.find(kind, name, near)? {
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
}

/// What is pointed at, in words.
fn called(kind: Kind, name: &str, near: Option<&str>) -> String {
    format!("{kind:?} \"{name}\"{}", near.map(|near| format!(" near \"{near}\"")).unwrap_or_default())
}
