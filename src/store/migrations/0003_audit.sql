-- What was answered, in order, each record bound to the one before it (store/chain.rs says how).
CREATE TABLE audit (
    -- Which program wrote it; each has a chain of its own.
    replica TEXT NOT NULL,
    -- 1, 2, 3 … without a gap.
    seq BIGINT NOT NULL,
    -- 16 bytes: a record that is sent twice is written once.
    id BYTEA NOT NULL UNIQUE,
    -- Unix milliseconds.
    at BIGINT NOT NULL,
    -- JSON.
    record TEXT NOT NULL,
    -- SHA-256 over all of the above and the hash of the record before.
    hash BYTEA NOT NULL,
    PRIMARY KEY (replica, seq)
);

-- Where each chain begins and ends.
CREATE TABLE audit_chains (
    replica TEXT NOT NULL PRIMARY KEY,
    head_seq BIGINT NOT NULL,
    head_hash BYTEA NOT NULL,
    -- The last record that was forgotten for its age; 0 when none was.
    anchor_seq BIGINT NOT NULL,
    anchor_hash BYTEA NOT NULL
);

-- Which record told of a card: what feedback will name. Made from the records, and part of no chain.
CREATE TABLE audit_cards (
    card TEXT NOT NULL,
    client TEXT NOT NULL,
    replica TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (card, client)
);

CREATE INDEX audit_cards_by_record ON audit_cards (replica, seq);
