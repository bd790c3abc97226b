//! The stand-in's users and groups, and what a request does to them.

use super::defect::Defect;
use super::filter;
use super::message::{Answer, Refusal, Request};
use super::paging::Ends;
use super::patch::{self, Manner};
use super::schemas::{self, ENTERPRISE};
use entra_sim::check::Profile;
use serde_json::{Value, json};
use std::collections::HashMap;

/// A small SCIM server without the HTTP: correct unless it has a defect.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(super) defect: Option<Defect>,
    /// What it is held to: Entra's deviations are understood in `entra` alone.
    pub(super) profile: Profile,
    pub(super) users: Vec<Value>,
    groups: Vec<Value>,
    /// Names that the defects about deletion keep taken.
    pub(super) kept_names: Vec<String>,
    serial: u64,
    /// How often a resource was read, for the defect `TwentyReadsAllowed`.
    reads: HashMap<String, usize>,
    /// Where pages of users and of groups ended.
    pub(super) ends: [Ends; 2],
}

pub(super) type Result<T> = std::result::Result<T, Refusal>;

const NOT_FOUND: Refusal = Refusal { status: 404, scim_type: None, detail: "there is no such resource" };

impl Directory {
    pub(crate) fn new(profile: Profile, defect: Option<Defect>) -> Directory {
        Directory {
            defect,
            profile,
            users: Vec::new(),
            groups: Vec::new(),
            kept_names: Vec::new(),
            serial: 0,
            reads: HashMap::new(),
            ends: Default::default(),
        }
    }

    /// Adds a user without a request; its id.
    pub(crate) fn add_user(&mut self, user_name: &str) -> String {
        self.serial += 1;
        let id = format!("{:08x}", self.serial);
        self.users.push(json!({"schemas": [schemas::USER], "id": id, "userName": user_name, "active": true}));
        id
    }

    /// Removes a user without a request.
    pub(crate) fn remove_user(&mut self, id: &str) {
        let at = self.users.iter().position(|user| user["id"] == id).expect("the user is there");
        self.users.remove(at);
        self.ends[0].deleted(at);
    }

    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    pub(crate) fn defect(&self) -> Option<Defect> {
        self.defect
    }

    /// How many resources there are.
    pub(crate) fn len(&self) -> usize {
        self.users.len() + self.groups.len()
    }

    /// Answers a request that has passed the door.
    pub(crate) fn answer(&mut self, request: &Request) -> Answer {
        self.route(request).unwrap_or_else(|refusal| refusal.answer(self.defect))
    }

    fn route(&mut self, request: &Request) -> Result<Answer> {
        let parts: Vec<_> = request.path.trim_start_matches('/').split('/').collect();
        if self.has(Defect::UnknownQueryKeyRefused) && request.parameter("aadOptscim062020").is_some() {
            return Err(Refusal::plain(400, "unknown query parameter"));
        }
        match (request.method.as_str(), parts.as_slice()) {
            (_, ["Groups", ..]) if self.has(Defect::GroupsMissing) => Err(NOT_FOUND),
            ("POST", ["Users"]) if self.has(Defect::UsersNotCreated) => Err(Refusal::plain(500, "disk full")),
            ("GET", ["Users" | "Groups", id]) if !id.is_empty() && self.has(Defect::ReadByIdMissing) => {
                Err(NOT_FOUND)
            }
            ("PATCH", _) if self.has(Defect::PatchMissing) => Err(Refusal::plain(501, "not implemented")),
            (_, [_, ""]) if self.has(Defect::TrailingSlashUnknown) => Err(NOT_FOUND),
            ("GET", ["Users" | "Groups"] | ["Users" | "Groups", ""]) => {
                self.list(request, parts[0] == "Groups")
            }
            ("POST", [kind @ ("Users" | "Groups")]) => self.create(request, *kind == "Groups"),
            ("GET", [kind @ ("Users" | "Groups"), id]) => self.get(request, *kind == "Groups", id),
            ("PATCH", [kind @ ("Users" | "Groups"), id]) => self.patch(request, *kind == "Groups", id, None),
            ("POST", ["Bulk"]) if self.is_interop() && !self.has(Defect::BulkMissing) => self.bulk(request),
            ("PUT", ["Users", id]) => self.put(request, id),
            ("DELETE", [kind @ ("Users" | "Groups"), id]) => self.delete(*kind == "Groups", id),
            ("GET", ["Schemas"]) => {
                let mut list = self.envelope(schemas::schemas(self.profile, self.defect), 1);
                if self.has(Defect::SchemasNotCounted) {
                    list["totalResults"] = json!(0);
                }
                Ok(Answer::ok(list))
            }
            ("GET", ["Schemas", urn]) if !self.has(Defect::SchemaByUrnMissing) => {
                let all = schemas::schemas(self.profile, self.defect).into_iter();
                all.into_iter().find(|schema| schema["id"] == *urn).map(Answer::ok).ok_or(NOT_FOUND)
            }
            ("GET", ["ResourceTypes"]) if !self.has(Defect::ResourceTypesMissing) => {
                Ok(Answer::ok(self.envelope(schemas::resource_types(self.defect), 1)))
            }
            ("GET", ["ServiceProviderConfig"]) => {
                Ok(Answer::ok(schemas::service_provider_config(self.profile, self.defect)))
            }
            _ => Err(NOT_FOUND),
        }
    }

