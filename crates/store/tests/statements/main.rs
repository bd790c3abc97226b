//! Every statement that a store sends while all of it is used: whose rows it touches, and how the databases find them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "what fails, fails the test"
)]

#[path = "../suite/acts.rs"]
mod acts;
#[path = "../suite/backend.rs"]
#[expect(dead_code, reason = "the suite uses more of it")]
mod backend;
mod capture;
mod everything;
mod halves;
mod large;
#[path = "../suite/operator_acts.rs"]
mod operator_acts;
mod plans;
mod tenancy;
#[path = "../suite/world.rs"]
#[expect(dead_code, reason = "the suite uses more of it")]
mod world;
