-- Operators (people who work in the admin service), their sessions, and the audit log of every administrative act.
-- None of it is tenant data. Times are milliseconds since 1970 UTC.

CREATE TABLE operators (
    id                uuid    NOT NULL PRIMARY KEY,
    -- Lower case.
    name              text    COLLATE "C" NOT NULL UNIQUE,
    role              text    NOT NULL CHECK (role IN ('viewer', 'support', 'admin')),
    state             text    NOT NULL CHECK (state IN ('active', 'disabled')),
    -- argon2id, as a PHC string.
    password_hash     text    NOT NULL,
    -- Given by somebody else: must be changed at the first sign-in.
    password_is_once  boolean NOT NULL,
    totp_secret       bytea,
    -- A secret counts once a code of it was seen.
    totp_is_confirmed boolean NOT NULL,
    -- The newest time step of which a code was used: no code is good twice.
    totp_last_step    bigint  NOT NULL,
    created_at        bigint  NOT NULL
);

CREATE TABLE operator_sessions (
    -- SHA-256 of the cookie.
    digest      bytea  NOT NULL PRIMARY KEY,
    operator_id uuid   NOT NULL REFERENCES operators (id),
    created_at  bigint NOT NULL,
    seen_at     bigint NOT NULL,
    -- Whatever happens, it ends here.
    expires_at  bigint NOT NULL
);
CREATE INDEX operator_sessions_operator ON operator_sessions (operator_id);

CREATE TABLE audit_log (
    position bigint NOT NULL PRIMARY KEY,
    at       bigint NOT NULL,
    -- Who: "operator NAME" or "command line USER".
    actor    text   NOT NULL,
    -- From where: an address, or a host.
    origin   text   NOT NULL,
    action   text   NOT NULL,
    target   text   NOT NULL,
    -- Not tenant data: it stays when the tenant is erased.
    tenant   uuid,
    before   text,
    after    text,
    -- SHA-256 of this row and of the hash before (docs/adr/0012).
    hash     bytea  NOT NULL
);
CREATE INDEX audit_log_tenant ON audit_log (tenant, position);

-- The end of the chain, locked by whoever appends: a missing last row is found too.
CREATE TABLE audit_head (
    id       integer NOT NULL PRIMARY KEY CHECK (id = 1),
    position bigint  NOT NULL,
    hash     bytea   NOT NULL
);
INSERT INTO audit_head (id, position, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_log();
