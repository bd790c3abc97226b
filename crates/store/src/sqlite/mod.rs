//! SQLite: the database that needs no set-up. One file, many readers, one writer.

mod connection;
mod facts;
mod lists;
mod read;
mod write;

use crate::{
    act::Act,
    act::sqlite as acts,
    audit::{AuditHead, AuditRow, By, sqlite as audit},
    engine::{Engine, Lookup},
    figures,
    history::{ChangeRow, DeletedRow, sqlite as history},
    lane::Lane,
    limit::Limit,
    model::*,
    operator::{Operator, Session},
    operator_records::{self, sqlite as operators},
    pages::{PageBounds, Slice},
    plan::{Facts, Questions, Writes},
    records::sqlite as records,
};
use connection::{Pool, is_rolled_back, store_error};
use diesel::{
    Connection, QueryResult, RunQueryDsl, connection::SimpleConnection, sql_query, sqlite::SqliteConnection,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use scim::Timestamp;
use uuid::Uuid;

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
        let mut connection = self.pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        work(&mut connection).map_err(|error| match Limit::is_over_here() && is_rolled_back(&error) {
            true => StoreError::Late,
            false => store_error(&error),
        })
    }

    /// Statements that see one state of the database.
    pub(crate) fn snapshot<T>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.read(work)
    }

    fn read<T>(&self, work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>) -> Result<T, StoreError> {
        self.run(|connection| connection.transaction(work))
    }

    /// Statements that nobody else writes between.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.run(|connection| connection.immediate_transaction(work))
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
            if writes.is_empty() || self.write(|connection| write::write_if_valid(connection, writes))? {
                return Ok(());
            }
        }
        self.write(|connection| {
            let facts = facts::read(connection, questions)?;
            write::write(connection, decide(facts))
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

    fn list(&self, tenant: TenantId, listing: &Listing) -> Result<Page, StoreError> {
        self.read(|connection| list(connection, tenant, listing, None))
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

    fn act(&self, by: Option<&By>, acts: &[Act]) -> Result<bool, StoreError> {
        self.write(|connection| acts::act(connection, by, acts))
    }

    fn audit_head(&self) -> Result<AuditHead, StoreError> {
        self.run(audit::recorded_head)
    }

    fn audit_rows_behind(&self, position: i64, bounds: PageBounds) -> Result<Slice<AuditRow>, StoreError> {
        let found = self.run(|connection| audit::rows_behind(connection, position, bounds))?;
        Ok(found.map(AuditRow::from))
    }

    fn audit_rows_before(
        &self,
        tenant: Option<TenantId>,
        position: i64,
        bounds: PageBounds,
    ) -> Result<Slice<AuditRow>, StoreError> {
        let found = self.run(|connection| audit::rows_before(connection, tenant, position, bounds))?;
        Ok(found.map(AuditRow::from))
    }

    fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.run(operators::operators)?.into_iter().map(Operator::try_from).collect()
    }

    fn operator(&self, name: &str) -> Result<Option<Operator>, StoreError> {
        self.run(|connection| operators::operator(connection, name))?.map(Operator::try_from).transpose()
    }

    fn session(&self, digest: &[u8; 32]) -> Result<Option<(Session, Operator)>, StoreError> {
        self.run(|connection| operators::session(connection, digest))?
            .map(operator_records::session)
            .transpose()
    }

    fn touch_session(&self, digest: &[u8; 32], seen: Timestamp) -> Result<(), StoreError> {
        self.write(|connection| operators::touch_session(connection, digest, seen))
    }

    fn changes(
        &self,
        tenant: TenantId,
        resource: Option<ResourceId>,
        before: i64,
        bounds: PageBounds,
    ) -> Result<Slice<ChangeRow>, StoreError> {
        let found = self.run(|connection| history::changes(connection, tenant, resource, before, bounds))?;
        found.try_map(ChangeRow::try_from)
    }

    fn deleted_resources(
        &self,
        tenant: TenantId,
        before: (Timestamp, ResourceId),
        bounds: PageBounds,
    ) -> Result<Slice<DeletedRow>, StoreError> {
        let found = self.run(|connection| history::deleted_resources(connection, tenant, before, bounds))?;
        found.try_map(DeletedRow::try_from)
    }

    fn hidden_members(
        &self,
        tenant: TenantId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let found =
            self.run(|connection| history::hidden_members(connection, tenant, group, after, limit))?;
        Ok(found.into_iter().map(|id| ResourceId(id.0)).collect())
    }

    fn deleted_resource(&self, tenant: TenantId, id: ResourceId) -> Result<Option<DeletedRow>, StoreError> {
        let found = self.run(|connection| history::deleted_resource(connection, tenant, id))?;
        found.map(DeletedRow::try_from).transpose()
    }

    fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.run(records::tenants)?.into_iter().map(Tenant::try_from).collect()
    }

    fn tenant(&self, label_or_id: &str) -> Result<Option<Tenant>, StoreError> {
        self.run(|connection| records::tenant(connection, label_or_id))?.map(Tenant::try_from).transpose()
    }

    fn close_feed(&self, tenant: TenantId) -> Result<(), StoreError> {
        self.write(|connection| records::close_feed(connection, tenant))
    }

    fn secret_tokens(
        &self,
        tenant: TenantId,
        behind: (Timestamp, Uuid),
        limit: i64,
    ) -> Result<Vec<SecretTokenRow>, StoreError> {
        let found = self.run(|connection| records::secret_tokens(connection, tenant, behind, limit))?;
        found.into_iter().map(SecretTokenRow::try_from).collect()
    }

    fn secret_token(&self, digest: &[u8; 32]) -> Result<Option<SecretTokenOwner>, StoreError> {
        let found = self.run(|connection| records::secret_token(connection, digest))?;
        found
            .map(|(token, tenant)| {
                Ok(SecretTokenOwner { token: token.try_into()?, tenant: tenant.try_into()? })
            })
            .transpose()
    }
}
