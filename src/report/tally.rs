//! The numbers of one row.

use serde::Serialize;
use std::collections::BTreeMap;

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Cards (of a client, of a week), or cards on which the rule fired.
    pub fired: u64,
    /// Of these by how urgent they were: info, warning, critical.
    pub urgent: [u64; 3],
    /// Of these: a suggestion was taken.
    pub accepted: u64,
    /// Of these: dismissed.
    pub overridden: u64,
    /// Why they were dismissed, by code.
    pub reasons: BTreeMap<String, u64>,
    /// Answers in which it (of a client: anything) could not be checked.
    pub not_checked: u64,
    /// Why not; an answer can have several.
    pub not_checked_why: BTreeMap<String, u64>,
    /// Of answers, microseconds.
    pub latency: Vec<u64>,
}

/// One row of the report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// ISO week, like `2026-W47`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub week: Option<String>,
    /// Name of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Id of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Answers.
    pub answers: u64,
    /// Cards, or cards on which the rule fired.
    pub fired: u64,
    /// Of these with the indicator `info`.
    pub info: u64,
    /// `warning`
    pub warning: u64,
    /// `critical`
    pub critical: u64,
    /// A suggestion was taken.
    pub accepted: u64,
    /// Dismissed.
    pub overridden: u64,
    /// Nothing was reported.
    pub unanswered: u64,
    /// Dismissed of those about which something was reported, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_rate: Option<f64>,
    /// More than nine of ten are dismissed.
    pub stands_out: bool,
    /// Why they were dismissed, the most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Count>,
    /// Answers in which it (of a client: anything) could not be checked.
    pub not_checked: u64,
    /// Why not, the most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_checked_why: Vec<Count>,
    /// Half of the answers took no longer, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 95 of 100 took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
}

/// How often something was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Its code, or a word of ours.
    pub code: String,
    /// In words, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// How often.
    pub count: u64,
}

/// A dismissal rate that stands out is above this many in ten.
const TOO_MANY_IN_TEN: u64 = 9;

impl Tally {
    /// The row of these names. `displays` has words for codes of reasons.
    pub fn row(
        mut self,
        [week, client, rule]: [Option<&str>; 3],
        displays: &BTreeMap<String, String>,
    ) -> Row {
        let answered = self.accepted + self.overridden;
        self.latency.sort_unstable();
        let [info, warning, critical] = self.urgent;
        let owned = |name: Option<&str>| name.map(str::to_owned);
        Row {
            week: owned(week),
            client: owned(client),
            rule: owned(rule),
            answers: self.latency.len() as u64,
            fired: self.fired,
            info,
            warning,
            critical,
            accepted: self.accepted,
            overridden: self.overridden,
            unanswered: self.fired.saturating_sub(answered),
            override_rate: (answered > 0).then(|| self.overridden as f64 / answered as f64),
            stands_out: self.overridden * 10 > answered * TOO_MANY_IN_TEN,
            reasons: counts(&self.reasons, displays),
            not_checked: self.not_checked,
            not_checked_why: counts(&self.not_checked_why, &BTreeMap::new()),
            p50_ms: self.percentile(50),
            p95_ms: self.percentile(95),
        }
    }

    /// Nearest rank, milliseconds; the latencies are sorted.
    fn percentile(&self, percent: usize) -> Option<f64> {
        let rank = (self.latency.len() * percent).div_ceil(100);
        let micros = self.latency.get(rank.checked_sub(1)?)?;
        Some((*micros as f64 / 10.0).round() / 100.0)
    }
}

fn counts(counted: &BTreeMap<String, u64>, displays: &BTreeMap<String, String>) -> Vec<Count> {
    let one = |(code, count): (&String, &u64)| Count {
        code: code.clone(),
        display: displays.get(code).cloned(),
        count: *count,
    };
    let mut all: Vec<Count> = counted.iter().map(one).collect();
    all.sort_by_key(|count| std::cmp::Reverse(count.count));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(accepted: u64, overridden: u64) -> Row {
        let tally = Tally { fired: 100, accepted, overridden, ..Tally::default() };
        tally.row([None; 3], &BTreeMap::new())
    }

    #[test]
    fn more_than_nine_of_ten_stand_out() {
        assert!(!row(2, 17).stands_out, "89 %");
        assert!(!row(1, 9).stands_out, "90 %");
        assert!(row(9, 82).stands_out, "90.1 %");
        assert!(row(0, 1).stands_out);
        assert!(!row(0, 0).stands_out, "nothing was reported");
        assert_eq!(row(0, 0).override_rate, None);
        assert_eq!(row(1, 9).override_rate, Some(0.9));
        assert_eq!(row(1, 9).unanswered, 90);
    }

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let of = |latency: Vec<u64>| {
            let row = Tally { latency, ..Tally::default() }.row([None; 3], &BTreeMap::new());
            (row.p50_ms, row.p95_ms)
        };
        assert_eq!(of(vec![]), (None, None));
        assert_eq!(of(vec![1500]), (Some(1.5), Some(1.5)));
        assert_eq!(of((1..=100).rev().map(|n| n * 1000).collect()), (Some(50.0), Some(95.0)));
        assert_eq!(of(vec![3000, 1000, 2000]), (Some(2.0), Some(3.0)));
    }
}
