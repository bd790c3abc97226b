//! Reading resources.

use super::arrays::{Column, Part, Statement};
use crate::{
    data::model::{GroupOf, Listing, MAX_GROUPS_OF_USER, Member, Page, ResourceId, Row, TenantId},
    data::sql::{
        self,
        listing::{self, Listed, StoredKey},
        sql,
        together::Together,
    },
    engine::{Lookup, LookupKey},
    pages::Rows,
    schema::types::{Id, Json, JsonText, Key},
};
use diesel::{
    PgConnection, QueryResult, RunQueryDsl,
    pg::{Pg, PgRowByRowLoadingMode},
    sql_types::{Array, BigInt, Bool, Double, Nullable, Text},
};
use scim::{Timestamp, lookup::Shape, schema::ResourceKind, search::SortKey};
use std::collections::BTreeSet;

type RowTypes = (BigInt, Key, BigInt, BigInt, BigInt, JsonText, BigInt, Bool);
type RowColumns = (i64, Id, i64, i64, i64, Json, i64, bool);

// Whether a user is in some group tells whether a second statement is needed.
const USER: &str = "SELECT q.n, r.id, r.version, r.created_at, r.modified_at, r.document, 0::bigint, q.with_groups AND EXISTS \
                    (SELECT 1 FROM group_members m WHERE m.tenant_id = r.tenant_id AND m.member_id = r.id) FROM ";
const USER_BY_ID: &str = " AS q(tenant_id, id, n, with_groups) JOIN users r USING (tenant_id, id)";
const USER_BY_NAME: &str =
    " AS q(tenant_id, user_name, n, with_groups) JOIN users r USING (tenant_id, user_name)";
const GROUP: &str =
    "SELECT q.n, r.id, r.version, r.created_at, r.modified_at, r.document, r.member_count, FALSE FROM ";
const GROUP_BY_ID: &str = " AS q(tenant_id, id, n, with_groups) JOIN groups r USING (tenant_id, id)";

/// Answers lookups that wait together by one statement, and by a second for the groups of those users that have any.
pub(super) fn look_up(connection: &mut PgConnection, lookups: &[Lookup]) -> QueryResult<Vec<Option<Row>>> {
    let mut found: Vec<Option<Row>> = lookups.iter().map(|_| None).collect();
    let mut in_groups = BTreeSet::new();
    for (n, id, version, created, modified, document, members, has_groups) in
        Statement::<RowTypes>::new(parts(lookups), " UNION ALL ").load::<RowColumns>(connection)?
    {
        let Some(n) = usize::try_from(n).ok().filter(|n| *n < found.len()) else { continue };
        found[n] = Some(row((id, version, created, modified, document, members)));
        if has_groups {
            in_groups.insert(n);
        }
    }
    let numbered = lookups.iter().zip(&mut found).enumerate().filter(|(n, _)| in_groups.contains(n));
    let mut users: Vec<(TenantId, &mut Row)> =
        numbered.filter_map(|(_, (lookup, row))| Some((lookup.tenant, row.as_mut()?))).collect();
    add_groups(connection, &mut users, usize::MAX)?;
    Ok(found)
}

/// The lookups that one part of the statement answers.
#[derive(Default)]
struct Asked {
    tenants: Vec<Id>,
    ids: Vec<Id>,
    names: Vec<String>,
    numbers: Vec<i64>,
    with_groups: Vec<bool>,
}

impl Asked {
    fn part(self, before: &'static str, after: &'static str) -> Option<Part> {
        let keys = if self.names.is_empty() { Column::Keys(self.ids) } else { Column::Texts(self.names) };
        let columns = vec![
            Column::Keys(self.tenants),
            keys,
            Column::Numbers(self.numbers),
            Column::Bools(self.with_groups),
        ];
        matches!(&columns[0], Column::Keys(tenants) if !tenants.is_empty()).then_some(Part {
            before,
            columns,
            after,
        })
    }
}

