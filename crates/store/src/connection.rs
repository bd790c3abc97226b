//! A connection to either database: the type that lets the control plane write each query once (`docs/adr/0037`).

use crate::{
    pages::{Measured, PageBounds, Rows, Slice},
    schema::types::{Id, Json, JsonText, Key},
};
use diesel::{
    PgConnection, QueryResult, SqliteConnection,
    connection::DefaultLoadingMode,
    deserialize::{self, FromSql},
    pg::PgRowByRowLoadingMode,
    query_dsl::LoadQuery,
    result::Error,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::HasSqlType,
};

/// A connection to PostgreSQL or SQLite. Queries of diesel run on it as on either.
///
/// It knows no `ON CONFLICT` and no `FOR UPDATE`. Where one is needed, the code matches on the variant.
#[derive(diesel::MultiConnection)]
pub(crate) enum AnyConnection {
    /// PostgreSQL.
    Postgres(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

impl AnyConnection {
    /// The connection to PostgreSQL.
    ///
    /// # Errors
    /// It is one to SQLite.
    pub(crate) fn postgres(&mut self) -> QueryResult<&mut PgConnection> {
        match self {
            AnyConnection::Postgres(connection) => Ok(connection),
            AnyConnection::Sqlite(_) => Err(other_database()),
        }
    }

    /// The connection to SQLite.
    ///
    /// # Errors
    /// It is one to PostgreSQL.
    pub(crate) fn sqlite(&mut self) -> QueryResult<&mut SqliteConnection> {
        match self {
            AnyConnection::Sqlite(connection) => Ok(connection),
            AnyConnection::Postgres(_) => Err(other_database()),
        }
    }
}

/// A fault of ours: each engine opens connections to its own database.
fn other_database() -> Error {
    Error::QueryBuilderError("this connection belongs to the other database".into())
}

/// Reads rows as the database sends them, until the page is full. By default diesel would hold the whole answer of
/// PostgreSQL.
///
/// # Errors
/// Faults of the database; a row that cannot be read.
pub(crate) fn page<'query, T, Q>(
    db: &mut AnyConnection,
    query: Q,
    bounds: PageBounds,
) -> QueryResult<Slice<T>>
where
    T: Measured,
    Q: LoadQuery<'query, PgConnection, T, PgRowByRowLoadingMode>
        + LoadQuery<'query, SqliteConnection, T, DefaultLoadingMode>
        + 'query,
{
    let page = Rows::new(bounds);
    let page = match db {
        AnyConnection::Postgres(connection) => {
            page.read(query.load_iter::<T, PgRowByRowLoadingMode>(connection)?)
        }
        AnyConnection::Sqlite(connection) => page.read(query.load_iter::<T, DefaultLoadingMode>(connection)?),
    };
    Ok(page?.finish())
}

/// Reads rows as a type by its record, the row as it is stored.
macro_rules! read_by {
    ($type:ty, $record:ty) => {
        impl<T, DB: diesel::backend::Backend> diesel::Queryable<T, DB> for $type
        where
            $record: diesel::Queryable<T, DB>,
        {
            type Row = <$record as diesel::Queryable<T, DB>>::Row;

            fn build(row: Self::Row) -> diesel::deserialize::Result<Self> {
                Ok(<$record as diesel::Queryable<T, DB>>::build(row)?.try_into()?)
            }
        }
    };
}
pub(crate) use read_by;

impl HasSqlType<Key> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        MultiBackend::lookup_sql_type::<Key>(lookup)
    }
}

impl HasSqlType<JsonText> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        MultiBackend::lookup_sql_type::<JsonText>(lookup)
    }
}

impl FromSql<Key, MultiBackend> for Id {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Id, Key>()
    }
}

impl ToSql<Key, MultiBackend> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Key, self));
        Ok(IsNull::No)
    }
}

impl FromSql<JsonText, MultiBackend> for Json {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Json, JsonText>()
    }
}

impl ToSql<JsonText, MultiBackend> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((JsonText, self));
        Ok(IsNull::No)
    }
}
