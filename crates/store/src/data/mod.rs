//! The data plane: what requests of the SCIM side read and write, tenant by tenant.

pub(crate) mod counts;
pub(crate) mod lookups;
pub(crate) mod model;
pub(crate) mod old_values;
pub(crate) mod plan;
pub(crate) mod sql;
pub(crate) mod user_names;
