//! Roles as Entra sends them when it adds them without its flag.

use crate::{
    ScimError, json,
    schema::Attribute,
    value::{Name, Reader, wrong_type},
};
use serde_json::{Map, Value};

impl Reader {
    /// A role whose `value` is the JSON text of an app role assignment, as Entra adds roles without its flag.
    pub(crate) fn lift_role(
        &mut self,
        attribute: &Attribute,
        mut map: Map<String, Value>,
        path: Name<'_>,
    ) -> Result<Map<String, Value>, ScimError> {
        if attribute.name != "roles" || !self.profile.rules().reads_app_roles {
            return Ok(map);
        }
        let key = |map: &Map<String, Value>, name: &str| {
            map.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()
        };
        // AppRoleAssignmentsComplex names the display so.
        if let (Some(named), None) = (key(&map, "displayName"), key(&map, "display"))
            && let Some(display) = map.shift_remove(&named)
        {
            self.coerced(path, "roleDisplayName", || wrong_type(path, "a role"))?;
            map.insert("display".to_owned(), display);
        }
        let assignment = key(&map, "value")
            .and_then(|key| map.get(&key)?.as_str())
            .filter(|text| text.starts_with('{'))
            .and_then(|text| json::parse(text.as_bytes()).ok());
        let Some(Value::Object(mut assignment)) = assignment else { return Ok(map) };
        let Some(value) = assignment.remove("value").filter(Value::is_string) else { return Ok(map) };
        map.retain(|key, _| !key.eq_ignore_ascii_case("value"));
        map.insert("value".to_owned(), value);
        if let Some(display) = assignment.remove("displayName").filter(Value::is_string) {
            map.retain(|key, _| !key.eq_ignore_ascii_case("display"));
            map.insert("display".to_owned(), display);
        }
        self.coerced(path, "roleJson", || wrong_type(path, "a role"))?;
        Ok(map)
    }
}
