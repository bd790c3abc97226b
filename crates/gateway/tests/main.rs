//! The gateway as others meet it: a running binary, spoken to by HTTP and by its command line, on both databases.
#![expect(clippy::panic, reason = "these are tests, their helpers too")]

mod raw;
mod scenario;
mod world;

mod acceptance;
mod account_discovery;
mod admin;
mod browser;
mod callers;
mod cli;
mod cli_two_ways;
mod conformance;
mod console;
mod durability;
mod entra_check;
mod full_disk;
mod hostile;
mod hosts;
mod isolation;
mod limits;
mod log;
mod membership;
mod monitoring;
mod neighbours;
mod oauth;
mod outage;
mod paging;
mod protocol;
mod run_script;
mod scim2_tester;
mod settings;
mod setup;
mod shutdown;
mod user_names;
