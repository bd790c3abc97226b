-- The tables of ../../postgres/0021_lookup_keys in SQLite's words. What each column is for is said there.

CREATE TABLE lookup_paths (
    tenant_id   BLOB     NOT NULL,
    id          BIGINT   NOT NULL,
    kind        TEXT     NOT NULL CHECK (kind IN ('User', 'Group')),
    path        TEXT     NOT NULL,
    version     SMALLINT NOT NULL,
    state       TEXT     NOT NULL CHECK (state IN ('filling', 'filled', 'ending')),
    filled_to   BLOB,
    filled_at   BIGINT,
    created_at  BIGINT   NOT NULL,
    used_at     BIGINT   NOT NULL,
    uses        BIGINT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;

CREATE TABLE lookup_keys (
    tenant_id   BLOB   NOT NULL,
    path_id     BIGINT NOT NULL,
    key         TEXT   NOT NULL,
    resource_id BLOB   NOT NULL,
    PRIMARY KEY (tenant_id, path_id, key, resource_id)
) WITHOUT ROWID;

ALTER TABLE feeds ADD COLUMN has_lookup_paths BOOLEAN NOT NULL DEFAULT FALSE;
