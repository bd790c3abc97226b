//! PostgreSQL: the database of production, shared by any number of processes.

mod arrays;
mod canceller;
mod connection;
mod facts;
mod reads;
mod writes;

use crate::{
    connection::AnyConnection,
    data::model::{Member, ResourceId, Row, StoreError, TenantId},
    data::plan::{Facts, Questions, Writes},
    engine::{Engine, Lookup},
    jobs::figures,
    jobs::lane::Lane,
    jobs::limit::Canceller,
};
use connection::Connections;
use diesel::{
    PgConnection, QueryResult,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    result::Error,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::fmt::Write;

pub(crate) use reads::{list, list_together};
pub(crate) use writes::insert_keys;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// A database on a server.
pub(crate) struct PostgresEngine {
    connections: Connections,
    lane: Lane,
}

impl PostgresEngine {
    /// Starts the thread that has PostgreSQL cancel what nobody waits for.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses: so a wrong URL is told at the start.
    pub(crate) fn canceller(url: &str) -> Result<Canceller, StoreError> {
        connection::try_once(url)?;
        canceller::start(url)
    }

    /// Has a connection for each thread of the lane: of changes, the writer, the writer of heavy ones and the flusher.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses.
    pub(crate) fn open(
        url: &str,
        lane: Lane,
        readers: usize,
        canceller: Canceller,
    ) -> Result<PostgresEngine, StoreError> {
        let threads = if lane == Lane::Writes { 3 } else { lane.threads(readers) };
        let size = u32::try_from(threads).unwrap_or(u32::MAX);
        Ok(PostgresEngine { connections: Connections::open(url, lane, size, canceller)?, lane })
    }

    pub(crate) fn run<A>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<A>,
    ) -> Result<A, StoreError> {
        self.run_any(|db| work(db.postgres()?))
    }

    fn run_any<A>(&self, work: impl FnOnce(&mut AnyConnection) -> QueryResult<A>) -> Result<A, StoreError> {
        self.connections.run(work)
    }
}

/// Any number that other programs do not lock: processes that start together migrate one after the other.
/// A migration reads whole tables, and takes as long as those are large.
const MIGRATION_SET_UP: &str = "SET statement_timeout = 0; SET lock_timeout = 0; SET enable_seqscan = on; \
                                SELECT pg_advisory_lock(7083126350)";
const MIGRATION_UNLOCK: &str = "SELECT pg_advisory_unlock(7083126350)";

/// Begins a transaction with the locks of the tenants' feeds. They are taken in one order by every process, so that none
/// waits for another in a circle; the statements behind see all that the locks waited for.
fn begin_locked(connection: &mut PgConnection, questions: &Questions) -> QueryResult<()> {
    let mut begin = String::from("BEGIN; SELECT 1 FROM feeds WHERE tenant_id IN (");
    for (index, tenant) in questions.tenants.iter().enumerate() {
        // A UUID prints hexadecimal digits and hyphens only; writing to a String cannot fail.
        let _ = write!(begin, "{}'{}'", if index > 0 { "," } else { "" }, tenant.0.hyphenated());
    }
    begin.push_str(") ORDER BY tenant_id FOR UPDATE");
    AnsiTransactionManager::begin_transaction_sql(connection, &begin)
}

/// Reads facts, decides, and writes; `false` if another process was faster for one of the tenants.
fn try_transact(
    db: &mut AnyConnection,
    questions: &Questions,
    decide: &mut dyn FnMut(Facts) -> Writes,
) -> QueryResult<bool> {
    let writes = decide(facts::read(db.postgres()?, questions)?);
    if writes.is_empty() { Ok(true) } else { writes::write(db, writes) }
}

/// Begins a transaction whose statements see one state of the database.
const SNAPSHOT: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A transaction that writes nothing but to the log, and whose commit waits until the log is on the disk (and on the
/// standby, where one is synchronous): with it all that was committed before.
const FLUSH: &str = "SELECT pg_logical_emit_message(TRUE, 'juno', '')";

impl Engine for PostgresEngine {
    fn migrate(&self) -> Result<(), StoreError> {
        self.run(|connection| {
            connection.batch_execute(MIGRATION_SET_UP)?;
            let outcome =
                connection.run_pending_migrations(MIGRATIONS).map(drop).map_err(Error::QueryBuilderError);
            connection.batch_execute(MIGRATION_UNLOCK)?;
            connection.batch_execute(&connection::set_up(self.lane))?;
            outcome
        })
    }

    fn connections(&self) -> figures::Connections {
        self.connections.state().into()
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.run(|connection| connection.batch_execute("SELECT 1"))
    }

    fn transact(
        &self,
        questions: &Questions,
        decide: &mut dyn FnMut(Facts) -> Writes,
    ) -> Result<(), StoreError> {
        self.run_any(|db| {
            // Two statements, each a transaction of its own: that nobody else has written in between is checked by the
            // second. With one process for a tenant it always holds.
            if try_transact(db, questions, decide)? {
                return Ok(());
            }
            begin_locked(db.postgres()?, questions)?;
            let written = try_transact(db, questions, decide).and_then(|is_written| {
                // Nobody moves a feed that is locked: if this one moved, the answers do not hold.
                if is_written { Ok(()) } else { Err(Error::RollbackTransaction) }
            });
            match written {
                Ok(()) => AnsiTransactionManager::commit_transaction(db.postgres()?),
                Err(error) => {
                    // The first error says more; a connection that cannot roll back is replaced.
                    let _ = AnsiTransactionManager::rollback_transaction(db.postgres()?);
                    Err(error)
                }
            }
        })
    }

    fn writes_heavy_changes_apart(&self) -> bool {
        true
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.run(|connection| connection.batch_execute(FLUSH))
    }

    fn look_up(&self, lookups: &[Lookup]) -> Result<Vec<Option<Row>>, StoreError> {
        self.run(|connection| reads::look_up(connection, lookups))
    }

    fn members_after(
        &self,
        tenant: TenantId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        self.run(|connection| reads::members_after(connection, tenant, group, after, limit))
    }

    fn run_read(
        &self,
        question: &mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>,
    ) -> Result<(), StoreError> {
        self.run_any(question)
    }

    fn run_snapshot(
        &self,
        question: &mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>,
    ) -> Result<(), StoreError> {
        self.run_any(|db| {
            AnsiTransactionManager::begin_transaction_sql(db.postgres()?, SNAPSHOT)?;
            let done = question(db);
            // Nothing was written, so there is nothing to commit. The first error says more.
            let ended = AnsiTransactionManager::rollback_transaction(db.postgres()?);
            done.and(ended)
        })
    }

    fn run_write(
        &self,
        write: &mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>,
    ) -> Result<(), StoreError> {
        self.run_any(write)
    }
}
