//! The sections of the settings and their defaults.

use super::client::Client;
use crate::cds_hooks::Bounds;
use crate::knowledge::Jurisdiction;
use serde::Deserialize;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to listen on.
    pub bind: SocketAddr,
    /// URL at which clients reach the service: the `aud` of a token is this and the path.
    pub public_url: Option<String>,
    /// Whose labels speak.
    pub jurisdiction: Jurisdiction,
    /// Bounds of one request, and of all together.
    pub limits: Limits,
    /// How the EHR's FHIR server is asked.
    pub fetch: Fetch,
    /// How tokens and keys are kept.
    pub auth: Auth,
    /// When knowledge is read anew.
    pub knowledge: Knowledge,
    /// How often the service tests itself.
    pub self_test: SelfTest,
    /// Where is written what must outlive the process.
    pub store: Store,
    /// What is written down of every answer.
    pub audit: Audit,
    /// The certificate, when the service speaks TLS itself.
    pub tls: Option<Tls>,
    /// The listener for health, readiness and metrics.
    pub operations: Operations,
    /// Where traces go.
    pub otel: Otel,
    /// Browsers of which pages may call.
    pub cors: Cors,
    /// The EHRs that may call; none is sandbox mode.
    #[serde(rename = "client")]
    pub clients: Vec<Client>,
}

/// Bounds of one request, and of all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest body, bytes.
    pub body_bytes: usize,
    /// Seconds that a body may take, beside the time its bytes need at `body_rate`.
    pub body_seconds: u64,
    /// Slowest rate of a body, bytes per second.
    pub body_rate: u64,
    /// Largest request line and headers together, bytes.
    pub head_bytes: usize,
    /// Deepest nesting of a body.
    pub depth: usize,
    /// Most items of all lists of a body together: entries of Bundles, codings and the like.
    pub entries: usize,
    /// Calls that are answered at once; one more gets 503.
    pub in_flight: usize,
    /// Open connections.
    pub connections: usize,
}

/// How the EHR's FHIR server is asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fetch {
    /// Milliseconds for all questions of a call together.
    pub deadline_ms: u64,
    /// Questions at once.
    pub in_flight: usize,
    /// Questions of one call.
    pub per_call: usize,
    /// Pages of one search.
    pub pages: usize,
    /// Entries of one search.
    pub entries: usize,
    /// Largest answer, and all pages of a search together, bytes.
    pub answer_bytes: usize,
    /// May the name of a server lead to a private address?
    pub private_networks: bool,
    /// Sandbox mode: servers that may be asked, beside those of this machine; only from the file.
    pub servers: Vec<String>,
    /// Sandbox mode: servers that may be asked without a token; only from the file.
    pub open_servers: Vec<String>,
}

/// How tokens and keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// Longest life of a token (`exp` − `iat`), seconds.
    pub lifetime_s: u64,
    /// How far the clocks of an EHR and of this machine may differ, seconds.
    pub skew_s: u64,
    /// Age at which keys are read again, seconds.
    pub keys_refresh_s: u64,
    /// Age up to which keys that cannot be read again are still used, seconds.
    pub keys_stale_s: u64,
    /// Tokens that are remembered at once in memory.
    pub replay_entries: usize,
}

/// When knowledge is read anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Knowledge {
    /// Seconds between two looks at the files of `--hooks`; 0: only at SIGHUP.
    pub poll_s: u64,
}

/// Where records are kept when nothing is said: a file in the folder in which the program was started,
/// made for the first of them.
pub const DEFAULT_STORE: &str = "sqlite:jakcard.db";

/// How often the service tests itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelfTest {
    /// Seconds between two tests; 0: none at all.
    pub every_s: u64,
}

/// Where is written what must outlive the process.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite:FILE` or `postgres://…`. Without it records are kept in [`DEFAULT_STORE`], and used tokens
    /// in memory.
    pub url: Option<String>,
    /// A store that is down: 503 instead of memory.
    pub strict: bool,
}

