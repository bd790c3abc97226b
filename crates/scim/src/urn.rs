//! The URNs of RFC 7643 and 7644, and how a URN prefix is told from an attribute name.

/// Core User, RFC 7643 section 4.1.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Core Group, RFC 7643 section 4.2.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Enterprise User, RFC 7643 section 4.3.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Service provider configuration, RFC 7643 section 5.
pub const SERVICE_PROVIDER_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// Resource type, RFC 7643 section 6.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// Schema, RFC 7643 section 7.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
/// List response, RFC 7644 section 3.4.2.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Search request, RFC 7644 section 3.4.3.
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// PATCH request, RFC 7644 section 3.5.2.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Bulk request, RFC 7644 section 3.7.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// Bulk response, RFC 7644 section 3.7.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// Error, RFC 7644 section 3.12.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The URNs of the schemas that describe resources.
pub(crate) const RESOURCE_SCHEMAS: [&str; 3] = [ENTERPRISE_USER, USER, GROUP];

/// The names of resource types. The URN of a schema ends in one of them (RFC 7643 section 10.3), before its attributes.
const RESOURCE_TYPES: [&str; 2] = ["User", "Group"];

/// Longest URN of a schema that is read, in characters.
const MAX_LENGTH: usize = 256;

/// Whether a text can be the URN (or another URI) of a schema: the characters of a URI (RFC 3986 section 2) without
/// brackets and parentheses, which delimit paths and filters.
pub(crate) fn is_schema(text: &str) -> bool {
    text.len() <= MAX_LENGTH
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.contains(':')
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b":-._~/?#@!$&'*+,;=%".contains(&c))
}

/// Whether a URN ends in the name of a resource type, as the URN of a whole schema does: `urn:acme:2.0:User`.
pub(crate) fn names_resource_type(urn: &str) -> bool {
    urn.rsplit_once(':').is_some_and(|(_, last)| is_resource_type(last))
}

/// Splits an attribute path behind the URN of a schema that is not among [`RESOURCE_SCHEMAS`]. Nothing but the path says
/// where such a URN ends:
///
/// - with a part that names a resource type, where `:` or `.` or nothing follows it: `urn:acme:2.0:User.badge`;
/// - with a last part that is a version: `urn:acme:2.0`;
/// - otherwise in front of the last part, which is the attribute: `urn:acme:hr:badge`.
///
/// The rest is empty if the path is a URN alone. `None` if there is no URN in front.
pub(crate) fn split_undescribed(path: &str) -> Option<(&str, &str)> {
    let (head, last) = path.rsplit_once(':')?;
    if names_resource_type(head) {
        return Some((head, last));
    }
    let (name, rest) = last.split_once('.').unwrap_or((last, ""));
    if is_resource_type(name) {
        return Some((&path[..head.len() + 1 + name.len()], rest));
    }
    let is_version = last.starts_with(|c: char| c.is_ascii_digit())
        && last.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    Some(if is_version { (path, "") } else { (head, last) })
}

fn is_resource_type(name: &str) -> bool {
    RESOURCE_TYPES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ResourceType;

    #[test]
    fn every_resource_type_can_end_a_urn() {
        assert_eq!(ResourceType::all().map(|resource_type| resource_type.name), RESOURCE_TYPES);
    }

    #[test]
    fn a_urn_ends_where_it_names_a_resource_type() {
        for (path, urn, rest) in [
            ("urn:acme:2.0:User", "urn:acme:2.0:User", ""),
            ("urn:acme:2.0:User:badge", "urn:acme:2.0:User", "badge"),
            ("urn:acme:2.0:User.badge", "urn:acme:2.0:User", "badge"),
            ("urn:acme:2.0:user.badge.no", "urn:acme:2.0:user", "badge.no"),
            ("urn:acme:2.0:Group.badge", "urn:acme:2.0:Group", "badge"),
            ("urn:acme:2.0:User:user", "urn:acme:2.0:User", "user"),
            ("urn:acme:2.0:User.user.no", "urn:acme:2.0:User", "user.no"),
            ("urn:acme:2.0:User:user.no", "urn:acme:2.0:User", "user.no"),
            ("urn:acme:hr:badge", "urn:acme:hr", "badge"),
            ("urn:acme:hr:badge.no", "urn:acme:hr", "badge.no"),
            ("urn:acme:2.0:Users.badge", "urn:acme:2.0", "Users.badge"),
            ("urn:acme:2.0", "urn:acme:2.0", ""),
            ("urn:acme:hr:1", "urn:acme:hr:1", ""),
            ("urn:acme:2.0:badge", "urn:acme:2.0", "badge"),
        ] {
            assert_eq!(split_undescribed(path), Some((urn, rest)), "{path}");
        }
        assert_eq!(split_undescribed("badge.no"), None);
    }
}
