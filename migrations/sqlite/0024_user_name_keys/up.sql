-- The changes of ../../postgres/0024_user_name_keys in SQLite's words. What each is for is said there.
ALTER TABLE feeds ADD COLUMN user_name_key_version SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE feeds ADD COLUMN user_names_keyed_to BLOB;

CREATE TABLE user_name_collisions (
    tenant_id  BLOB NOT NULL,
    id         BLOB NOT NULL,
    kept_key   TEXT NOT NULL,
    wanted_key TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
