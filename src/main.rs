//! The program: reads the command line, ends with its exit code.

mod cli;

use clap::Parser;
use cli::{Cli, Stop};
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(code) => code,
        Err(Stop(code, why)) => {
            eprintln!("jakcard: {why}");
            ExitCode::from(code)
        }
    }
}
