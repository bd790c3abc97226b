//! PATCH of `members`: operations become steps of membership; the group itself is not needed.

use super::{Op, write::list_of};
use crate::{
    ScimError,
    filter::{CompareOp, Filter, Value as FilterValue},
    member::MemberStep,
    path::{AttributePath, Path},
    reference,
    resource::{is_unassigned, member_id, member_ids},
    schema::{Attribute, ResourceType},
    value::{Name, Reader},
};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};

/// The steps of one operation on `members`.
pub(super) fn steps(
    op: Op,
    path: &Path,
    value: Option<Value>,
    members: &Attribute,
    reader: &mut Reader,
) -> Result<Vec<MemberStep>, ScimError> {
    if path.attribute.sub_attribute.is_some() {
        return Err(ScimError::mutability(
            "Sub-attributes of a member cannot be changed. Add or remove the member as a whole.",
        ));
    }
    let name = Name::of(&members.name);
    if let Some(filter) = &path.filter {
        if op != Op::Remove {
            return Err(ScimError::invalid_path(
                "Members are selected by brackets to be removed only. Add to \"members\".",
            ));
        }
        return Ok(vec![match plain_ids(filter) {
            Some(ids) => MemberStep::Remove(ids),
            None => MemberStep::RemoveWhere(
                filter
                    .resolve_element(Some(members))
                    .map_err(|error| ScimError::invalid_path(error.detail))?,
            ),
        }]);
    }
    let value = value.unwrap_or_default();
    // An empty text unassigns like null. With remove it names nobody.
    let is_empty = value.as_str().is_some_and(str::is_empty) && op != Op::Remove;
    let value = if is_empty { Value::Null } else { value };
    match op {
        Op::Add => Ok(vec![MemberStep::Add(member_ids(members, reader, list_of(value))?)]),
        Op::Replace => Ok(vec![MemberStep::RemoveAll, MemberStep::Add(member_ids(members, reader, value)?)]),
        Op::Remove if value.is_null() => Ok(vec![MemberStep::RemoveAll]),
        // Entra means these members. Read by the standard, the value is idle and the whole group would be emptied.
        Op::Remove => {
            reader.coerced(name, "removeMembersByValue", || {
                ScimError::invalid_value(
                    "An operation remove takes no value. To remove some members, select them: members[value eq \"…\"].",
                )
            })?;
            named(members, reader, value)
        }
    }
}

/// The steps of a remove that names its members: by id, or all of a type. What names no member is ignored.
fn named(members: &Attribute, reader: &mut Reader, value: Value) -> Result<Vec<MemberStep>, ScimError> {
    let name = Name::of(&members.name);
    let list = match value {
        Value::Array(list) => list,
        single => {
            reader
                .coerced(name, "singleValue", || ScimError::invalid_value("\"members\" must be a list."))?;
            vec![single]
        }
    };
    let mut ids = Vec::with_capacity(list.len());
    let mut seen = HashSet::new();
    let mut types = BTreeSet::new();
    let mut names_nothing = list.is_empty();
    for element in list {
        let kind = type_alone(&element);
        match (member_id(members, reader, element)?, kind) {
            (Some(id), _) if !seen.insert(id.clone()) => {}
            (Some(id), _) => ids.push(id),
            (None, Some(kind)) => drop(types.insert(kind)),
            (None, None) => names_nothing = true,
        }
    }
    if names_nothing {
        reader.names_nothing(name)?;
    }
    let mut steps = Vec::new();
    if !ids.is_empty() {
        steps.push(MemberStep::Remove(ids));
    }
    for kind in types {
        let kind = FilterValue::Text(kind.to_owned());
        let filter = Filter::Compare(AttributePath::named("type"), CompareOp::Eq, kind);
        steps.push(MemberStep::RemoveWhere(filter.resolve_element(Some(members))?));
    }
    Ok(steps)
}

/// The type of an element that says nothing else; `None` for any other element.
fn type_alone(element: &Value) -> Option<&'static str> {
    let mut parts = element.as_object()?.iter().filter(|(_, part)| !is_unassigned(part));
    let (Some((key, Value::String(kind))), None) = (parts.next(), parts.next()) else { return None };
    let mut kinds = ResourceType::all().into_iter().map(|resource_type| resource_type.name);
    kinds.find(|name| key.eq_ignore_ascii_case("type") && name.eq_ignore_ascii_case(kind))
}

/// The ids of `value eq "a" or $ref eq "../Users/b"`; none for any other filter.
fn plain_ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(path, CompareOp::Eq, FilterValue::Text(id) | FilterValue::Word(id))
            if path.urn.is_none()
                && path.sub_attribute.is_none()
                && path.name.eq_ignore_ascii_case("value") =>
        {
            Some(vec![id.clone()])
        }
        Filter::Compare(path, CompareOp::Eq, FilterValue::Text(address) | FilterValue::Word(address))
            if path.urn.is_none() && path.sub_attribute.is_none() && path.name == reference::REFERENCE =>
        {
            reference::id(address).map(|id| vec![id])
        }
        Filter::Or(parts) => parts
            .iter()
            .map(plain_ids)
            .collect::<Option<Vec<_>>>()
            .map(|ids| ids.into_iter().flatten().collect()),
        _ => None,
    }
}
