-- The table of ../../postgres/0005_setup_links in SQLite's words. What each column is for is said there.

CREATE TABLE setup_links (
    tenant_id       BLOB    NOT NULL REFERENCES tenants (id),
    id              BLOB    NOT NULL,
    -- For whom.
    label           TEXT    NOT NULL,
    -- SHA-256 of the token in the address.
    digest          BLOB    NOT NULL UNIQUE,
    created_at      BIGINT  NOT NULL,
    -- As the audit log names them: "operator NAME" or "command line USER".
    created_by      TEXT    NOT NULL,
    -- From when on it cannot be opened; what was opened before goes on.
    expires_at      BIGINT  NOT NULL,
    revoked_at      BIGINT,
    -- All of these, or none: it is opened once.
    opened_at       BIGINT,
    opened_from     TEXT,
    -- SHA-256 of the cookie of the browser that opened it.
    session_digest  BLOB    UNIQUE,
    session_ends_at BIGINT,
    -- The last Secret Token that it issued, and how many those were.
    secret_token_id BLOB,
    tokens_issued   INTEGER,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