/// What is written down of every answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Is anything?
    pub enabled: bool,
    /// Name of this replica's chain of records; that of the machine without it.
    pub replica: Option<String>,
    /// No answer without a record: 503 when it cannot be written.
    pub strict: bool,
    /// Days that records and feedback are kept; 0: for ever.
    pub keep_days: u32,
    /// Records that may wait while the store is down.
    pub queue: usize,
    /// With it, records name the patient by a keyed hash.
    pub patient_key: Option<Secret>,
}

/// A text that no log and no error shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The certificate, when the service speaks TLS itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file: the certificate and its chain.
    pub certificate: PathBuf,
    /// PEM file: the private key.
    pub key: PathBuf,
    /// PEM file: who signs the certificates of clients; with it, a client must show one.
    pub client_ca: Option<PathBuf>,
}

/// The listener for health, readiness and metrics, and how the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operations {
    /// Its address; on the listener of the services without it.
    pub bind: Option<SocketAddr>,
    /// Milliseconds between a red readiness and closed listeners, at the end of the process.
    pub drain_ms: u64,
    /// Seconds that calls in flight may take then.
    pub stop_s: u64,
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Otel {
    /// A collector that speaks OTLP over HTTP, like `http://127.0.0.1:4318`; no traces without it.
    pub endpoint: Option<String>,
    /// Of a hundred requests that belong to no trace yet, so many are traced.
    pub percent: u8,
}

/// Browsers of which pages may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cors {
    /// Origins such as `https://app.example.org`; every one in sandbox mode.
    pub origins: Vec<String>,
}

/// The address may hold a password: of it only the kind is shown.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.url.as_ref().map(|url| url.split(':').next().unwrap_or_default());
        f.debug_struct("Store").field("url", &kind).field("strict", &self.strict).finish()
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            jurisdiction: Jurisdiction::Us,
            limits: Limits::default(),
            fetch: Fetch::default(),
            auth: Auth::default(),
            knowledge: Knowledge::default(),
            self_test: SelfTest::default(),
            store: Store::default(),
            audit: Audit::default(),
            tls: None,
            operations: Operations::default(),
            otel: Otel::default(),
            cors: Cors::default(),
            clients: Vec::new(),
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Audit {
            enabled: true,
            replica: None,
            strict: false,
            keep_days: 0,
            queue: 10_000,
            patient_key: None,
        }
    }
}

impl Limits {
    /// What a body may hold.
    pub fn bounds(&self) -> Bounds {
        Bounds { depth: self.depth, entries: self.entries }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let bounds = Bounds::default();
        Limits {
            body_bytes: 16 * 1024 * 1024,
            body_seconds: 2,
            body_rate: 64 * 1024,
            head_bytes: 16 * 1024,
            depth: bounds.depth,
            entries: bounds.entries,
            in_flight: 256,
            connections: 1024,
        }
    }
}

impl Default for Fetch {
    fn default() -> Self {
        Fetch {
            deadline_ms: 1500,
            in_flight: 8,
            per_call: 32,
            pages: 10,
            entries: 5000,
            answer_bytes: 8 * 1024 * 1024,
            private_networks: false,
            servers: Vec::new(),
            open_servers: Vec::new(),
        }
    }
}

impl Default for Knowledge {
    fn default() -> Self {
        Knowledge { poll_s: 2 }
    }
}

impl Default for Otel {
    fn default() -> Self {
        Otel { endpoint: None, percent: 100 }
    }
}

impl Default for Operations {
    fn default() -> Self {
        Operations { bind: None, drain_ms: 1000, stop_s: 10 }
    }
}

impl Default for SelfTest {
    fn default() -> Self {
        SelfTest { every_s: 3600 }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Auth {
            lifetime_s: 3600,
            skew_s: 60,
            keys_refresh_s: 600,
            keys_stale_s: 86_400,
            replay_entries: 1_000_000,
        }
    }
}
