//! The gateway as others meet it: a running binary, spoken to by HTTP and by its command line, on both databases.

#![expect(clippy::panic, reason = "these are tests, their helpers too")]

mod world;

mod callers;
mod durability;
mod isolation;
mod membership;
