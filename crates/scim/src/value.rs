//! Values as the schema wants them: canonical names, types checked, and the deviations of a lenient profile translated,
//! each leaving a note behind.

use crate::{
    Profile, ScimError,
    effect::{Effects, Outcome},
    schema::{Attribute, AttributeType, Mutability},
    steps,
};
use serde_json::{Map, Value};
use std::{collections::HashSet, fmt};

/// Most values of one multi-valued attribute (`members` not counted).
pub const MAX_VALUES: usize = 1000;

/// The name of an attribute or of a part of one, for notes and errors; printed only where there is one.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    parent: Option<&'a Name<'a>>,
    own: &'a str,
}

impl<'a> Name<'a> {
    pub(crate) fn of(own: &'a str) -> Self {
        Name { parent: None, own }
    }

    pub(crate) fn part(&'a self, own: &'a str) -> Self {
        Name { parent: Some(self), own }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.own)
    }
}

/// Reads values for one request.
pub(crate) struct Reader {
    pub(crate) profile: Profile,
    /// The deviations that it met, as effects whose operation is not known here.
    pub(crate) notes: Effects,
}

impl Reader {
    pub(crate) fn new(profile: Profile) -> Self {
        Reader { profile, notes: Effects::default() }
    }

    pub(crate) fn ignored(&mut self, path: Name<'_>, rule: &'static str) {
        self.notes.push(0, path, Outcome::Ignored, Some(rule));
    }

    /// Notes a translated deviation; only a lenient profile translates.
    pub(crate) fn coerced(
        &mut self,
        path: Name<'_>,
        rule: &'static str,
        strict: impl FnOnce() -> ScimError,
    ) -> Result<(), ScimError> {
        if !self.profile.rules().translates_values {
            return Err(strict());
        }
        self.notes.push(0, path, Outcome::Coerced, Some(rule));
        Ok(())
    }

    /// An unknown attribute: ignored, or refused by a strict profile.
    pub(crate) fn unknown(&mut self, path: Name<'_>) -> Result<(), ScimError> {
        if !self.profile.rules().ignores_unknown_attributes {
            return Err(ScimError::invalid_value(format!(
                "\"{path}\" is not an attribute of this resource. See /Schemas."
            )));
        }
        self.ignored(path, "unknownAttribute");
        Ok(())
    }

    /// The value of an attribute, all of it; `None` if it is unassigned (null, an empty text, list or object).
    pub(crate) fn attribute(
        &mut self,
        attribute: &Attribute,
        value: Value,
        path: Name<'_>,
    ) -> Result<Option<Value>, ScimError> {
        if attribute.multi_valued {
            let list = self.list(attribute, value, path)?;
            return Ok((!list.is_empty()).then_some(Value::Array(list)));
        }
        self.single(attribute, value, path)
    }

    /// The values of a multi-valued attribute.
    pub(crate) fn list(
        &mut self,
        attribute: &Attribute,
        value: Value,
        path: Name<'_>,
    ) -> Result<Vec<Value>, ScimError> {
        let values = match value {
            Value::Null => Vec::new(),
            Value::Array(values) => values,
            Value::String(text) if text.is_empty() => Vec::new(),
            single => {
                self.coerced(path, "singleValue", || wrong_type(path, "a list"))?;
                vec![single]
            }
        };
        if values.len() > MAX_VALUES {
            return Err(ScimError::invalid_value(format!("\"{path}\" has more than {MAX_VALUES} values.")));
        }
        let mut list: Vec<Value> = Vec::with_capacity(values.len());
        for value in values {
            let Some(value) = self.single(attribute, value, path)? else { continue };
            // Cleared, an element of Entra keeps its type: that is no value.
            if self.is_void(&value) {
                self.ignored(path, "emptyElement");
            } else {
                list.push(value);
            }
        }
        drop_repeated(&mut list);
        self.one_primary(&mut list, path)?;
        Ok(list)
    }

