-- A deleted group keeps its memberships: nobody sees them while there is no row of it in groups, and a restore brings them
-- back (docs/adr/0027).

-- How many memberships a group has, so that nobody has to count them.
ALTER TABLE groups ADD COLUMN member_count bigint NOT NULL DEFAULT 0;
UPDATE groups AS g SET member_count = n.members
FROM (SELECT tenant_id, group_id, count(*) AS members FROM group_members GROUP BY tenant_id, group_id) AS n
WHERE n.tenant_id = g.tenant_id AND n.group_id = g.id;

-- What was deleted before has its members in a list. Those that are still there become hidden memberships again.
INSERT INTO group_members (tenant_id, group_id, member_id, member_is_group)
SELECT d.tenant_id, d.id, m.id, m.is_group
FROM deleted_resources AS d CROSS JOIN LATERAL json_array_elements_text(d.members) AS listed (id)
JOIN (SELECT tenant_id, id, false AS is_group FROM users UNION ALL SELECT tenant_id, id, true FROM groups) AS m
ON m.tenant_id = d.tenant_id AND m.id = listed.id::uuid
WHERE d.kind = 'Group'
ON CONFLICT DO NOTHING;
-- How many members it had when it was deleted (Group only).
ALTER TABLE deleted_resources ADD COLUMN member_count bigint NOT NULL DEFAULT 0;
UPDATE deleted_resources SET member_count = json_array_length(members) WHERE kind = 'Group';
ALTER TABLE deleted_resources DROP COLUMN members;

-- Whether a purge has begun, which takes several transactions where there is much to erase: from then on nobody restores it.
ALTER TABLE deleted_resources ADD COLUMN purging boolean NOT NULL DEFAULT false;
