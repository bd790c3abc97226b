//! SQLite: the database that needs no set-up. One file, many readers, one writer.

mod connection;
mod facts;
mod lists;
mod read;
mod write;

use crate::{
    connection::AnyConnection,
    data::model::*,
    data::plan::{Facts, Questions, Writes},
    engine::{Engine, Lookup},
    jobs::figures,
    jobs::lane::Lane,
    jobs::limit::Limit,
};
use connection::{Pool, is_rolled_back, store_error};
use diesel::{
    Connection, QueryResult, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    result::Error,
    sql_query,
    sqlite::SqliteConnection,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub(crate) use read::{list, list_together};
pub(crate) use write::insert_keys;

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Plans come from the statements and the indexes alone (`docs/adr/0023`). Statistics that somebody has gathered know the
/// average tenant, or the only one, and then SQLite reads the rows of all.
const FORGET_STATISTICS: &str = "DROP TABLE IF EXISTS sqlite_stat1; DROP TABLE IF EXISTS sqlite_stat4";

/// A database file.
pub(crate) struct SqliteEngine {
    pool: Pool,
}

impl SqliteEngine {
    /// From now on each connection ends its statement when the job of its thread must end.
    ///
    /// # Errors
    /// SQLite has no memory left.
    pub(crate) fn watch() -> Result<(), StoreError> {
        sqlite_deadline::watch(Limit::is_over_here).map_err(|error| StoreError::Failed(error.to_string()))
    }

    /// Opens the file, or creates it, with a connection for each thread of the lane.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn open(path: &str, lane: Lane, readers: usize) -> Result<SqliteEngine, StoreError> {
        let size = u32::try_from(lane.threads(readers)).unwrap_or(u32::MAX).max(1);
        Ok(SqliteEngine { pool: connection::pool(path, lane, size)? })
    }

    /// One statement.
    pub(crate) fn run<T>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.run_any(|db| work(db.sqlite()?))
    }

    fn run_any<T>(&self, work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>) -> Result<T, StoreError> {
        let mut connection = self.pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        work(&mut connection).map_err(|error| match Limit::is_over_here() && is_rolled_back(&error) {
            true => StoreError::Late,
            false => store_error(&error),
        })
    }

    fn read<T>(&self, work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>) -> Result<T, StoreError> {
        self.run(|connection| connection.transaction(work))
    }

    /// Statements that nobody else writes between.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.write_any(|db| work(db.sqlite()?))
    }

    fn write_any<T>(&self, work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>) -> Result<T, StoreError> {
        self.run_any(|db| {
            AnsiTransactionManager::begin_transaction_sql(db.sqlite()?, "BEGIN IMMEDIATE")?;
            let done = work(db);
            let connection = db.sqlite()?;
            match done {
                Ok(answer) => AnsiTransactionManager::commit_transaction(connection).map(|()| answer),
                Err(error) => match AnsiTransactionManager::rollback_transaction(connection) {
                    Ok(()) | Err(Error::BrokenTransactionManager) => Err(error),
                    Err(error) => Err(error),
                },
            }
        })
    }
}

impl Engine for SqliteEngine {
    fn migrate(&self) -> Result<(), StoreError> {
        self.write(|connection| {
            let outcome = connection.run_pending_migrations(MIGRATIONS).map(|_| ());
            outcome.map_err(diesel::result::Error::QueryBuilderError)?;
            connection.batch_execute(FORGET_STATISTICS)
        })
    }

    fn connections(&self) -> figures::Connections {
        self.pool.state().into()
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.run(|connection| sql_query("SELECT 1").execute(connection)).map(|_| ())
    }

    fn transact(
        &self,
        questions: &Questions,
        decide: &mut dyn FnMut(Facts) -> Writes,
    ) -> Result<(), StoreError> {
        // Many facts are read and decided on before the only write lock is taken: whoever wants it waits for the writing
        // alone.
        if questions.are_many() {
            let writes = decide(self.read(|connection| facts::read(connection, questions))?);
            if writes.is_empty() || self.write_any(|db| write::write_if_valid(db, writes))? {
                return Ok(());
            }
        }
        self.write_any(|db| {
            let facts = facts::read(db.sqlite()?, questions)?;
            write::write(db, decide(facts))
        })
    }

    /// SQLite has one writer.
    fn writes_heavy_changes_apart(&self) -> bool {
        false
    }

    /// Each commit is on the disk when it returns (`synchronous = FULL`).
    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn look_up(&self, lookups: &[Lookup]) -> Result<Vec<Option<Row>>, StoreError> {
        self.read(|connection| read::look_up(connection, lookups))
    }

    fn members_after(
        &self,
        tenant: TenantId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        self.run(|connection| read::members_after(connection, tenant, group, after, limit))
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
        self.run_any(|db| db.transaction(|db| question(db)))
    }

    fn run_write(
        &self,
        write: &mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>,
    ) -> Result<(), StoreError> {
        self.write_any(write)
    }
}
