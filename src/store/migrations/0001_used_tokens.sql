-- Which tokens were used (CDS Hooks best practices: a jti is accepted once, until it expires).
-- Plain SQL that SQLite and PostgreSQL both run. Never change a released migration: add the next one.
CREATE TABLE used_tokens (
    -- SHA-256 over issuer and jti, 32 bytes.
    key BYTEA NOT NULL PRIMARY KEY,
    -- Unix seconds: the last second in which the token may be accepted.
    expires BIGINT NOT NULL
);

CREATE INDEX used_tokens_by_expiry ON used_tokens (expires);
