//! Statements over arrays: any number of rows in one text, since each column of them is one bind.

use crate::schema::types::{Id, Json, JsonText, Key};
use diesel::{
    QueryResult, RunQueryDsl,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Bool, Nullable, Text},
};
use std::marker::PhantomData;

/// One column of many rows.
#[derive(Clone, Debug)]
pub(super) enum Column {
    Keys(Vec<Id>),
    MaybeKeys(Vec<Option<Id>>),
    Numbers(Vec<i64>),
    Bools(Vec<bool>),
    Texts(Vec<String>),
    MaybeTexts(Vec<Option<String>>),
    Words(Vec<&'static str>),
    Jsons(Vec<Json>),
    MaybeJsons(Vec<Option<Json>>),
}

/// `unnest(…) AS q(names)`, and the statement around it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) before: &'static str,
    pub(super) columns: Vec<Column>,
    pub(super) after: &'static str,
}

/// Parts put together: `before unnest($1,$2) after`, with a word between the parts, as one statement whose rows are of
/// the SQL type `R`. Prepared once for each text; texts differ only in which parts there are.
#[derive(Clone, Debug)]
pub(super) struct Statement<R> {
    pub(super) parts: Vec<Part>,
    pub(super) between: &'static str,
    types: PhantomData<fn() -> R>,
}

impl<R> Statement<R> {
    pub(super) fn new(parts: Vec<Part>, between: &'static str) -> Self {
        Statement { parts, between, types: PhantomData }
    }
}

impl<R> QueryId for Statement<R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<R> Query for Statement<R> {
    type SqlType = R;
}

impl<C, R> RunQueryDsl<C> for Statement<R> {}

impl<R> QueryFragment<Pg> for Statement<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                out.push_sql(self.between);
            }
            out.push_sql(part.before);
            if !part.columns.is_empty() {
                out.push_sql("unnest(");
                for (index, column) in part.columns.iter().enumerate() {
                    if index > 0 {
                        out.push_sql(", ");
                    }
                    column.bind(&mut out)?;
                }
                out.push_sql(")");
            }
            out.push_sql(part.after);
        }
        Ok(())
    }
}

impl Column {
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Column::Keys(values) => out.push_bind_param::<Array<Key>, _>(values),
            Column::MaybeKeys(values) => out.push_bind_param::<Array<Nullable<Key>>, _>(values),
            Column::Numbers(values) => out.push_bind_param::<Array<BigInt>, _>(values),
            Column::Bools(values) => out.push_bind_param::<Array<Bool>, _>(values),
            Column::Texts(values) => out.push_bind_param::<Array<Text>, _>(values),
            Column::MaybeTexts(values) => out.push_bind_param::<Array<Nullable<Text>>, _>(values),
            Column::Words(values) => out.push_bind_param::<Array<Text>, _>(values),
            Column::Jsons(values) => out.push_bind_param::<Array<JsonText>, _>(values),
            Column::MaybeJsons(values) => out.push_bind_param::<Array<Nullable<JsonText>>, _>(values),
        }
    }
}
