//! PATCH against a plain model of RFC 7644 section 3.5.2, written for this test alone, on random documents and operations.

use crate::sound;
use proptest::prelude::*;
use scim::{
    Profile, ScimType,
    patch::PatchRequest,
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Map, Value, json};

type Email = Map<String, Value>;

/// What selects e-mail addresses in the brackets of a path.
#[derive(Clone, Debug)]
enum Selector {
    Type(String),
    Value(String),
    Primary(bool),
    TypeAndStart(String, String),
    NotType(String),
}

/// One operation, on a simple, a complex or a multi-valued attribute. A value that is none clears.
#[derive(Clone, Debug)]
enum Target {
    DisplayName(Option<String>),
    NamePart(&'static str, Option<String>),
    Name(Vec<(&'static str, Option<String>)>),
    Emails(Vec<Email>),
    Selected(Selector, Email),
    SelectedPart(Selector, &'static str, Value),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

impl Selector {
    fn to_path(&self) -> String {
        match self {
            Selector::Type(kind) => format!("emails[type eq \"{kind}\"]"),
            Selector::Value(value) => format!("emails[value eq \"{value}\"]"),
            Selector::Primary(primary) => format!("emails[primary eq {primary}]"),
            Selector::TypeAndStart(kind, start) => {
                format!("emails[type eq \"{kind}\" and value sw \"{start}\"]")
            }
            Selector::NotType(kind) => format!("emails[not (type eq \"{kind}\")]"),
        }
    }

    fn selects(&self, email: &Email) -> bool {
        let text = |part: &str| email.get(part).and_then(Value::as_str).map(str::to_lowercase);
        let is_type = |kind: &String| text("type") == Some(kind.to_lowercase());
        match self {
            Selector::Type(kind) => is_type(kind),
            Selector::Value(value) => text("value") == Some(value.to_lowercase()),
            // RFC 7643 section 2.4: absent is false.
            Selector::Primary(primary) => *primary == (email.get("primary") == Some(&json!(true))),
            Selector::TypeAndStart(kind, start) => {
                is_type(kind) && text("value").is_some_and(|value| value.starts_with(&start.to_lowercase()))
            }
            Selector::NotType(kind) => !is_type(kind),
        }
    }

    /// The element that the selector describes wholly.
    fn describes(&self) -> Option<Email> {
        let (part, value) = match self {
            Selector::Type(kind) => ("type", json!(kind)),
            Selector::Value(value) => ("value", json!(value)),
            Selector::Primary(primary) => ("primary", json!(primary)),
            Selector::TypeAndStart(..) | Selector::NotType(_) => return None,
        };
        Some(Map::from_iter([(part.to_owned(), value)]))
    }
}

impl Target {
    /// Whether an add of it has nothing to add.
    fn is_empty(&self) -> bool {
        let no_text = |value: &Option<String>| value.as_deref().unwrap_or_default().is_empty();
        match self {
            Target::DisplayName(value) | Target::NamePart(_, value) => no_text(value),
            Target::Name(parts) => parts.iter().all(|(_, value)| no_text(value)),
            Target::Emails(emails) => emails.iter().all(|email| clean(email).is_empty()),
            Target::Selected(_, email) => clean(email).is_empty(),
            Target::SelectedPart(_, _, value) => value.is_null() || value == "",
        }
    }
}

/// The operation as JSON.
fn to_json(verb: Verb, target: &Target) -> Value {
    let (path, value) = match target {
        Target::DisplayName(value) => ("displayName".to_owned(), json!(value)),
        Target::NamePart(part, value) => (format!("name.{part}"), json!(value)),
        Target::Name(parts) => {
            let parts: Map<String, Value> =
                parts.iter().map(|(part, value)| ((*part).to_owned(), json!(value))).collect();
            ("name".to_owned(), json!(parts))
        }
        Target::Emails(emails) => ("emails".to_owned(), json!(emails)),
        Target::Selected(selector, email) => (selector.to_path(), json!(email)),
        Target::SelectedPart(selector, part, value) => {
            (format!("{}.{part}", selector.to_path()), value.clone())
        }
    };
    let op = format!("{verb:?}").to_lowercase();
    match verb {
        Verb::Remove => json!({ "op": op, "path": path }),
        _ => json!({ "op": op, "path": path, "value": value }),
    }
}

/// The model: a document as its three attributes.
#[derive(Clone, Debug, PartialEq)]
struct Model {
    display_name: Option<String>,
    name: Map<String, Value>,
    emails: Vec<Email>,
}

impl Model {
    fn document(&self) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("schemas".to_owned(), json!(["urn:ietf:params:scim:schemas:core:2.0:User"]));
        document.insert("userName".to_owned(), json!("u"));
        if let Some(display_name) = &self.display_name {
            document.insert("displayName".to_owned(), json!(display_name));
        }
        if !self.name.is_empty() {
            document.insert("name".to_owned(), json!(self.name));
        }
        if !self.emails.is_empty() {
            document.insert("emails".to_owned(), json!(self.emails));
        }
        document
    }

    fn apply(&mut self, profile: Profile, verb: Verb, target: &Target) -> Result<(), ScimType> {
        if verb == Verb::Add && target.is_empty() {
            return idle(profile);
        }
        let text =
            |value: &Option<String>| value.clone().filter(|value| verb != Verb::Remove && !value.is_empty());
        match target {
            Target::DisplayName(value) => self.display_name = text(value),
            Target::NamePart(part, value) => put(&mut self.name, part, text(value).map(Value::from)),
            Target::Name(_) if verb == Verb::Remove => self.name.clear(),
            Target::Name(parts) => {
                for (part, value) in parts {
                    match text(value) {
                        None if verb == Verb::Add => idle(profile)?,
                        value => put(&mut self.name, part, value.map(Value::from)),
                    }
                }
            }
            Target::Emails(_) if verb == Verb::Remove => self.emails.clear(),
            Target::Emails(given) => {
                let given = read_list(profile, given)?;
                if verb == Verb::Replace {
                    self.emails = given;
                } else {
                    let primaries: Vec<usize> =
                        given.into_iter().filter_map(|email| self.add(email)).collect();
                    // One pair may stand twice in a request: the last word counts.
                    let is_primary = |index: &usize| self.emails[*index].get("primary") == Some(&json!(true));
                    if let Some(index) = primaries.into_iter().find(is_primary) {
                        self.make_primary(index);
                    }
                }
            }
            Target::Selected(selector, given) => {
                if verb == Verb::Add && clean(given).len() < given.len() {
                    idle(profile)?;
                }
                let given = (verb != Verb::Remove).then(|| clean(given)).filter(|given| !given.is_empty());
                self.selected(profile, selector, given.is_none(), After::Drop, |email| {
                    match (verb, &given) {
                        (_, None) => email.clear(),
                        (Verb::Add, Some(given)) => email.extend(given.clone()),
                        (_, Some(given)) => {
                            let keeps = if profile == Profile::Entra { selector.describes() } else { None };
                            *email = keeps.unwrap_or_default();
                            email.extend(given.clone());
                        }
                    }
                })?;
            }
            Target::SelectedPart(selector, part, value) => {
                let value = Some(value.clone())
                    .filter(|value| verb != Verb::Remove && !value.is_null() && value != "");
                let after = if value.is_none() { After::Drop } else { After::Stay };
                self.selected(profile, selector, value.is_none(), after, |email| {
                    put(email, part, value.clone())
                })?;
            }
        }
        Ok(())
    }

    /// RFC 7643 section 2.4: a value that is there is not added, and a pair of value and type stands once.
    /// Says where the element is if it is the new primary one.
    fn add(&mut self, given: Email) -> Option<usize> {
        let has_all = |email: &Email| given.iter().all(|(part, value)| email.get(part) == Some(value));
        if self.emails.iter().any(has_all) {
            return None;
        }
        let pair = self.emails.iter().position(|email| {
            given.contains_key("value")
                && email.get("value") == given.get("value")
                && (!given.contains_key("type") || kind_of(email) == kind_of(&given))
        });
        let is_primary = given.get("primary") == Some(&json!(true));
        let Some(index) = pair else {
            self.emails.push(given);
            return is_primary.then_some(self.emails.len() - 1);
        };
        let email = &mut self.emails[index];
        for (part, value) in given {
            let stays =
                ["value", "type"].contains(&part.as_str()) || email.get("primary") == Some(&json!(true));
            if !(email.contains_key(&part) && stays && part != "display") {
                email.insert(part, value);
            }
        }
        is_primary.then_some(index)
    }

    fn make_primary(&mut self, winner: usize) {
        for (index, email) in self.emails.iter_mut().enumerate() {
            if index != winner && email.get("primary") == Some(&json!(true)) {
                email.insert("primary".to_owned(), json!(false));
            }
        }
    }

    /// Changes what is selected.
    fn selected(
        &mut self,
        profile: Profile,
        selector: &Selector,
        clears: bool,
        after: After,
        change: impl Fn(&mut Email),
    ) -> Result<(), ScimType> {
        let mut chosen: Vec<usize> =
            (0..self.emails.len()).filter(|index| selector.selects(&self.emails[*index])).collect();
        if chosen.is_empty() {
            match (profile, clears, selector.describes()) {
                (Profile::Rfc | Profile::Interop, ..) => return Err(ScimType::NoTarget),
                (Profile::Entra, true, _) => return Ok(()),
                (Profile::Entra, false, None) => return Err(ScimType::NoTarget),
                (Profile::Entra, false, Some(made)) => {
                    chosen.push(self.emails.len());
                    self.emails.push(made);
                }
            }
        }
        let mut all: Vec<(Email, bool)> =
            std::mem::take(&mut self.emails).into_iter().map(|email| (email, false)).collect();
        for index in chosen {
            change(&mut all[index].0);
            all[index].1 = true;
        }
        all.retain(|(email, touched)| !(*touched && after == After::Drop && is_void(profile, email)));
        let all = merge_pairs(all);
        let winner =
            all.iter().position(|(email, touched)| *touched && email.get("primary") == Some(&json!(true)));
        self.emails = all.into_iter().map(|(email, _)| email).collect();
        if let Some(winner) = winner {
            self.make_primary(winner);
        }
        Ok(())
    }
}

/// What becomes of an element that a change leaves without a value.
#[derive(Clone, Copy, PartialEq)]
enum After {
    Drop,
    Stay,
}

/// What adds nothing: ignored, or refused.
fn idle(profile: Profile) -> Result<(), ScimType> {
    match profile {
        Profile::Entra => Ok(()),
        Profile::Rfc | Profile::Interop => Err(ScimType::InvalidValue),
    }
}

fn kind_of(email: &Email) -> Option<String> {
    email.get("type").and_then(Value::as_str).map(str::to_lowercase)
}

/// Equal pairs fall together: the first takes the parts that it lacks, and is primary if one of them was.
fn merge_pairs(all: Vec<(Email, bool)>) -> Vec<(Email, bool)> {
    let mut merged: Vec<(Email, bool)> = Vec::new();
    for (email, touched) in all {
        let is_same = |(other, _): &&mut (Email, bool)| {
            *other == email
                || (email.contains_key("value")
                    && other.get("value") == email.get("value")
                    && kind_of(other) == kind_of(&email))
        };
        let Some((first, is_touched)) = merged.iter_mut().find(is_same) else {
            merged.push((email, touched));
            continue;
        };
        *is_touched |= touched;
        for (part, value) in email {
            if !first.contains_key(&part) || (part == "primary" && value == true) {
                first.insert(part, value);
            }
        }
    }
    merged
}

fn put(parts: &mut Map<String, Value>, part: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(parts.insert(part.to_owned(), value)),
        None => drop(parts.shift_remove(part)),
    }
}

fn clean(email: &Email) -> Email {
    email.clone().into_iter().filter(|(_, value)| !value.is_null() && value != "").collect()
}

/// To Entra, an element with type and primary alone is no value.
fn is_void(profile: Profile, email: &Email) -> bool {
    match profile {
        Profile::Rfc | Profile::Interop => email.is_empty(),
        Profile::Entra => email.keys().all(|part| part == "type" || part == "primary"),
    }
}

/// The values of a list: without voids, each once, one of them primary at most.
fn read_list(profile: Profile, given: &[Email]) -> Result<Vec<Email>, ScimType> {
    let given = given.iter().map(clean).filter(|email| !is_void(profile, email));
    let mut read: Vec<Email> = merge_pairs(given.map(|email| (email, false)).collect())
        .into_iter()
        .map(|(email, _)| email)
        .collect();
    let mut primaries = read.iter_mut().filter(|email| email.get("primary") == Some(&json!(true)));
    primaries.next();
    for email in primaries {
        if profile == Profile::Rfc {
            return Err(ScimType::InvalidValue);
        }
        email.insert("primary".to_owned(), json!(false));
    }
    Ok(read)
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "A", "ab", "b"]).prop_map(str::to_owned)
}

fn kind() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["work", "Work", "home"]).prop_map(str::to_owned)
}