    /// Whether it is held to the profile `interop`.
    pub(super) fn is_interop(&self) -> bool {
        self.profile == Profile::Interop
    }

    /// `/Bulk`: each operation is a request of its own; references among them are not resolved.
    fn bulk(&mut self, request: &Request) -> Result<Answer> {
        let malformed = Refusal::bad("invalidSyntax", "the body is no BulkRequest");
        let body: Value = serde_json::from_str(&request.body).map_err(|_| malformed)?;
        let operations = body["Operations"].as_array().ok_or(malformed)?;
        let mut done = Vec::new();
        for operation in operations {
            let text = |name: &str| operation[name].as_str().unwrap_or_default().to_owned();
            let inner = Request {
                method: text("method"),
                path: text("path"),
                body: operation["data"].to_string(),
                ..Request::default()
            };
            let answer = self.answer(&inner);
            done.push(json!({"method": text("method"), "location": answer.location, "status": answer.status.to_string()}));
        }
        let urn = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
        Ok(Answer::ok(json!({"schemas": [urn], "Operations": done})))
    }

    fn all(&mut self, is_group: bool) -> &mut Vec<Value> {
        if is_group { &mut self.groups } else { &mut self.users }
    }

    fn position(&mut self, is_group: bool, id: &str) -> Result<usize> {
        let refusal = match self.has(Defect::UnknownIdIsBadRequest) {
            true => Refusal::plain(400, "there is no such id"),
            false => NOT_FOUND,
        };
        self.all(is_group).iter().position(|resource| resource["id"] == id).ok_or(refusal)
    }

    /// The resource with that id, as it is now.
    pub(crate) fn snapshot(&mut self, is_group: bool, id: &str) -> Option<Value> {
        let at = self.position(is_group, id).ok()?;
        Some(self.all(is_group)[at].clone())
    }

    pub(super) fn manner(&self, is_group: bool) -> Manner {
        Manner { profile: self.profile, is_group, defect: self.defect }
    }

    fn get(&mut self, request: &Request, is_group: bool, id: &str) -> Result<Answer> {
        let at = self.position(is_group, id)?;
        let resource = self.all(is_group)[at].clone();
        let reads = self.reads.entry(id.to_owned()).or_default();
        *reads += 1;
        if *reads > 20 && self.defect == Some(Defect::TwentyReadsAllowed) {
            return Err(Refusal::plain(429, "too many requests"));
        }
        if self.has(Defect::DisabledHiddenById) && resource["active"] == false {
            return Err(NOT_FOUND);
        }
        Ok(Answer::ok(self.shown(resource, request)))
    }