    /// Whether an element of a multi-valued attribute holds no value: nothing at all, or, to a lenient profile, nothing
    /// but the marks `type` and `primary`.
    pub(crate) fn is_void(&self, element: &Value) -> bool {
        let mark =
            |key: &String| self.profile.rules().drops_hollow_elements && (key == "type" || key == "primary");
        element.as_object().is_some_and(|parts| parts.keys().all(mark))
    }

    /// RFC 7643 section 2.4: `primary` is true at most once.
    fn one_primary(&mut self, list: &mut [Value], path: Name<'_>) -> Result<(), ScimError> {
        let several = list.iter_mut().filter(|value| value["primary"] == true).skip(1).collect::<Vec<_>>();
        if several.is_empty() {
            return Ok(());
        }
        self.coerced(path, "primaryOnce", || {
            ScimError::invalid_value(format!("\"{path}\" has more than one value with primary true."))
        })?;
        several.into_iter().for_each(|value| value["primary"] = false.into());
        Ok(())
    }

    /// One value: an element of a multi-valued attribute, or a single-valued attribute.
    pub(crate) fn single(
        &mut self,
        attribute: &Attribute,
        value: Value,
        path: Name<'_>,
    ) -> Result<Option<Value>, ScimError> {
        steps::take(1);
        let value = self.unwrap(attribute, value, path)?;
        if matches!(&value, Value::Null) || value.as_str().is_some_and(str::is_empty) {
            return Ok(None);
        }
        if attribute.is_complex() {
            return self.complex(attribute, value, path);
        }
        self.simple(attribute, value, path).map(Some)
    }

    /// `[x]` where one value is wanted, and `{"value": x}` where a simple one is: older Entra wraps so.
    fn unwrap(&mut self, attribute: &Attribute, value: Value, path: Name<'_>) -> Result<Value, ScimError> {
        let mut value = value;
        if let Value::Array(list) = &mut value {
            if list.len() > 1 {
                return Err(wrong_type(path, "a single value"));
            }
            self.coerced(path, "wrappedValue", || wrong_type(path, "a single value"))?;
            value = list.pop().unwrap_or(Value::Null);
        }
        if let Value::Object(map) = &mut value
            && !attribute.is_complex()
            && map.contains_key("value")
        {
            self.coerced(path, "wrappedValue", || wrong_type(path, "a simple value"))?;
            value = map.remove("value").unwrap_or(Value::Null);
        }
        Ok(value)
    }

    fn complex(
        &mut self,
        attribute: &Attribute,
        value: Value,
        path: Name<'_>,
    ) -> Result<Option<Value>, ScimError> {
        let map = match value {
            Value::Object(map) => map,
            Value::String(text) if attribute.sub_attribute("value").is_some() => {
                let rule = if attribute.name == "manager" { "managerText" } else { "plainValue" };
                self.coerced(path, rule, || wrong_type(path, "an object with a \"value\""))?;
                Map::from_iter([("value".to_owned(), Value::String(text))])
            }
            _ => return Err(wrong_type(path, "an object")),
        };
        let map = self.lift_role(attribute, map, path)?;
        let map = self.object(&attribute.sub_attributes, map, path)?;
        Ok((!map.is_empty()).then_some(Value::Object(map)))
    }

    /// A role whose `value` is the JSON text of an app role assignment, as Entra adds roles without its flag.
    fn lift_role(
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
            .and_then(|text| crate::json::parse(text.as_bytes()).ok());
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

    /// The members of an object in canonical spelling, each read by its attribute; read-only ones are ignored.
    fn object(
        &mut self,
        attributes: &[Attribute],
        map: Map<String, Value>,
        parent: Name<'_>,
    ) -> Result<Map<String, Value>, ScimError> {
        let mut read = Map::new();
        for (key, value) in map {
            steps::take(1);
            let path = parent.part(&key);
            let Some(attribute) =
                attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(&key))
            else {
                if !value.is_null() {
                    self.unknown(path)?;
                }
                continue;
            };
            if read.contains_key(&attribute.name) {
                return Err(twice(path));
            }
            if attribute.mutability == Mutability::ReadOnly {
                self.ignored(path, "readOnly");
            } else if let Some(value) = self.attribute(attribute, value, path)? {
                read.insert(attribute.name.clone(), value);
            }
        }
        Ok(read)
    }

