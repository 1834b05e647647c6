//! How does the process end? Readiness first, then the listeners, then what is in flight, then exit 0.

use super::readiness::Readiness;
use crate::config::Operations;
use actix_web::dev::ServerHandle;
use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// The system hands out no signals.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Waits for a signal and ends the servers. Readiness turns red at once; for a while calls are still
/// taken, until whoever sends them has seen it. A second signal ends that while.
pub async fn at_signal(
    mut signals: Signals,
    readiness: &Readiness,
    settings: Operations,
    servers: Vec<ServerHandle>,
) {
    let why = signals.next().await;
    readiness.stop();
    tracing::info!(why, drain_ms = settings.drain_ms, "ending: not ready any more");
    let drain = Duration::from_millis(settings.drain_ms);
    _ = tokio::time::timeout(drain, signals.next()).await;
    for server in servers {
        server.stop(true).await;
    }
}
