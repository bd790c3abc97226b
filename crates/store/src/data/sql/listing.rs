//! The two statements of a listing: the page, and how many there are in all.

use super::{
    condition::{Translator, is_in_document, is_work_email},
    dialect::Dialect,
    membership::is_there,
    order::Order,
    statement::Statement,
    text::{Bind, Sql, sql},
};
use crate::{
    data::model::{From, Listing, Page, ResourceId, Row, TenantId},
    pages::{Measured, PageBounds, Rows, Slice},
};
use diesel::sql_types::BigInt;
use scim::{
    condition::{Condition, Literal, Operator},
    lookup::Lookup,
    schema::ResourceKind,
    search::{Position, SortKey},
};
use uuid::Uuid;

/// A row of a page with what it was sorted by.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) row: Row,
    pub(crate) key: Option<SortKey>,
}

/// The page and one row more, which tells whether there is another page. Columns: id, version, created_at, modified_at,
/// document, number of members, sort key as text, sort key as double.
pub(crate) fn page<D: Dialect, R>(
    tenant: TenantId,
    listing: &Listing,
    key: Option<&StoredKey>,
) -> Statement<D, R> {
    let order = Order::of::<D>(listing.kind, listing.sort.as_ref());
    let mut sql = sql!(
        "SELECT t.id, t.version, t.created_at, t.modified_at, t.document, ",
        if listing.kind == ResourceKind::Group { "t.member_count, " } else { "CAST(0 AS bigint), " },
        order.columns(),
        from_where::<D>(tenant, listing, key)
    );
    if let From::After(Some(position)) = &listing.from {
        sql.push(" AND ");
        sql.push(order.behind(position).unwrap_or_else(|| sql!("FALSE")));
    }
    sql.push(" ORDER BY ");
    let is_by_key = |condition| finds_few(listing.kind, condition);
    let few = key.is_some() || listing.condition.as_ref().is_some_and(is_by_key);
    sql.push(order.order_by::<D>(few));
    sql.push(" LIMIT ");
    sql.push(Bind::number(i64::from(listing.limit) + 1));
    if let From::Offset(offset) = listing.from {
        sql.push(" OFFSET ");
        sql.push(Bind::number(i64::try_from(offset).unwrap_or(i64::MAX)));
    }
    finished(listing.sort.is_none(), listing, key, sql)
}

/// How many resources fulfil the condition. How many there are at all stands beside the tenant's feed.
pub(crate) fn count<D: Dialect>(
    tenant: TenantId,
    listing: &Listing,
    key: Option<&StoredKey>,
) -> Statement<D, BigInt> {
    if listing.condition.is_none() {
        let column = match listing.kind {
            ResourceKind::User => "user_count",
            ResourceKind::Group => "group_count",
        };
        let known =
            sql!("(SELECT f.", column, " FROM feeds AS f WHERE f.tenant_id = ", Bind::key(tenant.0), ")");
        return Statement::cached(sql!("SELECT coalesce(", known, ", 0)"));
    }
    finished(true, listing, key, sql!("SELECT count(*)", from_where::<D>(tenant, listing, key)))
}

/// A lookup key that finds all that a listing can find, of a path whose keys are complete.
#[derive(Clone, Debug)]
pub(crate) struct StoredKey {
    pub(crate) path: i64,
    pub(crate) key: String,
}

fn from_where<D: Dialect>(tenant: TenantId, listing: &Listing, key: Option<&StoredKey>) -> Sql {
    let table = match listing.kind {
        ResourceKind::User => "users",
        ResourceKind::Group => "\"groups\"",
    };
    let mut sql = sql!(" FROM ", table, " AS t WHERE t.tenant_id = ", Bind::key(tenant.0));
    if let Some(StoredKey { path, key }) = key {
        let found = sql!(
            "SELECT k.resource_id FROM lookup_keys AS k WHERE k.tenant_id = ",
            Bind::key(tenant.0),
            " AND k.path_id = ",
            Bind::number(*path),
            " AND k.key = ",
            Bind::text(key)
        );
        sql.push(" AND ");
        sql.push(D::is_among("t.id", found));
    }
    if let Some(condition) = &listing.condition {
        sql.push(" AND ");
        sql.push(Translator::<D>::new(tenant, listing.kind).translate(condition));
    }
    sql
}

fn finished<D, R>(plain: bool, listing: &Listing, key: Option<&StoredKey>, sql: Sql) -> Statement<D, R> {
    let is_usual = |condition| is_usual(condition) || (key.is_some() && is_one_lookup(condition));
    match plain && listing.condition.as_ref().is_none_or(is_usual) {
        true => Statement::cached(sql),
        false => Statement::once(sql),
    }
}

/// Whether an index serves the listing, so that it reads little more than the page: one of the usual conditions, or none,
/// from near the beginning or behind a known place.
pub(crate) fn is_indexed(listing: &Listing) -> bool {
    let is_near = match &listing.from {
        From::Offset(offset) => *offset <= NEAR,
        From::After(_) => true,
    };
    listing.sort.is_none() && is_near && listing.condition.as_ref().is_none_or(is_usual)
}

