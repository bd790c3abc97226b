//! Applying operations: each is led to its place, changes it there, and ends in an effect.

use super::{
    Op, Operation, PatchRequest, Patched,
    budget::Budget,
    fields::Fields,
    members,
    place::{self, Place},
    untyped::Untyped,
    write::Writer,
};
use crate::{
    Profile, ScimError,
    effect::{Effect, Effects, Outcome},
    member::MemberStep,
    path::Path,
    resource::{self, adds_nothing},
    schema::{Attribute, Mutability, ResourceKind, ResourceType},
    urn,
    value::{Name, Reader},
};
use serde_json::{Map, Value};

pub(super) fn apply(
    request: &PatchRequest,
    resource_type: &ResourceType,
    profile: Profile,
    id: Option<&str>,
    document: &Map<String, Value>,
) -> Result<Patched, ScimError> {
    let mut patch = Patch {
        resource_type,
        id,
        document: Fields::copy(document),
        members: Vec::new(),
        effects: Effects::default(),
        reader: Reader::new(profile),
        budget: Budget::default(),
    };
    for (index, operation) in request.operations.iter().enumerate() {
        patch.operation(index, operation).map_err(|error| error.context(format!("Operations[{index}]")))?;
    }
    let mut patched = patch.document.into_map();
    // Once for the request, not for each operation: what one changes, another can change back.
    let changed = patched != *document;
    if changed {
        resource::finish(resource_type, &mut patched)?;
    }
    Ok(Patched {
        changed: changed && patched != *document,
        document: patched,
        members: patch.members,
        effects: patch.effects.into_list(),
    })
}

pub(super) struct Patch<'a> {
    resource_type: &'a ResourceType,
    /// Of the resource, if it is known.
    id: Option<&'a str>,
    pub(super) document: Fields,
    members: Vec<MemberStep>,
    effects: Effects,
    /// Its notes are those of the operation that is being applied.
    pub(super) reader: Reader,
    pub(super) budget: Budget,
}

impl<'a> Patch<'a> {
    fn profile(&self) -> Profile {
        self.reader.profile
    }

    fn operation(&mut self, index: usize, operation: &Operation) -> Result<(), ScimError> {
        let coerced = operation.coerced;
        match &operation.path {
            Some(path) => self.at(index, operation.op, path, operation.value.clone(), coerced),
            None if self.profile().rules().needs_paths => {
                Err(ScimError::invalid_syntax("Each operation must have a \"path\"."))
            }
            None => self.whole(index, operation.op, operation.value.clone(), coerced),
        }
    }

    /// An operation without a path: its value is an object of attributes, or (Entra) of attribute paths.
    fn whole(
        &mut self,
        index: usize,
        op: Op,
        value: Option<Value>,
        coerced: Option<&'static str>,
    ) -> Result<(), ScimError> {
        let Some(Value::Object(map)) = value else {
            return Err(ScimError::invalid_value(
                "Without a path, the value must be an object of attributes.",
            ));
        };
        if map.is_empty() {
            if op == Op::Add {
                self.reader.idle(Name::of(""), "emptyAdd", || {
                    ScimError::invalid_value("The operation adds nothing: its value has no attributes.")
                })?;
            }
            self.settle(index, "", false, None.into_iter());
        }
        for (key, value) in map {
            let path = Path::parse_for(self.profile(), &key)?;
            let mut coerced = coerced;
            if self.is_more_than_a_name(&path) {
                if !self.profile().rules().reads_paths_as_keys {
                    return Err(ScimError::invalid_path(format!(
                        "\"{path}\" is no attribute name. Put it into \"path\"."
                    )));
                }
                coerced = coerced.or(Some("pathAsKey"));
            }
            if let Some(is_same) = self.echo(&path, &value)
                && (is_same || self.profile().rules().ignores_read_only_echo)
            {
                self.budget.operation(&path)?;
                let (outcome, rule) = match is_same {
                    true => (Outcome::AlreadyTrue, None),
                    false => (Outcome::Ignored, Some("readOnly")),
                };
                self.effect(index, &path.to_string(), outcome, rule);
                continue;
            }
            self.at(index, op, &path, Some(value), coerced)?;
        }
        Ok(())
    }

