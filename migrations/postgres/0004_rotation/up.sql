-- Evidence of use of credentials, and rotations that stand on it (docs/adr/0015).

-- When a credential was first seen in use; and of the last use (last_used_at) from which address, and doing what: a method
-- and a route, never a query or an id.
ALTER TABLE secret_tokens
    ADD COLUMN first_used_at bigint, ADD COLUMN last_used_from text, ADD COLUMN last_used_for text;
ALTER TABLE client_secrets
    ADD COLUMN first_used_at bigint, ADD COLUMN last_used_from text, ADD COLUMN last_used_for text;
ALTER TABLE federations
    ADD COLUMN first_used_at bigint, ADD COLUMN last_used_from text, ADD COLUMN last_used_for text;
-- Of what was used before this, the first time that is known is the last.
UPDATE secret_tokens SET first_used_at = last_used_at;
UPDATE client_secrets SET first_used_at = last_used_at;
UPDATE federations SET first_used_at = last_used_at;

-- Warnings ask for what ends soon, whose ever it is.
CREATE INDEX secret_tokens_expires ON secret_tokens (expires_at) WHERE revoked_at IS NULL;
CREATE INDEX client_secrets_expires ON client_secrets (expires_at) WHERE revoked_at IS NULL;

CREATE TABLE rotations (
    tenant_id  uuid    NOT NULL REFERENCES tenants (id),
    id         uuid    NOT NULL,
    kind       text    NOT NULL CHECK (kind IN ('secret-token', 'client-secret')),
    -- The credential that is to end, and the one in its place; key ids are how people speak of them.
    old_id     uuid    NOT NULL,
    old_key_id text    NOT NULL,
    new_id     uuid    NOT NULL,
    new_key_id text    NOT NULL,
    started_at bigint  NOT NULL,
    -- Completed by a gateway as soon as that is safe.
    automatic  boolean NOT NULL,
    ended_at   bigint,
    outcome    text    CHECK (outcome IN ('completed', 'cancelled')),
    PRIMARY KEY (tenant_id, id),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
-- One at a time for each credential.
CREATE UNIQUE INDEX rotations_old ON rotations (tenant_id, old_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX rotations_new ON rotations (tenant_id, new_id) WHERE ended_at IS NULL;
