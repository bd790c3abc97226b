//! Operations on a group's members.

use super::defect::Defect;
use super::filter::{self, Filter};
use super::message::Refusal;
use super::patch::{Manner, Verb};
use serde_json::{Value, json};

/// The number of members that the defect `MembersCapped` reads before it writes.
const CAP: usize = 100;

/// Adds, replaces or removes members of `group`.
pub(crate) fn apply(
    group: &mut Value,
    verb: Verb,
    filter: Option<&Filter>,
    value: Option<&Value>,
    manner: Manner,
) -> Result<(), Refusal> {
    let mut members = group["members"].as_array().cloned().unwrap_or_default();
    let given = ids(value, manner)?;
    match verb {
        Verb::Add => {
            if manner.has(Defect::MembersCapped) {
                members.truncate(CAP);
            }
            for id in given {
                if manner.has(Defect::MembersRepeated)
                    || !members.iter().any(|member| member["value"] == id.as_str())
                {
                    members.push(json!({"value": id, "type": "User"}));
                }
            }
        }
        Verb::Replace => members = given.iter().map(|id| json!({"value": id, "type": "User"})).collect(),
        Verb::Remove => remove(&mut members, filter, value.map(|_| given), manner)?,
    }
    group["members"] = Value::Array(members);
    Ok(())
}

fn remove(
    members: &mut Vec<Value>,
    filter: Option<&Filter>,
    given: Option<Vec<String>>,
    manner: Manner,
) -> Result<(), Refusal> {
    let before = members.len();
    let asked = match (filter, given) {
        (Some(_), _) if manner.has(Defect::ValuePathRemovesAll) => return clear(members),
        (Some(filter), _) => {
            members.retain(|member| !filter::matches(filter, member, None));
            1
        }
        (None, Some(_)) if manner.has(Defect::ValueListRefused) => {
            return Err(Refusal::bad("invalidValue", "remove takes no value"));
        }
        (None, Some(_)) if manner.has(Defect::ValueListRemovesAll) || !manner.is_lenient() => {
            return clear(members);
        }
        (None, Some(ids)) => {
            members.retain(|member| !ids.iter().any(|id| member["value"] == id.as_str()));
            ids.len()
        }
        (None, None) if manner.has(Defect::RemoveAllRefused) => {
            return Err(Refusal::bad("invalidValue", "remove needs a value"));
        }
        (None, None) => return clear(members),
    };
    match manner.has(Defect::AbsentMemberRefused) && before - members.len() < asked {
        true => Err(Refusal::bad("noTarget", "there is no such member")),
        false => Ok(()),
    }
}

fn clear(members: &mut Vec<Value>) -> Result<(), Refusal> {
    members.clear();
    Ok(())
}

/// The ids that a value names: objects, or bare ids in Entra's manner.
fn ids(value: Option<&Value>, manner: Manner) -> Result<Vec<String>, Refusal> {
    let refusal = Refusal::bad("invalidValue", "a member is an object with value");
    let one = |element: &Value| match element {
        Value::String(id) if manner.is_lenient() && !manner.has(Defect::BareMemberRefused) => Ok(id.clone()),
        other => other["value"].as_str().map(str::to_owned).ok_or(refusal),
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(elements)) => elements.iter().map(one).collect(),
        Some(other) => Ok(vec![one(other)?]),
    }
}
