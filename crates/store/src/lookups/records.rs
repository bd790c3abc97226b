//! The rows of paths and keys, and the steps of their life. Each step is a transaction. Of two processes that take the same
//! step, the slower one finds it done.

use super::{
    find::{self, FoundColumns, Keys},
    memory::Wanted,
};
use crate::{
    model::{Listing, Page, ResourceId, StoreError, TenantId},
    plan::KeyRow,
    postgres::{self, PostgresEngine},
    schema::types::{Id, Json, JsonText, Key},
    sql::{Bind, Statement, sql},
    sqlite::{self, SqliteEngine},
};
use diesel::{
    Connection, OptionalExtension, RunQueryDsl,
    pg::Pg,
    result::Error,
    sql_types::{BigInt, Nullable, SmallInt, Text},
    sqlite::Sqlite,
};
use scim::{
    Timestamp,
    lookup::{KEY_VERSION, Lookup, LookupPath, Shape},
    schema::ResourceKind,
};
use uuid::Uuid;

/// Most paths of a tenant.
const MOST: usize = 8;
/// How long a path is kept whatever it saves, in milliseconds: a day.
const SETTLING: i64 = 24 * 3_600_000;
/// Resources whose keys are written in one transaction: others wait for no more than a few milliseconds.
const FILLED_AT_ONCE: i64 = 200;
/// Keys that are removed in one transaction.
const CLEARED_AT_ONCE: i64 = 1000;

/// How far a path has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathState {
    /// Its keys are kept up to date, and not complete.
    Filling,
    /// Its keys are complete.
    Filled,
    /// Its keys are removed.
    Ending,
}

/// A path that a tenant matches on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathRow {
    pub(crate) id: i64,
    /// `None` if this process does not know how keys are made of it.
    pub(crate) path: Option<LookupPath>,
    pub(crate) state: PathState,
    /// The last resource whose keys are there; `None` before the first.
    pub(crate) filled_to: Option<ResourceId>,
    pub(crate) created: Timestamp,
    pub(crate) uses: i64,
}

impl PathRow {
    /// How many scans a day it has saved.
    fn uses_a_day(&self, now: Timestamp) -> i64 {
        let days = (now.0 - self.created.0) / (24 * 3_600_000);
        self.uses / days.max(1)
    }
}

/// What keys answer.
#[derive(Clone, Debug)]
pub(crate) enum ByKeys {
    /// The page, and the path whose keys have found it.
    Page(Page, i64),
    /// There are complete keys, but more resources have them than were to be read.
    TooMany,
    /// There are no complete keys of any path that was asked for.
    Scan,
}

/// How a slice of work has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is more to do.
    More,
    /// It is done, or somebody else is at it.
    Done,
}

