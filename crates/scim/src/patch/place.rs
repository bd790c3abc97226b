//! Where a path points: in the core schema, in an extension that we know, in one that we keep as it is, or nowhere.

use super::fields::Fields;
use crate::{
    Profile,
    path::{AttributePath, Path},
    schema::{Attribute, ResourceType, Schema},
    urn,
};
use serde_json::Value;

/// What a path names.
pub(super) enum Place<'a> {
    /// The resource itself.
    Resource,
    /// An attribute of the core schema.
    Core(&'a Attribute),
    /// A known extension as a whole.
    Extension(&'a Schema),
    /// An attribute of a known extension.
    InExtension(&'a Schema, &'a Attribute),
    /// An extension that no schema describes, by its key in the document.
    UnknownExtension(String),
    /// An attribute of such an extension.
    InUnknownExtension(String),
    /// Nothing that we know.
    Nowhere,
}

impl Place<'_> {
    /// Whether the path has no brackets, or they stand behind a list that elements can be selected of.
    pub(super) fn takes_brackets_of(&self, path: &Path) -> bool {
        match self {
            Place::Core(attribute) | Place::InExtension(_, attribute) => {
                path.filter.is_none() || (attribute.multi_valued && attribute.is_complex())
            }
            _ => true,
        }
    }
}

/// Finds the place, and says by which deviation if it took one.
pub(super) fn find<'a>(
    path: &Path,
    value: Option<&Value>,
    resource_type: &'a ResourceType,
    profile: Profile,
    document: &mut Fields,
) -> (Place<'a>, Option<&'static str>) {
    let attribute = &path.attribute;
    let Some(urn) = &attribute.urn else {
        return without_urn(attribute, resource_type, profile);
    };
    if urn.eq_ignore_ascii_case(&resource_type.schema.id) {
        let place = match resource_type.attribute(&attribute.name) {
            _ if attribute.name.is_empty() => Place::Resource,
            Some(found) => Place::Core(found),
            None => Place::Nowhere,
        };
        return (place, None);
    }
    if let Some(schema) = resource_type.extension(urn) {
        let place = match schema.attribute(&attribute.name) {
            _ if attribute.name.is_empty() => Place::Extension(schema),
            Some(found) => Place::InExtension(schema, found),
            None => Place::Nowhere,
        };
        return (place, None);
    }
    // Another resource's schema is no extension of this one.
    if urn::RESOURCE_SCHEMAS.iter().any(|known| known.eq_ignore_ascii_case(urn)) {
        return (Place::Nowhere, None);
    }
    if attribute.name.is_empty() {
        let key = document.key(urn).unwrap_or(urn).to_owned();
        return (Place::UnknownExtension(key), None);
    }
    (unknown_extension(path, urn, value, document), None)
}

fn without_urn<'a>(
    attribute: &AttributePath,
    resource_type: &'a ResourceType,
    profile: Profile,
) -> (Place<'a>, Option<&'static str>) {
    if let Some(found) = resource_type.attribute(&attribute.name) {
        return (Place::Core(found), None);
    }
    let in_extension = resource_type
        .extensions
        .iter()
        .find_map(|schema| Some(Place::InExtension(schema, schema.attribute(&attribute.name)?)));
    match in_extension {
        // Entra's path "manager".
        Some(place) if profile.rules().finds_bare_extension_attributes => {
            (place, Some("bareExtensionAttribute"))
        }
        _ => (Place::Nowhere, None),
    }
}

/// The last part of an unknown URN is an attribute, unless the whole is an extension: one that the document holds, or one
/// that is given an object. Behind the name of a resource type it is an attribute always.
fn unknown_extension<'a>(path: &Path, urn: &str, value: Option<&Value>, document: &mut Fields) -> Place<'a> {
    let attribute = &path.attribute;
    let mut key = |urn: &str| document.key(urn).map(str::to_owned);
    let parent = key(urn);
    let can_be_whole = attribute.sub_attribute.is_none() && path.filter.is_none();
    if can_be_whole && !urn::names_resource_type(urn) {
        let whole = format!("{urn}:{}", attribute.name);
        if let Some(key) = key(&whole) {
            return Place::UnknownExtension(key);
        }
        if value.is_some_and(|value| value.is_object() && parent.is_none()) {
            return Place::UnknownExtension(whole);
        }
    }
    Place::InUnknownExtension(parent.unwrap_or_else(|| urn.to_owned()))
}
