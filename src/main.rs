//! Subcommands only: `serve`, `evaluate`, `check`.
//!
//! Exit codes: 0 done, 1 the answer is negative, 2 the call itself was wrong.

use clap::{Args, Parser, Subcommand, ValueEnum};
use jakcard::auth::Gate;
use jakcard::config::{Config, ConfigError, SETTINGS};
use jakcard::knowledge::{Jurisdiction, Knowledge, embedded, read};
use jakcard::service::{self, Calendar, Caller, House, ServiceError, invoke};
use jakcard::store::Store;
use jakcard::text;
use jiff::civil::Date;
use std::io::{IsTerminal, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tracing_appender::non_blocking::WorkerGuard;

/// What the label asks of this patient, at the moment a JAK inhibitor is ordered.
#[derive(Parser)]
#[command(name = "jakcard", version, about)]
struct Cli {
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

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Text,
}

/// Why the program ends early: the exit code and one clear line.
struct Stop(u8, String);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(args) => serve(args),
        Command::Evaluate(args) => evaluate(&args),
        Command::Statements => statements(),
        Command::CheckConfig { file } => check_config(&file),
        Command::Check { dir } => check(dir.as_deref()),
    };
    match done {
        Ok(code) => code,
        Err(Stop(code, why)) => {
            eprintln!("jakcard: {why}");
            ExitCode::from(code)
        }
    }
}

