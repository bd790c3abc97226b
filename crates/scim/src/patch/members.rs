//! PATCH of `members`: operations become steps of membership; the group itself is not needed.

use super::Op;
use crate::{
    ScimError,
    filter::{CompareOp, Filter, Value as FilterValue},
    member::MemberStep,
    path::Path,
    resource::member_ids,
    schema::Attribute,
    value::{Name, Reader},
};
use serde_json::Value;

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
    // An empty text unassigns like null. With remove it names nobody: that is refused below.
    let given = match value {
        Some(Value::String(text)) if text.is_empty() && op != Op::Remove => None,
        other => other.filter(|value| !value.is_null()),
    };
    match (op, given) {
        (Op::Add, value) => {
            Ok(vec![MemberStep::Add(member_ids(members, reader, value.unwrap_or_default())?)])
        }
        (Op::Replace, value) => {
            let ids = member_ids(members, reader, value.unwrap_or_default())?;
            Ok(vec![MemberStep::RemoveAll, MemberStep::Add(ids)])
        }
        (Op::Remove, None) => Ok(vec![MemberStep::RemoveAll]),
        // Entra means these members. Read by the standard, the value is idle and the whole group would be emptied.
        (Op::Remove, Some(value)) => {
            reader.coerced(Name::of(&members.name), "removeMembersByValue", || {
                ScimError::invalid_value(
                    "An operation remove takes no value. To remove some members, select them: members[value eq \"…\"].",
                )
            })?;
            Ok(vec![MemberStep::Remove(member_ids(members, reader, value)?)])
        }
    }
}

/// The ids of `value eq "a" or value eq "b"`; none for any other filter.
fn plain_ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(path, CompareOp::Eq, FilterValue::Text(id))
            if path.urn.is_none()
                && path.sub_attribute.is_none()
                && path.name.eq_ignore_ascii_case("value") =>
        {
            Some(vec![id.clone()])
        }
        Filter::Or(parts) => parts
            .iter()
            .map(plain_ids)
            .collect::<Option<Vec<_>>>()
            .map(|ids| ids.into_iter().flatten().collect()),
        _ => None,
    }
}
