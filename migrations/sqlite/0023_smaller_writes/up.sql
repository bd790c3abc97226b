-- The change of ../../postgres/0023_smaller_writes in SQLite's words. What it is for is said there.
ALTER TABLE change_log ADD COLUMN old_values TEXT;
