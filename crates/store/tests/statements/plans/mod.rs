//! How the databases find the rows of each statement, on a large tenant beside many small ones, with statistics, with old
//! ones and without: no scan in a loop, and nothing that is bounded by the tenant alone but lists.

mod exceptions;
mod postgres;
mod sqlite;

use crate::{
    backend::Backend,
    capture::{Kind, captured},
    large::{add_large_tenant, add_small_tenants},
};
use exceptions::faults;
use std::collections::BTreeSet;

/// A place in a plan where rows are looked for.
#[derive(Debug)]
pub(crate) struct Search {
    /// As the database describes it.
    pub(crate) step: String,
    pub(crate) table: String,
    pub(crate) bound: Bound,
    /// Whether it is done again for each row of something else.
    pub(crate) is_repeated: bool,
}

/// What a search is bounded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// By more than the tenant.
    Keys,
    /// By the tenant alone: as many rows as the tenant has.
    Tenant,
    /// By nothing: as many rows as the table has.
    Nothing,
}

/// A database that explains statements.
pub(crate) trait Explain {
    /// Every search of the plan of a statement.
    fn explain(&mut self, text: &str, binds: &BTreeSet<String>) -> Vec<Search>;
}

fn judge_all(kind: Kind, backend: &Backend, when: &str) {
    let mut database = explain(kind, backend);
    let mut found = String::new();
    for (text, binds) in &captured(kind).statements {
        for fault in faults(text, &database.explain(text, binds)) {
            found += &format!("\n{text}\n    {fault}");
        }
    }
    assert!(found.is_empty(), "{when}:{found}");
}

/// Opens a database that keeps no statistics but those that the test asks for.
fn open(kind: Kind) -> Backend {
    let backend = kind.open();
    if kind == Kind::Postgres {
        backend.execute(
            "DO $$ DECLARE t name; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
             EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = false)', t); END LOOP; END $$",
        );
    }
    backend
}

fn explain(kind: Kind, backend: &Backend) -> Box<dyn Explain> {
    match kind {
        Kind::Sqlite => Box::new(sqlite::Sqlite::connect(&backend.url())),
        Kind::Postgres => Box::new(postgres::Postgres::connect(&backend.url(), &captured(kind).set_up)),
    }
}

/// As after a bulk load: nobody has counted anything. Then with statistics, which a large tenant among small ones
/// misleads: most tenants have few rows.
#[test]
fn postgres_without_and_with_statistics() {
    let backend = open(Kind::Postgres);
    add_small_tenants(&backend, Kind::Postgres);
    add_large_tenant(&backend, Kind::Postgres);
    judge_all(Kind::Postgres, &backend, "without statistics");
    backend.execute("ANALYZE");
    judge_all(Kind::Postgres, &backend, "with statistics");
}

/// A large tenant has come since the tables were counted.
#[test]
fn postgres_with_old_statistics() {
    let backend = open(Kind::Postgres);
    add_small_tenants(&backend, Kind::Postgres);
    backend.execute("ANALYZE");
    add_large_tenant(&backend, Kind::Postgres);
    judge_all(Kind::Postgres, &backend, "with old statistics");
}

/// There is one tenant: `tenant_id` tells nothing.
#[test]
fn postgres_with_one_tenant() {
    let backend = open(Kind::Postgres);
    add_large_tenant(&backend, Kind::Postgres);
    backend.execute("ANALYZE");
    judge_all(Kind::Postgres, &backend, "with one tenant");
}

/// SQLite plans alike whatever is stored, as it has no statistics: a store removes those that somebody has gathered.
#[test]
fn sqlite_without_statistics() {
    let backend = open(Kind::Sqlite);
    add_large_tenant(&backend, Kind::Sqlite);
    backend.execute("ANALYZE");
    assert_eq!(backend.tables_with("stat"), ["sqlite_stat1"]);
    drop(backend.open_again());
    assert!(backend.tables_with("stat").is_empty());
    judge_all(Kind::Sqlite, &backend, "without statistics");
}

/// The text that SQLite took minutes for: it walked every membership of the tenant for each group.
#[test]
fn the_old_join_order_is_found() {
    let old = "WITH RECURSIVE a(id, direct) AS (SELECT m.group_id, TRUE FROM group_members AS m WHERE m.tenant_id = ? \
               AND m.member_id = ? UNION SELECT m.group_id, FALSE FROM group_members AS m JOIN a ON m.member_id = a.id \
               WHERE m.tenant_id = ?) SELECT a.id FROM a";
    let backend = open(Kind::Sqlite);
    let searches = explain(Kind::Sqlite, &backend).explain(old, &BTreeSet::new());
    assert!(!faults(old, &searches).is_empty(), "{searches:?}");
}
