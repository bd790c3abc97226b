//! Reading resources.

use crate::{
    data::model::{GroupOf, Listing, MAX_GROUPS_OF_USER, Member, Page, ResourceId, Row, TenantId},
    data::sql::{
        Bind, Statement,
        listing::{self, Listed, StoredKey},
        sql,
        together::Together,
    },
    engine::{Lookup, LookupKey},
    pages::Rows,
    schema::types::{Id, Json, JsonText, Key},
};
use diesel::{
    QueryResult, RunQueryDsl,
    connection::DefaultLoadingMode,
    sql_types::{BigInt, Bool, Double, Nullable, Text},
    sqlite::{Sqlite, SqliteConnection},
};
use scim::{Timestamp, lookup::Shape, schema::ResourceKind, search::SortKey};

type Columns = (Id, i64, i64, i64, Json, i64);

/// Each by a prepared statement: there is no round trip to save, and one text serves any number.
pub(super) fn look_up(
    connection: &mut SqliteConnection,
    lookups: &[Lookup],
) -> QueryResult<Vec<Option<Row>>> {
    lookups.iter().map(|lookup| look_up_one(connection, lookup)).collect()
}

fn look_up_one(connection: &mut SqliteConnection, lookup: &Lookup) -> QueryResult<Option<Row>> {
    let (table, key) = match &lookup.key {
        LookupKey::Id(ResourceKind::User, id) => ("users", sql!("t.id = ", Bind::key(id.0))),
        LookupKey::Id(ResourceKind::Group, id) => ("\"groups\"", sql!("t.id = ", Bind::key(id.0))),
        LookupKey::UserName(name) => ("users", sql!("t.user_name = ", Bind::text(name))),
    };
    let statement = Statement::<Sqlite, (Key, BigInt, BigInt, BigInt, JsonText, BigInt)>::cached(sql!(
        "SELECT t.id, t.version, t.created_at, t.modified_at, t.document, ",
        if table == "users" { "0" } else { "t.member_count" },
        " FROM ",
        table,
        " AS t WHERE t.tenant_id = ",
        Bind::key(lookup.tenant.0),
        " AND ",
        key
    ));
    let Some(columns) = statement.load::<Columns>(connection)?.pop() else { return Ok(None) };
    let mut row = row(columns);
    if lookup.with_groups && table == "users" {
        row.groups = groups_of(connection, lookup.tenant, row.id)?;
    }
    Ok(Some(row))
}

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

/// The first [`MAX_GROUPS_OF_USER`] groups of a user: direct ones first, then those around them, each by id.
///
/// `CROSS JOIN` fixes the order of the loops in SQLite: first the groups that are known, then an index for each. Left
/// to choose, it walks every membership of the tenant for each group.
fn groups_of(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    user: ResourceId,
) -> QueryResult<Vec<GroupOf>> {
    let tenant = || Bind::key(tenant.0);
    let statement = Statement::<Sqlite, (Key, Bool, Nullable<Text>)>::cached(sql!(
        "WITH RECURSIVE a(id, direct) AS (SELECT m.group_id, TRUE FROM group_members AS m WHERE m.tenant_id = ",
        tenant(),
        " AND m.member_id = ",
        Bind::key(user.0),
        " UNION SELECT m.group_id, FALSE FROM a CROSS JOIN group_members AS m WHERE m.tenant_id = ",
        tenant(),
        " AND m.member_id = a.id) SELECT t.id, b.direct, t.document ->> '$.\"displayName\"' FROM \
         (SELECT a.id, max(a.direct) AS direct FROM a GROUP BY a.id) AS b \
         CROSS JOIN \"groups\" AS t WHERE t.tenant_id = ",
        tenant(),
        " AND t.id = b.id ORDER BY b.direct DESC, t.id"
    ));
    let rows = statement.load_iter::<(Id, bool, Option<String>), DefaultLoadingMode>(connection)?;
    let group = |row: QueryResult<_>| {
        row.map(|(id, direct, display): (Id, _, _)| GroupOf { id: ResourceId(id.0), display, direct })
    };
    rows.take(MAX_GROUPS_OF_USER).map(group).collect()
}

type PageTypes = (Key, BigInt, BigInt, BigInt, JsonText, BigInt, Nullable<Text>, Nullable<Double>);
type PageColumns = (Id, i64, i64, i64, Json, i64, Option<String>, Option<f64>);

/// A page and its count; the caller holds them together in a transaction.
pub(crate) fn list(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    listing: &Listing,
    key: Option<&StoredKey>,
) -> QueryResult<Page> {
    let mut found = Rows::of(listing);
    if listing.limit > 0 {
        let page = listing::page::<Sqlite, PageTypes>(tenant, listing, key);
        let rows = page.load_iter::<PageColumns, DefaultLoadingMode>(connection)?;
        found = found.read(rows.map(|columns| {
            let (id, version, created, modified, document, members, text, number) = columns?;
            let key = text.map(SortKey::Text).or(number.map(SortKey::Number));
            Ok(Listed { row: row((id, version, created, modified, document, members)), key })
        }))?;
    }
    if listing.with_groups && listing.kind == ResourceKind::User {
        add_groups(connection, tenant, &mut found)?;
    }
    found.into_page(listing, || {
        let count = listing::count::<Sqlite>(tenant, listing, key).get_result::<i64>(connection)?;
        Ok(count.unsigned_abs())
    })
}

/// Fills in the groups of a page.
fn add_groups(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    found: &mut Rows<Listed>,
) -> QueryResult<()> {
    let mut place = 0;
    while place < found.len() {
        for Listed { row: user, .. } in found.rows_mut(place..place + 1) {
            user.groups = groups_of(connection, tenant, user.id)?;
        }
        found.measure(place);
        place += 1;
    }
    Ok(())
}

/// Pages of lists of one shape, by one scan; the caller holds it together in a transaction.
pub(crate) fn list_together(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    shape: &Shape,
    listings: &[Listing],
) -> QueryResult<Vec<Option<Page>>> {
    let mut together = Together::of(shape, listings);
    let all = listing::page::<Sqlite, PageTypes>(tenant, &together.whole(), None);
    for columns in all.load_iter::<PageColumns, DefaultLoadingMode>(connection)? {
        let (id, version, created, modified, document, members, ..) = columns?;
        together.push(&row((id, version, created, modified, document, members)));
    }
    together.finish(|_, found| add_groups(connection, tenant, found))
}

/// Members of a group behind another, by id.
pub(super) fn members_after(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    group: ResourceId,
    after: Option<ResourceId>,
    limit: u32,
) -> QueryResult<Vec<Member>> {
    let statement = Statement::<Sqlite, (Key, Bool)>::cached(listing::members(tenant, group, after, limit));
    let rows = statement.load::<(Id, bool)>(connection)?;
    Ok(rows.into_iter().map(|(id, is_group)| Member::new(ResourceId(id.0), is_group)).collect())
}
