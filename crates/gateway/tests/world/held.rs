//! What waits in PostgreSQL, held there by a transaction for as long as a test wants.

use super::soon;
use std::thread::{Scope, ScopedJoinHandle};
use test_support::Postgres;

/// A database of PostgreSQL, looked at from outside.
pub(crate) struct Held<'t> {
    pub(crate) postgres: &'t Postgres,
    pub(crate) database: &'t str,
}

impl Held<'_> {
    /// Locks all rows of a table until a condition no longer holds, a minute at most. Returns once they are locked.
    pub(crate) fn rows<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        table: &str,
        while_true: &str,
    ) -> ScopedJoinHandle<'scope, ()> {
        let hold = format!(
            "SELECT FROM {table} FOR UPDATE; SELECT pg_advisory_xact_lock(1); DO $$ BEGIN WHILE {while_true} \
             AND clock_timestamp() < now() + interval '60 s' LOOP NULL; END LOOP; END $$"
        );
        let held = scope.spawn(move || drop(self.postgres.query(self.database, &hold)));
        soon("the hold", || {
            self.count(
                "pg_locks JOIN pg_database ON pg_database.oid = database \
                 WHERE datname = current_database() AND locktype = 'advisory'",
            ) == "1"
        });
        held
    }

    /// Returns once somebody waits for what is held.
    pub(crate) fn is_felt(&self, by: &str) {
        let waiting =
            "pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0";
        soon(by, || self.count(waiting) == "1");
    }

    fn count(&self, what: &str) -> String {
        self.postgres.query(self.database, &format!("SELECT count(*) FROM {what}"))
    }
}
