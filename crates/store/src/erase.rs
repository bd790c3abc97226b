//! Erasing a tenant: its credentials first, then its resources in slices, at last its own row with the audit entry
//! (docs/adr/0019). Where it is interrupted, erasing the tenant again goes on.

use crate::{
    connection::AnyConnection,
    control::{
        By, Refused,
        tenants::{self, TenantGone},
    },
    data::lookups::{self, Step},
    data::model::{StoreError, TenantId},
    data::sql::{Bind, Common, Sql, Statement, sql},
    jobs::lane::Lane,
    schema::types::{Id, Key},
    store::Store,
    tx::Tx,
};
use diesel::{
    QueryResult, RunQueryDsl,
    connection::SimpleConnection,
    sql_types::{BigInt, Nullable},
};
use scim::Timestamp;
use uuid::Uuid;

/// A table of a tenant's resources.
#[derive(Clone, Copy, Debug)]
enum Erasable {
    ChangeLog,
    Members,
    DeletedResources,
    Groups,
    Users,
    UserNameCollisions,
}

const TABLES: [Erasable; 6] = [
    Erasable::ChangeLog,
    Erasable::Members,
    Erasable::DeletedResources,
    Erasable::Groups,
    Erasable::Users,
    Erasable::UserNameCollisions,
];

/// The key of a row within its table and tenant.
#[derive(Clone, Copy, Debug)]
enum Place {
    Position(i64),
    Id(Uuid),
    Membership(Uuid, Uuid),
}

impl Store {
    /// Ends the credentials of a tenant and all changes of its resources, for good: the first step of
    /// [`Store::delete_tenant`].
    ///
    /// # Errors
    /// [`TenantGone`] if there is no such tenant; faults of the database.
    pub async fn begin_erasing(&self, tenant: TenantId) -> Result<(), Refused<TenantGone>> {
        self.write_or_refuse(Lane::Operators, tenant, move |tx| tenants::begin_erasing(tx, tenant)).await?;
        // In a transaction of its own: a change that is being written holds the feed.
        Ok(self.write_one(Lane::Operators, tenant, move |tx| tenants::close_feed(tx, tenant)).await?)
    }

    /// Deletes a tenant with every row of it. Where it fails, the tenant can be deleted again, but not be used any more.
    ///
    /// # Errors
    /// [`TenantGone`] if there is no such tenant; faults of the database.
    pub async fn delete_tenant(&self, by: &By, tenant: TenantId) -> Result<(), Refused<TenantGone>> {
        self.begin_erasing(tenant).await?;
        self.clear_lookups(tenant).await?;
        for table in TABLES {
            let mut next = Some(table.beginning());
            // Each slice takes its turn: nobody waits for a large tenant to be erased.
            while let Some(from) = next {
                let slice = move |tx: &mut Tx<'_>| erase_slice(tx, tenant, table, from);
                next = self.write(Lane::Operators, tenant, slice).await?;
            }
        }
        self.act(by, tenant, move |tx: &mut Tx<'_>| tenants::delete(tx, tenant)).await
    }

    /// Removes the lookup keys of a tenant, path by path, as when a path ends.
    async fn clear_lookups(&self, tenant: TenantId) -> Result<(), StoreError> {
        let all = move |tx: &mut Tx<'_>| lookups::paths_to_tend(tx, Timestamp(i64::MAX));
        let all = self.read(Lane::Operators, tenant, all).await?;
        for (_, path) in all.into_iter().filter(|(owner, _)| *owner == tenant) {
            let end = move |tx: &mut Tx<'_>| lookups::end_path(tx, tenant, path.id);
            self.write(Lane::Operators, tenant, end).await?;
            let clear = move |tx: &mut Tx<'_>| lookups::clear_path(tx, tenant, path.id);
            while self.write(Lane::Operators, tenant, clear).await? == Step::More {}
        }
        Ok(())
    }
}

impl Erasable {
    /// Before every row.
    fn beginning(self) -> Place {
        match self {
            Erasable::ChangeLog => Place::Position(i64::MIN),
            Erasable::Members => Place::Membership(Uuid::nil(), Uuid::nil()),
            Erasable::DeletedResources
            | Erasable::Groups
            | Erasable::Users
            | Erasable::UserNameCollisions => Place::Id(Uuid::nil()),
        }
    }

