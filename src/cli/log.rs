//! Where does the log go? To standard error, written by a thread of its own.
//!
//! A line is appended to what waits; the thread takes all that waits at once. Nobody is woken for a line
//! while it works, and under load one write takes many lines. Who reads no log loses lines, and keeps
//! nobody waiting.

use super::log_line::LogLine;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// What is logged when `RUST_LOG` does not say. The web server calls every head that it cannot read an
/// error: anybody who reaches the port could write as many of them as they like.
const USUAL: &str = "info,actix_http::h1::dispatcher=off";
/// Most bytes that wait; as many may be on their way to a reader who does not read.
const MOST: usize = 2 << 20;
/// Between two writes.
const PAUSE: Duration = Duration::from_millis(5);
/// How long the end waits for somebody to read.
const END: Duration = Duration::from_secs(1);

/// Starts the log: text on a terminal, JSON otherwise; `RUST_LOG` chooses what is said. What waits is
/// written when the value is dropped.
///
/// # Errors
/// The thread cannot be started.
pub fn start() -> io::Result<Log> {
    let log = Log(Arc::default());
    let lines = Arc::clone(&log.0);
    std::thread::Builder::new().name("log".to_owned()).spawn(move || lines.keep_writing())?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let lines = Arc::clone(&log.0);
    let writer = move || Appender(Arc::clone(&lines));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    if io::stderr().is_terminal() {
        subscriber.init();
    } else {
        subscriber.json().event_format(LogLine).init();
    }
    Ok(log)
}

/// The log runs until this is dropped.
pub struct Log(Arc<Lines>);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.waiting().ending = true;
        self.0.some.notify_all();
        let waiting = self.0.waiting();
        let open = |waiting: &mut Waiting| !waiting.ended;
        drop(self.0.done.wait_timeout_while(waiting, END, open));
    }
}

/// Lines on their way.
#[derive(Default)]
struct Lines {
    waiting: Mutex<Waiting>,
    /// Something waits, or the end has come.
    some: Condvar,
    /// Nothing will be written any more.
    done: Condvar,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    lost: usize,
    ending: bool,
    ended: bool,
}

impl Lines {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.text.len() + line.len() > MOST {
            waiting.lost += 1;
            return;
        }
        let first = waiting.text.is_empty();
        waiting.text.extend_from_slice(line);
        drop(waiting);
        if first {
            self.some.notify_one();
        }
    }

    fn keep_writing(&self) {
        let mut text = Vec::new();
        loop {
            let nothing = |waiting: &mut Waiting| waiting.text.is_empty() && !waiting.ending;
            let waiting = self.some.wait_while(self.waiting(), nothing);
            let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut waiting.text, &mut text);
            let lost = std::mem::take(&mut waiting.lost);
            let ending = waiting.ending;
            drop(waiting);
            // Who has closed standard error does not want to know.
            _ = io::stderr().write_all(&text);
            text.clear();
            if lost > 0 {
                tracing::warn!(
                    lines = lost,
                    "lines of the log were lost: nobody read them in time"
                );
            }
            if ending && lost == 0 {
                self.waiting().ended = true;
                return self.done.notify_all();
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Takes whole lines.
struct Appender(Arc<Lines>);

impl Write for Appender {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.append(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
