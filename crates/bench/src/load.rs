//! Calls over real sockets: one after another, or many connections at once.

use crate::process::Server;
use crate::table::{median, percentile};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Turns of every server in one comparison, and one before them that does not count.
const TURNS: usize = 15;

/// A server, and what it is sent.
pub struct Target<'s> {
    server: &'s Server,
    /// The calls that are sent in turn, each whole; more than one where a call may be sent only once.
    calls: Vec<Vec<u8>>,
    connections: Vec<Connection>,
    next: usize,
}

/// What one turn of a server cost.
#[derive(Clone, Default)]
pub struct Turn {
    cpu_us: f64,
    per_second: f64,
    latencies_ms: Vec<f64>,
}

impl Turn {
    /// CPU time of the server for one call, the median.
    pub fn cpu_us(turns: &[Turn]) -> f64 {
        median(turns.iter().map(|t| t.cpu_us).collect())
    }

    /// CPU time in multiples of another server's of the same turn, the median.
    pub fn ratio(turns: &[Turn], base: &[Turn]) -> f64 {
        median(turns.iter().zip(base).map(|(own, base)| own.cpu_us / base.cpu_us).collect())
    }

    /// The time that so large a share of all calls took at most.
    pub fn latency_ms(turns: &[Turn], share: f64) -> f64 {
        percentile(turns.iter().flat_map(|t| t.latencies_ms.clone()).collect(), share)
    }

    /// The head of a table of [`Turn::row`]s.
    pub fn head(columns: &str, base: &str) {
        println!("| {columns} | CPU µs | × {base} | requests/s | p50 ms | p99 ms |");
        println!("|{}---|---|---|---|---|", "---|".repeat(columns.split('|').count()));
    }

    /// One row of a table.
    pub fn row(cells: &str, turns: &[Turn], base: &[Turn]) {
        println!(
            "| {cells} | {:.1} | {:.2} | {:.0} | {:.2} | {:.2} |",
            Turn::cpu_us(turns),
            Turn::ratio(turns, base),
            median(turns.iter().map(|t| t.per_second).collect()),
            Turn::latency_ms(turns, 0.5),
            Turn::latency_ms(turns, 0.99),
        );
    }
}

/// Asks every server in turn; what each turn cost, server by server. With one connection the turns are
/// single calls.
pub async fn in_turn(targets: &mut [Target<'_>], bytes: usize) -> Vec<Vec<Turn>> {
    let mut all = vec![Vec::new(); targets.len()];
    for turn in 0..=TURNS {
        let mut costs = vec![Vec::new(); targets.len()];
        let connections = targets.first().map_or(1, |t| t.connections.len());
        let (rounds, each) = match (connections, calls_in_turn(bytes, connections)) {
            (1, calls) => (calls, 1),
            (_, calls) => (1, calls / connections),
        };
        for _ in 0..rounds {
            for (target, costs) in targets.iter_mut().zip(&mut costs) {
                costs.push(target.turn(each).await);
            }
        }
        // The first turn warms up.
        for (costs, all) in costs.into_iter().zip(&mut all).filter(|_| turn > 0) {
            all.push(Turn::together(costs));
        }
    }
    all
}

/// Calls of one turn of a server: some tens of milliseconds.
fn calls_in_turn(bytes: usize, connections: usize) -> usize {
    match bytes {
        0..20_000 => 20 * connections.max(8),
        20_000..200_000 => 10 * connections.max(8),
        _ => 2 * connections.max(8),
    }
}

/// All calls of a comparison.
pub fn calls(bytes: usize, connections: usize) -> usize {
    (TURNS + 1) * calls_in_turn(bytes, connections)
}

/// The bytes of a call.
pub fn call(path: &str, token: Option<&str>, body: &[u8]) -> Vec<u8> {
    let authorization = token.map(|t| format!("authorization: Bearer {t}\r\n")).unwrap_or_default();
    let length = body.len();
    let mut call = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         {authorization}content-length: {length}\r\n\r\n"
    )
    .into_bytes();
    call.extend_from_slice(body);
    call
}

