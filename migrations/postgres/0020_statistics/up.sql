-- A tenant's list of what was deleted, the latest first: the index over all tenants would be walked through theirs.
CREATE INDEX deleted_resources_tenant ON deleted_resources (tenant_id, deleted_at, id);

-- Statements are planned for the largest tenant (docs/adr/0023). Left to count, the planner takes the average: among
-- many small tenants `tenant_id` alone seems to find one row, and a large tenant is then read from end to end.
-- Holds from the next ANALYZE on. An empty table is not counted: the planner's guess is better than a count of nothing.
ALTER TABLE users ALTER COLUMN tenant_id SET (n_distinct = 1);
ALTER TABLE groups ALTER COLUMN tenant_id SET (n_distinct = 1);
ALTER TABLE group_members ALTER COLUMN tenant_id SET (n_distinct = 1);
ALTER TABLE deleted_resources ALTER COLUMN tenant_id SET (n_distinct = 1);
ALTER TABLE change_log ALTER COLUMN tenant_id SET (n_distinct = 1);
DO $$ BEGIN
    IF EXISTS (SELECT FROM users) THEN
        ANALYZE users, groups, group_members, deleted_resources, change_log;
    END IF;
END $$;
