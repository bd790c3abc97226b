-- OAuth 2.0 (docs/adr/0009, 0010): clients of a tenant, their secrets, the identity provider that a tenant trusts, and the
-- keys that sign access tokens.

CREATE TABLE oauth_clients (
    tenant_id  uuid   NOT NULL REFERENCES tenants (id),
    -- The client id (RFC 6749 section 2.2) is this id as text.
    id         uuid   NOT NULL,
    label      text   NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE client_secrets (
    tenant_id    uuid   NOT NULL REFERENCES tenants (id),
    id           uuid   NOT NULL,
    client_id    uuid   NOT NULL,
    key_id       text   COLLATE "C" NOT NULL,
    -- argon2id, as a PHC string.
    hash         text   NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    revoked_at   bigint,
    last_used_at bigint,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX client_secrets_client ON client_secrets (tenant_id, client_id);

-- At most one for a tenant; id changes whenever the terms do, which ends the access tokens of the old terms.
CREATE TABLE federations (
    tenant_id    uuid   NOT NULL PRIMARY KEY REFERENCES tenants (id),
    id           uuid   NOT NULL,
    client_id    uuid   NOT NULL,
    issuer       text   NOT NULL,
    subject      text   NOT NULL,
    audience     text   NOT NULL,
    jwks_url     text   NOT NULL,
    created_at   bigint NOT NULL,
    last_used_at bigint
);

-- Assertions that were exchanged and have not ended yet: none is taken twice (RFC 7523 section 3).
CREATE TABLE used_assertions (
    tenant_id  uuid   NOT NULL REFERENCES tenants (id),
    -- SHA-256 of issuer and jti.
    digest     bytea  NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, digest)
);
CREATE INDEX used_assertions_expires ON used_assertions (expires_at);

-- Keys of the service, not of a tenant. One begins where its predecessor ends, so that two processes that both see the need
-- for a successor make one.
CREATE TABLE signing_keys (
    id              uuid   NOT NULL PRIMARY KEY,
    -- Ed25519, PKCS #8.
    private_key     bytea  NOT NULL,
    signs_from      bigint NOT NULL UNIQUE,
    signs_until     bigint NOT NULL,
    -- Until the last token that it signed has ended.
    published_until bigint NOT NULL
);
