//! `serve`: from settings to a running service.

use super::{Serve, Stop, knowledge, log, wait};
use jakcard::auth::Gate;
use jakcard::config::{Config, DEFAULT_STORE};
use jakcard::service::{self, Calendar, House, InForce};
use jakcard::store::Shelf;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

pub fn serve(args: Serve) -> Result<ExitCode, Stop> {
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
    let knowledge = InForce::new(knowledge(args.hooks.as_deref())?, args.hooks);
    let _log = log::start().map_err(|e| Stop(1, format!("the log cannot start: {e}")))?;
    let calendar = args.as_of.map_or(Calendar::System, Calendar::Fixed);
    // Before anything that counts: keys are read when the gate is built.
    let metrics = service::metrics::install();
    let shelf = shelf(&config)?;
    // Used tokens stay in memory unless a store was asked for.
    let tokens = config.store.url.as_ref().map(|_| Arc::clone(&shelf));
    let gate = Gate::of(&config, tokens).map_err(|why| Stop(2, why))?;
    let client = Some(service::client(&config).map_err(|why| Stop(2, why))?);
    let _traces = service::traces::start(&config.otel).map_err(|why| Stop(2, why))?;
    let audit = service::audit(&config, &shelf).map_err(|why| Stop(2, why))?;
    let (shelf, records) = (Some(shelf), audit.clone());
    let house = House { config, knowledge, calendar, gate, client, shelf, audit, metrics };
    actix_web::rt::System::new().block_on(async move {
        let sandbox = house.config.is_sandbox();
        let listening = service::start(house).map_err(|why| Stop(2, why))?;
        let url = listening.url();
        if sandbox {
            eprintln!("sandbox mode: clients are not authenticated, only this machine can connect");
            eprintln!(
                "try: curl -s {url}/cds-services/jak-inhibitor-order-sign \
             -H 'content-type: application/json' -d @fixtures/wire/jak-inhibitor-order-sign/nothing-on-record/request.json"
            );
        }
        println!("jakcard is ready at {url}");
        if let Some(address) = listening.operations {
            println!("health, readiness and metrics at http://{address}");
        }
        _ = std::io::stdout().flush();
        let ended = listening.run().await;
        // No answer goes out any more: what waits is written.
        if let Some(records) = records {
            records.close(FLUSH);
        }
        ended.map_err(|e| Stop(1, format!("the server stopped: {e}")))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// How long the end waits for records to be written.
const FLUSH: Duration = Duration::from_secs(5);

/// Where records are kept. A store that was asked for is opened now, so that a mistake stops the start; a
/// database server that is away does not, unless `store.strict`: answers do not need it.
fn shelf(config: &Config) -> Result<Arc<Shelf>, Stop> {
    let wrong = |error| Stop(2, format!("`store.url`: {error}"));
    let Some(url) = &config.store.url else { return Shelf::at(DEFAULT_STORE).map_err(wrong) };
    let shelf = Shelf::at(url).map_err(wrong)?;
    match wait(shelf.open()) {
        Ok(_) => {}
        Err(error) if error.may_pass() && !config.store.strict => {
            eprintln!("jakcard: `store.url`: {error}; answers go out without it");
        }
        Err(error) => return Err(wrong(error)),
    }
    Ok(shelf)
}
