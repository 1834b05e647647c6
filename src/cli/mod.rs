//! The command line: its definition, and one file for what each group of commands does.
//!
//! Exit codes: 0 done, 1 the answer is negative, 2 the call itself was wrong.

mod audit;
mod check;
mod evaluate;
mod health;
mod log;
mod log_line;
mod pages;
mod report;
mod serve;
mod site_sheet;
mod store;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jakcard::config::SETTINGS;
use jakcard::knowledge::{Jurisdiction, Knowledge, embedded, read};
use jiff::civil::Date;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the label asks of this patient, at the moment a JAK inhibitor is ordered.
#[derive(Parser)]
#[command(name = "jakcard", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the CDS Hooks service
    #[command(after_help = settings_help())]
    Serve(Serve),
    /// Answer one CDS Hooks request offline
    Evaluate(Evaluate),
    /// Count what fires, what users do with it, and how long answers take
    Report(ReportArgs),
    /// Read the records of what was answered
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print what became of every statement of the source documents (Markdown)
    Statements,
    /// Validate a file with settings, without starting
    CheckConfig {
        /// TOML file with the settings
        file: PathBuf,
    },
    /// Validate the knowledge files
    Check {
        /// Folder with the shape of hooks/; the embedded files without it
        dir: Option<PathBuf>,
    },
    /// Print what an EHR analyst types in by hand for one client
    SiteSheet(SiteSheet),
    /// Ask a running service whether it is alive
    Health(Health),
    /// Print the script that completes commands and flags in a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print a manual page (roff; read it with `man -l -`)
    Man {
        /// The page of this command; that of the program without it
        #[arg(value_name = "COMMAND")]
        page: Option<String>,
    },
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Find every record that was changed, taken out, put in or moved
    Verify {
        #[command(flatten)]
        records: Records,
        /// A record that was seen before, as an earlier `verify` or the log told its end: finds an end that
        /// was cut, or a chain that was written anew
        #[arg(long, value_name = "REPLICA:RECORD:HASH")]
        expect: Vec<String>,
    },
    /// Print the records, one JSON object a line
    Export {
        #[command(flatten)]
        records: Records,
        #[command(flatten)]
        period: Period,
    },
}

/// Where records are read.
#[derive(Args)]
struct Records {
    /// TOML file with the settings
    #[arg(long)]
    config: Option<PathBuf>,
    /// The store: `sqlite:FILE` or `postgres://…`; that of the settings without it
    #[arg(long, value_name = "URL")]
    store: Option<String>,
}

/// The time that is looked at.
#[derive(Args)]
struct Period {
    /// First day (UTC)
    #[arg(long, value_name = "DATE")]
    since: Option<Date>,
    /// Last day (UTC)
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
}

#[derive(Args)]
struct Serve {
    /// Address to listen on
    #[arg(long)]
    bind: Option<SocketAddr>,
    /// TOML file with the settings
    #[arg(long)]
    config: Option<PathBuf>,
    /// Knowledge from this folder instead of the embedded files
    #[arg(long, value_name = "DIR")]
    hooks: Option<PathBuf>,
    /// Fix today (sandbox mode only)
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
}

#[derive(Args)]
struct Evaluate {
    /// File with the request; `-` is standard input
    request: PathBuf,
    /// Id of the service; by the request's hook without it
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// JSON as the service would answer, or text for people
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
    /// Whose labels speak
    #[arg(long, value_enum)]
    jurisdiction: Option<Jurisdiction>,
    /// Knowledge from this folder instead of the embedded files
    #[arg(long, value_name = "DIR")]
    hooks: Option<PathBuf>,
    /// Fix today
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
}

#[derive(Args)]
struct ReportArgs {
    #[command(flatten)]
    records: Records,
    #[command(flatten)]
    period: Period,
    /// A table for a terminal, CSV for a spreadsheet, JSON for programs, or a page with plots
    #[arg(long, value_enum, default_value = "table")]
    format: ReportFormat,
    /// One row for each client, each client and rule, or each week, client and rule (table and CSV; the others
    /// hold all)
    #[arg(long, value_enum, default_value = "rule")]
    by: Cut,
    /// With what users wrote: it may name patients
    #[arg(long)]
    comments: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReportFormat {
    Table,
    Csv,
    Json,
    Html,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cut {
    Client,
    Rule,
    Week,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Text,
}

#[derive(Args)]
struct SiteSheet {
    /// Name of the client, as in its `[[client]]`
    #[arg(long, value_name = "NAME")]
    client: String,
    /// TOML file with the settings
    #[arg(long)]
    config: PathBuf,
    /// Markdown for people, or JSON
    #[arg(long, value_enum, default_value = "markdown")]
    format: SheetFormat,
    /// Knowledge from this folder instead of the embedded files
    #[arg(long, value_name = "DIR")]
    hooks: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum SheetFormat {
    Markdown,
    Json,
}

#[derive(Args)]
struct Health {
    /// TOML file with the settings of the service that is asked
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where to ask; told by the settings without it
    #[arg(long)]
    url: Option<String>,
}

/// Why the program ends early: the exit code and one clear line.
pub struct Stop(pub u8, pub String);

/// Does what was asked on the command line.
///
/// # Errors
/// Why it could not be done.
pub fn run(cli: Cli) -> Result<ExitCode, Stop> {
    match cli.command {
        Command::Serve(args) => serve::serve(args),
        Command::Evaluate(args) => evaluate::evaluate(&args),
        Command::Report(args) => report::report(&args),
        Command::Audit(command) => audit::audit(&command),
        Command::Statements => pages::statements(),
        Command::CheckConfig { file } => check::settings(&file),
        Command::Check { dir } => check::knowledge(dir.as_deref()),
        Command::SiteSheet(args) => site_sheet::site_sheet(&args),
        Command::Health(args) => health::health(&args),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { page } => pages::man(page.as_deref()),
    }
}

/// The knowledge of a folder, or the embedded one.
fn knowledge(dir: Option<&Path>) -> Result<Knowledge, Stop> {
    let files = files(dir)?;
    read::read(&files).map_err(|e| Stop(1, format!("the knowledge cannot be used:\n{e}")))
}

fn files(dir: Option<&Path>) -> Result<embedded::Files, Stop> {
    match dir {
        Some(dir) => embedded::folder(dir).map_err(|e| Stop(2, e.to_string())),
        None => Ok(embedded::embedded()),
    }
}

/// Waits for what is done once.
fn wait<T>(work: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(work)
}

/// Writes to standard output. A reader that has seen enough is no error.
fn print(text: &[u8]) -> Result<(), Stop> {
    use std::io::Write;
    let mut out = anstream::AutoStream::auto(std::io::stdout());
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Stop(2, format!("cannot write: {e}")))
        }
        _ => Ok(()),
    }
}

fn settings_help() -> String {
    let mut text = "Settings, in the TOML file or the environment (which wins):\n".to_owned();
    for (variable, section, key, meaning) in SETTINGS {
        let dot = if section.is_empty() { "" } else { "." };
        text.push_str(&format!("  {variable:<30} {section}{dot}{key}: {meaning}\n"));
    }
    text
}
