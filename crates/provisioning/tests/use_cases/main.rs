//! The use cases on a real store, SQLite: what they mean is the same on PostgreSQL, which the store's own tests show.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where its preparation does")]

#[path = "../../../store/tests/suite/acts.rs"]
#[expect(dead_code, reason = "the suite of the store uses more of it")]
mod acts;
mod bulk;
mod history;
mod limits;
mod resources;
mod tenant;
mod walks;
