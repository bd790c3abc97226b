//! PATCH of the stand-in, in both dialects of Entra or to the letter of the RFC.

use super::defect::Defect;
use super::filter::{self, Filter};
use super::members;
use super::message::Refusal;
use super::schemas::{ENTERPRISE, USER, canonical, is_known, is_multi_valued};
use entra_sim::check::Profile;
use serde_json::{Map, Value, json};

/// How a PATCH is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) profile: Profile,
    pub(crate) is_group: bool,
    pub(crate) defect: Option<Defect>,
}

impl Manner {
    /// Whether Entra's deviations are understood.
    pub(crate) fn is_lenient(&self) -> bool {
        self.profile == Profile::Entra
    }

    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }
}

/// Where an operation works: an attribute of the resource or of its enterprise extension.
#[derive(Debug)]
struct Path {
    in_extension: bool,
    name: String,
    filter: Option<Filter>,
    sub: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Replace,
    Remove,
}

type Done = Result<(), Refusal>;

/// Carries out the operations on `resource`; after a refusal it is half done.
pub(crate) fn apply(resource: &mut Value, operations: &[Value], manner: Manner) -> Done {
    let is_capital =
        |op: &Value| op["op"].as_str().is_some_and(|op| op.starts_with(|first: char| first.is_uppercase()));
    let capitals = operations.iter().filter(|op| is_capital(op)).count();
    if manner.has(Defect::MixedOpsRefused) && capitals > 0 && capitals < operations.len() {
        return Err(Refusal::bad("invalidSyntax", "the operations are of two dialects"));
    }
    if manner.is_group && operations.len() > 25 && manner.has(Defect::ManyOperationsRefused) {
        return Err(Refusal::plain(413, "25 operations at most"));
    }
    let skipped =
        if manner.is_group && manner.has(Defect::LastOperationOnly) { operations.len() - 1 } else { 0 };
    for operation in &operations[skipped..] {
        let Some(verb) = verb(operation, manner)? else { continue };
        if manner.has(Defect::ExtraKeysRefused)
            && operation
                .as_object()
                .is_some_and(|it| it.keys().any(|key| !["op", "path", "value"].contains(&key.as_str())))
        {
            return Err(Refusal::bad("invalidSyntax", "an operation has op, path and value"));
        }
        match operation["path"].as_str() {
            Some(path) => at(resource, verb, path, operation.get("value"), manner)?,
            None => without_path(resource, verb, &operation["value"], manner)?,
        }
    }
    tidy(resource);
    Ok(())
}

fn verb(operation: &Value, manner: Manner) -> Result<Option<Verb>, Refusal> {
    let word = operation["op"].as_str().unwrap_or_default();
    let is_capital = word.starts_with(|first: char| first.is_uppercase());
    let is_refused = if is_capital { Defect::CapitalisedOpRefused } else { Defect::LowerCaseOpRefused };
    let refusal = Err(Refusal::bad("invalidSyntax", "op must be add, replace or remove"));
    match word.to_lowercase().as_str() {
        _ if manner.has(is_refused) => refusal,
        "add" => Ok(Some(Verb::Add)),
        "replace" => Ok(Some(Verb::Replace)),
        "remove" => Ok(Some(Verb::Remove)),
        _ if manner.has(Defect::UnknownOpIgnored) => Ok(None),
        _ => refusal,
    }
}

fn without_path(resource: &mut Value, verb: Verb, value: &Value, manner: Manner) -> Done {
    if verb == Verb::Remove {
        let is_fine = manner.has(Defect::RemoveWithoutPathTolerated);
        return if is_fine { Ok(()) } else { Err(Refusal::bad("noTarget", "remove needs a path")) };
    }
    let attributes = value.as_object().ok_or(Refusal::bad("invalidValue", "value must be an object"))?;
    let needs_a_path = manner.profile == Profile::Interop && !manner.has(Defect::PathlessTolerated);
    if manner.has(Defect::PathlessRefused) || needs_a_path {
        return Err(Refusal::bad("invalidPath", "an operation needs a path"));
    }
    for (key, value) in attributes {
        let is_urn = key.starts_with("urn:");
        let literal = if is_urn { Defect::UrnKeysLiteral } else { Defect::DottedKeysLiteral };
        match value {
            _ if manner.has(literal) && key.contains('.') => resource[key.as_str()] = value.clone(),
            Value::Object(inner) if key == ENTERPRISE => {
                for (name, value) in inner {
                    at(resource, verb, &format!("{ENTERPRISE}:{name}"), Some(value), manner)?;
                }
            }
            _ => at(resource, verb, key, Some(value), manner)?,
        }
    }
    Ok(())
}

