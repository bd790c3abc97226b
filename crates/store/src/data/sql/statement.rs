//! [`Statement`]: finished SQL that diesel can run on one database.

use super::text::{Bind, Piece, Sql};
use crate::{connection::MultiBackend, schema::types::Key};
use diesel::{
    QueryResult, RunQueryDsl,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Bool, Double, Nullable, Text},
    sqlite::Sqlite,
};
use std::marker::PhantomData;

/// A statement that both databases understand.
pub(crate) type Common<R> = Statement<MultiBackend, R>;

/// SQL in the dialect of `D` whose rows are of the SQL type `R`.
#[derive(Clone, Debug)]
pub(crate) struct Statement<D, R> {
    sql: Sql,
    cached: bool,
    types: PhantomData<fn() -> (D, R)>,
}

impl<D, R> Statement<D, R> {
    /// A statement whose text is one of few: each connection prepares it once and keeps it.
    pub(crate) fn cached(sql: Sql) -> Self {
        Statement { sql, cached: true, types: PhantomData }
    }

    /// A statement whose text depends on what is asked: prepared each time, so that odd questions leave nothing
    /// behind in the connections.
    pub(crate) fn once(sql: Sql) -> Self {
        Statement { sql, cached: false, types: PhantomData }
    }

    #[cfg(test)]
    pub(crate) fn is_cached(&self) -> bool {
        self.cached
    }
}

/// By text: the type says nothing about which statement it is.
impl<D, R> QueryId for Statement<D, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<D, R> Query for Statement<D, R> {
    type SqlType = R;
}

impl<C, D, R> RunQueryDsl<C> for Statement<D, R> {}

/// The same walk for each database; a trait bound for it would be longer than the walk.
macro_rules! fragment {
    ($database:ty) => {
        impl<R> QueryFragment<$database> for Statement<$database, R> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $database>) -> QueryResult<()> {
                if !self.cached {
                    out.unsafe_to_cache_prepared();
                }
                for piece in self.sql.pieces() {
                    match piece {
                        Piece::Text(text) => out.push_sql(text),
                        Piece::Bind(Bind::Key(key)) => out.push_bind_param::<Nullable<Key>, _>(key)?,
                        Piece::Bind(Bind::Text(text)) => out.push_bind_param::<Nullable<Text>, _>(text)?,
                        Piece::Bind(Bind::Bool(value)) => out.push_bind_param::<Bool, _>(value)?,
                        Piece::Bind(Bind::BigInt(number)) => {
                            out.push_bind_param::<Nullable<BigInt>, _>(number)?
                        }
                        Piece::Bind(Bind::Double(number)) => out.push_bind_param::<Double, _>(number)?,
                    }
                }
                Ok(())
            }
        }
    };
}

fragment!(MultiBackend);
fragment!(Pg);
fragment!(Sqlite);
