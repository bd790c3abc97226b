//! One line on trial: requests to the scratch tenant, and what must be true of the answers.

use super::service::{ScimAnswer, ScimRequest, ScimService};
use crate::Failure;
use actix_web::http::Method;
use serde_json::{Value, json};
use std::cell::Cell;
use tokens::SecretToken;

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// How to get in: a tenant and its Secret Token.
pub struct Door {
    /// The tenant's label.
    pub label: String,
    /// Its Secret Token.
    pub token: SecretToken,
}

/// Why a line is not proven.
#[derive(Debug)]
pub(super) enum Wrong {
    /// An answer was not as the line asks for: what was asked, what was answered.
    Answer(String),
    /// There was no answer.
    Fault(Failure),
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Self {
        Wrong::Fault(failure)
    }
}

/// What a line comes to.
pub(super) type Proven = Result<(), Wrong>;

/// Asks in the name of one line.
pub(super) struct Trial<'a> {
    service: &'a dyn ScimService,
    door: &'a Door,
    line: &'static str,
    names: Cell<u32>,
}

/// An answer with the request that it belongs to.
#[derive(Debug)]
pub(super) struct Answer {
    asked: String,
    pub(super) status: u16,
    pub(super) body: Value,
}

impl<'a> Trial<'a> {
    pub(super) fn new(service: &'a dyn ScimService, door: &'a Door, line: &'static str) -> Trial<'a> {
        Trial { service, door, line, names: Cell::new(0) }
    }

    /// A name that no other line uses.
    pub(super) fn name(&self) -> String {
        self.names.set(self.names.get() + 1);
        format!("{}-{}@scratch.invalid", self.line, self.names.get())
    }

    async fn send(&self, method: Method, path: String, body: Option<Value>) -> Result<Answer, Wrong> {
        let asked = format!("{method} {}", path.replace(&self.door.label, "{tenant}"));
        let token = Some(self.door.token.reveal().to_owned());
        let ScimAnswer { status, body } = self.service.ask(ScimRequest { method, path, token, body }).await?;
        Ok(Answer { asked, status, body })
    }

    /// Asks below the Tenant URL.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer, Wrong> {
        self.send(method, format!("/t/{}/scim/v2{path}", self.door.label), body).await
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, Wrong> {
        self.ask(Method::GET, path, None).await?.expect(&[200])
    }

    /// The metadata of the tenant's authorization server (RFC 8414 section 3.1).
    pub(super) async fn metadata(&self) -> Result<Answer, Wrong> {
        let path = format!("/.well-known/oauth-authorization-server/t/{}", self.door.label);
        self.send(Method::GET, path, None).await?.expect(&[200])
    }

    pub(super) async fn patch(&self, path: &str, operations: Value) -> Result<Answer, Wrong> {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        self.ask(Method::PATCH, path, Some(body)).await
    }

    /// Makes a user with a work e-mail address and an `externalId`; its path below the Tenant URL and itself.
    pub(super) async fn user(&self) -> Result<(String, Value), Wrong> {
        let name = self.name();
        let emails = json!([{ "value": name, "type": "work", "primary": true }]);
        let id = format!("external-{name}");
        let body = json!({ "schemas": [USER], "userName": name, "displayName": "Scratch", "active": true,
            "externalId": id, "emails": emails });
        self.make("/Users", body).await
    }

    /// Makes a group without members.
    pub(super) async fn group(&self) -> Result<(String, Value), Wrong> {
        let name = self.name();
        let id = format!("external-{name}");
        self.make("/Groups", json!({ "schemas": [GROUP], "displayName": name, "externalId": id })).await
    }

    pub(super) async fn make(&self, endpoint: &str, body: Value) -> Result<(String, Value), Wrong> {
        let made = self.ask(Method::POST, endpoint, Some(body)).await?.expect(&[201])?;
        let id = made.text("/id")?;
        Ok((format!("{endpoint}/{id}"), made.body))
    }

    /// The only resource that a filter finds is the one with this id.
    pub(super) async fn finds(&self, endpoint: &str, filter: &str, id: &Value) -> Proven {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let list = self.get(&format!("{endpoint}?filter={filter}")).await?;
        list.ensure(list.body["totalResults"] == 1, "it must find one resource")?;
        list.ensure(list.body["Resources"][0]["id"] == *id, "it must find the resource that was made")
    }

    /// A schema of `/Schemas` by its URN.
    pub(super) async fn schema(&self, urn: &str) -> Result<Answer, Wrong> {
        self.get(&format!("/Schemas/{urn}")).await
    }

    /// `endpoint` lists the resource with this id, on its first page or by a search for it.
    pub(super) async fn lists(&self, endpoint: &str, id: &Value) -> Proven {
        let list = self.get(endpoint).await?;
        let is_list = list.body["schemas"][0] == LIST_RESPONSE && list.body["totalResults"].is_u64();
        list.ensure(is_list, "it must be a ListResponse")?;
        let all = list.body["Resources"].as_array().map(Vec::as_slice).unwrap_or_default();
        list.ensure(all.iter().any(|resource| resource["id"] == *id), "it must list what was made")
    }
}

impl Answer {
    /// The status must be one of these.
    pub(super) fn expect(self, statuses: &[u16]) -> Result<Answer, Wrong> {
        match statuses.contains(&self.status) {
            true => Ok(self),
            false => {
                let wanted: Vec<String> = statuses.iter().map(u16::to_string).collect();
                Err(self.wrong(&format!("the status must be {}", wanted.join(" or "))))
            }
        }
    }

    /// It must be a refusal in the form of RFC 7644 section 3.12.
    pub(super) fn expect_refusal(self, status: u16) -> Proven {
        let answer = self.expect(&[status])?;
        let told = answer.body["status"].as_str().and_then(|told| told.parse().ok());
        let is_error = answer.body["schemas"][0] == ERROR && told == Some(status);
        answer.ensure(is_error, "it must be an error in the form of SCIM")
    }

    pub(super) fn ensure(&self, is_so: bool, rule: &str) -> Proven {
        if is_so { Ok(()) } else { Err(self.wrong(rule)) }
    }

    /// A text that must be there, by JSON pointer.
    pub(super) fn text(&self, pointer: &str) -> Result<String, Wrong> {
        let text = self.body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| self.wrong(&format!("{pointer} must be there")))
    }

    fn wrong(&self, rule: &str) -> Wrong {
        Wrong::Answer(format!("{}: {rule}. It was answered with {}.", self.asked, self.status))
    }
}
