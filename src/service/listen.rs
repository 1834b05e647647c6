//! Which sockets are open, and who holds one for how long?
//!
//! Calls come in at `bind`; health, readiness and metrics at `operations.bind` when it is given. The
//! two are servers of their own: whoever fills the one with connections leaves the other alone.

use super::connections::Connections;
use super::house::House;
use super::in_flight::InFlight;
use super::readiness::Readiness;
use super::stop::{Signals, at_signal};
use super::tls::Keys;
use super::{cors, door, follow, metrics, operations, services};
use crate::config::Operations;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// The head of a first request is there by then, or 408.
const HEAD: Duration = Duration::from_secs(5);
/// A connection on which nothing was asked for that long is closed.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// A TLS handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// Bytes that a client does not take for that long end its connection (Linux).
const UNREAD: Duration = Duration::from_secs(10);
/// Connections of the operations' own listener: probes and one collector of metrics.
const OPERATIONS_CONNECTIONS: usize = 64;
/// Files that are open beside the connections: store, log, listeners, the EHR's servers.
const OTHER_FILES: u64 = 256;
/// Connections that wait in the kernel to be accepted.
const BACKLOG: i32 = 1024;

/// The sockets are open and the servers run.
#[must_use = "the servers run only while they are awaited"]
pub struct Listening {
    /// Where calls come in.
    pub address: SocketAddr,
    /// Where health, readiness and metrics are asked for, when that is elsewhere.
    pub operations: Option<SocketAddr>,
    /// Is TLS spoken at `address`?
    pub tls: bool,
    /// Answers the calls.
    pub server: Server,
    /// Answers the rest, when that is elsewhere.
    pub operations_server: Option<Server>,
    /// What `/readyz` answers.
    readiness: Data<Readiness>,
    signals: Signals,
    settings: Operations,
}

impl Listening {
    /// The URL at which calls come in.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// Until both servers have ended, after a signal.
    ///
    /// # Errors
    /// A server broke.
    pub async fn run(self) -> std::io::Result<()> {
        let mut servers = vec![self.server.handle()];
        servers.extend(self.operations_server.as_ref().map(Server::handle));
        let (readiness, signals, settings) = (self.readiness, self.signals, self.settings);
        actix_web::rt::spawn(async move {
            at_signal(signals, &readiness, settings, servers).await;
        });
        match self.operations_server {
            None => self.server.await?,
            Some(other) => _ = futures_util::future::try_join(self.server, other).await?,
        }
        tracing::info!("ended");
        Ok(())
    }
}

/// Opens the sockets and starts the servers.
///
/// # Errors
/// The setting that cannot be used, and why.
pub fn start(house: House) -> Result<Listening, String> {
    let (limits, tls) = (house.config.limits, house.config.tls.clone());
    let (bind, elsewhere) = (house.config.bind, house.config.operations.bind);
    let keys = tls.as_ref().map(Keys::load).transpose()?.map(Arc::new);
    room_for(limits.connections)?;
    let socket = listen("bind", bind)?;
    let address = address(&socket)?;
    let house = Data::new(house);
    let readiness = Data::new(Readiness::default());
    let shared = (house.clone(), readiness.clone());
    let operations_server = elsewhere.map(|at| operations_server(at, shared)).transpose()?;
    let (operations_server, operations) = operations_server.unzip();
    actix_web::rt::spawn(super::tend(house.clone(), readiness.clone()));
    actix_web::rt::spawn(super::reload::watch(house.clone(), readiness.clone()));
    if let Some(handle) = &house.metrics {
        actix_web::rt::spawn(metrics::keep(handle.clone()));
    }

    let in_flight = Data::new(InFlight::new(limits.in_flight));
    let connections = Arc::new(Connections::new(limits.connections));
    actix_web::rt::spawn(connections.clone().tend());
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    let each = limits.connections.div_ceil(workers);
    let signals = Signals::listen().map_err(|e| format!("signals cannot be heard: {e}"))?;
    let settings = house.config.operations;
    let ready = readiness.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(house.clone())
            .app_data(ready.clone())
            .app_data(in_flight.clone())
            .wrap(from_fn(door::guard))
            .wrap(cors::of(&house.config))
            .wrap(from_fn(follow::follow))
            .configure(services)
            .configure(|routes| {
                if elsewhere.is_none() {
                    super::operations(routes)
                }
            })
            .default_service(web::to(super::nowhere))
    })
    .workers(workers)
    .max_connections(each)
    // Handshakes at once: the bound of connections is the one that counts.
    .max_connection_rate(each)
    .client_request_timeout(HEAD)
    .keep_alive(KEEP_ALIVE)
    .tls_handshake_timeout(HANDSHAKE)
    .disable_signals()
    .shutdown_timeout(settings.stop_s)
    .on_connect(move |stream, kept| connections.remember(stream, kept));
    let server = match &keys {
        None => server.listen(socket),
        Some(keys) => server.listen_rustls_0_23(socket, keys.server_config()?),
    };
    let server = server.map_err(|e| format!("`bind`: cannot listen on {bind}: {e}"))?.run();
    let tls = keys.is_some();
    if let Some(keys) = keys {
        actix_web::rt::spawn(keys.keep_fresh());
    }
    Ok(Listening {
        address,
        operations,
        tls,
        server,
        operations_server,
        readiness,
        signals,
        settings,
    })
}

/// Health, readiness and metrics on a listener of their own, without TLS.
fn operations_server(
    bind: SocketAddr,
    (house, readiness): (Data<House>, Data<Readiness>),
) -> Result<(Server, SocketAddr), String> {
    let socket = listen("operations.bind", bind)?;
    let address = address(&socket)?;
    let server = HttpServer::new(move || {
        App::new()
            .app_data(house.clone())
            .app_data(readiness.clone())
            .configure(operations)
            .default_service(web::to(super::nowhere))
    })
    .workers(1)
    .max_connections(OPERATIONS_CONNECTIONS)
    .client_request_timeout(HEAD)
    .keep_alive(KEEP_ALIVE)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(socket)
    .map_err(|e| format!("`operations.bind`: cannot listen on {bind}: {e}"))?;
    Ok((server.run(), address))
}

fn address(socket: &TcpListener) -> Result<SocketAddr, String> {
    socket.local_addr().map_err(|e| format!("the listener has no address: {e}"))
}

fn listen(key: &str, at: SocketAddr) -> Result<TcpListener, String> {
    let open = || {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        // Handed on to every connection that is accepted.
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(UNREAD))?;
        socket.bind(&at.into())?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from(socket))
    };
    open().map_err(|e: std::io::Error| format!("`{key}`: cannot listen on {at}: {e}"))
}

/// Lets the process open enough files. Each connection is two: the web server's and the one by which
/// it is ended when it is quiet for too long.
fn room_for(connections: usize) -> Result<(), String> {
    let wanted = (connections as u64).saturating_mul(2).saturating_add(OTHER_FILES);
    let allowed = rlimit::increase_nofile_limit(wanted).map_err(|e| e.to_string())?;
    if allowed < wanted {
        return Err(format!(
            "`limits.connections` is {connections}, which takes {wanted} open files, and the system \
             allows {allowed} (`ulimit -Hn`); expected at most {}, or a higher bound of the system",
            allowed.saturating_sub(OTHER_FILES) / 2
        ));
    }
    Ok(())
}
