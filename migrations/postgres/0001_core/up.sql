-- Tenants, their credentials, resources, memberships, change log and outbox.
--
-- tenant_id leads every key of tenant data and no foreign key leaves a tenant but to tenants, so that the tables can be
-- distributed by tenant_id. Times are milliseconds since 1970 UTC. Texts compare by code point; user_name,
-- display_name and work_email hold Unicode lower case. Documents are text (json, not jsonb): returned as they were stored.

CREATE TABLE tenants (
    id          uuid   NOT NULL PRIMARY KEY,
    label       text   COLLATE "C" NOT NULL UNIQUE,
    name        text   NOT NULL,
    profile     text   NOT NULL CHECK (profile IN ('entra', 'rfc')),
    state       text   NOT NULL CHECK (state IN ('active', 'suspended')),
    created_at  bigint NOT NULL
);

CREATE TABLE secret_tokens (
    tenant_id    uuid   NOT NULL REFERENCES tenants (id),
    id           uuid   NOT NULL,
    key_id       text   COLLATE "C" NOT NULL,
    digest       bytea  NOT NULL UNIQUE,
    label        text   NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint,
    revoked_at   bigint,
    last_used_at bigint,
    PRIMARY KEY (tenant_id, id)
);

-- The row that every change of a tenant moves: it puts them in order (docs/adr/0003). No change is written for a tenant
-- that has none, so that the tables below need no foreign key to tenants.
CREATE TABLE feeds (
    tenant_id uuid   NOT NULL PRIMARY KEY REFERENCES tenants (id),
    position  bigint NOT NULL
);

CREATE TABLE users (
    tenant_id    uuid    NOT NULL,
    id           uuid    NOT NULL,
    user_name    text    COLLATE "C" NOT NULL,
    external_id  text    COLLATE "C",
    display_name text    COLLATE "C",
    active       boolean NOT NULL,
    work_email   text    COLLATE "C",
    version      bigint  NOT NULL,
    created_at   bigint  NOT NULL,
    modified_at  bigint  NOT NULL,
    document     json    NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, user_name)
);
CREATE INDEX users_external_id ON users (tenant_id, external_id);
CREATE INDEX users_work_email ON users (tenant_id, work_email);

CREATE TABLE groups (
    tenant_id    uuid   NOT NULL,
    id           uuid   NOT NULL,
    external_id  text   COLLATE "C",
    display_name text   COLLATE "C",
    version      bigint NOT NULL,
    created_at   bigint NOT NULL,
    modified_at  bigint NOT NULL,
    document     json   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX groups_display_name ON groups (tenant_id, display_name);
CREATE INDEX groups_external_id ON groups (tenant_id, external_id);

CREATE TABLE group_members (
    tenant_id       uuid    NOT NULL,
    group_id        uuid    NOT NULL,
    member_id       uuid    NOT NULL,
    member_is_group boolean NOT NULL,
    PRIMARY KEY (tenant_id, group_id, member_id)
);
CREATE INDEX group_members_member ON group_members (tenant_id, member_id, group_id);

-- What SCIM has deleted, kept for operators to restore (docs/adr/0002).
CREATE TABLE deleted_resources (
    tenant_id   uuid   NOT NULL,
    id          uuid   NOT NULL,
    kind        text   NOT NULL CHECK (kind IN ('User', 'Group')),
    deleted_at  bigint NOT NULL,
    actor       uuid,
    version     bigint NOT NULL,
    created_at  bigint NOT NULL,
    document    json   NOT NULL,
    -- Ids of the groups it was a member of.
    groups      json   NOT NULL,
    -- Ids of its members (Group only).
    members     json   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- Every change with what was before and after and with the effect of each operation.
CREATE TABLE change_log (
    tenant_id   uuid   NOT NULL,
    position    bigint NOT NULL,
    at          bigint NOT NULL,
    actor       uuid,
    kind        text   NOT NULL,
    resource_id uuid   NOT NULL,
    event       text   NOT NULL,
    version     bigint NOT NULL,
    before      json,
    after       json,
    -- {"add":[ids],"remove":[ids]}: the members that really came and went.
    members     json,
    effects     json   NOT NULL,
    PRIMARY KEY (tenant_id, position)
);
CREATE INDEX change_log_resource ON change_log (tenant_id, resource_id, position);

-- The outbox: what Juno Journey has still to be told; the change log row of the same position holds the rest.
CREATE TABLE events (
    tenant_id   uuid   NOT NULL,
    position    bigint NOT NULL,
    at          bigint NOT NULL,
    kind        text   NOT NULL,
    resource_id uuid   NOT NULL,
    event       text   NOT NULL,
    version     bigint NOT NULL,
    PRIMARY KEY (tenant_id, position)
);
