-- The table of ../../postgres/0013_erasures in SQLite's words. What it is for is said there.

CREATE TABLE erasures (
    tenant_id BLOB NOT NULL PRIMARY KEY REFERENCES tenants (id)
) WITHOUT ROWID;
