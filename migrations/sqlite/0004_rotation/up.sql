-- The changes of ../../postgres/0004_rotation in SQLite's words. What each is for is said there.

ALTER TABLE secret_tokens ADD COLUMN first_used_at BIGINT;
ALTER TABLE secret_tokens ADD COLUMN last_used_from TEXT;
ALTER TABLE secret_tokens ADD COLUMN last_used_for TEXT;
ALTER TABLE client_secrets ADD COLUMN first_used_at BIGINT;
ALTER TABLE client_secrets ADD COLUMN last_used_from TEXT;
ALTER TABLE client_secrets ADD COLUMN last_used_for TEXT;
ALTER TABLE federations ADD COLUMN first_used_at BIGINT;
ALTER TABLE federations ADD COLUMN last_used_from TEXT;
ALTER TABLE federations ADD COLUMN last_used_for TEXT;
UPDATE secret_tokens SET first_used_at = last_used_at;
UPDATE client_secrets SET first_used_at = last_used_at;
UPDATE federations SET first_used_at = last_used_at;

CREATE INDEX secret_tokens_expires ON secret_tokens (expires_at) WHERE revoked_at IS NULL;
CREATE INDEX client_secrets_expires ON client_secrets (expires_at) WHERE revoked_at IS NULL;

CREATE TABLE rotations (
    tenant_id  BLOB    NOT NULL REFERENCES tenants (id),
    id         BLOB    NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('secret-token', 'client-secret')),
    old_id     BLOB    NOT NULL,
    old_key_id TEXT    NOT NULL,
    new_id     BLOB    NOT NULL,
    new_key_id TEXT    NOT NULL,
    started_at BIGINT  NOT NULL,
    automatic  BOOLEAN NOT NULL,
    ended_at   BIGINT,
    outcome    TEXT    CHECK (outcome IN ('completed', 'cancelled')),
    PRIMARY KEY (tenant_id, id),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) WITHOUT ROWID;
CREATE UNIQUE INDEX rotations_old ON rotations (tenant_id, old_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX rotations_new ON rotations (tenant_id, new_id) WHERE ended_at IS NULL;
