//! How a connection is set up, and what its errors mean.

use crate::{connection::AnyConnection, data::model::StoreError, data::sql, jobs::lane::Lane};
use diesel::{
    Connection,
    connection::SimpleConnection,
    r2d2::{Error as PoolError, R2D2Connection},
    result::Error,
    sqlite::SqliteConnection,
};
use r2d2::ManageConnection;
use std::{fmt::Display, time::Duration};

pub(super) type Pool = r2d2::Pool<Manager>;

/// WAL, so that readers and the writer do not wait for each other. It is kept in the file: set once.
const JOURNAL: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL;";

/// FULL, so that a commit is on the disk before it is answered. The log is written back after 4 MB by whoever commits then:
/// more would make that one wait longer (docs/PERFORMANCE.md).
const PRAGMAS: &str = "
    PRAGMA busy_timeout = 5000;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA trusted_schema = OFF;
";

/// Longest wait for a connection; there is one for every thread, so it only passes while one is being replaced.
const PATIENCE: Duration = Duration::from_secs(5);

/// A pool of `size` connections of a lane to the database file, which is created if there is none.
pub(super) fn pool(path: &str, lane: Lane, size: u32) -> Result<Pool, StoreError> {
    let unavailable = |error: &dyn Display| StoreError::Unavailable(error.to_string());
    let mut first = SqliteConnection::establish(path).map_err(|error| unavailable(&error))?;
    first.batch_execute(JOURNAL).map_err(|error| unavailable(&error))?;
    r2d2::Pool::builder()
        .max_size(size)
        .connection_timeout(PATIENCE)
        .idle_timeout(None)
        // A command of the command line needs one lane or two.
        .min_idle(Some(0))
        .max_lifetime(None)
        .test_on_check_out(false)
        .build(Manager { path: path.to_owned(), lane })
        .map_err(|error| unavailable(&error))
}

/// Opens connections of a lane, set up alike.
pub(super) struct Manager {
    path: String,
    lane: Lane,
}

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = PoolError;

    fn connect(&self) -> Result<AnyConnection, PoolError> {
        let mut connection = SqliteConnection::establish(&self.path).map_err(PoolError::ConnectionError)?;
        connection.batch_execute(PRAGMAS).map_err(PoolError::QueryError)?;
        let cache = format!("PRAGMA cache_size = -{}", self.lane.cache());
        connection.batch_execute(&cache).map_err(PoolError::QueryError)?;
        sql::register_functions(&mut connection).map_err(PoolError::QueryError)?;
        Ok(AnyConnection::Sqlite(connection))
    }

    /// A connection to a file is not lost.
    fn is_valid(&self, _: &mut AnyConnection) -> Result<(), PoolError> {
        Ok(())
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        std::thread::panicking() || connection.is_broken()
    }
}

/// What SQLite says where the file or its disk is at fault, not the statement. Its error code does not come through.
const TROUBLE: [&str; 7] = [
    "database is locked",
    "database table is locked",
    "disk I/O error",
    "unable to open database",
    "database or disk is full",
    "attempt to write a readonly database",
    "database disk image is malformed",
];

/// What SQLite says of a statement that was ended by [`crate::jobs::limit`].
const INTERRUPTED: &str = "interrupted";

/// Whether SQLite has rolled back the transaction by itself, as it does when a statement that writes is ended. diesel then
/// tells that there is nothing to roll back, and not that the statement was ended.
pub(super) fn is_rolled_back(error: &Error) -> bool {
    matches!(error, Error::NotInTransaction) || error.to_string().contains("no transaction is active")
}

/// An error of diesel as one of ours.
pub(super) fn store_error(error: &Error) -> StoreError {
    let text = error.to_string();
    if text == INTERRUPTED {
        return StoreError::Late;
    }
    let is_trouble =
        matches!(error, Error::BrokenTransactionManager) || TROUBLE.iter().any(|words| text.contains(words));
    if is_trouble { StoreError::Unavailable(text) } else { StoreError::Failed(text) }
}