fn parts(lookups: &[Lookup]) -> Vec<Part> {
    let [mut users, mut groups, mut named] = <[Asked; 3]>::default();
    for (n, lookup) in (0i64..).zip(lookups) {
        let asked = match &lookup.key {
            LookupKey::Id(kind, id) => {
                let asked = if *kind == ResourceKind::User { &mut users } else { &mut groups };
                asked.ids.push(Id(id.0));
                asked
            }
            LookupKey::UserName(name) => {
                named.names.push(name.clone());
                &mut named
            }
        };
        asked.tenants.push(Id(lookup.tenant.0));
        asked.numbers.push(n);
        asked.with_groups.push(lookup.with_groups);
    }
    let parts =
        [users.part(USER, USER_BY_ID), named.part(USER, USER_BY_NAME), groups.part(GROUP, GROUP_BY_ID)];
    parts.into_iter().flatten().collect()
}

type Columns = (Id, i64, i64, i64, Json, i64);

fn row((id, version, created, modified, document, members): Columns) -> Row {
    Row {
        id: ResourceId(id.0),
        version,
        created: Timestamp(created),
        last_modified: Timestamp(modified),
        document: document.0,
        member_count: members.unsigned_abs(),
        groups: Vec::new(),
    }
}

const GROUPS_OF: (&str, &str) = (
    "WITH RECURSIVE up(n, tenant_id, group_id, direct) AS (\
     SELECT q.n, q.tenant_id, m.group_id, TRUE FROM ",
    " AS q(tenant_id, member_id, n) JOIN group_members m USING (tenant_id, member_id) \
     UNION SELECT up.n, up.tenant_id, m.group_id, FALSE FROM up \
     JOIN group_members m ON m.tenant_id = up.tenant_id AND m.member_id = up.group_id) \
     SELECT b.n, g.id, g.document ->> 'displayName', b.direct FROM \
     (SELECT n, tenant_id, group_id, bool_or(direct) AS direct FROM up GROUP BY n, tenant_id, group_id) b \
     JOIN groups g ON g.tenant_id = b.tenant_id AND g.id = b.group_id ORDER BY b.n, b.direct DESC, g.id",
);

/// Fills in the groups of users: of each the first [`MAX_GROUPS_OF_USER`], direct ones first, then those around them, each
/// by id. Ends before `room` is exceeded, but not before the first user is complete. Returns how many are complete.
fn add_groups(
    connection: &mut PgConnection,
    users: &mut [(TenantId, &mut Row)],
    room: usize,
) -> QueryResult<usize> {
    if users.is_empty() {
        return Ok(0);
    }
    let columns = vec![
        Column::Keys(users.iter().map(|(tenant, _)| Id(tenant.0)).collect()),
        Column::Keys(users.iter().map(|(_, row)| Id(row.id.0)).collect()),
        Column::Numbers((0..).take(users.len()).collect()),
    ];
    let part = Part { before: GROUPS_OF.0, columns, after: GROUPS_OF.1 };
    let statement = Statement::<(BigInt, Key, Nullable<Text>, Bool)>::new(vec![part], "");
    let mut bytes = 0;
    // Row by row: a thousand users may be in a million groups.
    for columns in
        statement.load_iter::<(i64, Id, Option<String>, bool), PgRowByRowLoadingMode>(connection)?
    {
        let (n, id, display, direct) = columns?;
        let Some(n) = usize::try_from(n).ok().filter(|n| *n < users.len()) else { continue };
        if bytes > room && n > 0 && users[n].1.groups.is_empty() {
            return Ok(n);
        }
        let groups = &mut users[n].1.groups;
        if groups.len() < MAX_GROUPS_OF_USER {
            let group = GroupOf { id: ResourceId(id.0), display, direct };
            bytes += group.size();
            groups.push(group);
        }
    }
    Ok(users.len())
}

/// How many users of a page have their groups read first; they tell how many more may be.
const FIRST_USERS: usize = 64;