    /// Whether a key of an object of attributes is an attribute path. (Of an unknown URN nobody can tell.)
    fn is_more_than_a_name(&self, path: &Path) -> bool {
        let attribute = &path.attribute;
        let known = |urn: &String| urn::RESOURCE_SCHEMAS.iter().any(|known| known.eq_ignore_ascii_case(urn));
        path.filter.is_some()
            || attribute.sub_attribute.is_some()
            || (attribute.urn.as_ref().is_some_and(known) && !attribute.name.is_empty())
    }

    /// Read-only attributes in an object of attributes are what the client has read before, not what it wants. Says
    /// whether the value is the one that the resource has; `None` of an attribute that can be written.
    fn echo(&mut self, path: &Path, value: &Value) -> Option<bool> {
        if path.attribute.urn.is_some() {
            return None;
        }
        match self.resource_type.attribute(&path.attribute.name)? {
            attribute if attribute.name == "schemas" => Some(self.lists_own_schemas(value)),
            attribute if attribute.name == "id" => Some(self.id.is_some() && value.as_str() == self.id),
            attribute => (attribute.mutability == Mutability::ReadOnly).then_some(false),
        }
    }

    /// Whether a value of `schemas` lists nothing but schemas that the resource has or may have.
    fn lists_own_schemas(&mut self, value: &Value) -> bool {
        let resource_type = self.resource_type;
        let mut is_own = |urn: &str| {
            urn.eq_ignore_ascii_case(&resource_type.schema.id)
                || resource_type.extension(urn).is_some()
                || self.document.key(urn).is_some()
        };
        value.as_array().is_some_and(|list| list.iter().all(|urn| urn.as_str().is_some_and(&mut is_own)))
    }

    fn at(
        &mut self,
        index: usize,
        op: Op,
        path: &Path,
        value: Option<Value>,
        coerced: Option<&'static str>,
    ) -> Result<(), ScimError> {
        self.budget.operation(path)?;
        let profile = self.profile();
        let (place, bare) =
            place::find(path, value.as_ref(), self.resource_type, profile, &mut self.document);
        let name = path.to_string();
        let place = match place {
            Place::Core(attribute) | Place::InExtension(_, attribute)
                if lacks_sub_attribute(attribute, path) =>
            {
                Place::Nowhere
            }
            Place::Core(attribute) if attribute.name == "password" && !profile.rules().reads_password => {
                Place::Nowhere
            }
            place => place,
        };
        let changed = match place {
            Place::Resource => return self.whole(index, op, value, coerced),
            Place::Nowhere => {
                if !profile.rules().ignores_unknown_attributes {
                    return Err(ScimError::invalid_path(format!(
                        "A {} has no attribute \"{path}\". Remove it from the attribute mapping.",
                        self.resource_type.name
                    )));
                }
                self.effect(index, &name, Outcome::Ignored, Some("unknownAttribute"));
                return Ok(());
            }
            Place::Core(attribute) if attribute.name == "password" => {
                self.effect(index, &name, Outcome::Ignored, Some("passwordNotKept"));
                return Ok(());
            }
            Place::Core(attribute) if attribute.name == "schemas" => {
                if !value.is_some_and(|value| op != Op::Remove && self.lists_own_schemas(&value)) {
                    if !profile.rules().ignores_read_only_echo {
                        return Err(ScimError::mutability(
                            "\"schemas\" is read-only. Remove it from the attribute mapping.",
                        ));
                    }
                    self.reader.ignored(Name::of(&name), "readOnly");
                }
                false
            }
            ref place
                if op == Op::Add
                    && value.as_ref().is_none_or(adds_nothing)
                    && place.takes_brackets_of(path) =>
            {
                self.reader.empty_add(Name::of(&name))?;
                false
            }
            Place::Core(attribute)
                if attribute.name == "members" && self.resource_type.kind == ResourceKind::Group =>
            {
                let steps = members::steps(op, path, value, attribute, &mut self.reader)?;
                let has_any = !steps.is_empty();
                self.members.extend(steps);
                has_any
            }
            Place::Core(attribute) => self.attribute(op, attribute, path, value)?,
            Place::InExtension(schema, attribute) => self.in_extension(op, schema, attribute, path, value)?,
            Place::Extension(schema) => self.extension(op, schema, value)?,
            Place::UnknownExtension(key) => {
                let (mut untyped, document) = self.untyped(op, &name);
                untyped.whole(document, &key, value)?
            }
            Place::InUnknownExtension(key) => {
                let (mut untyped, document) = self.untyped(op, &name);
                untyped.attribute(document, &key, path, value)?
            }
        };
        self.settle(index, &name, changed, coerced.into_iter().chain(bare));
        Ok(())
    }

