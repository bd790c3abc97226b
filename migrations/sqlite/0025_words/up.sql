-- ../../postgres/0025_words in SQLite's words: a CHECK goes with its column only.

ALTER TABLE tenants RENAME COLUMN profile TO checked_profile;
ALTER TABLE tenants ADD COLUMN profile TEXT NOT NULL DEFAULT '';
UPDATE tenants SET profile = checked_profile;
ALTER TABLE tenants DROP COLUMN checked_profile;

ALTER TABLE deleted_resources RENAME COLUMN kind TO checked_kind;
ALTER TABLE deleted_resources ADD COLUMN kind TEXT NOT NULL DEFAULT '';
UPDATE deleted_resources SET kind = checked_kind;
ALTER TABLE deleted_resources DROP COLUMN checked_kind;

ALTER TABLE rotations RENAME COLUMN kind TO checked_kind;
ALTER TABLE rotations ADD COLUMN kind TEXT NOT NULL DEFAULT '';
UPDATE rotations SET kind = checked_kind;
ALTER TABLE rotations DROP COLUMN checked_kind;

ALTER TABLE lookup_paths RENAME COLUMN kind TO checked_kind;
ALTER TABLE lookup_paths ADD COLUMN kind TEXT NOT NULL DEFAULT '';
UPDATE lookup_paths SET kind = checked_kind;
ALTER TABLE lookup_paths DROP COLUMN checked_kind;
