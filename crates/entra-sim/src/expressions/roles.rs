//! The three functions that turn app role assignments into SCIM roles.

use serde_json::{Value, json};

use super::evaluate::{Call, Outcome};

/// The `type` of every role that Entra sends; an administrator cannot change it.
pub const ROLE_TYPE: &str = "WindowsAzureActiveDirectoryRole";

fn assignments(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The value of one role; which one is not promised when there are several, and here it is the first.
pub(super) fn single(call: &Call<'_>) -> Outcome {
    let first = assignments(call.value(0)).first();
    Ok(first.map_or(Value::Null, |role| role["value"].clone()))
}

pub(super) fn complex(call: &Call<'_>) -> Outcome {
    let role = |role: &Value| json!({"primary": false, "type": ROLE_TYPE, "displayName": role["displayName"], "value": role["value"]});
    Ok(assignments(call.value(0)).iter().map(role).collect())
}

pub(super) fn assertive(call: &Call<'_>) -> Outcome {
    let role = |role: &Value| json!({"primary": false, "type": ROLE_TYPE, "display": role["displayName"], "value": role["value"]});
    Ok(assignments(call.value(0)).iter().map(role).collect())
}
