-- The changes of ../../postgres/0011_hidden_members in SQLite's words. What each is for is said there.

ALTER TABLE "groups" ADD COLUMN member_count BIGINT NOT NULL DEFAULT 0;
UPDATE "groups" AS g SET member_count =
    (SELECT count(*) FROM group_members AS m WHERE m.tenant_id = g.tenant_id AND m.group_id = g.id);

INSERT INTO group_members (tenant_id, group_id, member_id, member_is_group)
SELECT d.tenant_id, d.id, m.id, m.is_group
FROM deleted_resources AS d CROSS JOIN json_each(d.members) AS listed
CROSS JOIN (SELECT tenant_id, id, FALSE AS is_group FROM users UNION ALL SELECT tenant_id, id, TRUE FROM "groups") AS m
WHERE d.kind = 'Group' AND m.tenant_id = d.tenant_id AND m.id = unhex(listed.value, '-')
ON CONFLICT DO NOTHING;
ALTER TABLE deleted_resources ADD COLUMN member_count BIGINT NOT NULL DEFAULT 0;
UPDATE deleted_resources SET member_count = json_array_length(members) WHERE kind = 'Group';
ALTER TABLE deleted_resources DROP COLUMN members;

ALTER TABLE deleted_resources ADD COLUMN purging BOOLEAN NOT NULL DEFAULT FALSE;