fn serve(args: Serve) -> Result<ExitCode, Stop> {
    let mut config = Config::load(args.config.as_deref(), std::env::vars())
        .map_err(|e| Stop(2, e.to_string()))?;
    config.bind = args.bind.unwrap_or(config.bind);
    config.check().map_err(|e| Stop(2, e.to_string()))?;
    if args.as_of.is_some() && !config.is_sandbox() {
        return Err(Stop(
            2,
            "`--as-of` is for sandbox mode: with a `[[client]]` today is today".to_owned(),
        ));
    }
    let knowledge = knowledge(args.hooks.as_deref())?;
    let _log = start_log();
    let calendar = args.as_of.map_or(Calendar::System, Calendar::Fixed);
    let store = match &config.store.url {
        Some(url) => {
            Some(wait(Store::open(url)).map_err(|e| Stop(2, format!("`store.url`: {e}")))?)
        }
        None => None,
    };
    let gate = Gate::of(&config, store).map_err(|why| Stop(2, why))?;
    let client = service::client(&config).map_err(|why| Stop(2, why))?;
    let (client, metrics) = (Some(client), service::metrics::install());
    let house = House { config, knowledge, calendar, gate, client, metrics };
    actix_web::rt::System::new().block_on(async move {
        let (bind, sandbox) = (house.config.bind, house.config.is_sandbox());
        let (server, address) = service::start(house)
            .map_err(|e| Stop(2, format!("cannot listen on {bind}: {e}")))?;
        if sandbox {
            eprintln!("sandbox mode: clients are not authenticated, only this machine can connect");
            eprintln!(
                "try: curl -s http://{address}/cds-services/jak-inhibitor-order-sign \
             -H 'content-type: application/json' -d @fixtures/wire/jak-inhibitor-order-sign/nothing-on-record/request.json"
            );
        }
        println!("jakcard is ready at http://{address}");
        _ = std::io::stdout().flush();
        server.await.map_err(|e| Stop(1, format!("the server stopped: {e}")))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn evaluate(args: &Evaluate) -> Result<ExitCode, Stop> {
    let mut config = Config::load(None, std::env::vars()).map_err(|e| Stop(2, e.to_string()))?;
    config.jurisdiction = args.jurisdiction.unwrap_or(config.jurisdiction);
    let body = read_request(&args.request)?;
    let knowledge = knowledge(args.hooks.as_deref())?;
    let calendar = args.as_of.map_or(Calendar::System, Calendar::Fixed);
    let house = House { config, knowledge, calendar, gate: None, client: None, metrics: None };
    let caller = Caller::sandbox(&house.config);
    let answer = pick(&body, args.service.as_deref(), &house)
        .and_then(|service| wait(invoke(&body, service, &caller, &house)));
    let mut out = anstream::AutoStream::auto(std::io::stdout());
    let (text, code) = match (answer, args.format) {
        (Ok(answer), Format::Json) => (answer.json + "\n", ExitCode::SUCCESS),
        (Ok(answer), Format::Text) => (text::render(&answer.response), ExitCode::SUCCESS),
        (Err(error), Format::Json) => (error.outcome() + "\n", ExitCode::FAILURE),
        (Err(error), Format::Text) => (format!("Not answered: {error}\n"), ExitCode::FAILURE),
    };
    match out.write_all(text.as_bytes()) {
        // A reader that has seen enough is no error.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(code),
        Err(e) => Err(Stop(2, format!("cannot write: {e}"))),
        Ok(()) => Ok(code),
    }
}

/// Waits for what is done once.
fn wait<T>(work: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(work)
}

/// The service that was named, or the one for the request's hook.
fn pick<'h>(
    body: &[u8],
    id: Option<&str>,
    house: &'h House,
) -> Result<&'h jakcard::knowledge::ServiceFile, ServiceError> {
    if let Some(id) = id {
        return house.service(id).ok_or(ServiceError::NoService);
    }
    let request = jakcard::cds_hooks::Request::read(body)?;
    let services = &house.knowledge.services;
    services.iter().find(|s| s.hook == request.hook).ok_or_else(|| {
        let known: Vec<String> = services.iter().map(|s| format!("`{}`", s.hook)).collect();
        let hook = jakcard::cards::markdown::plain(&request.hook);
        let message =
            format!("no service answers the hook `{hook}`, expected one of {}", known.join(", "));
        jakcard::cds_hooks::BadRequest::at("hook", message).into()
    })
}

fn statements() -> Result<ExitCode, Stop> {
    print!("{}", jakcard::knowledge::statements::page(&knowledge(None)?));
    Ok(ExitCode::SUCCESS)
}

/// As `serve` would read it: with the environment.
fn check_config(file: &Path) -> Result<ExitCode, Stop> {
    let checked = Config::load(Some(file), std::env::vars()).and_then(|config| {
        config.check()?;
        Gate::of(&config, None).map_err(ConfigError)?;
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

fn check(dir: Option<&Path>) -> Result<ExitCode, Stop> {
    let files = match dir {
        Some(dir) => embedded::folder(dir).map_err(|e| Stop(2, e.to_string()))?,
        None => embedded::embedded(),
    };
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

fn knowledge(dir: Option<&Path>) -> Result<Knowledge, Stop> {
    let files = match dir {
        Some(dir) => embedded::folder(dir).map_err(|e| Stop(2, e.to_string()))?,
        None => embedded::embedded(),
    };
    read::read(&files).map_err(|e| Stop(1, format!("the knowledge cannot be used:\n{e}")))
}

fn read_request(path: &Path) -> Result<Vec<u8>, Stop> {
    let mut body = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut body).map(|_| ())
    } else {
        std::fs::read(path).map(|bytes| body = bytes)
    };
    read.map_err(|e| Stop(2, format!("{}: cannot be read: {e}", path.display())))?;
    Ok(body)
}

/// Text on a terminal, JSON otherwise; `RUST_LOG` chooses what is said. Written by a thread of its own:
/// who reads no log loses lines, and keeps nobody waiting. What is returned ends the log when dropped.
fn start_log() -> WorkerGuard {
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    if std::io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().init();
    }
    guard
}

fn settings_help() -> String {
    let mut text = "Settings, in the TOML file or the environment (which wins):\n".to_owned();
    for (variable, section, key, meaning) in SETTINGS {
        let dot = if section.is_empty() { "" } else { "." };
        text.push_str(&format!("  {variable:<30} {section}{dot}{key}: {meaning}\n"));
    }
    text
}
