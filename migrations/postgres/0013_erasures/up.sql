-- Tenants that are being erased: what is theirs goes in slices (docs/adr/0019), and nobody can do anything for them any more.
CREATE TABLE erasures (
    tenant_id uuid NOT NULL PRIMARY KEY REFERENCES tenants (id)
);
