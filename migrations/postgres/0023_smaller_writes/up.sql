-- Of the document before an update the log keeps what the update replaced (docs/adr/0031). A row has old_values or the whole
-- document in before, never both; rows from before this migration have the whole document.
ALTER TABLE change_log ADD COLUMN old_values json;