    /// The object of a known extension.
    pub(crate) fn extension(
        &mut self,
        schema: &crate::schema::Schema,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        match value {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            Value::Object(map) => {
                let map = self.object(&schema.attributes, map, Name::of(&schema.id))?;
                Ok((!map.is_empty()).then_some(Value::Object(map)))
            }
            _ => Err(wrong_type(Name::of(&schema.id), "an object")),
        }
    }

    fn simple(&mut self, attribute: &Attribute, value: Value, path: Name<'_>) -> Result<Value, ScimError> {
        match attribute.data_type {
            AttributeType::Boolean => self.boolean(value, path),
            AttributeType::Integer | AttributeType::Decimal => number(attribute, value, path),
            _ => match value {
                Value::String(text) => Ok(Value::String(text)),
                Value::Number(_) | Value::Bool(_) => {
                    self.coerced(path, "textFromScalar", || wrong_type(path, "a text"))?;
                    Ok(Value::String(value.to_string()))
                }
                _ => Err(wrong_type(path, "a text")),
            },
        }
    }

    fn boolean(&mut self, value: Value, path: Name<'_>) -> Result<Value, ScimError> {
        let strict = || wrong_type(path, "true or false (without quotes)");
        match &value {
            Value::Bool(_) => Ok(value),
            Value::String(text)
                if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") =>
            {
                self.coerced(path, "booleanText", strict)?;
                Ok(Value::Bool(text.eq_ignore_ascii_case("true")))
            }
            _ => Err(strict()),
        }
    }
}

/// Drops values that stand in the list before.
fn drop_repeated(list: &mut Vec<Value>) {
    // To hash values is dearer than to compare a few.
    if list.len() <= 8 {
        let mut place = 0;
        while let Some(value) = list.get(place) {
            if list[..place].contains(value) {
                list.remove(place);
            } else {
                place += 1;
            }
        }
        return;
    }
    let mut seen = HashSet::with_capacity(list.len());
    let is_first: Vec<bool> = list.iter().map(|value| seen.insert(value)).collect();
    let mut is_first = is_first.into_iter();
    list.retain(|_| is_first.next().unwrap_or(true));
}

fn number(attribute: &Attribute, value: Value, path: Name<'_>) -> Result<Value, ScimError> {
    match &value {
        Value::Number(number) if attribute.data_type == AttributeType::Decimal || number.is_i64() => {
            Ok(value)
        }
        Value::Number(_) => Err(wrong_type(path, "a whole number")),
        _ => Err(wrong_type(path, "a number")),
    }
}

fn wrong_type(path: Name<'_>, wanted: &str) -> ScimError {
    ScimError::invalid_value(format!("\"{path}\" must be {wanted}. Check the attribute mapping."))
}

pub(crate) fn twice(path: Name<'_>) -> ScimError {
    ScimError::invalid_syntax(format!("\"{path}\" is given twice, in different case."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_values_that_are_repeated_the_first_stays() {
        for length in [3, 8, 9, 100] {
            let value = |n: usize| json!({ "value": n % 3, "type": "work" });
            let mut list: Vec<Value> = (0..length).map(value).collect();
            // The order of parts does not count.
            list.push(json!({ "type": "work", "value": 1 }));
            drop_repeated(&mut list);
            assert_eq!(list, (0..3).map(value).collect::<Vec<_>>(), "{length}");
        }
    }
}