/// A text, or one of the ways to clear it.
fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![4 => word().prop_map(Some), 1 => Just(Some(String::new())), 1 => Just(None)]
}

/// An e-mail address as a client sends it: some parts, some of them cleared.
fn given_email() -> impl Strategy<Value = Email> {
    let kind = prop_oneof![3 => kind().prop_map(Some), 1 => Just(None)];
    let parts = (
        prop::option::of(text()),
        prop::option::of(kind),
        prop::option::of(text()),
        prop::option::of(any::<bool>()),
    );
    parts.prop_map(|(value, kind, display, primary)| {
        let mut email = Map::new();
        for (part, text) in [("value", value), ("type", kind), ("display", display)] {
            text.into_iter().for_each(|text| drop(email.insert(part.to_owned(), json!(text))));
        }
        primary.into_iter().for_each(|primary| drop(email.insert("primary".to_owned(), json!(primary))));
        email
    })
}

fn start() -> impl Strategy<Value = Model> {
    let name =
        prop::collection::btree_map(prop::sample::select(vec!["givenName", "familyName"]), word(), 0..3);
    let emails = prop::collection::vec(given_email(), 0..4);
    (prop::option::of(word()), name, emails).prop_map(|(display_name, name, emails)| Model {
        display_name,
        name: name.into_iter().map(|(part, value)| (part.to_owned(), json!(value))).collect(),
        // Stored is what a create made of it.
        emails: read_list(Profile::Entra, &emails).unwrap(),
    })
}

