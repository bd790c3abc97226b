//! Requests and answers of the stand-in, and its refusals.

use super::defect::Defect;
use serde_json::{Value, json};

/// A request, taken apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) accept: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.parameter(name)?.parse().ok()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Option<Value>,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Answer {
        Answer { status: 200, location: None, body: Some(body) }
    }

    pub(crate) fn empty() -> Answer {
        Answer { status: 204, location: None, body: None }
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) scim_type: Option<&'static str>,
    pub(crate) detail: &'static str,
}

impl Refusal {
    pub(crate) fn bad(scim_type: &'static str, detail: &'static str) -> Refusal {
        Refusal { status: 400, scim_type: Some(scim_type), detail }
    }

    pub(crate) fn plain(status: u16, detail: &'static str) -> Refusal {
        Refusal { status, scim_type: None, detail }
    }

    pub(crate) fn taken() -> Refusal {
        Refusal {
            status: 409,
            scim_type: Some("uniqueness"),
            detail: "userName is taken; match the existing user",
        }
    }

    pub(crate) fn answer(self, defect: Option<Defect>) -> Answer {
        let status = match defect {
            Some(Defect::StatusAsNumber) => json!(self.status),
            _ => json!(self.status.to_string()),
        };
        let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status});
        if defect != Some(Defect::DetailMissing) {
            body["detail"] = json!(self.detail);
        }
        let is_hidden = self.status == 409 && defect == Some(Defect::ConflictWithoutScimType);
        if let Some(scim_type) = self.scim_type.filter(|_| !is_hidden) {
            body["scimType"] = json!(scim_type);
        }
        Answer { status: self.status, location: None, body: Some(body) }
    }
}
