-- The change log is the feed (docs/adr/0026): nobody read the table of events, and nobody emptied it.

-- Whether the resource changed. Where it did not, the row only keeps what became of a request, and a reader of the feed
-- passes it by. Until now such rows were those without an event.
ALTER TABLE change_log ADD COLUMN is_change boolean NOT NULL DEFAULT true;
ALTER TABLE change_log ALTER COLUMN is_change DROP DEFAULT;
UPDATE change_log AS c SET is_change = false
WHERE NOT EXISTS (SELECT FROM events AS e WHERE e.tenant_id = c.tenant_id AND e.position = c.position);
DROP TABLE events;