/// Fills in the groups of a page, a part of its users at a time, so that little is read in vain where they do not fit.
fn add_groups_of_page(
    connection: &mut PgConnection,
    tenant: TenantId,
    max_bytes: usize,
    found: &mut Rows<Listed>,
) -> QueryResult<()> {
    let (mut done, mut bytes, mut most) = (0, 0, FIRST_USERS);
    while done < found.len() {
        let end = found.len().min(done.saturating_add(most));
        let mut users: Vec<_> = found.rows_mut(done..end).map(|listed| (tenant, &mut listed.row)).collect();
        let complete = add_groups(connection, &mut users, max_bytes)?;
        bytes += users.iter().take(complete).map(|(_, row)| row.size()).sum::<usize>();
        for place in done..done + complete {
            found.measure(place);
        }
        done += complete;
        most = (max_bytes / (bytes / done.max(1)).max(1)).saturating_sub(done).max(1);
    }
    Ok(())
}

type PageTypes = (Key, BigInt, BigInt, BigInt, JsonText, BigInt, Nullable<Text>, Nullable<Double>);
type PageColumns = (Id, i64, i64, i64, Json, i64, Option<String>, Option<f64>);

/// A page and its count; the caller holds them together in a transaction.
pub(crate) fn list(
    connection: &mut PgConnection,
    tenant: TenantId,
    listing: &Listing,
    key: Option<&StoredKey>,
) -> QueryResult<Page> {
    let mut found = Rows::of(listing);
    if listing.limit > 0 {
        let page = listing::page::<Pg, PageTypes>(tenant, listing, key);
        // Row by row: the library would hold the whole answer otherwise.
        let rows = page.load_iter::<PageColumns, PgRowByRowLoadingMode>(connection)?;
        found = found.read(rows.map(|columns| {
            let (id, version, created, modified, document, members, text, number) = columns?;
            let key = text.map(SortKey::Text).or(number.map(SortKey::Number));
            Ok(Listed { row: row((id, version, created, modified, document, members)), key })
        }))?;
    }
    if listing.with_groups && listing.kind == ResourceKind::User {
        add_groups_of_page(connection, tenant, listing.max_bytes, &mut found)?;
    }
    found.into_page(listing, || {
        let count = listing::count::<Pg>(tenant, listing, key).get_result::<i64>(connection)?;
        Ok(count.unsigned_abs())
    })
}

/// Pages of lists of one shape, by one scan; the caller holds it together in a transaction.
pub(crate) fn list_together(
    connection: &mut PgConnection,
    tenant: TenantId,
    shape: &Shape,
    listings: &[Listing],
) -> QueryResult<Vec<Option<Page>>> {
    let mut together = Together::of(shape, listings);
    let all = listing::page::<Pg, PageTypes>(tenant, &together.whole(), None);
    for columns in all.load_iter::<PageColumns, PgRowByRowLoadingMode>(connection)? {
        let (id, version, created, modified, document, members, ..) = columns?;
        together.push(&row((id, version, created, modified, document, members)));
    }
    together.finish(|listing, found| add_groups_of_page(connection, tenant, listing.max_bytes, found))
}

/// Members of a group behind another, by id: as two arrays, which costs a tenth of as many rows.
pub(super) fn members_after(
    connection: &mut PgConnection,
    tenant: TenantId,
    group: ResourceId,
    after: Option<ResourceId>,
    limit: u32,
) -> QueryResult<Vec<Member>> {
    let statement = sql::Statement::<Pg, (Nullable<Array<Key>>, Nullable<Array<Bool>>)>::cached(sql!(
        "SELECT array_agg(s.member_id ORDER BY s.member_id), array_agg(s.member_is_group ORDER BY s.member_id) FROM (",
        listing::members(tenant, group, after, limit),
        ") AS s"
    ));
    let (ids, kinds) = statement.get_result::<(Option<Vec<Id>>, Option<Vec<bool>>)>(connection)?;
    let members = ids.unwrap_or_default().into_iter().zip(kinds.unwrap_or_default());
    Ok(members.map(|(id, is_group)| Member::new(ResourceId(id.0), is_group)).collect())
}
