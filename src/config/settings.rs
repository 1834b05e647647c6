//! Every scalar setting, with its name in the environment.

/// Every scalar setting: environment variable, section, key, meaning with its default.
pub const SETTINGS: &[(&str, &str, &str, &str)] = &[
    ("JAKCARD_BIND", "", "bind", "address to listen on (127.0.0.1:8080)"),
    ("JAKCARD_PUBLIC_URL", "", "public_url", "URL at which clients reach the service"),
    ("JAKCARD_JURISDICTION", "", "jurisdiction", "whose labels speak: US or EU (US)"),
    ("JAKCARD_LIMITS_BODY_BYTES", "limits", "body_bytes", "largest request body (16777216)"),
    ("JAKCARD_LIMITS_BODY_SECONDS", "limits", "body_seconds", "seconds a body may take (2)"),
    ("JAKCARD_LIMITS_BODY_RATE", "limits", "body_rate", "slowest rate, bytes per second (65536)"),
    (
        "JAKCARD_LIMITS_HEAD_BYTES",
        "limits",
        "head_bytes",
        "largest request line and headers (16384)",
    ),
    ("JAKCARD_LIMITS_DEPTH", "limits", "depth", "deepest nesting of a body (64)"),
    ("JAKCARD_LIMITS_ENTRIES", "limits", "entries", "items of all lists of a body (500000)"),
    ("JAKCARD_LIMITS_IN_FLIGHT", "limits", "in_flight", "calls answered at once (256)"),
    ("JAKCARD_LIMITS_CONNECTIONS", "limits", "connections", "open connections (1024)"),
    ("JAKCARD_FETCH_DEADLINE_MS", "fetch", "deadline_ms", "milliseconds for asking the EHR (1500)"),
    ("JAKCARD_FETCH_IN_FLIGHT", "fetch", "in_flight", "questions to the EHR at once (8)"),
    ("JAKCARD_FETCH_PER_CALL", "fetch", "per_call", "questions to the EHR in one call (32)"),
    ("JAKCARD_FETCH_PAGES", "fetch", "pages", "pages of one search (10)"),
    ("JAKCARD_FETCH_ENTRIES", "fetch", "entries", "entries of one search (5000)"),
    ("JAKCARD_FETCH_ANSWER_BYTES", "fetch", "answer_bytes", "largest answer of the EHR (8388608)"),
    (
        "JAKCARD_FETCH_PRIVATE_NETWORKS",
        "fetch",
        "private_networks",
        "may a server's name lead to a private address? (false)",
    ),
    ("JAKCARD_AUTH_LIFETIME_S", "auth", "lifetime_s", "longest life of a token, seconds (3600)"),
    ("JAKCARD_AUTH_SKEW_S", "auth", "skew_s", "how far clocks may differ, seconds (60)"),
    (
        "JAKCARD_AUTH_KEYS_REFRESH_S",
        "auth",
        "keys_refresh_s",
        "age at which keys are read again (600)",
    ),
    (
        "JAKCARD_AUTH_KEYS_STALE_S",
        "auth",
        "keys_stale_s",
        "age up to which old keys are used (86400)",
    ),
    (
        "JAKCARD_AUTH_REPLAY_ENTRIES",
        "auth",
        "replay_entries",
        "tokens remembered in memory (1000000)",
    ),
    (
        "JAKCARD_KNOWLEDGE_POLL_S",
        "knowledge",
        "poll_s",
        "seconds between two looks at the files of --hooks; 0: only at SIGHUP (2)",
    ),
    ("JAKCARD_STORE_URL", "store", "url", "sqlite:FILE or postgres://… (sqlite:jakcard.db)"),
    (
        "JAKCARD_STORE_STRICT",
        "store",
        "strict",
        "a store that is down: 503 instead of memory (false)",
    ),
    (
        "JAKCARD_TLS_CERTIFICATE",
        "tls",
        "certificate",
        "PEM file with the certificate and its chain",
    ),
    ("JAKCARD_TLS_KEY", "tls", "key", "PEM file with the private key"),
    ("JAKCARD_TLS_CLIENT_CA", "tls", "client_ca", "PEM file: who signs the clients' certificates"),
    (
        "JAKCARD_OPERATIONS_BIND",
        "operations",
        "bind",
        "own address for health, readiness and metrics",
    ),
    (
        "JAKCARD_OPERATIONS_DRAIN_MS",
        "operations",
        "drain_ms",
        "milliseconds between a red readiness and closed listeners, at the end (1000)",
    ),
    (
        "JAKCARD_OPERATIONS_STOP_S",
        "operations",
        "stop_s",
        "seconds that calls in flight may take then (10)",
    ),
];

/// Variables that begin like ours and are read by others: the tests.
pub const NOT_SETTINGS: &[&str] = &["JAKCARD_EXTERNAL", "JAKCARD_WITHOUT_POSTGRES"];
