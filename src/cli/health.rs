//! `health`: is the service of these settings alive? For containers without a shell.

use super::{Health, Stop, wait};
use jakcard::config::Config;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

/// Longer than a healthy service ever needs, shorter than a supervisor waits.
const PATIENCE: Duration = Duration::from_secs(3);

pub fn health(args: &Health) -> Result<ExitCode, Stop> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => own(args)?,
    };
    let status = wait(ask(&url)).map_err(|why| Stop(1, format!("{url} does not answer: {why}")))?;
    match status {
        200 => Ok(ExitCode::SUCCESS),
        other => Err(Stop(1, format!("{url} answers {other}, expected 200"))),
    }
}

/// The address at which the service of these settings tells how it is.
fn own(args: &Health) -> Result<String, Stop> {
    let config = Config::load(args.config.as_deref(), std::env::vars())
        .map_err(|e| Stop(2, e.to_string()))?;
    let bind = match (config.operations.bind, &config.tls) {
        (Some(bind), _) => bind,
        (None, None) => config.bind,
        (None, Some(_)) => {
            return Err(Stop(
                2,
                "the service speaks TLS, expected `operations.bind` in the settings, or `--url`"
                    .to_owned(),
            ));
        }
    };
    // Who listens everywhere is asked here.
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(format!("http://{}/healthz", SocketAddr::new(ip, bind.port())))
}

async fn ask(url: &str) -> Result<u16, String> {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
    let answer = client.map_err(|e| e.to_string())?.get(url).send().await;
    let why = |e: reqwest::Error| {
        // The innermost reason is the plain one.
        let mut source: &dyn std::error::Error = &e;
        while let Some(inner) = source.source() {
            source = inner;
        }
        source.to_string()
    };
    answer.map(|answer| answer.status().as_u16()).map_err(why)
}
