//! The store of the commands that read records.

use super::{Period, Records, Stop, wait};
use jakcard::config::{Config, DEFAULT_STORE};
use jakcard::store::{Store, Waits};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Nobody waits at a bedside for these.
const PATIENT: Waits = Waits {
    open: Duration::from_secs(30),
    answer: Duration::from_secs(30),
    record: Duration::from_secs(600),
};

/// The store that `serve` would write to with the same settings; none is made.
pub fn open(records: &Records) -> Result<Store, Stop> {
    let config = Config::load(records.config.as_deref(), std::env::vars())
        .map_err(|e| Stop(2, e.to_string()))?;
    let url = records.store.clone().or(config.store.url);
    let url = url.as_deref().unwrap_or(DEFAULT_STORE);
    wait(Store::existing(url, PATIENT)).map_err(|e| Stop(2, e.to_string()))
}

impl Period {
    /// The time that was asked for, Unix milliseconds: whole days of UTC, both included.
    pub fn time(&self) -> std::ops::Range<i64> {
        let start =
            |date: Date| date.to_zoned(TimeZone::UTC).map(|z| z.timestamp().as_millisecond());
        let since = self.since.and_then(|date| start(date).ok()).unwrap_or(i64::MIN);
        let next = |date: Date| date.tomorrow().and_then(start);
        let until = self.until.and_then(|date| next(date).ok()).unwrap_or(i64::MAX);
        since..until
    }
}
