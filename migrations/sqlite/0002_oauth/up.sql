-- The tables of ../../postgres/0002_oauth in SQLite's words. What each table is for is said there.

CREATE TABLE oauth_clients (
    tenant_id  BLOB   NOT NULL REFERENCES tenants (id),
    id         BLOB   NOT NULL,
    label      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE client_secrets (
    tenant_id    BLOB   NOT NULL REFERENCES tenants (id),
    id           BLOB   NOT NULL,
    client_id    BLOB   NOT NULL,
    key_id       TEXT   NOT NULL,
    hash         TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX client_secrets_client ON client_secrets (tenant_id, client_id);

CREATE TABLE federations (
    tenant_id    BLOB   NOT NULL PRIMARY KEY REFERENCES tenants (id),
    id           BLOB   NOT NULL,
    client_id    BLOB   NOT NULL,
    issuer       TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    audience     TEXT   NOT NULL,
    jwks_url     TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE TABLE used_assertions (
    tenant_id  BLOB   NOT NULL REFERENCES tenants (id),
    digest     BLOB   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, digest)
);
CREATE INDEX used_assertions_expires ON used_assertions (expires_at);

CREATE TABLE signing_keys (
    id              BLOB   NOT NULL PRIMARY KEY,
    private_key     BLOB   NOT NULL,
    signs_from      BIGINT NOT NULL UNIQUE,
    signs_until     BIGINT NOT NULL,
    published_until BIGINT NOT NULL
);
