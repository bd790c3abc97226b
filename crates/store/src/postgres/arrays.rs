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

/// A part that writes: `before unnest(…) AS q(names), valid after`. It joins [`GUARD`], so it writes nothing where that
/// has no row. There is no other way to make one.
#[derive(Clone, Debug)]
pub(super) struct GuardedPart {
    before: &'static str,
    columns: Vec<Column>,
    names: &'static str,
    after: &'static str,
}

/// The common table expression that has one row if the batch may be written, else none.
const GUARD: &str = "valid";

impl GuardedPart {
    /// `names` are the columns as `(a, b)`, or nothing where the part takes all of them in order; `after` begins behind
    /// the guard.
    pub(super) fn new(
        before: &'static str,
        columns: Vec<Column>,
        names: &'static str,
        after: &'static str,
    ) -> GuardedPart {
        GuardedPart { before, columns, names, after }
    }
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
            unnest(&part.columns, &mut out)?;
            out.push_sql(part.after);
        }
        Ok(())
    }
}

/// The statement of a batch: `guard` defines the common table expression `valid`, and every part behind it writes only
/// where that has a row. The last part is no common table expression, but the statement behind them.
#[derive(Clone, Debug)]
pub(super) struct GuardedStatement {
    pub(super) guard: Part,
    pub(super) parts: Vec<GuardedPart>,
}

impl QueryId for GuardedStatement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> RunQueryDsl<C> for GuardedStatement {}

impl QueryFragment<Pg> for GuardedStatement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.guard.before);
        unnest(&self.guard.columns, &mut out)?;
        out.push_sql(self.guard.after);
        for part in &self.parts {
            out.push_sql(part.before);
            unnest(&part.columns, &mut out)?;
            for text in [" AS q", part.names, ", ", GUARD, part.after] {
                out.push_sql(text);
            }
        }
        Ok(())
    }
}

/// `unnest($1, $2)`.
fn unnest<'b>(columns: &'b [Column], out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    if columns.is_empty() {
        return Ok(());
    }
    out.push_sql("unnest(");
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.push_sql(", ");
        }
        column.bind(out)?;
    }
    out.push_sql(")");
    Ok(())
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
