//! `check` and `check-config`: every complaint, without starting.

use super::{Stop, files};
use jakcard::auth::Gate;
use jakcard::config::{Config, ConfigError};
use jakcard::knowledge::read;
use jakcard::service::tls::Keys;
use std::path::Path;
use std::process::ExitCode;

/// As `serve` would read it: with the environment.
pub fn settings(file: &Path) -> Result<ExitCode, Stop> {
    let checked = Config::load(Some(file), std::env::vars()).and_then(|config| {
        config.check()?;
        Gate::of(&config, None).map_err(ConfigError)?;
        config.tls.as_ref().map(Keys::load).transpose().map_err(ConfigError)?;
        Ok(config)
    });
    match checked {
        Ok(config) if config.is_sandbox() => {
            println!("no complaint; no `[[client]]`: sandbox mode")
        }
        Ok(config) => println!("no complaint; {} clients", config.clients.len()),
        Err(ConfigError(complaints)) => {
            println!("{complaints}");
            let n = complaints.lines().count();
            return Err(Stop(1, format!("{}: {n} complaints", file.display())));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub fn knowledge(dir: Option<&Path>) -> Result<ExitCode, Stop> {
    let files = files(dir)?;
    match read::read(&files) {
        Ok(knowledge) => {
            let rows: usize = knowledge.drugs.iter().map(|d| d.rows().count()).sum();
            println!(
                "{} files, {} drugs, {rows} rows: no complaint (knowledge {})",
                files.len(),
                knowledge.drugs.len(),
                &knowledge.digest[..12]
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("{error}");
            Err(Stop(1, format!("{} complaints", error.complaints.len())))
        }
    }
}
