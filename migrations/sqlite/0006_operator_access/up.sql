-- The table of ../../postgres/0006_operator_access in SQLite's words. What each column is for is said there.

CREATE TABLE operator_api_tokens (
    id           BLOB   NOT NULL PRIMARY KEY,
    operator_id  BLOB   NOT NULL REFERENCES operators (id),
    key_id       TEXT   NOT NULL,
    digest       BLOB   NOT NULL UNIQUE,
    label        TEXT   NOT NULL,
    role         TEXT   NOT NULL CHECK (role IN ('viewer', 'support', 'admin')),
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT,
    last_used_at BIGINT
);
CREATE INDEX operator_api_tokens_operator ON operator_api_tokens (operator_id);
