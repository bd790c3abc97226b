//! Values as the schema wants them: canonical names, types checked, and the deviations of a lenient profile translated,
//! each leaving a note behind.

use crate::{
    Profile, ScimError,
    effect::{Effects, Outcome},
    pairs, reference,
    schema::{Attribute, AttributeType, Mutability},
    steps, urn,
};
use serde_json::{Map, Value};
use std::fmt;

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
    /// How many unknown attributes it met.
    pub(crate) unknown: usize,
}

impl Reader {
    pub(crate) fn new(profile: Profile) -> Self {
        Reader { profile, notes: Effects::default(), unknown: 0 }
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

    /// What asks for nothing: ignored by `rule`, or refused by a strict profile.
    pub(crate) fn idle(
        &mut self,
        path: Name<'_>,
        rule: &'static str,
        strict: impl FnOnce() -> ScimError,
    ) -> Result<(), ScimError> {
        if !self.profile.rules().ignores_idle_operations {
            return Err(strict());
        }
        self.ignored(path, rule);
        Ok(())
    }

    /// An add without a value.
    pub(crate) fn empty_add(&mut self, path: Name<'_>) -> Result<(), ScimError> {
        self.idle(path, "emptyAdd", || {
            ScimError::invalid_value(format!(
                "The operation adds no value to \"{path}\". Send a value, or clear the attribute by \"remove\"."
            ))
        })
    }

    /// A remove whose value names nothing that the attribute can hold.
    pub(crate) fn names_nothing(&mut self, path: Name<'_>) -> Result<(), ScimError> {
        self.idle(path, "namesNothing", || {
            ScimError::invalid_value(format!(
                "The value of the operation names nothing of \"{path}\" to remove. Select what to remove by the path."
            ))
        })
    }

    /// An unknown attribute: ignored, or refused by a strict profile.
    pub(crate) fn unknown(&mut self, path: Name<'_>) -> Result<(), ScimError> {
        self.unknown += 1;
        let rules = self.profile.rules();
        if !rules.ignores_unknown_attributes {
            let detail = format!("\"{path}\" is not an attribute of this resource. See /Schemas.");
            return Err(match rules.unknown_is_invalid_syntax {
                true => ScimError::invalid_syntax(detail),
                false => ScimError::invalid_value(detail),
            });
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
        pairs::merge(&mut list);
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
        let mut map = self.object(&attribute.sub_attributes, map, path)?;
        reference::complete(attribute, &mut map, path)?;
        Ok((!map.is_empty()).then_some(Value::Object(map)))
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
            Value::Object(mut map) => {
                if let Some(key) = map.keys().find(|key| is_schemas(key)).cloned() {
                    let listed = map.shift_remove(&key).unwrap_or_default();
                    self.schemas_within(schema, &listed)?;
                }
                let map = self.object(&schema.attributes, map, Name::of(&schema.id))?;
                Ok((!map.is_empty()).then_some(Value::Object(map)))
            }
            _ => Err(wrong_type(Name::of(&schema.id), "an object")),
        }
    }

    /// `schemas` inside the object of an extension: accepted if it lists nothing but URNs that describe the resource
    /// anyway.
    pub(crate) fn schemas_within(
        &mut self,
        schema: &crate::schema::Schema,
        listed: &Value,
    ) -> Result<(), ScimError> {
        let known = |urn: &str| {
            schema.id.eq_ignore_ascii_case(urn)
                || urn::RESOURCE_SCHEMAS.iter().any(|known| known.eq_ignore_ascii_case(urn))
        };
        let is_known = |urn: &Value| urn.as_str().is_some_and(known);
        if listed.is_null() || listed.as_array().is_some_and(|list| list.iter().all(is_known)) {
            return Ok(());
        }
        if !self.profile.rules().ignores_read_only_echo {
            return Err(ScimError::mutability(
                "\"schemas\" is read-only and belongs to the resource. Remove it from the value of the extension.",
            ));
        }
        self.ignored(Name::of(&schema.id).part("schemas"), "readOnly");
        Ok(())
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

/// Whether a key is `schemas`, which only the resource itself has.
pub(crate) fn is_schemas(key: &str) -> bool {
    key.eq_ignore_ascii_case("schemas")
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

pub(crate) fn wrong_type(path: Name<'_>, wanted: &str) -> ScimError {
    ScimError::invalid_value(format!("\"{path}\" must be {wanted}. Check the attribute mapping."))
}

pub(crate) fn twice(path: Name<'_>) -> ScimError {
    ScimError::invalid_syntax(format!("\"{path}\" is given twice, in different case."))
}
