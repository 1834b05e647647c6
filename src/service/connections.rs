//! Which connections hold a place and ask nothing?
//!
//! The web server ends a connection whose first request does not come, and one that is quiet after an
//! answer. The rest of a later request may be as late as it likes there, and an answer may stay unread:
//! whoever sends one good request could hold a place for ever. So every connection is known here, with
//! the time since which it is quiet, and those that are quiet for too long are ended.

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use metrics::{counter, gauge};
use socket2::{SockRef, Socket};
use std::any::Any;
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Nobody needs so long for the head of a request, or for taking an answer.
const QUIET: Duration = Duration::from_secs(10);
/// The same when most places are taken.
const QUIET_WHEN_FULL: Duration = Duration::from_secs(1);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Every open connection.
#[derive(Debug)]
pub struct Connections {
    open: Mutex<Vec<Weak<Connection>>>,
    most: usize,
    started: Instant,
}

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    socket: Socket,
    started: Instant,
    /// Milliseconds after `started` since which nothing is done for it; [`BUSY`] while something is.
    quiet_since: AtomicU64,
}

const BUSY: u64 = u64::MAX;

impl Connections {
    /// None yet; at most so many.
    pub fn new(most: usize) -> Connections {
        Connections { open: Mutex::new(Vec::new()), most, started: Instant::now() }
    }

    /// Takes a new connection down; the web server keeps what it gets back as long as the connection.
    pub fn remember(&self, stream: &dyn Any, kept: &mut Extensions) {
        let plain = stream.downcast_ref::<TcpStream>();
        let tls = || stream.downcast_ref::<TlsStream<TcpStream>>().map(|tls| tls.get_ref().0);
        let Some(Ok(socket)) = plain.or_else(tls).map(|tcp| SockRef::from(tcp).try_clone()) else {
            return;
        };
        let connection = Connection { socket, started: self.started, quiet_since: BUSY.into() };
        connection.quiet();
        let connection = Arc::new(connection);
        self.lock().push(Arc::downgrade(&connection));
        kept.insert(connection);
    }

    /// Ends those that are quiet for too long, for ever.
    pub async fn tend(self: Arc<Self>) {
        loop {
            actix_web::rt::time::sleep(LOOK).await;
            self.look();
        }
    }

    fn look(&self) {
        let now = self.started.elapsed();
        let mut open = self.lock();
        open.retain(|connection| connection.strong_count() > 0);
        gauge!("jakcard_connections").set(open.len() as f64);
        let bound = if open.len() > self.most / 4 * 3 { QUIET_WHEN_FULL } else { QUIET };
        for connection in open.iter().filter_map(Weak::upgrade) {
            if connection.quiet_for(now).is_some_and(|quiet| quiet >= bound) {
                counter!("jakcard_connections_ended_total").increment(1);
                // It may be gone already.
                _ = connection.socket.shutdown(Shutdown::Both);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// A request came in.
    pub fn busy(&self) {
        self.quiet_since.store(BUSY, Ordering::Relaxed);
    }

    /// Its answer is made.
    pub fn quiet(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(BUSY - 1);
        self.quiet_since.store(now, Ordering::Relaxed);
    }

    fn quiet_for(&self, now: Duration) -> Option<Duration> {
        match self.quiet_since.load(Ordering::Relaxed) {
            BUSY => None,
            since => Some(now.saturating_sub(Duration::from_millis(since))),
        }
    }
}
