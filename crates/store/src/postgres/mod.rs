//! PostgreSQL: the database of production, shared by any number of processes.

mod arrays;
mod connection;
mod facts;
mod reads;
mod writes;

use crate::{
    engine::{Engine, Lookup},
    model::{
        Listing, Members, Page, ResourceId, Row, SecretTokenOwner, SecretTokenRow, StoreError, Tenant,
        TenantId, TenantState,
    },
    plan::{Facts, Questions, Writes},
    records::postgres as records,
};
use connection::Connections;
use diesel::{
    PgConnection, QueryResult,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    result::Error,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use scim::Timestamp;
use std::fmt::Write;
use uuid::Uuid;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// A database on a server.
pub(crate) struct PostgresEngine {
    connections: Connections,
}

impl PostgresEngine {
    /// Connects; a connection for each reader, one for the writer and one to flush.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses.
    pub(crate) fn open(url: &str, readers: usize) -> Result<PostgresEngine, StoreError> {
        let size = u32::try_from(readers).unwrap_or(u32::MAX).saturating_add(2);
        Ok(PostgresEngine { connections: Connections::open(url, size)? })
    }

    fn run<A>(&self, work: impl FnOnce(&mut PgConnection) -> QueryResult<A>) -> Result<A, StoreError> {
        self.connections.run(work)
    }
}

/// Any number that other programs do not lock: processes that start together migrate one after the other.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_lock(7083126350)";
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
    connection: &mut PgConnection,
    questions: &Questions,
    decide: &mut dyn FnMut(Facts) -> Writes,
) -> QueryResult<bool> {
    let writes = decide(facts::read(connection, questions)?);
    if writes.is_empty() { Ok(true) } else { writes::write(connection, writes) }
}

/// A transaction that writes nothing but to the log, and whose commit waits until the log is on the disk (and on the
/// standby, where one is synchronous): with it all that was committed before.
const FLUSH: &str = "SELECT pg_logical_emit_message(TRUE, 'juno', '')";

impl Engine for PostgresEngine {
    fn migrate(&self) -> Result<(), StoreError> {
        self.run(|connection| {
            connection.batch_execute(MIGRATION_LOCK)?;
            let outcome =
                connection.run_pending_migrations(MIGRATIONS).map(drop).map_err(Error::QueryBuilderError);
            connection.batch_execute(MIGRATION_UNLOCK)?;
            outcome
        })
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.run(|connection| connection.batch_execute("SELECT 1"))
    }

    fn transact(
        &self,
        questions: &Questions,
        decide: &mut dyn FnMut(Facts) -> Writes,
    ) -> Result<(), StoreError> {
        self.run(|connection| {
            // Two statements, each a transaction of its own: that nobody else has written in between is checked by the
            // second. With one process for a tenant it always holds.
            if try_transact(connection, questions, decide)? {
                return Ok(());
            }
            begin_locked(connection, questions)?;
            match try_transact(connection, questions, decide) {
                Ok(_) => AnsiTransactionManager::commit_transaction(connection),
                Err(error) => {
                    // The first error says more; a connection that cannot roll back is replaced.
                    let _ = AnsiTransactionManager::rollback_transaction(connection);
                    Err(error)
                }
            }
        })
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.run(|connection| connection.batch_execute(FLUSH))
    }

    fn look_up(&self, lookups: &[Lookup]) -> Result<Vec<Option<Row>>, StoreError> {
        self.run(|connection| reads::look_up(connection, lookups))
    }

    fn list(&self, tenant: TenantId, listing: &Listing) -> Result<Page, StoreError> {
        self.run(|connection| {
            let mut snapshot = connection.build_transaction().repeatable_read().read_only();
            snapshot.run(|connection| reads::list(connection, tenant, listing))
        })
    }

    fn members(&self, tenant: TenantId, group: ResourceId) -> Result<Members, StoreError> {
        self.run(|connection| reads::members(connection, tenant, group))
    }

    fn create_tenant(&self, tenant: &Tenant) -> Result<bool, StoreError> {
        self.run(|connection| records::create_tenant(connection, tenant))
    }

    fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.run(records::tenants)?.into_iter().map(Tenant::try_from).collect()
    }

    fn tenant(&self, label_or_id: &str) -> Result<Option<Tenant>, StoreError> {
        self.run(|connection| records::tenant(connection, label_or_id))?.map(Tenant::try_from).transpose()
    }

    fn set_tenant_state(&self, tenant: TenantId, state: TenantState) -> Result<bool, StoreError> {
        self.run(|connection| records::set_tenant_state(connection, tenant, state))
    }

    fn delete_tenant(&self, tenant: TenantId) -> Result<bool, StoreError> {
        self.run(|connection| records::delete_tenant(connection, tenant))
    }

    fn insert_secret_token(&self, token: &SecretTokenRow) -> Result<(), StoreError> {
        self.run(|connection| records::insert_secret_token(connection, token))
    }

    fn secret_tokens(&self, tenant: TenantId) -> Result<Vec<SecretTokenRow>, StoreError> {
        let records = self.run(|connection| records::secret_tokens(connection, tenant))?;
        records.into_iter().map(SecretTokenRow::try_from).collect()
    }

    fn secret_token(&self, digest: &[u8; 32]) -> Result<Option<SecretTokenOwner>, StoreError> {
        let found = self.run(|connection| records::secret_token(connection, digest))?;
        found.map(SecretTokenOwner::try_from).transpose()
    }

    fn expire_secret_token(
        &self,
        tenant: TenantId,
        id: Uuid,
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        self.run(|connection| records::expire_secret_token(connection, tenant, id, expires))
    }

    fn revoke_secret_token(&self, tenant: TenantId, id: Uuid, at: Timestamp) -> Result<bool, StoreError> {
        self.run(|connection| records::revoke_secret_token(connection, tenant, id, at))
    }

    fn touch_secret_tokens(&self, used: &[(TenantId, Uuid, Timestamp)]) -> Result<(), StoreError> {
        self.run(|connection| records::touch_secret_tokens(connection, used))
    }
}
