//! A store on a database of its own, and a way to look into that database behind the store's back.

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection,
    sql_query, sql_types,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::{any::Any, sync::Arc};
use store::{Budget, Settings, Store};
use tempfile::TempDir;
use test_support::Postgres;
use uuid::Uuid;

/// Cheap to clone: every clone means the same database.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) store: Store,
    database: Arc<Database>,
}

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

enum Database {
    Sqlite(TempDir),
    Postgres(String),
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

fn open(url: &str, budget: Budget) -> Store {
    Store::open(&Settings { readers: 2, budget, ..Settings::of(url.to_owned()) }).unwrap()
}

impl Database {
    fn path(folder: &TempDir) -> String {
        folder.path().join("juno.sqlite").to_str().unwrap().to_owned()
    }

    fn url(&self) -> String {
        match self {
            Database::Sqlite(folder) => format!("sqlite://{}", Database::path(folder)),
            Database::Postgres(url) => url.clone(),
        }
    }

    fn execute(&self, statement: &str) {
        match self {
            Database::Sqlite(folder) => {
                let mut connection = SqliteConnection::establish(&Database::path(folder)).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                connection.batch_execute(statement).unwrap();
            }
            Database::Postgres(url) => {
                PgConnection::establish(url).unwrap().batch_execute(statement).unwrap();
            }
        }
    }

    /// Applies the migrations below this number.
    fn migrate_below(&self, number: &str) {
        match self {
            Database::Sqlite(folder) => {
                let mut connection = SqliteConnection::establish(&Database::path(folder)).unwrap();
                migrate_below(&mut connection, SQLITE, number);
            }
            Database::Postgres(url) => {
                migrate_below(&mut PgConnection::establish(url).unwrap(), POSTGRES, number);
            }
        }
    }

    fn key(&self, key: Uuid) -> String {
        match self {
            Database::Sqlite(_) => format!("x'{}'", key.simple()),
            Database::Postgres(_) => format!("'{key}'"),
        }
    }

    fn load<T>(&self, statement: &str) -> Vec<T>
    where
        T: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
    {
        match self {
            Database::Sqlite(folder) => {
                let mut connection = SqliteConnection::establish(&Database::path(folder)).unwrap();
                sql_query("PRAGMA busy_timeout = 5000").execute(&mut connection).unwrap();
                sql_query(statement).load(&mut connection).unwrap()
            }
            Database::Postgres(url) => {
                sql_query(statement).load(&mut PgConnection::establish(url).unwrap()).unwrap()
            }
        }
    }
}

fn migrate_below<D: diesel::backend::Backend + 'static>(
    connection: &mut impl MigrationHarness<D>,
    all: EmbeddedMigrations,
    number: &str,
) {
    for migration in connection.pending_migrations(all).unwrap() {
        if migration.name().version().to_string().as_str() < number {
            connection.run_migration(&migration).unwrap();
        }
    }
}

/// A database as an earlier version has left it.
pub(crate) struct Earlier(Database);

impl Earlier {
    /// Stores something, as that version would have.
    pub(crate) fn execute(&self, statement: &str) {
        self.0.execute(statement);
    }

    /// A key as it stands in a statement.
    pub(crate) fn key(&self, key: Uuid) -> String {
        self.0.key(key)
    }

    /// Opens it with this version.
    pub(crate) fn upgrade(self) -> Backend {
        Backend::new(self.0)
    }
}

impl Backend {
    fn new(database: Database) -> Backend {
        Backend { store: open(&database.url(), Budget::default()), database: Arc::new(database) }
    }

    /// A new file in a folder that is removed with the last clone.
    pub(crate) fn sqlite() -> Backend {
        Backend::new(Database::Sqlite(tempfile::tempdir().unwrap()))
    }

    /// A new database on the server of this test run.
    pub(crate) fn postgres() -> Backend {
        Backend::new(Database::Postgres(Postgres::shared().fresh_database()))
    }

