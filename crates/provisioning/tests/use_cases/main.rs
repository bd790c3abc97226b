//! The use cases on a real store, SQLite: what they mean is the same on PostgreSQL, which the store's own tests show.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where its preparation does")]

mod bulk;
mod history;
mod limits;
mod resources;
mod tenant;
mod walks;