impl Turn {
    fn together(parts: Vec<Turn>) -> Turn {
        let mean = |of: fn(&Turn) -> f64| parts.iter().map(of).sum::<f64>() / parts.len() as f64;
        Turn {
            cpu_us: mean(|t| t.cpu_us),
            per_second: mean(|t| t.per_second),
            latencies_ms: parts.iter().flat_map(|t| t.latencies_ms.clone()).collect(),
        }
    }
}

impl<'s> Target<'s> {
    /// Opens the connections.
    pub async fn open(server: &'s Server, calls: Vec<Vec<u8>>, connections: usize) -> Target<'s> {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(server.address).await);
        }
        Target { server, calls, connections: open, next: 0 }
    }

    /// The answer to one call.
    pub async fn once(&mut self) -> Vec<u8> {
        let call = self.calls[self.next % self.calls.len()].clone();
        self.next += 1;
        let connection = &mut self.connections[0];
        connection.ask(&call).await;
        connection.body().to_vec()
    }

    /// So many calls on every connection, all connections at once.
    pub async fn turn(&mut self, each: usize) -> Turn {
        let (calls, first) = (&self.calls, self.next);
        let connections = self.connections.len();
        let (cpu, started) = (self.server.cpu(), Instant::now());
        let work = self.connections.iter_mut().enumerate().map(|(index, connection)| async move {
            let mut latencies = Vec::with_capacity(each);
            for n in 0..each {
                let call = &calls[(first + n * connections + index) % calls.len()];
                let asked = Instant::now();
                connection.ask(call).await;
                latencies.push(milliseconds(asked.elapsed()));
            }
            latencies
        });
        let latencies = futures_util::future::join_all(work).await;
        let took = started.elapsed();
        let cpu = self.server.cpu() - cpu;
        let count = each * connections;
        self.next += count;
        Turn {
            cpu_us: cpu.as_secs_f64() * 1e6 / count as f64,
            per_second: count as f64 / took.as_secs_f64(),
            latencies_ms: latencies.concat(),
        }
    }
}

/// Milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// One HTTP/1.1 connection that is kept.
pub struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    head: usize,
    end: usize,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Connection { address, stream, buffer: vec![0; 1 << 17], head: 0, end: 0 }
    }

    /// Sends a call and reads the whole answer, which must be 200. A server closes a connection on which
    /// nothing was asked for some seconds: then it is opened again.
    pub async fn ask(&mut self, call: &[u8]) {
        if self.try_ask(call).await.is_none() {
            *self = Connection::open(self.address).await;
            self.try_ask(call).await.expect("the connection was closed at once");
        }
    }

    /// `None` when the connection was closed before an answer began.
    async fn try_ask(&mut self, call: &[u8]) -> Option<()> {
        let mut sent = 0;
        while sent < call.len() {
            self.stream.writable().await.expect("writable");
            match self.stream.try_write(&call[sent..]) {
                Ok(n) => sent += n,
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
        let (mut read, mut wanted) = (0, usize::MAX);
        while read < wanted {
            if self.buffer.len() == read {
                self.buffer.resize(read * 2, 0);
            }
            self.stream.readable().await.expect("readable");
            match self.stream.try_read(&mut self.buffer[read..]) {
                Ok(0) if read == 0 => return None,
                Ok(0) => panic!("the answer broke off"),
                Ok(n) => read += n,
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(_) if read == 0 => return None,
                Err(e) => panic!("the answer broke off: {e}"),
            }
            if wanted == usize::MAX {
                let got = &self.buffer[..read];
                let Some(end) = got.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&got[..end]).to_ascii_lowercase();
                assert!(head.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(got));
                let length = head.lines().find_map(|l| l.strip_prefix("content-length:"));
                let length: usize = length.and_then(|l| l.trim().parse().ok()).expect("a length");
                (self.head, wanted) = (end + 4, end + 4 + length);
            }
        }
        self.end = wanted;
        Some(())
    }

    fn body(&self) -> &[u8] {
        &self.buffer[self.head..self.end]
    }
}
