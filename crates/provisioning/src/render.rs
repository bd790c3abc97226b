//! A stored resource as the text of its SCIM form.

use scim::{
    list::{self, GroupReference},
    meta::Meta,
    schema::ResourceKind,
};
use store::Row;

/// The text of a resource around its stored document, without the closing brace, so that `members` can follow; `base` is
/// the Tenant URL.
pub fn open_resource(kind: ResourceKind, row: &Row, base: &str) -> String {
    let meta = Meta {
        kind,
        id: row.id.to_string(),
        version: row.version,
        created: row.created,
        last_modified: row.last_modified,
    };
    let groups: Vec<GroupReference<'_>> = row
        .groups
        .iter()
        .map(|group| GroupReference {
            id: group.id.to_string(),
            display: group.display.as_deref(),
            direct: group.direct,
        })
        .collect();
    list::open_resource(&row.document, &meta, base, &groups)
}
