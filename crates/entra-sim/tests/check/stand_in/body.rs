//! Bodies of POST and PUT: names, types and schemas put right, or refused.

use super::defect::Defect;
use super::directory::{Directory, Result};
use super::message::{Refusal, Request};
use super::patch::{self, Manner};
use super::schemas::{self, ENTERPRISE, GROUP, USER};
use serde_json::{Value, json};

impl Directory {
    /// The body of a POST or PUT: names, types and schemas put right, or refused.
    pub(super) fn read(&self, request: &Request, is_group: bool) -> Result<Value> {
        let malformed = match self.has(Defect::MalformedJsonBreaks) {
            true => Refusal::plain(500, "unexpected end of input"),
            false => Refusal::bad("invalidSyntax", "the body is no JSON"),
        };
        let mut body: Value = serde_json::from_str(&request.body).map_err(|_| malformed)?;
        if !self.has(Defect::BodyNamesRespectCase) {
            rename(&mut body);
        }
        self.check_members(&body, is_group)?;
        if let Some(members) = body.as_object_mut() {
            members.retain(|name, value| {
                let is_known = name == ENTERPRISE || schemas::is_known(name);
                !value.is_null() && is_known && *value != json!([]) && name != "password"
            });
            let declared = members
                .get("schemas")
                .is_some_and(|it| it.as_array().is_some_and(|it| it.contains(&json!(ENTERPRISE))));
            if self.has(Defect::UndeclaredExtensionDropped) && !declared {
                members.remove(ENTERPRISE);
            }
            if self.has(Defect::RolesDroppedAtCreation) {
                members.remove("roles");
            }
        }
        if let Some(word) = body["active"].as_str().map(str::to_owned) {
            body["active"] = match self.has(Defect::ActiveWordKeptAtCreation) {
                true => json!(word),
                false => patch::active(&word, Manner { defect: None, ..self.manner(is_group) })?,
            };
        }
        if self.has(Defect::UserNameLowerCased) {
            body["userName"] = json!(body["userName"].as_str().unwrap_or_default().to_lowercase());
        }
        let extension = (!is_group && body[ENTERPRISE].is_object()).then_some(ENTERPRISE);
        let core = if is_group { GROUP } else { USER };
        body["schemas"] = [core].into_iter().chain(extension).collect();
        if is_group && !body["members"].is_array() {
            body["members"] = json!([]);
        }
        if let Some(members) = body.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        Ok(body)
    }

    fn check_members(&self, body: &Value, is_group: bool) -> Result<()> {
        let members = body.as_object().ok_or(Refusal::bad("invalidSyntax", "the body must be an object"))?;
        let invalid = |detail| Err(Refusal::bad("invalidValue", detail));
        let has_urn = |known: &[&str]| {
            let urns = members.get("schemas").and_then(Value::as_array).into_iter().flatten();
            urns.filter_map(Value::as_str).any(|urn| !known.contains(&urn))
        };
        let custom = members.keys().any(|name| name.starts_with("urn:") && name != ENTERPRISE);
        // The enterprise extension has these two, the core schema has not.
        let is_foreign = |name: &str| !schemas::is_known(name) || ["department", "manager"].contains(&name);
        let mut foreign = members.iter().filter(|(name, _)| !name.starts_with("urn:") && is_foreign(name));
        let is_interop = self.is_interop();
        let required = if is_group { "displayName" } else { "userName" };
        let is_missing = !members.get(required).is_some_and(Value::is_string);
        match self.defect {
            Some(Defect::NullsRefused) if members.values().any(Value::is_null) => invalid("null is no value"),
            Some(Defect::UnknownSchemaRefused) if !is_group && has_urn(&[USER, ENTERPRISE]) => {
                invalid("unknown schema")
            }
            Some(Defect::VendorUrnRefused) if is_group && has_urn(&[GROUP]) => invalid("unknown schema"),
            Some(Defect::CustomExtensionRefused) if custom => invalid("unknown extension"),
            Some(Defect::UnknownAttributeRefused) if foreign.next().is_some() => invalid("unknown attribute"),
            Some(Defect::ForeignNullsRefused) if foreign.any(|(_, value)| value.is_null()) => {
                invalid("null is no value")
            }
            Some(Defect::ExternalIdRequired) if !members.contains_key("externalId") => {
                invalid("externalId is required")
            }
            defect
                if is_interop
                    && members.contains_key("password")
                    && defect != Some(Defect::PasswordTaken) =>
            {
                invalid("password is not an attribute")
            }
            defect if is_interop && custom && defect != Some(Defect::UndescribedExtensionTolerated) => {
                invalid("unknown extension")
            }
            defect
                if is_interop
                    && foreign.next().is_some()
                    && defect != Some(Defect::UnknownAttributeTolerated) =>
            {
                invalid("unknown attribute")
            }
            Some(Defect::UserNameOptional) => Ok(()),
            _ if is_missing => invalid("the required name is missing"),
            _ => Ok(()),
        }
    }

    /// 409 if the name, or what a defect takes for unique, belongs to another resource than `own`.
    pub(super) fn check_unique(&self, body: &Value, is_group: bool, own: Option<&str>) -> Result<()> {
        let name = body[if is_group { "displayName" } else { "userName" }].as_str().unwrap_or_default();
        let mail = |user: &Value| {
            user["emails"].as_array().and_then(|it| it.iter().find(|it| it["type"] == "work").cloned())
        };
        let clashes = |other: &&Value| {
            let other_name = other["userName"].as_str().unwrap_or_default();
            let same = match self.has(Defect::UniquenessRespectsCase) {
                true => other_name == name,
                false => other_name.eq_ignore_ascii_case(name),
            };
            let same_external =
                self.has(Defect::ExternalIdUnique) && other["externalId"] == body["externalId"];
            let same_mail =
                self.has(Defect::EmailUnique) && mail(other).is_some() && mail(other) == mail(body);
            Some(&other["id"]) != own.map(|id| json!(id)).as_ref() && (same || same_external || same_mail)
        };
        let tolerated = if own.is_some() { Defect::TakenNameAccepted } else { Defect::DuplicatesAccepted };
        let is_taken = !is_group && self.users.iter().any(|other| clashes(&other)) && !self.has(tolerated);
        if is_taken || self.kept_names.iter().any(|kept| kept == name) {
            Err(Refusal::taken())
        } else {
            Ok(())
        }
    }
}

/// Gives every known name its proper case.
fn rename(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let old = std::mem::take(members);
            for (name, mut inner) in old {
                rename(&mut inner);
                members.insert(schemas::canonical(&name).to_owned(), inner);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(rename),
        _ => {}
    }
}
