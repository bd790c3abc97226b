//! The two statements of a listing: the page, and how many there are in all.

use super::{
    condition::{Translator, is_in_document, is_work_email},
    dialect::Dialect,
    membership::is_there,
    order::Order,
    statement::Statement,
    text::{Bind, Sql, sql},
};
use crate::model::{From, Listing, Page, ResourceId, Row, TenantId};
use diesel::sql_types::BigInt;
use scim::{
    condition::{Condition, Literal, Operator},
    lookup::Lookup,
    schema::ResourceKind,
    search::{Position, SortKey},
};
use std::ops::Range;
use uuid::Uuid;

/// A row of a page with what it was sorted by.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) row: Row,
    pub(crate) key: Option<SortKey>,
}

/// The page and one row more, which tells whether there is another page. Columns: id, version, created_at, modified_at,
/// document, sort key as text, sort key as double.
pub(crate) fn page<D: Dialect, R>(
    tenant: TenantId,
    listing: &Listing,
    key: Option<&StoredKey>,
) -> Statement<D, R> {
    let order = Order::of::<D>(listing.kind, listing.sort.as_ref());
    let mut sql = sql!(
        "SELECT t.id, t.version, t.created_at, t.modified_at, t.document, ",
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

/// The rows of a page as they are read, one after another, until there are as many as were asked for or their size ends
/// the page.
pub(crate) struct Rows {
    listed: Vec<Listed>,
    /// What each row counts.
    sizes: Vec<usize>,
    limit: usize,
    bytes: usize,
    max_bytes: usize,
    has_more: bool,
    is_cut: bool,
}

impl Rows {
    pub(crate) fn of(listing: &Listing) -> Rows {
        Rows {
            listed: Vec::new(),
            sizes: Vec::new(),
            limit: usize::try_from(listing.limit).unwrap_or(usize::MAX),
            bytes: 0,
            max_bytes: listing.max_bytes,
            has_more: false,
            is_cut: false,
        }
    }

    /// Adds a row; whether the next one is wanted.
    pub(crate) fn push(&mut self, listed: Listed) -> bool {
        if self.listed.len() == self.limit {
            self.has_more = true;
            return false;
        }
        self.sizes.push(listed.row.size());
        self.bytes += listed.row.size();
        self.listed.push(listed);
        self.cut();
        !self.is_cut
    }

    /// Takes note of the groups that were added to the row at a place, if it is still on the page.
    pub(crate) fn add_groups(&mut self, place: usize) {
        if let (Some(listed), Some(size)) = (self.listed.get(place), self.sizes.get_mut(place)) {
            let before = std::mem::replace(size, listed.row.size());
            self.bytes += *size - before;
            self.cut();
        }
    }

    /// Takes rows from the end while the page is too large. The first one stays: a page without rows would never end.
    fn cut(&mut self) {
        while self.bytes > self.max_bytes && self.listed.len() > 1 {
            self.listed.pop();
            self.bytes -= self.sizes.pop().unwrap_or_default();
            (self.has_more, self.is_cut) = (true, true);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.listed.len()
    }

    /// The rows at some places.
    pub(crate) fn rows_mut(&mut self, places: Range<usize>) -> impl Iterator<Item = &mut Row> {
        self.listed[places].iter_mut().map(|listed| &mut listed.row)
    }

    /// Makes the page out of the rows. The count is asked for only where the page does not tell it.
    ///
    /// # Errors
    /// Those of `count`.
    pub(crate) fn finish<E>(
        self,
        listing: &Listing,
        count: impl FnOnce() -> Result<u64, E>,
    ) -> Result<Page, E> {
        let Rows { listed, limit, has_more, is_cut, .. } = self;
        // How many rows lie before the page, where that is known.
        let before = match &listing.from {
            From::Offset(offset) => Some(*offset),
            From::After(None) => Some(0),
            From::After(Some(_)) => None,
        };
        let total = match before {
            Some(before) if limit > 0 && !has_more && (before == 0 || !listed.is_empty()) => {
                before + listed.len() as u64
            }
            _ => count()?,
        };
        let next = match listed.last() {
            Some(last) if has_more => Some(Position { key: last.key.clone(), id: last.row.id.to_string() }),
            _ => None,
        };
        Ok(Page { rows: listed.into_iter().map(|listed| listed.row).collect(), total, next, is_cut })
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
