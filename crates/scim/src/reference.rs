//! An attribute with `value` and `$ref` names one resource twice: by its id and by its address (RFC 7643 section 2.4).

use crate::{
    ScimError,
    schema::{Attribute, ResourceType},
    value::Name,
};
use serde_json::{Map, Value};

/// The sub-attribute that holds the address.
pub(crate) const REFERENCE: &str = "$ref";

/// Makes `value` and `$ref` agree. A missing `value` is taken from `$ref`. Another host or another form of the address is
/// no contradiction.
///
/// # Errors
/// 400 `invalidValue` if the two name different resources, if `$ref` leads to another resource type than the schema
/// allows, or if `$ref` stands alone and is not the address of a resource.
pub(crate) fn complete(
    attribute: &Attribute,
    parts: &mut Map<String, Value>,
    name: Name<'_>,
) -> Result<(), ScimError> {
    let Some(reference) = attribute.sub_attribute(REFERENCE) else { return Ok(()) };
    let Some(text) = parts.get(REFERENCE).and_then(Value::as_str) else { return Ok(()) };
    let value = parts.get("value").and_then(Value::as_str);
    let Some(address) = Address::read(text) else {
        return match value {
            Some(_) => Ok(()),
            None => Err(ScimError::invalid_value(format!(
                "\"{name}.$ref\" is not the address of a resource, such as \"../Users/{{id}}\". Send \"value\" with the id."
            ))),
        };
    };
    if !reference.reference_types.iter().any(|name| *name == address.resource_type.name) {
        return Err(ScimError::invalid_value(format!(
            "\"{name}.$ref\" is the address of a {}, which \"{name}\" cannot refer to.",
            address.resource_type.name
        )));
    }
    match value {
        Some(id) if id != address.id => Err(ScimError::invalid_value(format!(
            "\"{name}\" names two resources: \"value\" and \"$ref\" have different ids. Send one of them."
        ))),
        Some(_) => Ok(()),
        None => {
            parts.insert("value".to_owned(), Value::String(address.id));
            Ok(())
        }
    }
}

/// The id in the address of a resource; `None` if it is not one.
pub(crate) fn id(reference: &str) -> Option<String> {
    Address::read(reference).map(|address| address.id)
}

/// Whose address it is.
struct Address {
    resource_type: &'static ResourceType,
    id: String,
}

impl Address {
    /// Reads the last two segments of a URI: the endpoint of a resource type, and an id.
    fn read(text: &str) -> Option<Address> {
        let path = text.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let (head, id) = path.rsplit_once('/')?;
        let endpoint = head.rsplit('/').next().unwrap_or_default();
        let is_named = |kind: &&'static ResourceType| {
            kind.endpoint.trim_start_matches('/').eq_ignore_ascii_case(endpoint)
        };
        let resource_type = ResourceType::all().into_iter().find(is_named)?;
        Some(Address { resource_type, id: decode(id)? })
    }
}

/// A segment of a path without its percent-encoding; `None` if that is malformed.
fn decode(segment: &str) -> Option<String> {
    if !segment.contains('%') {
        return Some(segment.to_owned());
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_segment_behind_an_endpoint() {
        for (reference, expected) in [
            ("../Users/7", Some("7")),
            ("Users/7", Some("7")),
            ("/Groups/7/", Some("7")),
            ("https://juno.example/t/a/scim/v2/users/7", Some("7")),
            ("https://juno.example/Users/7?attributes=id#x", Some("7")),
            ("https://juno.example/Users/a%20b", Some("a b")),
            ("https://juno.example/Users/a%2", None),
            ("https://juno.example/Users/a%+2", None),
            ("https://juno.example/Users/%ff", None),
            ("https://juno.example/people/7", None),
            ("https://juno.example/Users", None),
            ("urn:uuid:7", None),
            ("7", None),
            ("", None),
        ] {
            assert_eq!(id(reference).as_deref(), expected, "{reference}");
        }
    }
}