/// Rows that are skipped as fast as they are read.
const NEAR: u64 = 1000;

/// What Entra and everyone else asks all the time: the shapes worth keeping prepared.
fn is_usual(condition: &Condition) -> bool {
    let equal = |condition: &Condition, names: &[&str]| match condition {
        Condition::Test(target, Operator::Equal, Literal::Text(_)) => {
            target.extension.is_none() && names.contains(&target.attribute.as_str())
        }
        _ => false,
    };
    match condition {
        Condition::Element(target, inner) if target.extension.is_none() && target.attribute == "emails" => {
            matches!(inner.as_ref(), Condition::All(parts) if parts.len() == 2 && parts.iter().all(|part| equal(part, &["type", "value"])))
        }
        condition => equal(condition, &["id", "userName", "externalId", "displayName"]),
    }
}

/// Whether the condition is what a client sends that matches on one attribute. As only described attributes have keys, there
/// are few such texts.
fn is_one_lookup(condition: &Condition) -> bool {
    match condition {
        Condition::Test(..) => true,
        Condition::Element(_, inner) => match inner.as_ref() {
            Condition::All(parts) => {
                parts.len() <= 2 && parts.iter().all(|part| matches!(part, Condition::Test(..)))
            }
            inner => matches!(inner, Condition::Test(..)),
        },
        _ => false,
    }
}

/// The lookups that keys could answer, where no column does: those that tell resources apart best first.
pub(crate) fn lookups(listing: &Listing) -> Vec<Lookup> {
    let Some(condition) = listing.condition.as_ref().filter(|it| !finds_few(listing.kind, it)) else {
        return Vec::new();
    };
    let mut lookups = condition.lookups(listing.kind);
    lookups.retain(|lookup| is_in_document(listing.kind, lookup.path.target()));
    lookups
}

/// Whether an index of a column finds the rows: what is left of them is looked at one by one.
fn finds_few(kind: ResourceKind, condition: &Condition) -> bool {
    use Operator::{Equal, StartsWith};
    use ResourceKind::{Group, User};
    match condition {
        Condition::Test(target, operator, Literal::Text(_)) if target.extension.is_none() => {
            let names = (target.attribute.as_str(), target.sub_attribute.as_deref());
            matches!(
                (kind, names, operator),
                (_, ("id" | "externalId", None), Equal)
                    | (User, ("userName", None), Equal | StartsWith)
                    | (Group, ("displayName", None), Equal | StartsWith)
                    | (User, ("groups", _), Equal)
                    | (Group, ("members", None | Some("value")), Equal)
            )
        }
        Condition::All(parts) => parts.iter().any(|part| finds_few(kind, part)),
        Condition::Element(target, inner) => is_work_email(kind, target, inner),
        _ => false,
    }
}

impl Measured for Listed {
    fn size(&self) -> usize {
        self.row.size()
    }
}

impl Rows<Listed> {
    pub(crate) fn of(listing: &Listing) -> Rows<Listed> {
        Rows::new(PageBounds { rows: listing.limit, bytes: listing.max_bytes })
    }

    /// Makes the page out of the rows. The count is asked for only where the page does not tell it.
    ///
    /// # Errors
    /// Those of `count`.
    pub(crate) fn into_page<E>(
        self,
        listing: &Listing,
        count: impl FnOnce() -> Result<u64, E>,
    ) -> Result<Page, E> {
        let is_cut = self.is_cut();
        let Slice { rows, has_more } = self.finish();
        // How many rows lie before the page, where that is known.
        let before = match &listing.from {
            From::Offset(offset) => Some(*offset),
            From::After(None) => Some(0),
            From::After(Some(_)) => None,
        };
        let total = match before {
            Some(before) if listing.limit > 0 && !has_more && (before == 0 || !rows.is_empty()) => {
                before + rows.len() as u64
            }
            _ => count()?,
        };
        let next = match rows.last() {
            Some(last) if has_more => Some(Position { key: last.key.clone(), id: last.row.id.to_string() }),
            _ => None,
        };
        Ok(Page { rows: rows.into_iter().map(|listed| listed.row).collect(), total, next, is_cut })
    }
}

/// Members of a group behind another, by id.
pub(crate) fn members(tenant: TenantId, group: ResourceId, after: Option<ResourceId>, limit: u32) -> Sql {
    sql!(
        "SELECT m.member_id, m.member_is_group FROM group_members AS m WHERE m.tenant_id = ",
        Bind::key(tenant.0),
        " AND m.group_id = ",
        Bind::key(group.0),
        " AND m.member_id > ",
        Bind::key(after.map_or(Uuid::nil(), |after| after.0)),
        " AND ",
        is_there(tenant, group),
        " ORDER BY m.member_id LIMIT ",
        Bind::number(limit.into())
    )
}