/// Reads a path; `None` if its attribute is unknown and to be ignored.
fn parse(text: &str, manner: Manner) -> Result<Option<Path>, Refusal> {
    let invalid = Refusal::bad("invalidPath", "the path is not understood");
    if manner.has(Defect::UrnSplitAtDot) && text.starts_with("urn:") {
        return Err(invalid);
    }
    let after = |urn: &str| {
        let (start, rest) = text.split_at_checked(urn.len())?;
        let is_dotted =
            rest.starts_with('.') && manner.is_lenient() && !manner.has(Defect::DotAfterUrnRefused);
        (start.eq_ignore_ascii_case(urn) && (rest.starts_with(':') || is_dotted)).then(|| &rest[1..])
    };
    let extension = after(ENTERPRISE);
    let rest = extension.or_else(|| after(USER)).unwrap_or(text);
    let (name, tail) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
    let (filter, tail) = match tail.strip_prefix('[') {
        Some(tail) => {
            let (condition, tail) = tail.split_once(']').ok_or(invalid)?;
            (Some(filter::parse(condition, manner.defect).ok_or(invalid)?), tail)
        }
        None => (None, tail),
    };
    let exact = |name: &str| {
        if manner.has(Defect::PathRespectsCase) { name.to_owned() } else { canonical(name).to_owned() }
    };
    let name = exact(name);
    let is_undescribed = rest.starts_with("urn:");
    if is_undescribed && manner.has(Defect::UndescribedExtensionTolerated) {
        return Ok(None);
    }
    if !is_known(&name) || canonical(&name) != name {
        return match manner.is_lenient() && !manner.has(Defect::PathRespectsCase) {
            _ if manner.has(Defect::UnknownPathBreaks) => Err(Refusal::plain(500, "no such column")),
            true => Ok(None),
            false => Err(invalid),
        };
    }
    let in_extension = extension.is_some() || (manner.is_lenient() && name == "manager");
    Ok(Some(Path { in_extension, name, filter, sub: tail.strip_prefix('.').map(exact) }))
}

fn at(resource: &mut Value, verb: Verb, path: &str, value: Option<&Value>, manner: Manner) -> Done {
    let Some(path) = parse(path, manner)? else { return Ok(()) };
    let nothing = match value {
        Some(Value::Null) if verb != Verb::Remove && manner.has(Defect::NullIgnored) => return Ok(()),
        Some(Value::Null) => true,
        Some(Value::String(text)) if text.is_empty() && manner.is_lenient() => {
            let is_manager = path.name == "manager";
            let refused = if is_manager { Defect::EmptyManagerRefused } else { Defect::EmptyWordRefused };
            if manner.has(refused) {
                return Err(Refusal::bad("invalidValue", "the value must not be empty"));
            }
            true
        }
        _ => false,
    };
    let verb = if nothing && verb != Verb::Remove && path.name != "members" { Verb::Remove } else { verb };
    match path.name.as_str() {
        "id" if manner.is_lenient() || manner.has(Defect::IdPatchTolerated) => return Ok(()),
        "id" => return Err(Refusal::bad("mutability", "id is read-only")),
        "members" => return members::apply(resource, verb, path.filter.as_ref(), value, manner),
        "displayName" if manner.is_group && manner.has(Defect::GroupRenameIgnored) => return Ok(()),
        "displayName" if manner.is_group && manner.has(Defect::RenameClearsMembers) => {
            resource["members"] = json!([])
        }
        "externalId" if !manner.is_group && manner.has(Defect::UserExternalIdImmutable) => {
            return Err(Refusal::bad("mutability", "externalId cannot be changed"));
        }
        "manager" if verb == Verb::Remove && !nothing && manner.has(Defect::ManagerRemovalIgnored) => {
            return Ok(());
        }
        _ => {}
    }
    let place = if path.in_extension { extension_of(resource) } else { resource };
    let value = read_value(&path, value.cloned().unwrap_or(Value::Null), verb, manner)?;
    write(place, &path, verb, value, manner)
}

