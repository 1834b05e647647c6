//! The settings of the house: the only reader of the environment.
//!
//! Every scalar setting comes from the TOML file or from `JAKCARD_<SECTION>_<KEY>`, which wins. A
//! name that nobody knows stops the start: a mistyped jurisdiction must not become the default.

use crate::knowledge::Jurisdiction;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::Path;

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to listen on.
    pub bind: SocketAddr,
    /// Whose labels speak.
    pub jurisdiction: Jurisdiction,
    /// Bounds of one request.
    pub limits: Limits,
    /// How the EHR's FHIR server is asked.
    pub fetch: Fetch,
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
    /// Largest answer, bytes.
    pub answer_bytes: usize,
    /// May the name of a server lead to a private address?
    pub private_networks: bool,
    /// Servers that may be asked, beside those of this machine; only from the file.
    pub servers: Vec<String>,
    /// Servers that may be asked without a token; only from the file.
    pub open_servers: Vec<String>,
}

impl Default for Fetch {
    fn default() -> Self {
        Fetch {
            deadline_ms: 1500,
            in_flight: 8,
            per_call: 32,
            pages: 10,
            answer_bytes: 8 * 1024 * 1024,
            private_networks: false,
            servers: Vec::new(),
            open_servers: Vec::new(),
        }
    }
}

/// Bounds of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest body, bytes.
    pub body_bytes: usize,
    /// Seconds that a body may take, beside the time its bytes need at `body_rate`.
    pub body_seconds: u64,
    /// Slowest rate of a body, bytes per second.
    pub body_rate: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            jurisdiction: Jurisdiction::Us,
            limits: Limits::default(),
            fetch: Fetch::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { body_bytes: 16 * 1024 * 1024, body_seconds: 2, body_rate: 64 * 1024 }
    }
}

/// Every scalar setting: environment variable, section, key, meaning with its default.
pub const SETTINGS: &[(&str, &str, &str, &str)] = &[
    ("JAKCARD_BIND", "", "bind", "address to listen on (127.0.0.1:8080)"),
    ("JAKCARD_JURISDICTION", "", "jurisdiction", "whose labels speak: US or EU (US)"),
    ("JAKCARD_LIMITS_BODY_BYTES", "limits", "body_bytes", "largest request body (16777216)"),
    ("JAKCARD_LIMITS_BODY_SECONDS", "limits", "body_seconds", "seconds a body may take (2)"),
    ("JAKCARD_LIMITS_BODY_RATE", "limits", "body_rate", "slowest rate, bytes per second (65536)"),
    ("JAKCARD_FETCH_DEADLINE_MS", "fetch", "deadline_ms", "milliseconds for asking the EHR (1500)"),
    ("JAKCARD_FETCH_IN_FLIGHT", "fetch", "in_flight", "questions to the EHR at once (8)"),
    ("JAKCARD_FETCH_PER_CALL", "fetch", "per_call", "questions to the EHR in one call (32)"),
    ("JAKCARD_FETCH_PAGES", "fetch", "pages", "pages of one search (10)"),
    ("JAKCARD_FETCH_ANSWER_BYTES", "fetch", "answer_bytes", "largest answer of the EHR (8388608)"),
    (
        "JAKCARD_FETCH_PRIVATE_NETWORKS",
        "fetch",
        "private_networks",
        "may a server's name lead to a private address? (false)",
    ),
];

