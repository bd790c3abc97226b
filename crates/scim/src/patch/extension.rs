//! Writing an extension that a schema describes.

use super::{
    Op,
    apply::{Patch, write},
    write::Writer,
};
use crate::{
    ScimError,
    path::{AttributePath, Path},
    resource::{adds_nothing, is_unassigned},
    schema::{Attribute, Schema},
    value::{Name, is_schemas},
};
use serde_json::{Map, Value};

impl<'a> Patch<'a> {
    /// One attribute of an extension that we know: it holds few.
    pub(super) fn in_extension(
        &mut self,
        op: Op,
        schema: &'a Schema,
        attribute: &'a Attribute,
        path: &Path,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        let mut writer = Writer { op, attribute, reader: &mut self.reader, budget: &mut self.budget };
        self.document.change(&schema.id, |extension| {
            if extension.is_null() {
                *extension = Value::Object(Map::new());
            }
            let Value::Object(object) = extension else {
                return Err(ScimError::invalid_path(format!("\"{}\" is not an object.", schema.id)));
            };
            let current = object.entry(attribute.name.as_str()).or_insert(Value::Null);
            let changed = write(&mut writer, current, path, value)?;
            if current.is_null() {
                object.shift_remove(&attribute.name);
            }
            if object.is_empty() {
                *extension = Value::Null;
            }
            Ok(changed)
        })
    }

    /// A known extension as a whole: each attribute of its object is written, or the extension removed.
    pub(super) fn extension(
        &mut self,
        op: Op,
        schema: &'a Schema,
        value: Option<Value>,
    ) -> Result<bool, ScimError> {
        match (op, value) {
            (Op::Remove, None | Some(Value::Null)) => Ok(self.document.set(&schema.id, None)),
            (_, Some(Value::Object(map))) => {
                let mut changed = false;
                for (key, value) in map {
                    changed |= self.extension_part(op, schema, &key, value)?;
                }
                Ok(changed)
            }
            (Op::Replace, value) if value.as_ref().is_none_or(is_unassigned) => {
                Ok(self.document.set(&schema.id, None))
            }
            (Op::Remove, Some(_)) => {
                self.reader.names_nothing(Name::of(&schema.id))?;
                Ok(false)
            }
            _ => Err(ScimError::invalid_value(format!("\"{}\" must be an object.", schema.id))),
        }
    }

    /// One attribute in the object of a known extension.
    fn extension_part(
        &mut self,
        op: Op,
        schema: &'a Schema,
        key: &str,
        value: Value,
    ) -> Result<bool, ScimError> {
        let path = format!("{}:{key}", schema.id);
        let name = Name::of(&path);
        match schema.attribute(key) {
            None if is_schemas(key) => self.reader.schemas_within(schema, &value)?,
            None => self.reader.unknown(name)?,
            Some(_) if op == Op::Add && adds_nothing(&value) => self.reader.empty_add(name)?,
            Some(_) if op == Op::Remove && value.is_null() => {}
            Some(attribute) => {
                let path = Path { attribute: AttributePath::named(key), filter: None };
                return self.in_extension(op, schema, attribute, &path, Some(value));
            }
        }
        Ok(false)
    }
}