fn extension_of(resource: &mut Value) -> &mut Value {
    if !resource[ENTERPRISE].is_object() {
        resource[ENTERPRISE] = json!({});
    }
    &mut resource[ENTERPRISE]
}

/// The value in the type of its attribute, as far as the dialect allows.
fn read_value(path: &Path, value: Value, verb: Verb, manner: Manner) -> Result<Value, Refusal> {
    if verb == Verb::Remove {
        return Ok(value);
    }
    let invalid = Err(Refusal::bad("invalidValue", "the value does not fit the attribute"));
    match (path.name.as_str(), value) {
        ("active", Value::String(word)) => active(&word, manner),
        ("manager", Value::String(id)) if path.sub.is_none() => {
            match manner.is_lenient() && !manner.has(Defect::ManagerWordRefused) {
                true => Ok(json!({"value": id})),
                false => invalid,
            }
        }
        ("manager", Value::Array(elements)) if elements.len() == 1 => {
            match manner.is_lenient() && !manner.has(Defect::ManagerArrayRefused) {
                true => Ok(elements[0].clone()),
                false => invalid,
            }
        }
        ("roles", Value::Array(roles)) if !manner.has(Defect::RoleTextKept) => {
            Ok(roles.into_iter().map(lift_role).collect())
        }
        ("phoneNumbers", Value::String(text))
            if manner.has(Defect::PhoneValidated)
                && path.sub.as_deref() == Some("value")
                && text.contains(char::is_alphabetic) =>
        {
            invalid
        }
        (name, Value::Array(elements))
            if !is_multi_valued(name) && manner.is_lenient() && !manner.has(Defect::WrappedValueKept) =>
        {
            Ok(elements.first().map(|element| element["value"].clone()).unwrap_or_default())
        }
        (_, value) => Ok(value),
    }
}

/// The boolean that a word means.
pub(crate) fn active(word: &str, manner: Manner) -> Result<Value, Refusal> {
    match word.to_lowercase().as_str() {
        _ if manner.has(Defect::ActiveWordKept) => Ok(json!(word)),
        _ if manner.has(Defect::ActiveWordAlwaysTrue) => Ok(json!(true)),
        "true" if manner.is_lenient() => Ok(json!(true)),
        "false" if manner.is_lenient() => Ok(json!(false)),
        _ if manner.has(Defect::BooleanWordTolerated) => Ok(json!(true)),
        _ => Err(Refusal::bad("invalidValue", "active must be a boolean")),
    }
}

/// `{"value":"{\"value\":\"25\",…}"}` is the role 25.
fn lift_role(mut role: Value) -> Value {
    let inner: Option<Value> = role["value"].as_str().and_then(|text| serde_json::from_str(text).ok());
    if let Some(inner) = inner.filter(|inner| inner["value"].is_string()) {
        role["value"] = inner["value"].clone();
        role["display"] = inner["displayName"].clone();
    }
    role
}

