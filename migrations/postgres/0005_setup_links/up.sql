-- Setup links (docs/adr/0016): by one, the customer's administrator gets Tenant URL and Secret Token without a mail that holds
-- a secret.

CREATE TABLE setup_links (
    tenant_id       uuid    NOT NULL REFERENCES tenants (id),
    id              uuid    NOT NULL,
    -- For whom.
    label           text    NOT NULL,
    -- SHA-256 of the token in the address.
    digest          bytea   NOT NULL UNIQUE,
    created_at      bigint  NOT NULL,
    -- As the audit log names them: "operator NAME" or "command line USER".
    created_by      text    NOT NULL,
    -- From when on it cannot be opened; what was opened before goes on.
    expires_at      bigint  NOT NULL,
    revoked_at      bigint,
    -- All of these, or none: it is opened once.
    opened_at       bigint,
    opened_from     text,
    -- SHA-256 of the cookie of the browser that opened it.
    session_digest  bytea   UNIQUE,
    session_ends_at bigint,
    -- The last Secret Token that it issued, and how many those were.
    secret_token_id uuid,
    tokens_issued   integer,
    PRIMARY KEY (tenant_id, id)
);
