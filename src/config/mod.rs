//! The settings of the house: the only reader of the environment.
//!
//! Every scalar setting comes from the TOML file or from `JAKCARD_<SECTION>_<KEY>`, which wins. A
//! name that nobody knows stops the start: a mistyped jurisdiction must not become the default.

mod check;
mod client;
mod sections;
mod settings;

pub use client::{Algorithm, Client};
pub use sections::{
    Audit, Auth, Config, Cors, DEFAULT_STORE, Fetch, Knowledge, Limits, Operations, Otel, Secret,
    SelfTest, Store, Tls,
};
pub use settings::SETTINGS;

use settings::NOT_SETTINGS;
use std::path::Path;

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
                let table = toml::from_str(&text).map_err(|e| in_file(path, &text, "", &e))?;
                // Read once for its own sake: places of mistakes are those of the file.
                in_its_own_words(path, &text)?;
                table
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
            let text = toml::Value::String(value.clone());
            let value = match (value.parse::<i64>(), value.parse::<bool>()) {
                (Ok(number), _) => toml::Value::Integer(number),
                (_, Ok(flag)) => toml::Value::Boolean(flag),
                _ => text.clone(),
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
            let mut checked: Result<Config, _> = toml::Value::Table(table.clone()).try_into();
            // A name may be made of digits.
            if checked.is_err() {
                let mut other = table.clone();
                let place = match *section {
                    "" => Some(&mut other),
                    section => other.get_mut(section).and_then(toml::Value::as_table_mut),
                };
                place.map(|place| place.insert((*key).to_owned(), text));
                if let Ok(config) = toml::Value::Table(other.clone()).try_into() {
                    (table, checked) = (other, Ok(config));
                }
            }
            let said = |e: toml::de::Error| format!("{name}: {}", explained(e.message()));
            checked.map_err(|e| ConfigError(said(e)))?;
        }
        toml::Value::Table(table)
            .try_into()
            .map_err(|e: toml::de::Error| ConfigError(e.to_string()))
    }
}

/// The file alone, so that a mistake is told with its key and its place.
fn in_its_own_words(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let file = toml::Deserializer::parse(text).map_err(|e| in_file(path, text, "", &e))?;
    serde_path_to_error::deserialize(file)
        .map_err(|e| in_file(path, text, &e.path().to_string(), e.inner()))
}

fn in_file(path: &Path, text: &str, key: &str, error: &toml::de::Error) -> ConfigError {
    let before = &text[..error.span().map_or(0, |s| s.start).min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    let key = match key {
        // What is no TOML has no path yet: its line tells the key.
        "" | "." | "?" => text.lines().nth(line - 1).and_then(key_of),
        key => Some(key),
    };
    let key = key.map_or_else(String::new, |key| format!("`{key}`: "));
    let message = explained(error.message());
    ConfigError(format!("{}:{line}:{column}: {key}{message}", path.display()))
}

/// The key of a line, where it is one and nothing else.
fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (!key.is_empty() && key.chars().all(plain)).then_some(key)
}

/// A complaint of the library: with what was expected where it does not say it, and without a text
/// that may hold a password, as the address of a store in the wrong place.
fn explained(message: &str) -> String {
    let Some(at) = message.find("://") else {
        return match message {
            "invalid socket address syntax" => "not an address, expected one like `127.0.0.1:8080`",
            "wanted string or table" => "not a text, expected one in quotes",
            message => message,
        }
        .to_owned();
    };
    let from = message[..at].rfind(['"', '`']).map_or(0, |quote| quote + 1);
    let (to, end) = (message.rfind(", expected").unwrap_or(message.len()), message.len());
    format!("{}…{}", &message[..from], &message[to.max(at).min(end)..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Jurisdiction;

    fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let pairs = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Config::load(None, pairs.collect::<Vec<_>>().into_iter())
    }

    #[test]
    fn the_environment_sets_every_scalar_setting() {
        // Each value is another than the default, so that a setting without effect is seen.
        let values = [
            "127.0.0.1:1",
            "https://cds.example.org",
            "EU",
            "10",
            "3",
            "7",
            "11",
            "12",
            "13",
            "8",
            "9",
            "900",
            "4",
            "20",
            "3",
            "30",
            "1000",
            "true",
            "300",
            "30",
            "100",
            "200",
            "50",
            "9",
            "10",
            "sqlite:x",
            "true",
            "false",
            "7",
            "true",
            "365",
            "5",
            "0123456789abcdef0123456789abcdef",
            "c.pem",
            "k.pem",
            "ca.pem",
            "127.0.0.1:2",
            "5",
            "6",
            "http://127.0.0.1:4318",
            "10",
        ];
        assert_eq!(SETTINGS.len(), values.len(), "a new setting needs a value here");
        let pairs: Vec<(&str, &str)> = SETTINGS.iter().map(|(n, ..)| *n).zip(values).collect();
        for pair in &pairs {
            let alone = load(&[*pair]).unwrap();
            assert_ne!(alone, Config::default(), "{}", pair.0);
        }
        let set = load(&pairs).unwrap();
        assert_eq!(set.jurisdiction, Jurisdiction::Eu);
        assert_eq!((set.limits.body_bytes, set.limits.connections), (10, 9));
        assert_eq!((set.fetch.deadline_ms, set.fetch.private_networks), (900, true));
        assert_eq!((set.auth.lifetime_s, set.auth.replay_entries), (300, 50));
        assert_eq!(set.tls.unwrap().key, Path::new("k.pem"));
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
        let error = load(&[("JAKCARD_BIND", "0.0.0.0:8080")]).unwrap().check().unwrap_err();
        assert!(
            error.to_string().starts_with("`bind` is 0.0.0.0:8080, expected a loopback"),
            "{error}"
        );
        assert!(load(&[("JAKCARD_BIND", "[::1]:0")]).unwrap().check().is_ok());
    }
}
