//! `attributes` and `excludedAttributes` (RFC 7644 section 3.9), with `returned` of the schema.

use crate::{
    ScimError,
    path::AttributePath,
    resource::is_unassigned,
    schema::{Attribute, ResourceType},
};
use serde_json::{Map, Value};

/// Which attributes an answer holds. The default one returns what is `returned: default` or `always`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    mode: Mode,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Default,
    Only(Vec<Selected>),
    Without(Vec<Selected>),
}

/// One name of a list, in canonical spelling where a schema knows it.
#[derive(Clone, Debug, PartialEq)]
struct Selected {
    extension: Option<String>,
    /// None is the extension, or the core schema, as a whole.
    attribute: Option<String>,
    sub_attribute: Option<String>,
}

/// Attributes that are in every answer.
const ALWAYS: [&str; 2] = ["id", "schemas"];

impl Projection {
    /// Reads the two comma-separated lists.
    ///
    /// # Errors
    /// 400 `invalidValue` if both are given, `invalidPath` for a malformed name. Unknown names select nothing.
    pub fn parse(
        resource_type: &ResourceType,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Projection, ScimError> {
        let only = select(resource_type, attributes.unwrap_or_default())?;
        let without = select(resource_type, excluded.unwrap_or_default())?;
        let mode = match (only, without) {
            (None, None) => Mode::Default,
            (Some(only), None) => Mode::Only(only),
            (None, Some(without)) => Mode::Without(without),
            (Some(_), Some(_)) => {
                return Err(ScimError::invalid_value(
                    "Send either \"attributes\" or \"excludedAttributes\", not both.",
                ));
            }
        };
        Ok(Projection { mode })
    }

    /// Whether a top-level core attribute (canonical name, such as `members` or `groups`) is in the answer: decides
    /// whether it is fetched at all.
    pub fn returns(&self, attribute: &str) -> bool {
        match &self.mode {
            Mode::Default => true,
            Mode::Only(list) => list.iter().any(|selected| selected.names(attribute)),
            Mode::Without(list) => {
                !list.iter().any(|selected| selected.names(attribute) && selected.sub_attribute.is_none())
            }
        }
    }

    /// Whether a top-level core attribute is in the answer with all of its parts.
    pub fn returns_whole(&self, attribute: &str) -> bool {
        let named = |whole: bool, list: &[Selected]| {
            list.iter()
                .any(|selected| selected.names(attribute) && (!whole || selected.sub_attribute.is_none()))
        };
        match &self.mode {
            Mode::Default => true,
            Mode::Only(list) => named(true, list),
            Mode::Without(list) => !named(false, list),
        }
    }

    /// Whether a resource is returned as it is rendered but for the attributes that are kept in tables of their own
    /// (`members`, `groups`), so that its text need not be parsed.
    pub fn keeps_document_whole(&self) -> bool {
        match &self.mode {
            Mode::Default => true,
            Mode::Only(_) => false,
            Mode::Without(list) => list.iter().all(Selected::is_table),
        }
    }

    /// Cuts a complete resource (with `id`, `meta`, …) down to what is asked for.
    pub fn apply(&self, resource: &mut Map<String, Value>) {
        match &self.mode {
            Mode::Default => {}
            Mode::Only(list) => keep(resource, list),
            Mode::Without(list) => list.iter().for_each(|selected| drop_selected(resource, selected)),
        }
    }
}

impl Selected {
    /// Whether it is `members` or `groups`, whole.
    fn is_table(&self) -> bool {
        self.extension.is_none()
            && matches!(self.attribute.as_deref(), Some("members" | "groups"))
            && self.sub_attribute.is_none()
    }

    fn names(&self, attribute: &str) -> bool {
        self.extension.is_none() && self.attribute.as_deref().is_none_or(|selected| selected == attribute)
    }
}

fn select(resource_type: &ResourceType, list: &str) -> Result<Option<Vec<Selected>>, ScimError> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let selected = names
        .map(|name| {
            let path = AttributePath::parse(name).ok_or_else(|| {
                ScimError::invalid_path(
                    "A name in \"attributes\" or \"excludedAttributes\" is no attribute name.",
                )
            })?;
            Ok(resolve(resource_type, path))
        })
        .collect::<Result<Vec<_>, ScimError>>()?;
    Ok((!selected.is_empty()).then_some(selected))
}

fn resolve(resource_type: &ResourceType, path: AttributePath) -> Selected {
    let spelled = |extension: Option<String>, attribute: &Attribute| Selected {
        extension,
        attribute: Some(attribute.name.clone()),
        sub_attribute: path.sub_attribute.as_deref().map(|name| {
            attribute.sub_attribute(name).map_or_else(|| name.to_owned(), |sub| sub.name.clone())
        }),
    };
    match &path.urn {
        Some(urn) if !urn.eq_ignore_ascii_case(&resource_type.schema.id) => {
            match resource_type.extension(urn) {
                Some(schema) => match schema.attribute(&path.name) {
                    Some(attribute) => spelled(Some(schema.id.clone()), attribute),
                    None => Selected {
                        extension: Some(schema.id.clone()),
                        attribute: (!path.name.is_empty()).then(|| path.name.clone()),
                        sub_attribute: None,
                    },
                },
                None => Selected {
                    extension: Some(urn.clone()),
                    attribute: Some(path.name),
                    sub_attribute: path.sub_attribute,
                },
            }
        }
        Some(_) if path.name.is_empty() => Selected { extension: None, attribute: None, sub_attribute: None },
        _ => match resource_type.attribute(&path.name) {
            Some(attribute) => spelled(None, attribute),
            None => {
                let known = resource_type
                    .extensions
                    .iter()
                    .find_map(|schema| Some((schema, schema.attribute(&path.name)?)));
                match known {
                    Some((schema, attribute)) => spelled(Some(schema.id.clone()), attribute),
                    None => Selected {
                        extension: None,
                        attribute: Some(path.name),
                        sub_attribute: path.sub_attribute,
                    },
                }
            }
        },
    }
}

