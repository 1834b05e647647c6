//! `evaluate`: one request answered offline, as the service would.

use super::{Evaluate, Format, Stop, knowledge, print, wait};
use jakcard::config::Config;
use jakcard::service::course::Course;
use jakcard::service::{Calendar, Caller, House, Served, ServiceError, invoke};
use jakcard::text;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

pub fn evaluate(args: &Evaluate) -> Result<ExitCode, Stop> {
    let mut config = Config::load(None, std::env::vars()).map_err(|e| Stop(2, e.to_string()))?;
    config.jurisdiction = args.jurisdiction.unwrap_or(config.jurisdiction);
    let body = read_request(&args.request)?;
    let knowledge = knowledge(args.hooks.as_deref())?;
    let calendar = args.as_of.map_or(Calendar::System, Calendar::Fixed);
    let house = House::offline(config, knowledge, calendar);
    let caller = Caller::sandbox(&house.config);
    let answer = pick(&body, args.service.as_deref(), &house)
        .and_then(|service| wait(invoke(&body, &service, &caller, &house, &mut Course::begin())));
    let (text, code) = match (answer, args.format) {
        (Ok(answer), Format::Json) => ([&*answer.json, b"\n"].concat(), ExitCode::SUCCESS),
        (Ok(answer), Format::Text) => (text::render(&answer.response).into(), ExitCode::SUCCESS),
        (Err(error), Format::Json) => ((error.outcome() + "\n").into(), ExitCode::FAILURE),
        (Err(error), Format::Text) => {
            (format!("Not answered: {error}\n").into(), ExitCode::FAILURE)
        }
    };
    print(&text)?;
    Ok(code)
}

/// The service that was named, or the one for the request's hook.
fn pick(body: &[u8], id: Option<&str>, house: &House) -> Result<Served, ServiceError> {
    if let Some(id) = id {
        return house.service(id).ok_or(ServiceError::NoService);
    }
    let body = jakcard::cds_hooks::open(body, house.config.limits.bounds())?;
    let request = jakcard::cds_hooks::Request::read(&body)?;
    house.knowledge.find(|s| s.hook == request.hook).ok_or_else(|| {
        let services = &house.knowledge.now().services;
        let known: Vec<String> = services.iter().map(|s| format!("`{}`", s.hook)).collect();
        let hook = jakcard::cards::markdown::plain(&request.hook);
        let message =
            format!("no service answers the hook `{hook}`, expected one of {}", known.join(", "));
        jakcard::cds_hooks::BadRequest::at("hook", message).into()
    })
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
