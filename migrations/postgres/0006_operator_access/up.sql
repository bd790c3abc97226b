-- Tokens by which operators' scripts use the operators' API (docs/adr/0013).

CREATE TABLE operator_api_tokens (
    id           uuid   NOT NULL PRIMARY KEY,
    operator_id  uuid   NOT NULL REFERENCES operators (id),
    -- The part of the token by which people speak of it.
    key_id       text   NOT NULL,
    -- SHA-256 of the token.
    digest       bytea  NOT NULL UNIQUE,
    label        text   NOT NULL,
    -- The most that it may do; it never may more than its operator.
    role         text   NOT NULL CHECK (role IN ('viewer', 'support', 'admin')),
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    revoked_at   bigint,
    last_used_at bigint
);
CREATE INDEX operator_api_tokens_operator ON operator_api_tokens (operator_id);
