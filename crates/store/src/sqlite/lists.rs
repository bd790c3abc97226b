//! Lists of any length as one bind: a JSON array, which a statement reads as a table.

use crate::{
    data::model::{ResourceId, TenantId},
    data::plan::Of,
    data::sql::{Bind, Sql, sql},
};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Keys by their tenant, for which they are asked together.
pub(super) fn by_tenant<T>(keys: impl IntoIterator<Item = Of<T>>) -> BTreeMap<TenantId, Vec<T>> {
    let mut sorted: BTreeMap<TenantId, Vec<T>> = BTreeMap::new();
    for (tenant, key) in keys {
        sorted.entry(tenant).or_default().push(key);
    }
    sorted
}

/// Texts as a table `q` with a column `value`.
pub(super) fn texts_table(texts: Vec<String>) -> Sql {
    sql!("json_each(", Bind::text(Value::from(texts).to_string()), ") AS q")
}

/// Ids as a table `q` with a column `value`, in which each is hexadecimal digits.
pub(super) fn ids_table(ids: impl IntoIterator<Item = Uuid>) -> Sql {
    let mut json = String::from("[");
    for id in ids {
        json.push_str(if json.len() > 1 { ",\"" } else { "\"" });
        json.push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
        json.push('"');
    }
    json.push(']');
    sql!("json_each(", Bind::text(json), ") AS q")
}

/// Pairs as such a table: the digits of the first, then those of the second.
pub(super) fn pairs_table(pairs: &[(ResourceId, ResourceId)]) -> Sql {
    let mut json = String::from("[");
    for (first, second) in pairs {
        json.push_str(if json.len() > 1 { ",\"" } else { "\"" });
        json.push_str(first.0.simple().encode_lower(&mut Uuid::encode_buffer()));
        json.push_str(second.0.simple().encode_lower(&mut Uuid::encode_buffer()));
        json.push('"');
    }
    json.push(']');
    sql!("json_each(", Bind::text(json), ") AS q")
}