    /// One attribute of the core schema.
    fn attribute(
        &mut self,
        op: Op,
        attribute: &'a Attribute,
        path: &Path,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        let mut writer = Writer { op, attribute, reader: &mut self.reader, budget: &mut self.budget };
        self.document.change(&attribute.name, |current| write(&mut writer, current, path, value))
    }

    /// What writes an extension that no schema describes, and the document to write it to.
    fn untyped<'p>(&'p mut self, op: Op, path: &'p str) -> (Untyped<'p>, &'p mut Fields) {
        let untyped = Untyped { op, path, reader: &mut self.reader, budget: &mut self.budget };
        (untyped, &mut self.document)
    }

    fn effect(&mut self, operation: usize, path: &str, outcome: Outcome, rule: Option<&'static str>) {
        self.effects.push(operation, path, outcome, rule);
    }

    /// The effects of an operation that was carried out: one for each rule that it took, else one for what it did.
    fn settle(&mut self, index: usize, path: &str, changed: bool, rules: impl Iterator<Item = &'static str>) {
        let notes = std::mem::take(&mut self.reader.notes);
        let is_so = |note: &Effect| changed || note.outcome == Outcome::Ignored;
        let mut has_effect = self.effects.append(index, notes, is_so);
        for rule in rules.filter(|_| changed) {
            self.effect(index, path, Outcome::Coerced, Some(rule));
            has_effect = true;
        }
        if !has_effect {
            self.effect(index, path, if changed { Outcome::Applied } else { Outcome::AlreadyTrue }, None);
        }
    }
}

/// Writes an attribute that the client may write. A required one is never removed.
pub(super) fn write(
    writer: &mut Writer<'_>,
    current: &mut Value,
    path: &Path,
    value: Option<Value>,
) -> Result<bool, ScimError> {
    let attribute = writer.attribute;
    check_writable(attribute, path)?;
    let was_there = !current.is_null();
    let was_disabled = attribute.name == "active" && *current == false;
    let changed = writer.write(current, path, value)?;
    if was_disabled && current.is_null() {
        *current = Value::Bool(false);
        writer.reader.idle(Name::of(&attribute.name), "activeKept", || {
            ScimError::invalid_value(
                "\"active\" of a disabled user cannot be removed: without it, the user would count as enabled. Set it to \
                 true or false.",
            )
        })?;
        return Ok(false);
    }
    if attribute.required && was_there && current.is_null() {
        return Err(ScimError::mutability(format!(
            "\"{}\" is required and cannot be removed.",
            attribute.name
        )));
    }
    Ok(changed)
}

/// Whether the path names a sub-attribute that the attribute has not got.
fn lacks_sub_attribute(attribute: &Attribute, path: &Path) -> bool {
    path.attribute.sub_attribute.as_deref().is_some_and(|name| attribute.sub_attribute(name).is_none())
}

/// RFC 7644 section 3.5.2: read-only attributes are the service provider's.
fn check_writable(attribute: &Attribute, path: &Path) -> Result<(), ScimError> {
    let sub = path.attribute.sub_attribute.as_deref().and_then(|name| attribute.sub_attribute(name));
    if [Some(attribute), sub]
        .into_iter()
        .flatten()
        .any(|attribute| attribute.mutability == Mutability::ReadOnly)
    {
        return Err(ScimError::mutability(format!(
            "\"{path}\" is read-only. Remove it from the attribute mapping."
        )));
    }
    Ok(())
}
