//! `attributes` and `excludedAttributes` (RFC 7644 section 3.9), with `returned` of the schema.

use crate::{ScimError, path::AttributePath, resource::is_unassigned, schema::ResourceType, steps};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Most names in `attributes` and `excludedAttributes`, each name counted as often as it is sent.
pub const MAX_NAMES: usize = 100;

/// Which attributes an answer holds. The default one returns what is `returned: default` or `always`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    mode: Mode,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Default,
    Only(Names),
    Without(Names),
}

/// The names of a list, each once and in lower case, so that a key of a resource is looked up once, however many names
/// there are.
#[derive(Clone, Debug, Default, PartialEq)]
struct Names {
    /// The URN of the core schema is named: all of its attributes.
    core: bool,
    /// Attributes of the core schema and common ones.
    attributes: BTreeMap<String, Parts>,
    /// Extensions by URN.
    extensions: BTreeMap<String, Extension>,
    /// A URN that no schema describes can be the name of an extension, or of an attribute in one: then it stands in
    /// `extensions` as well.
    whole: BTreeSet<String>,
}

/// What of an extension is named.
#[derive(Clone, Debug, Default, PartialEq)]
struct Extension {
    whole: bool,
    attributes: BTreeMap<String, Parts>,
}

/// What of an attribute is named: all of it, or these sub-attributes.
#[derive(Clone, Debug, PartialEq)]
enum Parts {
    Whole,
    Subs(BTreeSet<String>),
}

/// Attributes that are in every answer.
const ALWAYS: [&str; 2] = ["id", "schemas"];

impl Projection {
    /// Reads the two comma-separated lists.
    ///
    /// # Errors
    /// 400 `invalidValue` if both are given or they hold more than [`MAX_NAMES`] names, `invalidPath` for a malformed
    /// name. Unknown names select nothing.
    pub fn parse(
        resource_type: &ResourceType,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Projection, ScimError> {
        let lists = [attributes, excluded].map(Option::unwrap_or_default);
        let sent: usize = lists.iter().map(|list| split(list).take(MAX_NAMES + 1).count()).sum();
        if sent > MAX_NAMES {
            return Err(ScimError::invalid_value(format!(
                "\"attributes\" and \"excludedAttributes\" may hold {MAX_NAMES} names at most. Name the attributes that \
                 you need, or a complex attribute or an extension as a whole instead of its parts."
            )));
        }
        let [only, without] = lists.map(|list| Names::read(resource_type, list));
        let mode = match (only?, without?) {
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
            Mode::Only(names) => names.names(attribute),
            Mode::Without(names) => !names.names_whole(attribute),
        }
    }

    /// Whether a top-level core attribute is in the answer with all of its parts.
    pub fn returns_whole(&self, attribute: &str) -> bool {
        match &self.mode {
            Mode::Default => true,
            Mode::Only(names) => names.names_whole(attribute),
            Mode::Without(names) => !names.names(attribute),
        }
    }

    /// Whether a resource is returned as it is rendered but for the attributes that are kept in tables of their own
    /// (`members`, `groups`), so that its text need not be parsed.
    pub fn keeps_document_whole(&self) -> bool {
        match &self.mode {
            Mode::Default => true,
            Mode::Only(_) => false,
            Mode::Without(names) => names.are_tables(),
        }
    }

    /// Cuts a complete resource (with `id`, `meta`, …) down to what is asked for. Takes one step for each key of the
    /// resource, however many names there are.
    pub fn apply(&self, resource: &mut Map<String, Value>) {
        match &self.mode {
            Mode::Default => {}
            Mode::Only(names) => retain(resource, |key, value| names.keep(key, value)),
            Mode::Without(names) => retain(resource, |key, value| names.leave(key, value)),
        }
    }
}

fn retain(object: &mut Map<String, Value>, mut stays: impl FnMut(&str, &mut Value) -> bool) {
    steps::take(object.len());
    object.retain(|key, value| stays(key, value));
}

/// The names of a list, without empty ones.
fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

impl Names {
    /// Reads a list; `None` if it holds no name.
    fn read(resource_type: &ResourceType, list: &str) -> Result<Option<Names>, ScimError> {
        let mut names = None;
        for name in split(list) {
            let path = AttributePath::parse(name).ok_or_else(|| {
                ScimError::invalid_path(
                    "A name in \"attributes\" or \"excludedAttributes\" is no attribute name.",
                )
            })?;
            names.get_or_insert_with(Names::default).add(resource_type, &path);
        }
        Ok(names)
    }

    fn add(&mut self, resource_type: &ResourceType, path: &AttributePath) {
        let Some(urn) = &path.urn else { return self.add_without_urn(resource_type, path) };
        if urn.eq_ignore_ascii_case(&resource_type.schema.id) {
            if path.name.is_empty() {
                self.core = true;
                return;
            }
            return self.add_without_urn(resource_type, path);
        }
        if path.name.is_empty() {
            self.extension(urn).whole = true;
            return;
        }
        add(&mut self.extension(urn).attributes, &path.name, path.sub_attribute.as_deref());
        if resource_type.extension(urn).is_none() {
            self.whole.insert(format!("{urn}:{}", path.name).to_ascii_lowercase());
        }
    }

    /// An attribute of the core schema, or else one of an extension that we know.
    fn add_without_urn(&mut self, resource_type: &ResourceType, path: &AttributePath) {
        let holder = match resource_type.attribute(&path.name) {
            Some(_) => None,
            None => resource_type.extensions.iter().find(|schema| schema.attribute(&path.name).is_some()),
        };
        let attributes = match holder {
            Some(schema) => &mut self.extension(&schema.id).attributes,
            None => &mut self.attributes,
        };
        add(attributes, &path.name, path.sub_attribute.as_deref());
    }

