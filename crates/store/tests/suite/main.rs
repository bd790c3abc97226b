//! One suite for both databases: what holds of a `Store` holds of it on SQLite and on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "what fails, fails the test"
)]

mod acts;
mod audit;
mod backend;
mod batches;
mod clock;
mod counts;
mod credentials;
mod erase;
mod feed;
mod filters;
mod folding;
mod isolation;
mod lanes;
mod large_pages;
mod listing;
mod lookups;
mod members;
mod migrations;
mod oauth;
mod operator_acts;
mod operators;
mod overview;
mod purge;
mod random;
mod resources;
mod restore;
mod scratch;
mod setup_links;
mod shares;
mod tenants;
mod together;
mod tokens;
mod user_names;
mod world;

/// Makes two tests of each function: one with a store on SQLite, one with a store on PostgreSQL.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::backend::Backend::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::backend::Backend::postgres()).await;
            })+
        }
    };
}
pub(crate) use on_both_databases;
