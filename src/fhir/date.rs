//! A date as precise as the EHR wrote it: a year, a month, a day.
//!
//! What a partial date leaves open stays open: `2024-02` is some day of February.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};
use std::fmt;

/// The first and the last day that a FHIR date, dateTime or instant can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FhirDate {
    /// First possible day.
    pub earliest: Date,
    /// Last possible day.
    pub latest: Date,
}

impl FhirDate {
    /// One known day.
    pub fn day(date: Date) -> FhirDate {
        FhirDate { earliest: date, latest: date }
    }

    /// Reads `2024`, `2024-02`, `2024-02-29` and what follows a `T`; the day is the local day that
    /// was written, whatever the zone.
    pub fn parse(text: &str) -> Option<FhirDate> {
        let text = text.trim();
        let day = text.split(['T', ' ']).next()?;
        let mut parts = day.split('-');
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        match [parts.next(), parts.next(), parts.next(), parts.next()] {
            [Some(y), None, ..] if digits(y, 4) && y.len() == text.len() => {
                let year: i16 = y.parse().ok()?;
                Some(FhirDate {
                    earliest: Date::new(year, 1, 1).ok()?,
                    latest: Date::new(year, 12, 31).ok()?,
                })
            }
            [Some(y), Some(m), None, _]
                if digits(y, 4) && digits(m, 2) && day.len() == text.len() =>
            {
                let first = Date::new(y.parse().ok()?, m.parse().ok()?, 1).ok()?;
                Some(FhirDate { earliest: first, latest: first.last_of_month() })
            }
            [Some(y), Some(m), Some(d), None] if digits(y, 4) && digits(m, 2) && digits(d, 2) => {
                let date = Date::new(y.parse().ok()?, m.parse().ok()?, d.parse().ok()?).ok()?;
                Some(FhirDate::day(date))
            }
            _ => None,
        }
    }

    /// The moment that a dateTime or instant tells; a time without a zone counts as UTC.
    pub fn instant(text: &str) -> Option<Timestamp> {
        let text = text.trim();
        text.parse().ok().or_else(|| {
            let local: jiff::civil::DateTime = text.contains('T').then(|| text.parse().ok())??;
            local.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
        })
    }
}

/// As it was written: `2024`, `2024-02`, `2024-02-29`.
impl fmt::Display for FhirDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.earliest, self.latest);
        if first == last {
            return first.fmt(f);
        }
        write!(f, "{:04}", first.year())?;
        if first.month() == last.month() {
            write!(f, "-{:02}", first.month())?;
        }
        Ok(())
    }
}

impl Serialize for FhirDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_dates_keep_what_they_leave_open() {
        let february = FhirDate::parse("2024-02").unwrap();
        assert_eq!(february.latest.to_string(), "2024-02-29");
        assert_eq!(february.to_string(), "2024-02");
        assert_eq!(FhirDate::parse("2024").unwrap().to_string(), "2024");
        let instant = FhirDate::parse("2015-02-07T23:59:00-05:00").unwrap();
        assert_eq!(instant.to_string(), "2015-02-07");
    }

    #[test]
    fn what_is_no_date_is_no_date() {
        for text in ["", "last tuesday", "2024-13", "2023-02-29", "24-02-01", "2024-2-1"] {
            assert_eq!(FhirDate::parse(text), None, "{text}");
        }
    }
}