/// Variables that begin like ours and are read by others: the tests.
const NOT_SETTINGS: &[&str] = &["JAKCARD_EXTERNAL"];

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl Config {
    /// Reads the file, when there is one, and the environment.
    ///
    /// # Errors
    /// The setting that is wrong, and what was expected.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let mut table = match file {
            None => toml::Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| ConfigError(format!("{}: cannot be read: {e}", path.display())))?;
                // Read once for its own sake: places of mistakes are those of the file.
                let _: Config = toml::from_str(&text).map_err(|e| in_file(path, &text, &e))?;
                toml::from_str(&text).map_err(|e| in_file(path, &text, &e))?
            }
        };
        for (name, value) in environment.filter(|(name, _)| name.starts_with("JAKCARD_")) {
            if NOT_SETTINGS.contains(&name.as_str()) {
                continue;
            }
            let Some((_, section, key, _)) = SETTINGS.iter().find(|(n, ..)| *n == name) else {
                let known: Vec<&str> = SETTINGS.iter().map(|(n, ..)| *n).collect();
                let message = format!(
                    "unknown environment variable `{name}`, expected one of {}",
                    known.join(", ")
                );
                return Err(ConfigError(message));
            };
            let value = match (value.parse::<i64>(), value.parse::<bool>()) {
                (Ok(number), _) => toml::Value::Integer(number),
                (_, Ok(flag)) => toml::Value::Boolean(flag),
                _ => toml::Value::String(value),
            };
            let place = match *section {
                "" => &mut table,
                section => table
                    .entry(section)
                    .or_insert_with(|| toml::Value::Table(toml::Table::new()))
                    .as_table_mut()
                    .ok_or_else(|| ConfigError(format!("`{section}` is not a table")))?,
            };
            place.insert((*key).to_owned(), value);
            let checked: Result<Config, _> = toml::Value::Table(table.clone()).try_into();
            checked.map_err(|e| ConfigError(format!("{name}: {}", e.message())))?;
        }
        toml::Value::Table(table)
            .try_into()
            .map_err(|e: toml::de::Error| ConfigError(e.to_string()))
    }

    /// Sandbox mode authenticates nobody: only loopback may reach it.
    ///
    /// # Errors
    /// The address that others could reach.
    pub fn check_sandbox(&self) -> Result<(), ConfigError> {
        if self.bind.ip().is_loopback() {
            return Ok(());
        }
        Err(ConfigError(format!(
            "`bind` is {}, expected a loopback address: clients are not authenticated in sandbox mode",
            self.bind
        )))
    }
}

fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let before = &text[..error.span().map_or(0, |s| s.start).min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    ConfigError(format!("{}:{line}:{column}: {}", path.display(), error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let pairs = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Config::load(None, pairs.collect::<Vec<_>>().into_iter())
    }

    #[test]
    fn the_environment_sets_every_scalar_setting() {
        let values = ["127.0.0.1:1", "EU", "10", "3", "7", "900", "4", "20", "3", "1000", "true"];
        let pairs: Vec<(&str, &str)> = SETTINGS.iter().map(|(n, ..)| *n).zip(values).collect();
        let config = load(&pairs).unwrap();
        assert_eq!(config.jurisdiction, Jurisdiction::Eu);
        assert_eq!(config.limits, Limits { body_bytes: 10, body_seconds: 3, body_rate: 7 });
        let expected = Fetch {
            deadline_ms: 900,
            in_flight: 4,
            per_call: 20,
            pages: 3,
            answer_bytes: 1000,
            private_networks: true,
            ..Fetch::default()
        };
        assert_eq!(config.fetch, expected);
        assert_eq!(SETTINGS.len(), values.len(), "a new setting needs a value here");
    }

    #[test]
    fn a_mistyped_name_or_value_stops_the_start() {
        let error = load(&[("JAKCARD_JURISDICTON", "EU")]).unwrap_err().to_string();
        assert!(error.contains("JAKCARD_JURISDICTION"), "{error}");
        let error = load(&[("JAKCARD_JURISDICTION", "UK")]).unwrap_err().to_string();
        assert!(error.contains("JAKCARD_JURISDICTION") && error.contains("`EU`"), "{error}");
    }

    #[test]
    fn sandbox_mode_stays_on_loopback() {
        let config = load(&[("JAKCARD_BIND", "0.0.0.0:8080")]).unwrap();
        assert!(config.check_sandbox().is_err());
        assert!(load(&[("JAKCARD_BIND", "[::1]:0")]).unwrap().check_sandbox().is_ok());
    }
}
