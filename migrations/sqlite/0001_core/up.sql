-- The tables of ../../postgres/0001_core in SQLite's words: ids are 16-byte BLOBs, documents are TEXT, texts compare by
-- code point (BINARY). What each table is for is said there.

CREATE TABLE tenants (
    id          BLOB   NOT NULL PRIMARY KEY,
    label       TEXT   NOT NULL UNIQUE,
    name        TEXT   NOT NULL,
    profile     TEXT   NOT NULL CHECK (profile IN ('entra', 'rfc')),
    state       TEXT   NOT NULL CHECK (state IN ('active', 'suspended')),
    created_at  BIGINT NOT NULL
);

CREATE TABLE secret_tokens (
    tenant_id    BLOB   NOT NULL REFERENCES tenants (id),
    id           BLOB   NOT NULL,
    key_id       TEXT   NOT NULL,
    digest       BLOB  NOT NULL UNIQUE,
    label        TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);

-- The row that a writer locks first: it puts the changes of a tenant in order (docs/adr/0003).
CREATE TABLE feeds (
    tenant_id BLOB   NOT NULL PRIMARY KEY REFERENCES tenants (id),
    position  BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
    tenant_id    BLOB    NOT NULL,
    id           BLOB    NOT NULL,
    user_name    TEXT    NOT NULL,
    external_id  TEXT,
    display_name TEXT,
    active       BOOLEAN NOT NULL,
    work_email   TEXT,
    version      BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    modified_at  BIGINT  NOT NULL,
    document     TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, user_name)
);
CREATE INDEX users_external_id ON users (tenant_id, external_id);
CREATE INDEX users_work_email ON users (tenant_id, work_email);

CREATE TABLE "groups" (
    tenant_id    BLOB   NOT NULL,
    id           BLOB   NOT NULL,
    external_id  TEXT,
    display_name TEXT,
    version      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    modified_at  BIGINT NOT NULL,
    document     TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX groups_display_name ON "groups" (tenant_id, display_name);
CREATE INDEX groups_external_id ON "groups" (tenant_id, external_id);

CREATE TABLE group_members (
    tenant_id       BLOB    NOT NULL,
    group_id        BLOB    NOT NULL,
    member_id       BLOB    NOT NULL,
    member_is_group BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, group_id, member_id)
) WITHOUT ROWID;
CREATE INDEX group_members_member ON group_members (tenant_id, member_id, group_id);

-- What SCIM has deleted, kept for operators to restore (docs/adr/0002).
CREATE TABLE deleted_resources (
    tenant_id   BLOB   NOT NULL,
    id          BLOB   NOT NULL,
    kind        TEXT   NOT NULL CHECK (kind IN ('User', 'Group')),
    deleted_at  BIGINT NOT NULL,
    actor       BLOB,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    document    TEXT   NOT NULL,
    -- Ids of the groups it was a member of.
    groups      TEXT   NOT NULL,
    -- Ids of its members (Group only).
    members     TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- Every change with what was before and after and with the effect of each operation.
CREATE TABLE change_log (
    tenant_id   BLOB   NOT NULL,
    position    BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    actor       BLOB,
    kind        TEXT   NOT NULL,
    resource_id BLOB   NOT NULL,
    event       TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    before      TEXT,
    after       TEXT,
    -- {"add":[ids],"remove":[ids]}: the members that really came and went.
    members     TEXT,
    effects     TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, position)
);
CREATE INDEX change_log_resource ON change_log (tenant_id, resource_id, position);

-- The outbox: what Juno Journey has still to be told; the change log row of the same position holds the rest.
CREATE TABLE events (
    tenant_id   BLOB   NOT NULL,
    position    BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    resource_id BLOB   NOT NULL,
    event       TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, position)
) WITHOUT ROWID;
