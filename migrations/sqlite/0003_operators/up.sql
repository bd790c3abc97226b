-- The tables of ../../postgres/0003_operators in SQLite's words. What each is for is said there.

CREATE TABLE operators (
    id                BLOB    NOT NULL PRIMARY KEY,
    -- Lower case.
    name              TEXT    NOT NULL UNIQUE,
    role              TEXT    NOT NULL CHECK (role IN ('viewer', 'support', 'admin')),
    state             TEXT    NOT NULL CHECK (state IN ('active', 'disabled')),
    -- argon2id, as a PHC string.
    password_hash     TEXT    NOT NULL,
    -- Given by somebody else: must be changed at the first sign-in.
    password_is_once  BOOLEAN NOT NULL,
    totp_secret       BLOB,
    -- A secret counts once a code of it was seen.
    totp_is_confirmed BOOLEAN NOT NULL,
    -- The newest time step of which a code was used: no code is good twice.
    totp_last_step    BIGINT  NOT NULL,
    created_at        BIGINT  NOT NULL
);

CREATE TABLE operator_sessions (
    -- SHA-256 of the cookie.
    digest      BLOB   NOT NULL PRIMARY KEY,
    operator_id BLOB   NOT NULL REFERENCES operators (id),
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    -- Whatever happens, it ends here.
    expires_at  BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX operator_sessions_operator ON operator_sessions (operator_id);

CREATE TABLE audit_log (
    position BIGINT NOT NULL PRIMARY KEY,
    at       BIGINT NOT NULL,
    -- Who: "operator NAME" or "command line USER".
    actor    TEXT   NOT NULL,
    -- From where: an address, or a host.
    origin   TEXT   NOT NULL,
    action   TEXT   NOT NULL,
    target   TEXT   NOT NULL,
    -- Not tenant data: it stays when the tenant is erased.
    tenant   BLOB,
    before   TEXT,
    after    TEXT,
    -- SHA-256 of this row and of the hash before (docs/adr/0012).
    hash     BLOB   NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_log_tenant ON audit_log (tenant, position);

-- The end of the chain, locked by whoever appends: a missing last row is found too.
CREATE TABLE audit_head (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    position BIGINT  NOT NULL,
    hash     BLOB    NOT NULL
);
INSERT INTO audit_head (id, position, hash) VALUES (1, 0, zeroblob(32));

CREATE TRIGGER audit_log_is_never_updated BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_is_never_deleted BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
