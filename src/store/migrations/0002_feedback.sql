-- What users did with cards, as clients reported it. A row is never changed.
CREATE TABLE feedback (
    -- SHA-256 over everything the report says, its client and its service: a report that is sent twice is one.
    key BYTEA NOT NULL PRIMARY KEY,
    -- Unix milliseconds: when it came.
    received BIGINT NOT NULL,
    client TEXT NOT NULL,
    service TEXT NOT NULL,
    -- As the client says it: also cards that nobody knows are kept.
    card TEXT NOT NULL,
    -- accepted or overridden.
    outcome TEXT NOT NULL,
    -- Unix milliseconds: when the user did it, says the client.
    outcome_at BIGINT NOT NULL,
    -- JSON list of ids.
    suggestions TEXT NOT NULL,
    -- JSON list of {code, system, display}.
    reasons TEXT NOT NULL,
    -- Free text, cut to its bound, and how many characters were sent.
    comment TEXT,
    comment_sent BIGINT NOT NULL
);

CREATE INDEX feedback_by_receipt ON feedback (received);
