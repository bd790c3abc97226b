//! The page between a button and what it does to a tenant: what will happen, in words, and one form.

use super::{frame::Frame, tenant::TenantHead};
use askama::Template;

/// A page that asks before something is done. Others than the tenant's overview may use it as well.
#[derive(Template)]
#[template(path = "tenant_confirm.html")]
pub(super) struct ConfirmPage {
    frame: Frame,
    tenant: TenantHead,
    question: String,
    words: Vec<String>,
    /// What is lost: how much of what.
    pub(super) losses: Vec<(&'static str, String)>,
    /// What must be typed into the field `confirm`.
    pub(super) typed: Option<String>,
    pub(super) wrong: Option<String>,
    action: String,
    back: String,
    button: &'static str,
    is_danger: bool,
}

impl ConfirmPage {
    /// Asks a question and explains it.
    pub(super) fn new(frame: Frame, tenant: TenantHead, question: String, words: Vec<String>) -> ConfirmPage {
        ConfirmPage {
            frame,
            question,
            words,
            losses: Vec::new(),
            typed: None,
            wrong: None,
            action: String::new(),
            back: tenant.at(""),
            button: "",
            is_danger: false,
            tenant,
        }
    }

    /// Where the form goes, as a path below the tenant, and what its button says.
    pub(super) fn act(mut self, path: &str, button: &'static str, is_danger: bool) -> ConfirmPage {
        self.action = self.tenant.at(path);
        self.button = button;
        self.is_danger = is_danger;
        self
    }

    /// Where to go instead, as a path below the tenant.
    pub(super) fn back_to(mut self, path: &str) -> ConfirmPage {
        self.back = self.tenant.at(path);
        self
    }
}