/// Keeps what is selected, and what is always returned.
fn keep(resource: &mut Map<String, Value>, list: &[Selected]) {
    let mut kept = Map::new();
    for (key, value) in std::mem::take(resource) {
        if ALWAYS.contains(&key.as_str()) || list.iter().any(|selected| selected.is_whole_key(&key)) {
            kept.insert(key, value);
            continue;
        }
        let parts: Vec<&Selected> = list.iter().filter(|selected| selected.is_under_key(&key)).collect();
        if parts.is_empty() {
            continue;
        }
        let value =
            if key.contains(':') { keep_in_extension(value, &parts) } else { keep_subs(value, &parts) };
        if let Some(value) = value {
            kept.insert(key, value);
        }
    }
    *resource = kept;
}

impl Selected {
    /// Whether it selects the whole of a top-level key. An unknown URN may be the key itself, its last part read as a name.
    fn is_whole_key(&self, key: &str) -> bool {
        match (&self.extension, &self.attribute) {
            (None, Some(attribute)) => attribute.eq_ignore_ascii_case(key) && self.sub_attribute.is_none(),
            (Some(urn), None) => urn.eq_ignore_ascii_case(key),
            (Some(urn), Some(attribute)) => format!("{urn}:{attribute}").eq_ignore_ascii_case(key),
            // The URN of the core schema.
            (None, None) => !key.contains(':'),
        }
    }

    /// Whether it selects a part of a top-level key.
    fn is_under_key(&self, key: &str) -> bool {
        match (&self.extension, &self.attribute) {
            (None, Some(attribute)) => attribute.eq_ignore_ascii_case(key),
            (Some(urn), Some(_)) => urn.eq_ignore_ascii_case(key),
            _ => false,
        }
    }
}

fn keep_in_extension(value: Value, parts: &[&Selected]) -> Option<Value> {
    let Value::Object(object) = value else { return None };
    let mut kept = Map::new();
    for (name, value) in object {
        let named: Vec<&Selected> = parts
            .iter()
            .copied()
            .filter(|selected| {
                selected.attribute.as_deref().is_some_and(|attribute| attribute.eq_ignore_ascii_case(&name))
            })
            .collect();
        let value = match named.iter().any(|selected| selected.sub_attribute.is_none()) {
            true => Some(value),
            false => keep_subs(value, &named),
        };
        if let Some(value) = value {
            kept.insert(name, value);
        }
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// Keeps the selected sub-attributes of a complex value, or of each of its elements.
fn keep_subs(value: Value, parts: &[&Selected]) -> Option<Value> {
    let wanted = |name: &str| {
        parts.iter().any(|selected| {
            selected.sub_attribute.as_deref().is_some_and(|sub| sub.eq_ignore_ascii_case(name))
        })
    };
    match value {
        Value::Object(mut object) => {
            object.retain(|name, _| wanted(name));
            (!object.is_empty()).then_some(Value::Object(object))
        }
        Value::Array(list) => {
            let list: Vec<Value> = list.into_iter().filter_map(|value| keep_subs(value, parts)).collect();
            (!list.is_empty()).then_some(Value::Array(list))
        }
        _ => None,
    }
}

/// Takes one excluded attribute or sub-attribute out.
fn drop_selected(resource: &mut Map<String, Value>, selected: &Selected) {
    let keys: Vec<String> = resource.keys().filter(|key| !ALWAYS.contains(&key.as_str())).cloned().collect();
    for key in keys {
        if selected.is_whole_key(&key) {
            resource.shift_remove(&key);
        } else if selected.is_under_key(&key)
            && let Some(value) = resource.get_mut(&key)
        {
            match (&selected.extension, value) {
                (Some(_), Value::Object(object)) => {
                    let inner = Selected { extension: None, ..selected.clone() };
                    drop_selected(object, &inner);
                    if object.is_empty() {
                        resource.shift_remove(&key);
                    }
                }
                (_, value) => {
                    drop_sub(value, selected.sub_attribute.as_deref().unwrap_or_default());
                    if is_unassigned(value) {
                        resource.shift_remove(&key);
                    }
                }
            }
        }
    }
}

fn drop_sub(value: &mut Value, sub: &str) {
    match value {
        Value::Object(object) => object.retain(|name, _| !name.eq_ignore_ascii_case(sub)),
        Value::Array(list) => {
            list.iter_mut().for_each(|value| drop_sub(value, sub));
            list.retain(|value| !is_unassigned(value));
        }
        _ => {}
    }
}
