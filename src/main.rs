//! The program: reads the command line, ends with its exit code.

mod cli;

use clap::Parser;
use cli::{Cli, Stop};
use mimalloc::MiMalloc;
use std::panic::PanicHookInfo;
use std::process::ExitCode;

/// A call with a JAK inhibitor allocates more than a thousand times.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(tell_the_place));
    match cli::run(Cli::parse()) {
        Ok(code) => code,
        Err(Stop(code, why)) => {
            eprintln!("jakcard: {why}");
            ExitCode::from(code)
        }
    }
}

/// The text of a panic may quote what was worked on: only its place is told.
fn tell_the_place(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    if tracing::dispatcher::has_been_set() {
        tracing::error!(place, "a panic");
    } else {
        eprintln!("jakcard: a panic at {place}");
    }
}