    fn table(self) -> &'static str {
        match self {
            Erasable::ChangeLog => "change_log",
            Erasable::Members => "group_members",
            Erasable::DeletedResources => "deleted_resources",
            Erasable::Groups => "\"groups\"",
            Erasable::Users => "users",
            Erasable::UserNameCollisions => "user_name_collisions",
        }
    }

    /// The columns of the key behind the tenant, as one value that can be compared.
    fn key(self) -> &'static str {
        match self {
            Erasable::ChangeLog => "r.position",
            Erasable::Members => "(r.group_id, r.member_id)",
            Erasable::DeletedResources
            | Erasable::Groups
            | Erasable::Users
            | Erasable::UserNameCollisions => "r.id",
        }
    }

    /// The key as the columns of [`PlaceTypes`].
    fn columns(self) -> &'static str {
        match self {
            Erasable::ChangeLog => "r.position, CAST(NULL AS uuid), CAST(NULL AS uuid)",
            Erasable::Members => "CAST(NULL AS bigint), r.group_id, r.member_id",
            Erasable::DeletedResources
            | Erasable::Groups
            | Erasable::Users
            | Erasable::UserNameCollisions => "CAST(NULL AS bigint), r.id, CAST(NULL AS uuid)",
        }
    }

    fn order(self) -> &'static str {
        match self {
            Erasable::ChangeLog => "r.position",
            Erasable::Members => "r.group_id, r.member_id",
            Erasable::DeletedResources
            | Erasable::Groups
            | Erasable::Users
            | Erasable::UserNameCollisions => "r.id",
        }
    }
}

impl Place {
    fn bind(self) -> Sql {
        match self {
            Place::Position(position) => sql!(Bind::number(position)),
            Place::Id(id) => sql!(Bind::key(id)),
            Place::Membership(group, member) => sql!("(", Bind::key(group), ", ", Bind::key(member), ")"),
        }
    }

    fn of((position, id, member): PlaceColumns) -> Option<Place> {
        match (position, id, member) {
            (Some(position), ..) => Some(Place::Position(position)),
            (None, Some(group), Some(member)) => Some(Place::Membership(group.0, member.0)),
            (None, Some(id), None) => Some(Place::Id(id.0)),
            (None, None, _) => None,
        }
    }
}

type PlaceTypes = (Nullable<BigInt>, Nullable<Key>, Nullable<Key>);
type PlaceColumns = (Option<i64>, Option<Id>, Option<Id>);

/// ` FROM table AS r WHERE …`: the rows from a place on.
fn rows(table: Erasable, tenant: TenantId, from: Place) -> Sql {
    sql!(
        " FROM ",
        table.table(),
        " AS r WHERE r.tenant_id = ",
        Bind::key(tenant.0),
        " AND ",
        table.key(),
        " >= ",
        from.bind()
    )
}

/// The last row of a slice that is full: to delete 2,000 rows takes some 10 ms.
fn end_of_slice(table: Erasable, tenant: TenantId, from: Place) -> Common<PlaceTypes> {
    Statement::cached(sql!(
        "SELECT ",
        table.columns(),
        rows(table, tenant, from),
        " ORDER BY ",
        table.order(),
        " LIMIT 1 OFFSET 1999"
    ))
}

fn delete(table: Erasable, tenant: TenantId, from: Place, end: Option<Place>) -> Common<()> {
    let mut sql = sql!("DELETE", rows(table, tenant, from));
    if let Some(end) = end {
        sql.push(sql!(" AND ", table.key(), " <= ", end.bind()));
    }
    Statement::cached(sql)
}

/// The primary key gives the rows in order. Without statistics PostgreSQL would read all of them and sort, for each slice;
/// and two processes that erase a tenant would lock rows in different orders.
const IN_ORDER: &str = "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off";

/// Erases rows from a place on, in the order of keys, in one transaction of bounded size. Returns the place of the last one,
/// if there may be more behind it.
fn erase_slice(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    table: Erasable,
    from: Place,
) -> QueryResult<Option<Place>> {
    if let AnyConnection::Postgres(connection) = tx.db {
        connection.batch_execute(IN_ORDER)?;
    }
    let end = end_of_slice(table, tenant, from).load::<PlaceColumns>(tx.db)?.pop().and_then(Place::of);
    delete(table, tenant, from, end).execute(tx.db)?;
    Ok(end)
}
