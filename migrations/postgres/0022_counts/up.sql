-- How much there is of a tenant rides on its feed, which every change moves (docs/adr/0025).
ALTER TABLE feeds
    ADD COLUMN user_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN active_user_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN group_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN membership_count bigint NOT NULL DEFAULT 0,
    -- Bytes of the documents of users and groups.
    ADD COLUMN byte_count bigint NOT NULL DEFAULT 0;
UPDATE feeds AS f
SET user_count = n.users, active_user_count = n.active_users, byte_count = n.bytes
FROM (
    SELECT tenant_id, count(*) AS users, count(*) FILTER (WHERE active) AS active_users,
        sum(octet_length(document::text)) AS bytes
    FROM users GROUP BY tenant_id
) AS n
WHERE n.tenant_id = f.tenant_id;
UPDATE feeds AS f
SET group_count = n.groups, membership_count = n.memberships, byte_count = f.byte_count + n.bytes
FROM (
    SELECT tenant_id, count(*) AS groups, sum(member_count) AS memberships, sum(octet_length(document::text)) AS bytes
    FROM groups GROUP BY tenant_id
) AS n
WHERE n.tenant_id = f.tenant_id;
-- Nobody counts users any more.
DROP INDEX users_inactive;