fn write(place: &mut Value, path: &Path, verb: Verb, value: Value, manner: Manner) -> Done {
    let name = path.name.as_str();
    if path.filter.is_some() {
        return write_selected(place, path, verb, value, manner);
    }
    let Some(members) = place.as_object_mut() else { return Ok(()) };
    match (&path.sub, verb) {
        (Some(sub), _) => {
            let inner = members.entry(name).or_insert_with(|| json!({}));
            set(inner, sub, verb, value);
        }
        (None, Verb::Remove) => drop(members.remove(name)),
        (None, Verb::Add) if manner.has(Defect::RepeatedAddRefused) && members.get(name) == Some(&value) => {
            return Err(Refusal::bad("invalidValue", "the attribute has that value"));
        }
        (None, _)
            if is_multi_valued(name) && (verb == Verb::Add || manner.has(Defect::RolesReplaceAppends)) =>
        {
            let list = members.entry(name).or_insert_with(|| json!([]));
            let new = value.as_array().cloned().unwrap_or_else(|| vec![value]);
            list.as_array_mut().into_iter().for_each(|list| list.extend(new.iter().cloned()));
        }
        (None, _) => match (members.get_mut(name).and_then(Value::as_object_mut), value) {
            (Some(old), Value::Object(new)) => old.extend(new),
            (_, value) => drop(members.insert(name.to_owned(), value)),
        },
    }
    Ok(())
}

fn write_selected(place: &mut Value, path: &Path, verb: Verb, value: Value, manner: Manner) -> Done {
    let Some(condition) = &path.filter else { return Ok(()) };
    let Some(members) = place.as_object_mut() else { return Ok(()) };
    let list = members.entry(path.name.as_str()).or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else { return Ok(()) };
    let fits = |element: &Value| filter::matches(condition, element, manner.defect);
    let is_scattered = path.name == "addresses" && manner.has(Defect::AddressPartsScattered);
    let is_appended = verb == Verb::Add && manner.has(Defect::ValuePathAppends);
    if verb != Verb::Remove && (!list.iter().any(fits) || is_scattered || is_appended) {
        match manner.is_lenient() || manner.has(Defect::NoTargetTolerated) {
            _ if manner.has(Defect::MissingElementIgnored) => return Ok(()),
            true if !manner.has(Defect::MissingElementRefused) => {}
            _ => return Err(Refusal::bad("noTarget", "the value path selects nothing")),
        }
        let mut element = selected_by(condition, manner);
        match &path.sub {
            Some(sub) => set(&mut element, sub, verb, value),
            None => element
                .as_object_mut()
                .into_iter()
                .for_each(|it| it.extend(value.as_object().cloned().unwrap_or_default())),
        }
        list.push(element);
        return Ok(());
    }
    match &path.sub {
        Some(sub) => {
            list.iter_mut().filter(|element| fits(element)).for_each(|it| set(it, sub, verb, value.clone()))
        }
        None if verb == Verb::Remove => list.retain(|element| !fits(element)),
        None => list.iter_mut().filter(|element| fits(element)).for_each(|element| *element = value.clone()),
    }
    Ok(())
}

/// The element that a comparison such as `type eq "work"` asks for.
fn selected_by(condition: &Filter, manner: Manner) -> Value {
    match condition {
        Filter::Compare { path, value, .. } if !manner.has(Defect::MissingElementWithoutType) => {
            let is_true = value.as_str().is_some_and(|word| word.eq_ignore_ascii_case("true"));
            let is_boolean = path == "primary" && is_true && !manner.has(Defect::PrimaryWordUnmatched);
            let value = if is_boolean { json!(true) } else { value.clone() };
            Value::Object(Map::from_iter([(canonical(path).to_owned(), value)]))
        }
        _ => json!({}),
    }
}

fn set(place: &mut Value, name: &str, verb: Verb, value: Value) {
    if let Some(members) = place.as_object_mut() {
        match verb {
            Verb::Remove => drop(members.remove(name)),
            _ => drop(members.insert(name.to_owned(), value)),
        }
    }
}

/// Elements left with nothing but their type are no values any more, and neither are empty containers.
fn tidy(resource: &mut Value) {
    let Some(members) = resource.as_object_mut() else { return };
    for (name, value) in members.iter_mut() {
        if let Some(list) = value.as_array_mut().filter(|_| is_multi_valued(name)) {
            let is_value = |element: &Value| match element.as_object() {
                Some(it) => it.keys().any(|key| key != "type" && key != "primary"),
                None => true,
            };
            list.retain(is_value);
        }
    }
    members.retain(|name, value| match value {
        Value::Object(inner) => !inner.is_empty(),
        Value::Array(list) => !list.is_empty() || name == "members",
        _ => true,
    });
}
