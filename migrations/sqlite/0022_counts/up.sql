-- The changes of ../../postgres/0022_counts in SQLite's words. What each is for is said there.

ALTER TABLE feeds ADD COLUMN user_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feeds ADD COLUMN active_user_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feeds ADD COLUMN group_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feeds ADD COLUMN membership_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feeds ADD COLUMN byte_count BIGINT NOT NULL DEFAULT 0;
UPDATE feeds AS f
SET user_count = n.users, active_user_count = n.active_users, byte_count = n.bytes
FROM (
    SELECT tenant_id, count(*) AS users, sum(active) AS active_users, sum(octet_length(document)) AS bytes
    FROM users GROUP BY tenant_id
) AS n
WHERE n.tenant_id = f.tenant_id;
UPDATE feeds AS f
SET group_count = n.groups, membership_count = n.memberships, byte_count = f.byte_count + n.bytes
FROM (
    SELECT tenant_id, count(*) AS "groups", sum(member_count) AS memberships, sum(octet_length(document)) AS bytes
    FROM "groups" GROUP BY tenant_id
) AS n
WHERE n.tenant_id = f.tenant_id;
DROP INDEX users_inactive;