    /// The resource as it is returned, after `attributes` and `excludedAttributes`.
    pub(super) fn shown(&self, mut resource: Value, request: &Request) -> Value {
        let excluded = request.parameter("excludedAttributes") == Some("members");
        let only_id = request.parameter("attributes") == Some("id");
        if let Some(members) = resource.as_object_mut() {
            if excluded && !self.has(Defect::ExcludedMembersReturned) {
                members.remove("members");
            }
            if only_id {
                members.retain(|name, _| name == "id" || name == "schemas");
            }
            if self.has(Defect::NullsReturned) && members.contains_key("userName") {
                members.entry("nickName").or_insert(Value::Null);
            }
        }
        if self.has(Defect::ManagerReturnedAsWord)
            && let Some(id) = resource[ENTERPRISE]["manager"]["value"].as_str().map(str::to_owned)
        {
            resource[ENTERPRISE]["manager"] = json!(id);
        }
        resource
    }

    pub(super) fn envelope(&self, resources: Vec<Value>, start: i64) -> Value {
        let list = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
        let total = resources.len();
        json!({"schemas": [list], "totalResults": total, "startIndex": start, "itemsPerPage": total, "Resources": resources})
    }

    pub(super) fn found(&self, request: &Request, is_group: bool) -> Result<Vec<Value>> {
        let defect = self.defect;
        let all = if is_group { &self.groups } else { &self.users };
        let is_listed =
            |resource: &&Value| !self.has(Defect::DisabledHiddenInLists) || resource["active"] != false;
        let text = request.parameter("filter");
        if text.is_some_and(|text| text.starts_with("((((")) && self.has(Defect::DeepFilterBreaks) {
            return Err(Refusal::plain(500, "stack overflow"));
        }
        let is_refused = |text: &str| match defect {
            Some(Defect::IdUnfilterable) => text.contains("id eq") && !text.contains("externalId eq"),
            Some(Defect::ExternalIdUnfilterable) => !is_group && text.starts_with("externalId"),
            Some(Defect::GroupExternalIdUnfilterable) => is_group && text.starts_with("externalId"),
            Some(Defect::GroupsUnfilterable) => is_group,
            _ => false,
        };
        let filter = match text.map(|text| filter::parse(text, defect).filter(|_| !is_refused(text))) {
            Some(None) if self.has(Defect::MalformedFilterIgnored) => None,
            Some(None) => return Err(Refusal::bad("invalidFilter", "the filter is not understood")),
            other => other.flatten(),
        };
        let is_match =
            |resource: &&Value| filter.as_ref().is_none_or(|it| filter::matches(it, resource, defect));
        let mut found: Vec<_> = all.iter().filter(is_listed).filter(is_match).cloned().collect();
        if is_group && self.has(Defect::FilteredGroupWithoutMembers) {
            found
                .iter_mut()
                .for_each(|group| drop(group.as_object_mut().map(|group| group.remove("members"))));
        }
        match found.is_empty() && text.is_some() && self.has(Defect::EmptyFilterNotFound) {
            true => Err(NOT_FOUND),
            false => Ok(found),
        }
    }

    fn create(&mut self, request: &Request, is_group: bool) -> Result<Answer> {
        let mut body = self.read(request, is_group)?;
        let (client_id, client_meta) = (body["id"].take(), body["meta"].take());
        self.check_unique(&body, is_group, None)?;
        self.serial += 1;
        let id = match client_id {
            Value::String(id) if self.has(Defect::IdTakenFromClient) => id,
            _ => format!("{:08x}", self.serial),
        };
        let kind = if is_group { "Group" } else { "User" };
        body["id"] = json!(id);
        let now = "2026-01-01T00:00:00Z";
        body["meta"] = json!({"resourceType": kind, "created": now, "lastModified": now, "location": format!("/{kind}s/{id}")});
        if self.has(Defect::MetaTakenFromClient) && client_meta["created"].is_string() {
            body["meta"] = client_meta;
        }
        self.all(is_group).push(body.clone());
        let hidden = if is_group {
            (Defect::DisplayNameNotEchoed, "displayName")
        } else {
            (Defect::UserNameNotEchoed, "userName")
        };
        let mut shown = self.shown(body, &Request::default());
        if self.has(hidden.0) {
            shown.as_object_mut().map(|shown| shown.remove(hidden.1));
        }
        let status = if self.has(Defect::CreateAnswersOk) { 200 } else { 201 };
        Ok(Answer { status, location: Some(format!("/{kind}s/{id}")), body: Some(shown) })
    }