    /// Another database of the same kind, with the schema as it was before this migration.
    pub(crate) fn earlier(&self, number: &str) -> Earlier {
        let database = match &*self.database {
            Database::Sqlite(_) => Database::Sqlite(tempfile::tempdir().unwrap()),
            Database::Postgres(_) => Database::Postgres(Postgres::shared().fresh_database()),
        };
        database.migrate_below(number);
        Earlier(database)
    }

    /// Where the database is, as settings say it.
    pub(crate) fn url(&self) -> String {
        self.database.url()
    }

    /// Another store on the same database, as another process would open it.
    pub(crate) fn open_again(&self) -> Store {
        open(&self.url(), Budget::default())
    }

    /// Another store on the same database, where each tenant has this share.
    pub(crate) fn open_with_share(&self, share: u32) -> Store {
        open(&self.url(), Budget { share, ..Budget::default() })
    }

    /// Lets no change through to this tenant, whatever is waiting, until the connection is dropped.
    pub(crate) fn hold_changes(&self, tenant: Uuid) -> Box<dyn Any> {
        match &*self.database {
            Database::Sqlite(folder) => {
                let mut connection = SqliteConnection::establish(&Database::path(folder)).unwrap();
                connection.batch_execute("BEGIN IMMEDIATE").unwrap();
                Box::new(connection)
            }
            Database::Postgres(url) => {
                let mut connection = PgConnection::establish(url).unwrap();
                let lock = format!("BEGIN; SELECT 1 FROM feeds WHERE tenant_id = '{tenant}' FOR UPDATE");
                connection.batch_execute(&lock).unwrap();
                Box::new(connection)
            }
        }
    }

    /// A key as it stands in a statement.
    pub(crate) fn key(&self, key: Uuid) -> String {
        self.database.key(key)
    }

    /// Changes something behind the store's back.
    pub(crate) fn execute(&self, statement: &str) {
        self.database.execute(statement);
    }

    /// Takes away what keeps the audit log append-only, as somebody with the rights of the owner could.
    pub(crate) fn unlock_audit_log(&self) {
        self.execute(match *self.database {
            Database::Sqlite(_) => {
                "DROP TRIGGER audit_log_is_never_updated; DROP TRIGGER audit_log_is_never_deleted"
            }
            Database::Postgres(_) => "DROP TRIGGER audit_log_is_append_only ON audit_log",
        });
    }

    /// Whether the database refuses a statement.
    pub(crate) fn refuses(&self, statement: &str) -> bool {
        match &*self.database {
            Database::Sqlite(folder) => {
                let mut connection = SqliteConnection::establish(&Database::path(folder)).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                connection.batch_execute(statement).is_err()
            }
            Database::Postgres(url) => {
                PgConnection::establish(url).unwrap().batch_execute(statement).is_err()
            }
        }
    }

    /// A column of numbers.
    pub(crate) fn numbers(&self, statement: &str) -> Vec<i64> {
        let named = format!("WITH found(number) AS ({statement}) SELECT number FROM found");
        self.database.load::<Number>(&named).into_iter().map(|row| row.number).collect()
    }

    /// Tables with a column of this name, as the database itself knows them.
    pub(crate) fn tables_with(&self, column: &str) -> Vec<String> {
        let statement = match *self.database {
            Database::Sqlite(_) => format!(
                "SELECT t.name AS name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c \
                 WHERE t.type = 'table' AND c.name = '{column}' ORDER BY t.name"
            ),
            Database::Postgres(_) => format!(
                "SELECT table_name::text AS name FROM information_schema.columns \
                 WHERE table_schema = 'public' AND column_name = '{column}' ORDER BY table_name"
            ),
        };
        self.names(&statement)
    }

    /// A column of texts, which the statement calls `name`.
    pub(crate) fn names(&self, statement: &str) -> Vec<String> {
        self.database.load::<Name>(statement).into_iter().map(|row| row.name).collect()
    }
}
