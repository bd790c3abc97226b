-- The changes of ../../postgres/0010_feed in SQLite's words. What each is for is said there.

ALTER TABLE change_log ADD COLUMN is_change BOOLEAN NOT NULL DEFAULT TRUE;
UPDATE change_log AS c SET is_change = FALSE
WHERE NOT EXISTS (SELECT 1 FROM events AS e WHERE e.tenant_id = c.tenant_id AND e.position = c.position);
DROP TABLE events;