fn operation() -> impl Strategy<Value = (Verb, Target)> {
    let selector = || {
        prop_oneof![
            4 => kind().prop_map(Selector::Type),
            2 => word().prop_map(Selector::Value),
            2 => any::<bool>().prop_map(Selector::Primary),
            1 => (kind(), word()).prop_map(|(kind, start)| Selector::TypeAndStart(kind, start)),
            1 => kind().prop_map(Selector::NotType),
        ]
    };
    let part = prop::sample::select(vec!["givenName", "familyName"]);
    let text_part =
        (prop::sample::select(vec!["value", "display"]), text()).prop_map(|(part, text)| (part, json!(text)));
    let other_part = prop_oneof![
        any::<bool>().prop_map(|primary| ("primary", json!(primary))),
        kind().prop_map(|kind| ("type", json!(kind))),
        Just(("type", Value::Null)),
    ];
    let target = prop_oneof![
        1 => text().prop_map(Target::DisplayName),
        1 => (part.clone(), text()).prop_map(|(part, text)| Target::NamePart(part, text)),
        1 => prop::collection::btree_map(part, text(), 1..3).prop_map(|parts| Target::Name(parts.into_iter().collect())),
        5 => prop::collection::vec(given_email(), 0..4).prop_map(Target::Emails),
        3 => (selector(), given_email()).prop_map(|(selector, email)| Target::Selected(selector, email)),
        4 => (selector(), text_part).prop_map(|(selector, (part, value))| Target::SelectedPart(selector, part, value)),
        2 => (selector(), other_part).prop_map(|(selector, (part, value))| Target::SelectedPart(selector, part, value)),
    ];
    (prop::sample::select(vec![Verb::Add, Verb::Replace, Verb::Remove]), target)
}

proptest! {
    #[test]
    fn patch_does_what_the_model_does(
        start in start(),
        operations in prop::collection::vec(operation(), 1..6),
        profile in prop::sample::select(vec![Profile::Entra, Profile::Rfc]),
    ) {
        let user = ResourceType::of(ResourceKind::User);
        let document = start.document();
        let list: Vec<Value> = operations.iter().map(|(verb, target)| to_json(*verb, target)).collect();
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list });
        let mut model = start;
        let expected = operations
            .iter()
            .try_for_each(|(verb, target)| model.apply(profile, *verb, target))
            .map(|()| model.document());

        let got = PatchRequest::parse(profile, body.clone()).unwrap().apply(user, profile, &document);
        if let Ok(patched) = &got {
            sound::check(user, &patched.document);
            prop_assert_eq!(patched.changed, patched.document != document);
        }
        let got = got.map(|patched| patched.document).map_err(|error| error.scim_type.unwrap());
        prop_assert_eq!(got, expected, "{} by {}", json!(document), body);
    }
}
