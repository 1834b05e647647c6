//! What is printed of the program itself: statements, shell completions, manual pages.

use super::{Cli, Stop, knowledge, print};
use clap::CommandFactory;
use std::process::ExitCode;

/// What became of every statement of the source documents.
pub fn statements() -> Result<ExitCode, Stop> {
    print(jakcard::knowledge::statements::page(&knowledge(None)?).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The script that completes commands and flags in a shell.
pub fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "jakcard", &mut script);
    print(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// The manual page of a command, or of the program.
pub fn man(page: Option<&str>) -> Result<ExitCode, Stop> {
    // Built: subcommands then know the whole name that they are called by.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let command = match page {
        None => program,
        Some(name) => {
            let known = || {
                let names = program.get_subcommands().map(|c| c.get_name().to_owned());
                names.collect::<Vec<_>>().join(", ")
            };
            let found = program.find_subcommand(name).cloned();
            let command = found.ok_or_else(|| {
                Stop(2, format!("there is no command `{name}`, expected one of {}", known()))
            })?;
            // A page is named with a hyphen (man-pages(7)), and called with a space.
            command.display_name(format!("jakcard-{name}"))
        }
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut roff)
        .map_err(|e| Stop(2, format!("cannot write: {e}")))?;
    print(&roff)?;
    Ok(ExitCode::SUCCESS)
}