    fn extension(&mut self, urn: &str) -> &mut Extension {
        self.extensions.entry(urn.to_ascii_lowercase()).or_default()
    }

    /// Whether a core attribute is named, or a part of it.
    fn names(&self, attribute: &str) -> bool {
        self.core || self.attributes.contains_key(&attribute.to_ascii_lowercase())
    }

    /// Whether a core attribute is named as a whole.
    fn names_whole(&self, attribute: &str) -> bool {
        self.core || self.attributes.get(&attribute.to_ascii_lowercase()) == Some(&Parts::Whole)
    }

    /// Whether nothing is named but `members` and `groups`, whole.
    fn are_tables(&self) -> bool {
        let is_table = |(name, parts): (&String, &Parts)| {
            matches!(name.as_str(), "members" | "groups") && *parts == Parts::Whole
        };
        !self.core && self.extensions.is_empty() && self.attributes.iter().all(is_table)
    }

    /// What is named of a top-level key; `None` if nothing is.
    fn of(&self, key: &str) -> Option<Named<'_>> {
        let key = key.to_ascii_lowercase();
        let is_core = !key.contains(':');
        if (is_core && self.core) || self.whole.contains(&key) {
            return Some(Named::Whole);
        }
        if is_core {
            return self.attributes.get(&key).map(Named::of);
        }
        let extension = self.extensions.get(&key)?;
        Some(if extension.whole { Named::Whole } else { Named::Attributes(&extension.attributes) })
    }

    /// Keeps what is named of a top-level key, and what is always returned; false if nothing is left of it.
    fn keep(&self, key: &str, value: &mut Value) -> bool {
        ALWAYS.contains(&key)
            || match self.of(key) {
                None => false,
                Some(Named::Whole) => true,
                Some(Named::Subs(subs)) => keep_subs(value, subs),
                Some(Named::Attributes(attributes)) => keep_attributes(value, attributes),
            }
    }

    /// Takes what is named out of a top-level key, but for what is always returned; false if nothing is left of it.
    fn leave(&self, key: &str, value: &mut Value) -> bool {
        ALWAYS.contains(&key)
            || match self.of(key) {
                None => true,
                Some(Named::Whole) => false,
                Some(Named::Subs(subs)) => drop_subs(value, subs),
                Some(Named::Attributes(attributes)) => drop_attributes(value, attributes),
            }
    }
}

/// What is named of one top-level key.
enum Named<'n> {
    Whole,
    /// Of an attribute.
    Subs(&'n BTreeSet<String>),
    /// Of an extension.
    Attributes(&'n BTreeMap<String, Parts>),
}

impl Named<'_> {
    fn of(parts: &Parts) -> Named<'_> {
        match parts {
            Parts::Whole => Named::Whole,
            Parts::Subs(subs) => Named::Subs(subs),
        }
    }
}

/// Adds a name, or one sub-attribute of it. Where both are named, the whole counts.
fn add(attributes: &mut BTreeMap<String, Parts>, name: &str, sub_attribute: Option<&str>) {
    let parts = attributes.entry(name.to_ascii_lowercase()).or_insert_with(|| Parts::Subs(BTreeSet::new()));
    match (parts, sub_attribute) {
        (Parts::Subs(subs), Some(sub)) => drop(subs.insert(sub.to_ascii_lowercase())),
        (parts, None) => *parts = Parts::Whole,
        (Parts::Whole, Some(_)) => {}
    }
}

/// Keeps the named attributes of an extension.
fn keep_attributes(value: &mut Value, attributes: &BTreeMap<String, Parts>) -> bool {
    let Value::Object(object) = value else { return false };
    retain(object, |name, value| match attributes.get(&name.to_ascii_lowercase()) {
        None => false,
        Some(Parts::Whole) => true,
        Some(Parts::Subs(subs)) => keep_subs(value, subs),
    });
    !object.is_empty()
}

/// Keeps the named sub-attributes of a complex value, or of each of its elements.
fn keep_subs(value: &mut Value, subs: &BTreeSet<String>) -> bool {
    match value {
        Value::Object(object) => {
            retain(object, |name, _| subs.contains(&name.to_ascii_lowercase()));
            !object.is_empty()
        }
        Value::Array(list) => {
            steps::take(list.len());
            list.retain_mut(|value| keep_subs(value, subs));
            !list.is_empty()
        }
        _ => false,
    }
}

/// Takes the named attributes out of an extension.
fn drop_attributes(value: &mut Value, attributes: &BTreeMap<String, Parts>) -> bool {
    let Value::Object(object) = value else { return true };
    retain(object, |name, value| match attributes.get(&name.to_ascii_lowercase()) {
        None => true,
        Some(Parts::Whole) => false,
        Some(Parts::Subs(subs)) => drop_subs(value, subs),
    });
    !object.is_empty()
}

/// Takes the named sub-attributes out of a complex value, or out of each of its elements.
fn drop_subs(value: &mut Value, subs: &BTreeSet<String>) -> bool {
    match value {
        Value::Object(object) => {
            retain(object, |name, _| !subs.contains(&name.to_ascii_lowercase()));
        }
        Value::Array(list) => {
            steps::take(list.len());
            list.retain_mut(|value| drop_subs(value, subs));
        }
        _ => {}
    }
    !is_unassigned(value)
}
