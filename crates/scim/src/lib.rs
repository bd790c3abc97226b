//! RFC 7643, 7644, 9865 and 9967 as pure functions on JSON: no I/O, no clock, no HTTP, no SQL.
//!
//! A request becomes words of the standard ([`patch::PatchRequest`], [`search::Query`], [`resource::Draft`]), is judged
//! by schemas that are data ([`schema`]), and ends in a new document or in a [`ScimError`].

mod app_role;
pub mod bulk;
pub mod comparison;
pub mod condition;
pub mod discovery;
pub mod effect;
pub mod error;
pub mod event;
pub mod filter;
pub mod json;
pub mod limits;
pub mod list;
pub mod lookup;
pub mod member;
pub mod meta;
mod pairs;
pub mod patch;
pub mod path;
pub mod profile;
pub mod projection;
mod reference;
pub mod resource;
pub mod schema;
pub mod search;
pub mod steps;
pub mod undescribed;
mod undescribed_values;
pub mod urn;
pub mod value;

pub use error::{ScimError, ScimType};
pub use meta::Timestamp;
pub use profile::Profile;
