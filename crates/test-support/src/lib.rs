//! What tests need of the world: private PostgreSQL servers, running gateways, an HTTP client, a browser. Speaks HTTP and runs
//! programs; knows none of our own types, so that a mistake in them cannot hide here.
//!
//! A failure here means that the test cannot run at all, so everything panics with a cause.
#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "a failure to set up is the failure of the test, told to people"
)]

mod browser;
mod gateway;
mod http;
mod postgres;
mod small_disk;
mod supervised;

pub use browser::{Browser, Scheme};
pub use gateway::{Database, Gateway, GatewayOptions};
pub use http::{Http, Response};
pub use postgres::Postgres;
pub use small_disk::SmallDisk;
pub use supervised::Supervised;

use std::path::Path;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file in the test's own folder.
    Sqlite,
    /// A fresh database of a private server that all tests of the process share.
    Postgres,
}

impl Backend {
    /// Both.
    pub const ALL: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];

    /// The URL of a fresh, empty database; a SQLite file lies in `folder`.
    pub fn fresh_database(self, folder: &Path) -> String {
        match self {
            Backend::Sqlite => format!("sqlite://{}", folder.join("juno.db").display()),
            Backend::Postgres => Postgres::shared().fresh_database(),
        }
    }
}
