-- Of the document before an update the log keeps what the update replaced (docs/adr/0031). A row has
-- old_values or the whole document in before, never both. Rows from before this migration have the
-- whole document.
ALTER TABLE change_log ADD COLUMN old_values json;

-- Room on each page for a new version of a row: an update that stays on its page writes no index, and
-- less WAL. Holds for pages that are filled from now on. feeds needs none: its rows are few and
-- updated all the time.
ALTER TABLE users SET (fillfactor = 85);
ALTER TABLE groups SET (fillfactor = 90);
