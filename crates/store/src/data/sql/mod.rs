//! Statements as text with typed binds, and the translation of listings into them, in two dialects.
//!
//! A [`Sql`] is text and binds in turn; text comes only from this program's source, so nothing that a request says can
//! become SQL. A [`Statement`] is a finished one for one database; every listing statement is built by [`listing`],
//! which takes the tenant first.

mod condition;
mod dialect;
pub(crate) mod listing;
mod membership;
mod order;
mod postgres;
mod sqlite;
mod statement;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod together;
mod undescribed;

pub(crate) use dialect::Dialect;
pub(crate) use membership::is_there;
pub(crate) use sqlite::register_functions;
pub(crate) use statement::{Common, Statement};
pub(crate) use text::{Bind, Sql, sql};
