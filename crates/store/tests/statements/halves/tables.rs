//! Which half each table belongs to: the one list. A new table is added here before anything else.
//!
//! `Data` is what the SCIM side reads and writes on each request. When one machine is too small, these tables are
//! distributed by `tenant_id`, all rows of a tenant on one node. `Control` is what operators, timers and authentication
//! use; it stays on one node, where a digest can be unique over all tenants.

use crate::{backend::Backend, capture::Kind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Data,
    Control,
}

use Half::{Control, Data};

pub(crate) const TABLES: [(&str, Half, &str); 25] = [
    ("change_log", Data, "written by each change, in its transaction"),
    ("deleted_resources", Data, "a deletion moves a row here, in its transaction"),
    ("feeds", Data, "each change moves the row of its tenant"),
    ("group_members", Data, "read and written by each request about groups"),
    ("groups", Data, "resources"),
    ("lookup_keys", Data, "written by each change, in its transaction"),
    ("lookup_paths", Data, "read with the feed of each change"),
    ("user_name_collisions", Data, "written in the transaction that gives users their keys"),
    ("users", Data, "resources"),
    ("audit_head", Control, "one row for all operators: the end of one chain"),
    ("audit_log", Control, "one chain over all tenants, with triggers"),
    ("client_secrets", Control, "credentials, which operators issue and timers warn of"),
    ("clock", Control, "no tenant's"),
    ("erasures", Control, "beside tenants"),
    ("federations", Control, "credentials"),
    ("oauth_clients", Control, "credentials"),
    ("operator_api_tokens", Control, "no tenant's"),
    ("operator_sessions", Control, "no tenant's"),
    ("operators", Control, "no tenant's"),
    ("rotations", Control, "of credentials"),
    ("secret_tokens", Control, "found by a digest that is unique over all tenants"),
    ("setup_links", Control, "found by a digest that is unique over all tenants"),
    ("signing_keys", Control, "no tenant's"),
    ("tenants", Control, "found by a label that is unique"),
    ("used_assertions", Control, "written by the token endpoint, beside credentials"),
];

/// The half of a table; none if it is in neither.
pub(crate) fn half(table: &str) -> Option<Half> {
    TABLES.iter().find(|(name, ..)| *name == table).map(|(_, half, _)| *half)
}

/// The tables that a database has, by name; without those of the database itself and of its migrations.
pub(crate) fn stored_tables(backend: &Backend, kind: Kind) -> Vec<String> {
    let mut tables = backend.names(match kind {
        Kind::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
        Kind::Postgres => {
            "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY name"
        }
    });
    tables.retain(|table| !table.starts_with("__") && !table.starts_with("sqlite_"));
    tables
}
