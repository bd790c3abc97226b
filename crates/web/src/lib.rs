//! What pages and APIs of every audience share (docs/adr/0038).

mod authenticated;
pub mod cookies;
mod origin;

pub use authenticated::{Authenticated, OnAuthenticated};
pub use origin::Origin;
