//! The rows of paths and keys, and the steps of their life. Each step is a transaction. Of two processes that take the same
//! step, the slower one finds it done.

use super::{
    find::{self, FoundColumns, Keys},
    memory::Wanted,
};
use crate::{
    connection::AnyConnection,
    control::{Acted, Refused},
    data::model::{Listing, Page, ResourceId, StoreError, TenantId},
    data::plan::KeyRow,
    data::sql::{Bind, Common, Statement, sql},
    engine::Engine,
    postgres,
    schema::types::{Id, Json, JsonText, Key},
    sqlite,
    tx::Tx,
};
use diesel::{
    OptionalExtension, QueryResult, RunQueryDsl,
    sql_types::{BigInt, Nullable, SmallInt, Text},
};
use scim::{
    Timestamp,
    lookup::{KEY_VERSION, Lookup, LookupPath},
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

/// The path was not begun: it is there, or others save more, or the tenant takes no changes.
pub(super) struct NotBegun;

/// How a slice of work has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is more to do.
    More,
    /// It is done, or somebody else is at it.
    Done,
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

fn paths(tenant: TenantId) -> Common<PathTypes> {
    Statement::cached(sql!(COLUMNS, "p.tenant_id = ", Bind::key(tenant.0), " ORDER BY p.id"))
}

fn due(unused_since: Timestamp) -> Common<PathTypes> {
    let used = Bind::number(unused_since.0);
    Statement::cached(sql!(
        COLUMNS,
        "p.state <> 'filled' OR p.used_at < ",
        used,
        " ORDER BY p.tenant_id, p.id"
    ))
}

/// Moves the feed, which tells every other process that its facts are old; answers where it stands then.
fn move_feed(tenant: TenantId) -> Common<BigInt> {
    Statement::cached(sql!(
        "UPDATE feeds SET position = position + 1, has_lookup_paths = TRUE WHERE tenant_id = ",
        Bind::key(tenant.0),
        " RETURNING position"
    ))
}

fn insert_path(wanted: &Wanted, id: i64, now: Timestamp) -> Common<()> {
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

fn set_ending(tenant: TenantId, path: i64) -> Common<()> {
    Statement::cached(sql!(
        "UPDATE lookup_paths SET state = 'ending' WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND id = ",
        Bind::number(path)
    ))
}

fn note_uses(tenant: TenantId, path: i64, uses: i64, now: Timestamp) -> Common<()> {
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
fn next_documents(tenant: TenantId, kind: ResourceKind, row: &PathRow) -> Common<(Key, JsonText)> {
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
fn advance(tenant: TenantId, row: &PathRow, to: Option<ResourceId>, is_complete: bool) -> Common<()> {
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

fn clear_keys(tenant: TenantId, path: i64) -> Common<()> {
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

fn delete_path(tenant: TenantId, path: i64) -> Common<()> {
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

/// A page that keys find, if the keys of one of these paths are complete, and not more resources have the key than may be
/// read. The caller's snapshot makes it one state of the database.
pub(super) fn list_by_keys(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    listing: &Listing,
    lookups: &[Lookup],
    keys: Keys,
) -> QueryResult<ByKeys> {
    let rows = find::complete(tenant, lookups).load::<FoundColumns>(tx.db)?;
    let Some(found) = find::best(rows, lookups) else { return Ok(ByKeys::Scan) };
    if found.are_too_many(keys) {
        return Ok(ByKeys::TooMany);
    }
    Ok(ByKeys::Page(tx.list(tenant, listing, Some(&found.key))?, found.key.path))
}

/// Begins to keep keys of a path, in place of the one that saves least if there are as many as a tenant may have. Nothing is
/// done if the path is there, or saves no more than the others.
pub(super) fn begin_path(tx: &mut Tx<'_>, wanted: &Wanted, now: Timestamp) -> Acted<(), NotBegun> {
    let tenant = wanted.tenant;
    // First, so that two processes that want the same come one after the other.
    let position = move_feed(tenant).get_result::<i64>(tx.db).optional()?;
    let id = position.ok_or(Refused::Because(NotBegun))?;
    let rows = paths(tenant).load::<PathColumns>(tx.db)?;
    let rows: Vec<PathRow> = rows.into_iter().map(|row| path_row(row).1).collect();
    let end = place(&rows, wanted, now).map_err(|()| Refused::Because(NotBegun))?;
    if let Some(end) = end {
        set_ending(tenant, end).execute(tx.db)?;
    }
    insert_path(wanted, id, now).execute(tx.db)?;
    Ok(())
}

/// Notes how often a path was used.
pub(super) fn note_uses_of_path(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    path: i64,
    uses: i64,
    now: Timestamp,
) -> QueryResult<()> {
    note_uses(tenant, path, uses, now).execute(tx.db).map(drop)
}

/// Paths of all tenants that are not complete, or that nobody has used since a time.
pub(crate) fn paths_to_tend(
    tx: &mut Tx<'_>,
    unused_since: Timestamp,
) -> QueryResult<Vec<(TenantId, PathRow)>> {
    let rows = due(unused_since).load::<PathColumns>(tx.db)?;
    Ok(rows.into_iter().map(path_row).collect())
}

/// Writes the keys of the next resources.
pub(super) fn fill_path(engine: &dyn Engine, tenant: TenantId, row: &PathRow) -> Result<Step, StoreError> {
    let Some(path) = &row.path else {
        return engine.write(|tx| end_path(tx, tenant, row.id)).map(|()| Step::More);
    };
    // Read before the lock: what changes meanwhile is written with its keys by the one who changes it.
    let next = next_documents(tenant, path.kind(), row);
    let documents = engine.read(|tx| next.load::<(Id, Json)>(tx.db))?;
    let keys = keys_of(tenant, row.id, path, &documents);
    let is_complete = i64::try_from(documents.len()).is_ok_and(|count| count < FILLED_AT_ONCE);
    let to = documents.last().map(|(id, _)| ResourceId(id.0));
    engine.write(|tx| {
        if advance(tenant, row, to, is_complete).execute(tx.db)? == 0 {
            return Ok(Step::Done);
        }
        match tx.db {
            AnyConnection::Postgres(connection) => postgres::insert_keys(connection, keys)?,
            AnyConnection::Sqlite(connection) => sqlite::insert_keys(connection, keys)?,
        }
        Ok(if is_complete { Step::Done } else { Step::More })
    })
}

/// Ends a path: no batch that is decided after this writes keys of it.
pub(crate) fn end_path(tx: &mut Tx<'_>, tenant: TenantId, path: i64) -> QueryResult<()> {
    move_feed(tenant).load::<i64>(tx.db)?;
    set_ending(tenant, path).execute(tx.db).map(drop)
}

/// Removes some keys of a path that has ended, and at last the path.
pub(crate) fn clear_path(tx: &mut Tx<'_>, tenant: TenantId, path: i64) -> QueryResult<Step> {
    if clear_keys(tenant, path).execute(tx.db)? > 0 {
        return Ok(Step::More);
    }
    delete_path(tenant, path).execute(tx.db)?;
    Ok(Step::Done)
}
