//! [`Tx`]: statements on a connection to either database, and how a job of the store runs them.

use crate::{
    connection::AnyConnection,
    control::{Acted, Refused},
    data::model::{Listing, Page, StoreError, TenantId},
    data::sql::listing::StoredKey,
    engine::Engine,
    postgres, sqlite,
};
use diesel::{
    Connection, QueryResult,
    result::{DatabaseErrorKind, Error},
};
use scim::lookup::Shape;
use std::convert::Infallible;

/// A connection that runs what belongs together: a transaction if it writes by more than one statement.
pub struct Tx<'c> {
    pub(crate) db: &'c mut AnyConnection,
}

impl Tx<'_> {
    /// Inserts a row, in a savepoint: a refused statement must not end the transaction around it. Returns `false` if its key
    /// is taken.
    pub(crate) fn insert(
        &mut self,
        insert: impl FnOnce(&mut AnyConnection) -> QueryResult<usize>,
    ) -> QueryResult<bool> {
        is_inserted(self.db.transaction(insert))
    }
}

/// Whether a row was inserted: `false` if its key is taken.
pub(crate) fn is_inserted(inserted: QueryResult<usize>) -> QueryResult<bool> {
    match inserted {
        Ok(_) => Ok(true),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Lists are statements of each database's own.
impl Tx<'_> {
    /// A page of resources; of those that have a stored key, if one is given.
    pub(crate) fn list(
        &mut self,
        tenant: TenantId,
        listing: &Listing,
        key: Option<&StoredKey>,
    ) -> QueryResult<Page> {
        match self.db {
            AnyConnection::Postgres(connection) => postgres::list(connection, tenant, listing, key),
            AnyConnection::Sqlite(connection) => sqlite::list(connection, tenant, listing, key),
        }
    }

    /// Pages of lists of one shape, by one scan; `None` for a list that needs a scan of its own.
    pub(crate) fn list_together(
        &mut self,
        tenant: TenantId,
        shape: &Shape,
        listings: &[Listing],
    ) -> QueryResult<Vec<Option<Page>>> {
        match self.db {
            AnyConnection::Postgres(connection) => {
                postgres::list_together(connection, tenant, shape, listings)
            }
            AnyConnection::Sqlite(connection) => sqlite::list_together(connection, tenant, shape, listings),
        }
    }
}

impl dyn Engine {
    /// Asks something: one statement, or several that need not see one state.
    ///
    /// # Errors
    /// Faults of the database.
    pub(crate) fn read<T>(
        &self,
        question: impl FnOnce(&mut Tx<'_>) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        answer_of(question, |question| self.run_read(question))
    }

    /// Asks several things that see one state of the database.
    ///
    /// # Errors
    /// Faults of the database.
    pub(crate) fn snapshot<T>(
        &self,
        question: impl FnOnce(&mut Tx<'_>) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        answer_of(question, |question| self.run_snapshot(question))
    }

    /// Writes something by one statement, which needs no transaction around it.
    ///
    /// # Errors
    /// Faults of the database: nothing was written.
    pub(crate) fn write_one<T>(
        &self,
        statement: impl FnOnce(&mut Tx<'_>) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        answer_of(statement, |statement| self.run_write(statement))
    }

    /// Writes something in one transaction.
    ///
    /// # Errors
    /// Faults of the database: nothing was written.
    pub(crate) fn write<T>(
        &self,
        write: impl FnOnce(&mut Tx<'_>) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        match self.write_or_refuse::<T, Infallible>(|tx| Ok(write(tx)?))? {
            Ok(value) => Ok(value),
            Err(never) => match never {},
        }
    }

    /// The same for what may be refused: then nothing was written.
    ///
    /// # Errors
    /// Faults of the database: nothing was written.
    pub(crate) fn write_or_refuse<T, E>(
        &self,
        write: impl FnOnce(&mut Tx<'_>) -> Acted<T, E>,
    ) -> Result<Result<T, E>, StoreError> {
        let (mut write, mut outcome) = (Some(write), None);
        self.run_write(&mut |db| {
            if let Some(write) = write.take() {
                outcome = match db.transaction(|db| write(&mut Tx { db })) {
                    Ok(value) => Some(Ok(value)),
                    Err(Refused::Because(reason)) => Some(Err(reason)),
                    Err(Refused::Failed(error)) => return Err(error),
                };
            }
            Ok(())
        })?;
        outcome.ok_or_else(|| StoreError::Failed("the engine did not run the work".to_owned()))
    }
}

/// Has work run by an engine, which takes it as a function without a type of its own.
fn answer_of<T>(
    work: impl FnOnce(&mut Tx<'_>) -> QueryResult<T>,
    run: impl FnOnce(&mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>) -> Result<(), StoreError>,
) -> Result<T, StoreError> {
    let (mut work, mut answer) = (Some(work), None);
    run(&mut |db| {
        if let Some(work) = work.take() {
            answer = Some(work(&mut Tx { db })?);
        }
        Ok(())
    })?;
    answer.ok_or_else(|| StoreError::Failed("the engine did not run the work".to_owned()))
}
