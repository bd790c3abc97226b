//! Ends statements of SQLite that must not go on.
//!
//! SQLite can ask a program, every few thousand steps of a statement, whether the statement may go on
//! (<https://www.sqlite.org/c3ref/progress_handler.html>). diesel does not offer that, so this crate sets it for every
//! connection that the process opens (<https://www.sqlite.org/c3ref/auto_extension.html>). It is the only crate of the
//! product with `unsafe` code.

use libsqlite3_sys::{
    SQLITE_OK, sqlite3, sqlite3_api_routines, sqlite3_auto_extension, sqlite3_progress_handler,
};
use std::{
    ffi::{c_char, c_int, c_void},
    fmt,
    panic::catch_unwind,
    ptr,
    sync::OnceLock,
};

/// Steps of SQLite's virtual machine between two questions: about 0.1 ms of work.
const STEPS: c_int = 4000;

static MUST_END: OnceLock<fn() -> bool> = OnceLock::new();

/// SQLite did not take the handler; the number is its result code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub i32);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SQLite does not watch its statements: result code {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// From now on, each connection that this process opens asks `must_end` while it runs a statement, in the thread that
/// runs it. A statement for which the answer is `true` fails with `SQLITE_INTERRUPT`. The first `must_end` stays.
///
/// # Errors
/// [`Refused`] if SQLite has no memory to note the handler.
pub fn watch(must_end: fn() -> bool) -> Result<(), Refused> {
    MUST_END.get_or_init(|| must_end);
    // SAFETY: `set_up` has the signature that SQLite calls entry points of extensions with, and lives as long as the
    // process. SQLite guards its list of entry points by a lock, and enters each one once.
    let code = unsafe { sqlite3_auto_extension(Some(set_up)) };
    if code == SQLITE_OK { Ok(()) } else { Err(Refused(code)) }
}

/// Called by SQLite with each connection that it has just opened.
unsafe extern "C" fn set_up(
    connection: *mut sqlite3,
    _message: *mut *mut c_char,
    _routines: *const sqlite3_api_routines,
) -> c_int {
    // SAFETY: SQLite calls this with a connection that is open and that nobody else uses yet. `ask` reads none of what the
    // null pointer would point to.
    unsafe { sqlite3_progress_handler(connection, STEPS, Some(ask), ptr::null_mut()) };
    SQLITE_OK
}

/// Called by SQLite while a statement runs; anything but 0 ends it.
unsafe extern "C" fn ask(_nothing: *mut c_void) -> c_int {
    // A panic must not unwind into C; it lets the statement go on.
    let must_end = MUST_END.get().is_some_and(|must_end| catch_unwind(must_end).unwrap_or(false));
    c_int::from(must_end)
}

#[cfg(test)]
mod tests {
    use diesel::{Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_query};
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<u32> = const { Cell::new(u32::MAX) };
    }

    /// Ends what has asked as often as the test lets it.
    fn must_end() -> bool {
        LEFT.with(|left| {
            left.set(left.get().saturating_sub(1));
            left.get() == 0
        })
    }

    const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    #[test]
    fn a_statement_ends_when_it_is_told_to_and_its_connection_goes_on() {
        super::watch(must_end).unwrap();
        super::watch(must_end).unwrap();
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        connection.batch_execute("CREATE TABLE t (i INTEGER)").unwrap();
        LEFT.set(10);
        let ended = sql_query(ENDLESS).execute(&mut connection).unwrap_err();
        assert_eq!(ended.to_string(), "interrupted");
        LEFT.set(u32::MAX);
        sql_query("INSERT INTO t VALUES (1)").execute(&mut connection).unwrap();
    }

    #[test]
    fn a_statement_that_writes_is_rolled_back_with_its_transaction() {
        super::watch(must_end).unwrap();
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        connection.batch_execute("CREATE TABLE t (i INTEGER)").unwrap();
        let ended = connection.immediate_transaction(|connection| {
            sql_query("INSERT INTO t VALUES (1)").execute(connection)?;
            LEFT.set(10);
            sql_query(format!("INSERT INTO t {}", ENDLESS.replace("count(*)", "i"))).execute(connection)
        });
        LEFT.set(u32::MAX);
        // What the store takes it for (store/src/sqlite/connection.rs).
        assert!(ended.unwrap_err().to_string().contains("no transaction is active"));
        connection.immediate_transaction(|c| sql_query("INSERT INTO t VALUES (1)").execute(c)).unwrap();
    }

    #[test]
    fn a_transaction_that_is_ended_is_rolled_back() {
        super::watch(must_end).unwrap();
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        connection.batch_execute("CREATE TABLE t (i INTEGER UNIQUE)").unwrap();
        let ended = connection.immediate_transaction(|connection| {
            sql_query("INSERT INTO t VALUES (1)").execute(connection)?;
            LEFT.set(10);
            sql_query(ENDLESS).execute(connection)
        });
        LEFT.set(u32::MAX);
        assert_eq!(ended.unwrap_err().to_string(), "interrupted");
        connection.immediate_transaction(|c| sql_query("INSERT INTO t VALUES (1)").execute(c)).unwrap();
    }
}
