//! `site-sheet`: what an EHR analyst types in by hand.

use super::{SheetFormat, SiteSheet, Stop, knowledge, print, wait};
use jakcard::config::Config;
use jakcard::service::{Calendar, House};
use jakcard::site_sheet;
use std::process::ExitCode;

pub fn site_sheet(args: &SiteSheet) -> Result<ExitCode, Stop> {
    let config =
        Config::load(Some(&args.config), std::env::vars()).map_err(|e| Stop(2, e.to_string()))?;
    config.check().map_err(|e| Stop(2, format!("{}: {e}", args.config.display())))?;
    let Some(client) = config.clients.iter().find(|c| c.name == args.client).cloned() else {
        let file = args.config.display();
        let known: Vec<String> = config.clients.iter().map(|c| format!("`{}`", c.name)).collect();
        let known = match known.is_empty() {
            true => "it has no `[[client]]`".to_owned(),
            false => format!("expected one of {}", known.join(", ")),
        };
        return Err(Stop(2, format!("{file} has no client `{}`: {known}", args.client)));
    };
    let knowledge = knowledge(args.hooks.as_deref())?;
    let house = House::offline(config, knowledge, Calendar::System);
    let sheet = wait(site_sheet::make(&client, &house))
        .map_err(|e| Stop(1, format!("the test call of the sheet is not answered: {e}")))?;
    let text = match args.format {
        SheetFormat::Markdown => site_sheet::render(&sheet),
        SheetFormat::Json => {
            serde_json::to_string_pretty(&sheet)
                .map_err(|e| Stop(1, format!("cannot be written as JSON: {e}")))?
                + "\n"
        }
    };
    print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
