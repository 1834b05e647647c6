//! A server that failed again and again is left alone for a while: other calls stay unharmed.

use metrics::gauge;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that open the breaker.
const FAILURES: u32 = 5;
/// How long it stays open.
const PAUSE: Duration = Duration::from_secs(30);
/// Servers that are remembered.
const MOST: usize = 1000;

/// One breaker for every server.
#[derive(Debug, Default)]
pub struct Breakers {
    by_server: Mutex<HashMap<String, Breaker>>,
}

#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    open_since: Option<Instant>,
}

impl Breakers {
    /// May the server be asked? While the breaker is open, one question after the pause tries again.
    pub fn may_ask(&self, server: &str) -> bool {
        let mut all = self.by_server.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(breaker) = all.get_mut(server) else { return true };
        match breaker.open_since {
            Some(since) if since.elapsed() < PAUSE => false,
            Some(_) => {
                breaker.open_since = Some(Instant::now());
                true
            }
            None => true,
        }
    }

    /// How a question ended.
    pub fn report(&self, server: &str, failed: bool) {
        let mut all = self.by_server.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed {
            all.remove(server);
        } else if all.len() < MOST || all.contains_key(server) {
            let breaker = all.entry(server.to_owned()).or_default();
            breaker.failures += 1;
            if breaker.failures >= FAILURES && breaker.open_since.is_none() {
                breaker.open_since = Some(Instant::now());
            }
        }
        let open = all.values().filter(|b| b.open_since.is_some()).count();
        gauge!("jakcard_fhir_breakers_open").set(open as f64);
    }
}
