//! SQLite: the database that needs no set-up. One file, many readers, one writer.

mod connection;
mod facts;
mod read;
mod write;

use crate::{
    engine::{Engine, Lookup},
    model::*,
    plan::{Facts, Questions, Writes},
    records::sqlite as records,
};
use connection::{Pool, store_error};
use diesel::{Connection, QueryResult, RunQueryDsl, sql_query, sqlite::SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use scim::Timestamp;
use uuid::Uuid;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// A database file.
pub(crate) struct SqliteEngine {
    pool: Pool,
}

impl SqliteEngine {
    /// Opens the file, or creates it, with a connection for each reader and one for the writer.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn open(path: &str, readers: usize) -> Result<SqliteEngine, StoreError> {
        let size = u32::try_from(readers).unwrap_or(u32::MAX).saturating_add(1);
        Ok(SqliteEngine { pool: connection::pool(path, size)? })
    }

    /// One statement.
    fn run<T>(&self, work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>) -> Result<T, StoreError> {
        let mut connection = self.pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        work(&mut connection).map_err(|error| store_error(&error))
    }

    /// Statements that see one state of the database.
    fn read<T>(&self, work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>) -> Result<T, StoreError> {
        self.run(|connection| connection.transaction(work))
    }

    /// Statements that nobody else writes between.
    fn write<T>(&self, work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>) -> Result<T, StoreError> {
        self.run(|connection| connection.immediate_transaction(work))
    }
}

impl Engine for SqliteEngine {
    fn migrate(&self) -> Result<(), StoreError> {
        self.write(|connection| {
            let outcome = connection.run_pending_migrations(MIGRATIONS).map(|_| ());
            outcome.map_err(diesel::result::Error::QueryBuilderError)
        })
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.run(|connection| sql_query("SELECT 1").execute(connection)).map(|_| ())
    }

    fn transact(
        &self,
        questions: &Questions,
        decide: &mut dyn FnMut(Facts) -> Writes,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            let facts = facts::read(connection, questions)?;
            write::write(connection, decide(facts))
        })
    }

    /// Each commit is on the disk when it returns (`synchronous = FULL`).
    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn look_up(&self, lookups: &[Lookup]) -> Result<Vec<Option<Row>>, StoreError> {
        self.read(|connection| read::look_up(connection, lookups))
    }

    fn list(&self, tenant: TenantId, listing: &Listing) -> Result<Page, StoreError> {
        self.read(|connection| read::list(connection, tenant, listing))
    }

    fn members(&self, tenant: TenantId, group: ResourceId) -> Result<Members, StoreError> {
        self.run(|connection| read::members(connection, tenant, group))
    }

    fn create_tenant(&self, tenant: &Tenant) -> Result<bool, StoreError> {
        self.write(|connection| records::create_tenant(connection, tenant))
    }

    fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.run(records::tenants)?.into_iter().map(Tenant::try_from).collect()
    }

    fn tenant(&self, label_or_id: &str) -> Result<Option<Tenant>, StoreError> {
        self.run(|connection| records::tenant(connection, label_or_id))?.map(Tenant::try_from).transpose()
    }

    fn set_tenant_state(&self, tenant: TenantId, state: TenantState) -> Result<bool, StoreError> {
        self.write(|connection| records::set_tenant_state(connection, tenant, state))
    }

    fn delete_tenant(&self, tenant: TenantId) -> Result<bool, StoreError> {
        self.write(|connection| records::delete_tenant(connection, tenant))
    }

    fn insert_secret_token(&self, token: &SecretTokenRow) -> Result<(), StoreError> {
        self.write(|connection| records::insert_secret_token(connection, token))
    }

    fn secret_tokens(&self, tenant: TenantId) -> Result<Vec<SecretTokenRow>, StoreError> {
        let found = self.run(|connection| records::secret_tokens(connection, tenant))?;
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

    fn expire_secret_token(
        &self,
        tenant: TenantId,
        id: Uuid,
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(|connection| records::expire_secret_token(connection, tenant, id, expires))
    }

    fn revoke_secret_token(&self, tenant: TenantId, id: Uuid, at: Timestamp) -> Result<bool, StoreError> {
        self.write(|connection| records::revoke_secret_token(connection, tenant, id, at))
    }

    fn touch_secret_tokens(&self, used: &[(TenantId, Uuid, Timestamp)]) -> Result<(), StoreError> {
        self.write(|connection| records::touch_secret_tokens(connection, used))
    }
}