/// What lookup keys ask of a database (migration 0021).
pub(crate) trait LookupEngine {
    /// A page that keys find, if the keys of one of these paths are complete, and not more resources have the key than may
    /// be read: one state of the database says all of this.
    fn list_by_keys(
        &self,
        tenant: TenantId,
        listing: &Listing,
        lookups: &[Lookup],
        keys: Keys,
    ) -> Result<ByKeys, StoreError>;
    /// Pages of lists of one shape, by one scan; `None` for a list that needs a scan of its own.
    fn list_together(
        &self,
        tenant: TenantId,
        shape: &Shape,
        listings: &[Listing],
    ) -> Result<Vec<Option<Page>>, StoreError>;
    /// Begins to keep keys of a path, in place of the one that saves least where there are as many as a tenant may have.
    /// Nothing is done if the path is there, or saves no more than the others.
    fn begin_path(&self, wanted: &Wanted, now: Timestamp) -> Result<(), StoreError>;
    /// Notes how often a path was used.
    fn note_uses_of_path(
        &self,
        tenant: TenantId,
        path: i64,
        uses: i64,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Paths of all tenants that are not complete, or that nobody has used since a time.
    fn paths_to_tend(&self, unused_since: Timestamp) -> Result<Vec<(TenantId, PathRow)>, StoreError>;
    /// Writes the keys of the next resources.
    fn fill_path(&self, tenant: TenantId, row: &PathRow) -> Result<Step, StoreError>;
    /// Ends a path: no batch that is decided after this writes keys of it.
    fn end_path(&self, tenant: TenantId, path: i64) -> Result<(), StoreError>;
    /// Removes some keys of a path that has ended, and at last the path.
    fn clear_path(&self, tenant: TenantId, path: i64) -> Result<Step, StoreError>;
}

type PathTypes = (Key, BigInt, Text, Text, SmallInt, Text, Nullable<Key>, BigInt, BigInt);
type PathColumns = (Id, i64, String, String, i16, String, Option<Id>, i64, i64);

const COLUMNS: &str = "SELECT p.tenant_id, p.id, p.kind, p.path, p.version, p.state, p.filled_to, p.created_at, p.uses \
                       FROM lookup_paths AS p WHERE ";

fn path_row((tenant, id, kind, path, version, state, to, created, uses): PathColumns) -> (TenantId, PathRow) {
    let state = match state.as_str() {
        "filling" => PathState::Filling,
        "filled" => PathState::Filled,
        _ => PathState::Ending,
    };
    let row = PathRow {
        id,
        path: lookup_path(&kind, &path, version),
        state,
        filled_to: to.map(|id| ResourceId(id.0)),
        created: Timestamp(created),
        uses,
    };
    (TenantId(tenant.0), row)
}

/// The path, if this process makes its keys as they are stored.
pub(crate) fn lookup_path(kind: &str, path: &str, version: i16) -> Option<LookupPath> {
    let kind = [ResourceKind::User, ResourceKind::Group].into_iter().find(|it| it.name() == kind)?;
    LookupPath::parse(kind, path).filter(|_| version == KEY_VERSION)
}

fn paths<D>(tenant: TenantId) -> Statement<D, PathTypes> {
    Statement::cached(sql!(COLUMNS, "p.tenant_id = ", Bind::key(tenant.0), " ORDER BY p.id"))
}

fn paths_to_tend<D>(unused_since: Timestamp) -> Statement<D, PathTypes> {
    let used = Bind::number(unused_since.0);
    Statement::cached(sql!(
        COLUMNS,
        "p.state <> 'filled' OR p.used_at < ",
        used,
        " ORDER BY p.tenant_id, p.id"
    ))
}

/// Moves the feed, which tells every other process that its facts are old; answers where it stands then.
fn move_feed<D>(tenant: TenantId) -> Statement<D, BigInt> {
    Statement::cached(sql!(
        "UPDATE feeds SET position = position + 1, has_lookup_paths = TRUE WHERE tenant_id = ",
        Bind::key(tenant.0),
        " RETURNING position"
    ))
}

fn insert_path<D>(wanted: &Wanted, id: i64, now: Timestamp) -> Statement<D, ()> {
    Statement::cached(sql!(
        "INSERT INTO lookup_paths (tenant_id, id, kind, path, version, state, created_at, used_at, uses) VALUES (",
        Bind::key(wanted.tenant.0),
        ", ",
        Bind::number(id),
        ", ",
        Bind::text(wanted.path.kind().name()),
        ", ",
        Bind::text(wanted.path.to_string()),
        ", ",
        Bind::number(KEY_VERSION.into()),
        ", 'filling', ",
        Bind::number(now.0),
        ", ",
        Bind::number(now.0),
        ", 0)"
    ))
}

fn set_ending<D>(tenant: TenantId, path: i64) -> Statement<D, ()> {
    Statement::cached(sql!(
        "UPDATE lookup_paths SET state = 'ending' WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND id = ",
        Bind::number(path)
    ))
}

fn note_uses<D>(tenant: TenantId, path: i64, uses: i64, now: Timestamp) -> Statement<D, ()> {
    Statement::cached(sql!(
        "UPDATE lookup_paths SET uses = uses + ",
        Bind::number(uses),
        ", used_at = ",
        Bind::number(now.0),
        " WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND id = ",
        Bind::number(path)
    ))
}

/// The resources behind those whose keys are there.
fn next_documents<D>(tenant: TenantId, kind: ResourceKind, row: &PathRow) -> Statement<D, (Key, JsonText)> {
    let table = if kind == ResourceKind::User { "users" } else { "\"groups\"" };
    let behind = row.filled_to.map_or(Uuid::nil(), |id| id.0);
    Statement::cached(sql!(
        "SELECT r.id, r.document FROM ",
        table,
        " AS r WHERE r.tenant_id = ",
        Bind::key(tenant.0),
        // The least id is one as well.
        if row.filled_to.is_some() { " AND r.id > " } else { " AND r.id >= " },
        Bind::key(behind),
        " ORDER BY r.id LIMIT ",
        Bind::number(FILLED_AT_ONCE)
    ))
}

/// Says how far the keys are there, if nobody else has gone on meanwhile.
fn advance<D>(
    tenant: TenantId,
    row: &PathRow,
    to: Option<ResourceId>,
    is_complete: bool,
) -> Statement<D, ()> {
    let id = |id: Option<ResourceId>| Bind::Key(id.map(|id| Id(id.0)));
    let mut sql = sql!("UPDATE lookup_paths SET filled_to = ", id(to.or(row.filled_to)));
    if is_complete {
        sql.push(", state = 'filled', filled_at = (SELECT f.position FROM feeds AS f WHERE f.tenant_id = ");
        sql.push(Bind::key(tenant.0));
        sql.push(")");
    }
    Statement::cached(sql!(
        sql,
        " WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND id = ",
        Bind::number(row.id),
        " AND state = 'filling' AND filled_to IS NOT DISTINCT FROM ",
        id(row.filled_to)
    ))
}

fn clear_keys<D>(tenant: TenantId, path: i64) -> Statement<D, ()> {
    let of_path = || sql!("tenant_id = ", Bind::key(tenant.0), " AND path_id = ", Bind::number(path));
    Statement::cached(sql!(
        "DELETE FROM lookup_keys WHERE ",
        of_path(),
        " AND (key, resource_id) IN (SELECT k.key, k.resource_id FROM lookup_keys AS k WHERE k.",
        sql!("tenant_id = ", Bind::key(tenant.0), " AND k.path_id = ", Bind::number(path)),
        " LIMIT ",
        Bind::number(CLEARED_AT_ONCE),
        ")"
    ))
}

fn delete_path<D>(tenant: TenantId, path: i64) -> Statement<D, ()> {
    Statement::cached(sql!(
        "DELETE FROM lookup_paths WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND id = ",
        Bind::number(path),
        " AND state = 'ending'"
    ))
}

/// Which path has to end so that this one can come; `Err` if it cannot.
fn place(paths: &[PathRow], wanted: &Wanted, now: Timestamp) -> Result<Option<i64>, ()> {
    let live: Vec<&PathRow> = paths.iter().filter(|row| row.state != PathState::Ending).collect();
    if live.iter().any(|row| row.path.as_ref() == Some(&wanted.path)) {
        return Err(());
    }
    if live.len() < MOST {
        return Ok(None);
    }
    // Keys of another version are of no use to this process.
    let saves = |row: &PathRow| if row.path.is_some() { row.uses_a_day(now) } else { -1 };
    let settled = live.into_iter().filter(|row| now.0 - row.created.0 >= SETTLING);
    let least = settled.min_by_key(|row| saves(row)).ok_or(())?;
    if saves(least) < wanted.a_day { Ok(Some(least.id)) } else { Err(()) }
}

/// The keys of documents.
fn keys_of(tenant: TenantId, path: i64, of: &LookupPath, documents: &[(Id, Json)]) -> Vec<KeyRow> {
    let rows = documents.iter().flat_map(|(id, document)| {
        // What is stored is an object.
        let document = serde_json::from_str(&document.0).unwrap_or_default();
        let id = ResourceId(id.0);
        of.keys(&document).into_iter().map(move |key| KeyRow { tenant, path, key, id })
    });
    rows.collect()
}

/// Implements the trait for an engine; `$read` and `$write` are its ways to read one state and to write.
macro_rules! lookup_engine {
    ($engine:ty, $database:ty, $module:ident, $write:ident) => {
        impl LookupEngine for $engine {
            fn list_by_keys(
                &self,
                tenant: TenantId,
                listing: &Listing,
                lookups: &[Lookup],
                keys: Keys,
            ) -> Result<ByKeys, StoreError> {
                self.snapshot(|connection| {
                    let complete = find::complete::<$database>(tenant, lookups);
                    let rows = complete.load::<FoundColumns>(connection)?;
                    let Some(found) = find::best(rows, lookups) else { return Ok(ByKeys::Scan) };
                    if found.are_too_many(keys) {
                        return Ok(ByKeys::TooMany);
                    }
                    let page = $module::list(connection, tenant, listing, Some(&found.key))?;
                    Ok(ByKeys::Page(page, found.key.path))
                })
            }

            fn list_together(
                &self,
                tenant: TenantId,
                shape: &Shape,
                listings: &[Listing],
            ) -> Result<Vec<Option<Page>>, StoreError> {
                self.snapshot(|connection| $module::list_together(connection, tenant, shape, listings))
            }

            fn begin_path(&self, wanted: &Wanted, now: Timestamp) -> Result<(), StoreError> {
                let tenant = wanted.tenant;
                self.$write(|connection| {
                    let begun = connection.transaction(|connection| {
                        // First, so that two processes that want the same come one after the other.
                        let position = move_feed::<$database>(tenant).get_result::<i64>(connection);
                        let id = position.optional()?.ok_or(Error::RollbackTransaction)?;
                        let rows = paths::<$database>(tenant).load::<PathColumns>(connection)?;
                        let rows: Vec<PathRow> = rows.into_iter().map(|row| path_row(row).1).collect();
                        let end = place(&rows, wanted, now).map_err(|()| Error::RollbackTransaction)?;
                        if let Some(end) = end {
                            set_ending::<$database>(tenant, end).execute(connection)?;
                        }
                        insert_path::<$database>(wanted, id, now).execute(connection)
                    });
                    match begun {
                        Err(Error::RollbackTransaction) => Ok(()),
                        begun => begun.map(drop),
                    }
                })
            }

            fn note_uses_of_path(
                &self,
                tenant: TenantId,
                path: i64,
                uses: i64,
                now: Timestamp,
            ) -> Result<(), StoreError> {
                let statement = note_uses::<$database>(tenant, path, uses, now);
                self.$write(|connection| statement.execute(connection).map(drop))
            }

            fn paths_to_tend(&self, unused_since: Timestamp) -> Result<Vec<(TenantId, PathRow)>, StoreError> {
                let statement = paths_to_tend::<$database>(unused_since);
                let rows = self.run(|connection| statement.load::<PathColumns>(connection))?;
                Ok(rows.into_iter().map(path_row).collect())
            }

            fn fill_path(&self, tenant: TenantId, row: &PathRow) -> Result<Step, StoreError> {
                let Some(path) = &row.path else { return self.end_path(tenant, row.id).map(|()| Step::More) };
                // Read before the lock: what changes meanwhile is written with its keys by whoever changes it.
                let next = next_documents::<$database>(tenant, path.kind(), row);
                let documents = self.run(|connection| next.load::<(Id, Json)>(connection))?;
                let keys = keys_of(tenant, row.id, path, &documents);
                let is_complete = i64::try_from(documents.len()).is_ok_and(|count| count < FILLED_AT_ONCE);
                let to = documents.last().map(|(id, _)| ResourceId(id.0));
                self.$write(|connection| {
                    connection.transaction(|connection| {
                        let advance = advance::<$database>(tenant, row, to, is_complete);
                        if advance.execute(connection)? == 0 {
                            return Ok(Step::Done);
                        }
                        $module::insert_keys(connection, keys)?;
                        Ok(if is_complete { Step::Done } else { Step::More })
                    })
                })
            }

            fn end_path(&self, tenant: TenantId, path: i64) -> Result<(), StoreError> {
                self.$write(|connection| {
                    connection.transaction(|connection| {
                        move_feed::<$database>(tenant).load::<i64>(connection)?;
                        set_ending::<$database>(tenant, path).execute(connection).map(drop)
                    })
                })
            }

            fn clear_path(&self, tenant: TenantId, path: i64) -> Result<Step, StoreError> {
                self.$write(|connection| {
                    connection.transaction(|connection| {
                        if clear_keys::<$database>(tenant, path).execute(connection)? > 0 {
                            return Ok(Step::More);
                        }
                        delete_path::<$database>(tenant, path).execute(connection)?;
                        Ok(Step::Done)
                    })
                })
            }
        }
    };
}

lookup_engine!(PostgresEngine, Pg, postgres, run);
lookup_engine!(SqliteEngine, Sqlite, sqlite, write);
