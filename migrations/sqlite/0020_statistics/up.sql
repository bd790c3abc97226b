-- A tenant's list of what was deleted, the latest first. SQLite gets no statistics (docs/adr/0023).
CREATE INDEX deleted_resources_tenant ON deleted_resources (tenant_id, deleted_at, id);
