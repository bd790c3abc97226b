//! Messages that carry resources: one resource rendered around its stored text, and the ListResponse around many.

use crate::{
    meta::{Meta, etag},
    schema::{ResourceKind, ResourceType},
    urn,
};
use serde_json::Value;
use std::fmt::Write;

/// A group in the `groups` of a user (RFC 7643 section 4.1.2).
#[derive(Clone, Debug)]
pub struct GroupReference<'a> {
    /// Its id.
    pub id: String,
    /// Its `displayName`.
    pub display: Option<&'a str>,
    /// Member of it directly, or through a nested group.
    pub direct: bool,
}

/// The absolute address of a resource: `{Tenant URL}/Users/{id}`.
pub fn location(base: &str, kind: ResourceKind, id: &str) -> String {
    format!("{base}{}/{id}", ResourceType::of(kind).endpoint)
}

/// A resource as text around its stored document, without the closing brace, so that `members` can follow.
pub fn open_resource(document: &str, meta: &Meta, base: &str, groups: &[GroupReference<'_>]) -> String {
    let inside =
        document.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
    let mut text = String::with_capacity(inside.len() + 512 + groups.len() * 256);
    let kind = meta.kind;
    // Writing to a String cannot fail, here and below.
    let _ = write!(text, "{{\"id\":\"{}\"", meta.id);
    if !inside.is_empty() {
        text.push(',');
        text.push_str(inside);
    }
    if !groups.is_empty() {
        text.push_str(",\"groups\":[");
        for (index, group) in groups.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            let location = Value::from(location(base, ResourceKind::Group, &group.id));
            let _ = write!(text, "{{\"value\":\"{}\",\"$ref\":{location}", group.id);
            if let Some(display) = group.display {
                let _ = write!(text, ",\"display\":{}", Value::from(display));
            }
            text.push_str(if group.direct { ",\"type\":\"direct\"}" } else { ",\"type\":\"indirect\"}" });
        }
        text.push(']');
    }
    let _ = write!(
        text,
        ",\"meta\":{{\"resourceType\":\"{}\",\"created\":\"{}\",\"lastModified\":\"{}\",\"location\":{},\"version\":{}}}",
        kind.name(),
        meta.created.to_rfc3339(),
        meta.last_modified.to_rfc3339(),
        Value::from(location(base, kind, &meta.id)),
        Value::from(etag(meta.version)),
    );
    text
}

/// Appends one element of `members`; `kind` is `User` or `Group`.
pub fn push_member(text: &mut String, id: &str, kind: &str, base: &str) {
    // Ids and the Tenant URL hold nothing that JSON would escape.
    let _ = write!(text, "{{\"value\":\"{id}\",\"$ref\":\"{base}/{kind}s/{id}\",\"type\":\"{kind}\"}}");
}

/// The envelope of a ListResponse (RFC 7644 section 3.4.2, RFC 9865 section 2).
#[derive(Clone, Debug)]
pub struct Page {
    /// How many resources fulfil the query.
    pub total_results: u64,
    /// How many are on this page.
    pub items_per_page: usize,
    /// The 1-based index of the first; only with index paging.
    pub start_index: Option<u64>,
    /// Where the next page begins; only with cursor paging.
    pub next_cursor: Option<String>,
}

impl Page {
    /// What stands behind the last resource.
    pub const TAIL: &str = "]}";

    /// What stands before the first resource.
    pub fn head(&self) -> String {
        let mut text = format!(
            "{{\"schemas\":[\"{}\"],\"totalResults\":{},\"itemsPerPage\":{}",
            urn::LIST_RESPONSE,
            self.total_results,
            self.items_per_page
        );
        if let Some(start_index) = self.start_index {
            let _ = write!(text, ",\"startIndex\":{start_index}");
        }
        if let Some(cursor) = &self.next_cursor {
            let _ = write!(text, ",\"nextCursor\":\"{cursor}\"");
        }
        text.push_str(",\"Resources\":[");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn a_resource_is_valid_json_whatever_its_names_hold() {
        let meta = Meta {
            kind: ResourceKind::User,
            id: "7".into(),
            version: 2,
            created: Timestamp(0),
            last_modified: Timestamp(1),
        };
        let groups =
            [GroupReference { id: "9".into(), display: Some("A \"quoted\" \\ name"), direct: false }];
        let text = open_resource("{\"userName\":\"a\"}", &meta, "https://x/t/a/scim/v2", &groups) + "}";
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["id"], "7");
        assert_eq!(json["userName"], "a");
        assert_eq!(json["groups"][0]["display"], "A \"quoted\" \\ name");
        assert_eq!(json["groups"][0]["type"], "indirect");
        assert_eq!(json["meta"]["location"], "https://x/t/a/scim/v2/Users/7");
        assert_eq!(json["meta"]["version"], "W/\"2\"");
    }

    #[test]
    fn a_page_is_valid_json() {
        let page = Page { total_results: 1, items_per_page: 0, start_index: Some(3), next_cursor: None };
        let json: Value = serde_json::from_str(&(page.head() + Page::TAIL)).unwrap();
        assert_eq!(json["startIndex"], 3);
        assert_eq!(json["Resources"], serde_json::json!([]));
    }
}
