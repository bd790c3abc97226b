//! Names of a filter: looked up in the schemas, they say where values stand.

use crate::{
    ScimError,
    condition::{Comparison, Target},
    path::AttributePath,
    schema::{Attribute, AttributeType, ResourceType},
};

/// Where the names of a filter are looked up.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    Resource(&'a ResourceType),
    /// Sub-attributes of an element; none if no schema describes the attribute.
    Element(Option<&'a Attribute>),
}

/// An attribute that a path names, and where its values stand.
pub(super) struct Found<'a> {
    pub(super) target: Target,
    /// The attribute or sub-attribute whose value is meant; none if no schema describes it.
    pub(super) attribute: Option<&'a Attribute>,
}

impl Found<'_> {
    /// Fills in `value` where a complex attribute is compared as if it were simple.
    pub(super) fn with_value_sub_attribute(mut self) -> Result<Self, ScimError> {
        let Some(attribute) = self.attribute.filter(|attribute| attribute.is_complex()) else {
            return Ok(self);
        };
        let value = attribute.sub_attribute("value").ok_or_else(|| {
            ScimError::invalid_filter(format!(
                "\"{0}\" has parts; compare one of them, as in {0}.{1}.",
                attribute.name, attribute.sub_attributes[0].name
            ))
        })?;
        self.target.sub_attribute = Some(value.name.clone());
        self.target.comparison = comparison(Some(value));
        self.attribute = Some(value);
        Ok(self)
    }
}

/// Where the values of an attribute path stand, `value` filled in for complex attributes: what `sortBy` needs.
///
/// # Errors
/// 400 `invalidFilter`.
pub(crate) fn resolve_target(
    path: &AttributePath,
    resource_type: &ResourceType,
) -> Result<Target, ScimError> {
    Ok(look_up(path, resource_type)?.with_value_sub_attribute()?.target)
}

pub(super) fn find<'a>(path: &AttributePath, scope: Scope<'a>) -> Result<Found<'a>, ScimError> {
    match scope {
        Scope::Resource(resource_type) => look_up(path, resource_type),
        Scope::Element(attribute) => sub_attribute(path, attribute),
    }
}

fn sub_attribute<'a>(path: &AttributePath, attribute: Option<&'a Attribute>) -> Result<Found<'a>, ScimError> {
    if path.urn.is_some() || path.sub_attribute.is_some() {
        return Err(ScimError::invalid_filter(format!(
            "\"{path}\" is no sub-attribute; in brackets stand plain names."
        )));
    }
    let found = match attribute {
        Some(attribute) => Some(attribute.sub_attribute(&path.name).ok_or_else(|| {
            ScimError::invalid_filter(format!(
                "\"{}\" has no sub-attribute \"{}\".",
                attribute.name, path.name
            ))
        })?),
        None => None,
    };
    if let (Some(parent), Some(sub)) = (attribute, found) {
        check_table_attribute(&parent.name, Some(&sub.name))?;
    }
    let target = Target {
        extension: None,
        attribute: found.map_or_else(|| path.name.clone(), |sub| sub.name.clone()),
        sub_attribute: None,
        multi_valued: false,
        comparison: comparison(found),
    };
    Ok(Found { target, attribute: found })
}

pub(super) fn look_up<'a>(
    path: &AttributePath,
    resource_type: &'a ResourceType,
) -> Result<Found<'a>, ScimError> {
    let unknown = || {
        ScimError::invalid_filter(format!(
            "A {} has no attribute \"{path}\". See /Schemas for those it has.",
            resource_type.name
        ))
    };
    if path.name.is_empty() {
        return Err(ScimError::invalid_filter(format!(
            "\"{path}\" is a schema; compare one of its attributes, as in {path}:name."
        )));
    }
    let (extension, attribute) = match &path.urn {
        Some(urn) if urn.eq_ignore_ascii_case(&resource_type.schema.id) => {
            (None, resource_type.attribute(&path.name).ok_or_else(unknown)?)
        }
        Some(urn) => match resource_type.extension(urn) {
            Some(schema) => (Some(schema.id.clone()), schema.attribute(&path.name).ok_or_else(unknown)?),
            None => return Ok(undescribed(urn, path)),
        },
        None => match resource_type.attribute(&path.name) {
            Some(attribute) => (None, attribute),
            // Entra asks for "manager" without its URN.
            None => resource_type
                .extensions
                .iter()
                .find_map(|schema| Some((Some(schema.id.clone()), schema.attribute(&path.name)?)))
                .ok_or_else(unknown)?,
        },
    };
    let sub = match &path.sub_attribute {
        Some(name) => Some(attribute.sub_attribute(name).ok_or_else(unknown)?),
        None => None,
    };
    check_filterable(attribute, sub)?;
    let meant = sub.unwrap_or(attribute);
    let target = Target {
        extension,
        attribute: attribute.name.clone(),
        sub_attribute: sub.map(|sub| sub.name.clone()),
        multi_valued: attribute.multi_valued,
        comparison: comparison(Some(meant)),
    };
    Ok(Found { target, attribute: Some(meant) })
}

pub(super) fn undescribed<'a>(urn: &str, path: &AttributePath) -> Found<'a> {
    let target = Target {
        extension: Some(urn.to_owned()),
        attribute: path.name.clone(),
        sub_attribute: path.sub_attribute.clone(),
        multi_valued: false,
        comparison: Comparison::Untyped,
    };
    Found { target, attribute: None }
}

/// Not everything that is returned can be asked for.
fn check_filterable(attribute: &Attribute, sub: Option<&Attribute>) -> Result<(), ScimError> {
    let sub_name = sub.map(|sub| sub.name.as_str());
    let refused = match attribute.name.as_str() {
        "password" => true,
        "meta" => matches!(sub_name, Some("location" | "version")),
        _ => false,
    };
    if refused {
        return Err(ScimError::invalid_filter(format!(
            "\"{}\" cannot be filtered or sorted by.",
            attribute.name
        )));
    }
    check_table_attribute(&attribute.name, sub_name)
}

/// Memberships are rows of ids: of `members` the ids and types are known, of `groups` the ids.
fn check_table_attribute(attribute: &str, sub: Option<&str>) -> Result<(), ScimError> {
    let known: &[&str] = match attribute {
        "members" => &["value", "type"],
        "groups" => &["value"],
        _ => return Ok(()),
    };
    match sub {
        Some(sub) if !known.contains(&sub) => Err(ScimError::invalid_filter(format!(
            "\"{attribute}\" can be filtered by {} only.",
            known.join(" and ")
        ))),
        _ => Ok(()),
    }
}

fn comparison(attribute: Option<&Attribute>) -> Comparison {
    let Some(attribute) = attribute else { return Comparison::Untyped };
    match attribute.data_type {
        AttributeType::Boolean => Comparison::Boolean,
        AttributeType::Decimal | AttributeType::Integer => Comparison::Number,
        AttributeType::DateTime => Comparison::Instant,
        _ if attribute.case_exact => Comparison::Exact,
        _ if attribute.name == "userName" => Comparison::UserName,
        _ => Comparison::Folded,
    }
}

/// An extension as a whole.
pub(super) fn whole(urn: &str, resource_type: &ResourceType) -> Target {
    let described = resource_type.extension(urn).map(|schema| schema.id.clone());
    Target {
        extension: Some(described.unwrap_or_else(|| urn.to_owned())),
        attribute: String::new(),
        sub_attribute: None,
        multi_valued: false,
        comparison: Comparison::Untyped,
    }
}
