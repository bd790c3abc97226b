-- What was deleted long ago is looked for over all tenants, to be purged (docs/adr/0019).
CREATE INDEX deleted_resources_deleted_at ON deleted_resources (deleted_at);