    /// Carries out a PATCH, on `base` instead of the present state if that is given.
    pub(crate) fn patch(
        &mut self,
        request: &Request,
        is_group: bool,
        id: &str,
        base: Option<Value>,
    ) -> Result<Answer> {
        if self.has(Defect::UnknownIdPatched) && self.position(is_group, id).is_err() {
            return Ok(Answer::empty());
        }
        let at = self.position(is_group, id)?;
        let malformed = Refusal::bad("invalidSyntax", "the body is no PATCH");
        let body: Value = serde_json::from_str(&request.body).map_err(|_| malformed)?;
        let operations = body["Operations"].as_array().filter(|it| !it.is_empty()).ok_or(malformed)?;
        let mut changed = base.unwrap_or_else(|| self.all(is_group)[at].clone());
        let done = patch::apply(&mut changed, operations, self.manner(is_group));
        if done.is_ok() || self.has(Defect::NotAtomic) {
            self.check_unique(&changed, is_group, Some(id))?;
            self.store(is_group, at, changed);
        }
        done?;
        let resource = self.all(is_group)[at].clone();
        match is_group {
            true if !self.has(Defect::GroupPatchReturnsMembers) => Ok(Answer::empty()),
            _ => Ok(Answer::ok(self.shown(resource, &Request::default()))),
        }
    }

    fn store(&mut self, is_group: bool, at: usize, mut changed: Value) {
        let before = &self.all(is_group)[at];
        if before["userName"] != changed["userName"] && self.has(Defect::RenameRecreates) {
            self.serial += 1;
            changed["id"] = json!(format!("{:08x}", self.serial));
        }
        if changed["active"] == false && self.has(Defect::DisabledLosesMembership) {
            for group in &mut self.groups {
                group["members"]
                    .as_array_mut()
                    .into_iter()
                    .for_each(|it| it.retain(|it| it["value"] != changed["id"]));
            }
        }
        self.all(is_group)[at] = changed;
    }

    fn put(&mut self, request: &Request, id: &str) -> Result<Answer> {
        let at = self.position(false, id)?;
        let mut body = self.read(request, false)?;
        self.check_unique(&body, false, Some(id))?;
        for name in ["id", "meta"] {
            body[name] = self.users[at][name].clone();
        }
        if self.has(Defect::PutMerges) {
            let new = body.as_object().cloned().unwrap_or_default();
            self.users[at].as_object_mut().into_iter().for_each(|old| old.extend(new.clone()));
        } else {
            self.users[at] = body;
        }
        Ok(Answer::ok(self.users[at].clone()))
    }

    fn delete(&mut self, is_group: bool, id: &str) -> Result<Answer> {
        let at = match self.position(is_group, id) {
            Err(_) if self.has(Defect::SecondDeleteAccepted) => return Ok(Answer::empty()),
            position => position?,
        };
        if is_group && self.has(Defect::GroupDeleteIgnored) {
            return Ok(Answer::empty());
        }
        if !is_group && self.has(Defect::UserDeleteHides) {
            self.users[at]["active"] = json!(false);
            return Ok(Answer::empty());
        }
        let gone = self.all(is_group).remove(at);
        self.ends[usize::from(is_group)].deleted(at);
        let name =
            gone[if is_group { "displayName" } else { "userName" }].as_str().unwrap_or_default().to_owned();
        let kept = if is_group { Defect::GroupNameKept } else { Defect::DeletedUserNameKept };
        if self.has(kept) {
            self.kept_names.push(name);
        }
        for group in &mut self.groups {
            group["members"].as_array_mut().into_iter().for_each(|it| it.retain(|it| it["value"] != id));
        }
        Ok(Answer::empty())
    }
}
