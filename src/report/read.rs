//! Counting: one pass over the records, one over feedback.

use super::tally::{Row, Tally};
use super::{Report, Text};
use crate::audit::{Evaluation, Kind, Signs};
use crate::store::{Behind, FeedbackRow, Store, StoreError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

/// Rows that are read at once.
const PAGE: i64 = 1000;

/// What is reported.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Unix milliseconds.
    pub time: Range<i64>,
    /// With what users wrote.
    pub comments: bool,
    /// Words for codes of reasons.
    pub displays: BTreeMap<String, String>,
}

/// Week, client and rule.
type Names = (Option<String>, Option<String>, Option<String>);

#[derive(Default)]
struct Counting {
    report: Report,
    rows: HashMap<Names, Tally>,
    cards: HashMap<(String, String), Shown>,
}

/// A card that was shown.
struct Shown {
    week: String,
    /// Rules that fired on it.
    rules: Vec<String>,
}

/// Reads and counts.
///
/// # Errors
/// The store did not answer.
pub async fn read(store: &Store, wanted: &Wanted) -> Result<Report, StoreError> {
    let mut counting = Counting::default();
    for chain in store.chains().await? {
        let mut after = i64::MIN;
        loop {
            let page = store.audited(&chain.replica, after, wanted.time.clone(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            page.iter().for_each(|row| counting.record(&row.record, row.at));
        }
    }
    let outcomes = feedback(store, wanted, &mut counting).await?;
    counting.outcomes(outcomes);
    Ok(counting.finish(wanted))
}

/// The last report about each card. A card that was shown in this time may be dismissed after it.
async fn feedback(
    store: &Store,
    wanted: &Wanted,
    counting: &mut Counting,
) -> Result<HashMap<(String, String), FeedbackRow>, StoreError> {
    let mut last: HashMap<(String, String), FeedbackRow> = HashMap::new();
    let mut strangers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut behind = Behind::default();
    loop {
        let time = wanted.time.start..i64::MAX;
        let (rows, next) = store.feedback(time, &behind, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        behind = next;
        for row in rows {
            let card = (row.client.clone(), row.card.clone());
            let shown = counting.cards.get(&card);
            if wanted.time.contains(&row.outcome_at) || shown.is_some() {
                counting.report.feedback += 1;
                counting.report.comments += u64::from(row.comment.is_some());
                if wanted.comments {
                    let text = row.comment.as_ref().map(|text| comment(&row, text, shown));
                    counting.report.texts.extend(text);
                }
            }
            match shown {
                None if wanted.time.contains(&row.outcome_at) => {
                    strangers.entry(row.client).or_default().push(row.card);
                }
                None => {}
                Some(_) => {
                    let newer = |known: &FeedbackRow| known.outcome_at <= row.outcome_at;
                    if last.get(&card).is_none_or(newer) {
                        last.insert(card, row);
                    }
                }
            }
        }
    }
    // Shown before this time, or never.
    for (client, cards) in strangers {
        for cards in cards.chunks(PAGE as usize) {
            counting.report.unknown_cards += store.unknown_cards(&client, cards.to_vec()).await?;
        }
    }
    Ok(last)
}

fn comment(row: &FeedbackRow, text: &str, shown: Option<&Shown>) -> Text {
    let kept = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    Text {
        client: row.client.clone(),
        at: time(row.outcome_at).to_string(),
        rules: shown.map(|shown| shown.rules.clone()).unwrap_or_default(),
        text: text.to_owned(),
        cut: row.comment_sent - kept,
    }
}

fn time(at: i64) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or_default()
}

/// The ISO week of a time, UTC.
fn week(at: i64) -> String {
    let week = time(at).to_zoned(TimeZone::UTC).date().iso_week_date();
    format!("{:04}-W{:02}", week.year(), week.week())
}

/// One reason of a report.
#[derive(Deserialize)]
struct Reason {
    code: Option<String>,
    display: Option<String>,
}

impl Counting {
    fn record(&mut self, record: &str, at: i64) {
        let Ok(signs) = serde_json::from_str::<Signs>(record) else { return };
        match signs.kind {
            Kind::Lost => self.report.lost += signs.count.unwrap_or_default(),
            Kind::Evaluation => {
                if let Ok(evaluation) = serde_json::from_str(record) {
                    self.evaluation(&evaluation, week(at));
                }
            }
            _ => {}
        }
    }

    fn evaluation(&mut self, evaluation: &Evaluation<'_>, week: String) {
        self.report.answers += 1;
        let client = &evaluation.client;
        let took = evaluation.duration_us;
        self.each(&week, client, None, |tally| tally.latency.push(took));
        let mut missing: BTreeMap<Option<&str>, BTreeSet<&str>> = BTreeMap::new();
        for open in &evaluation.not_checked {
            for rule in [None, Some(&*open.rule)] {
                missing.entry(rule).or_default().insert(&open.why);
            }
        }
        for (rule, whys) in missing {
            self.each(&week, client, rule, |tally| tally.open(&whys));
        }
        let spoke: BTreeSet<&str> = evaluation
            .cards
            .iter()
            .flat_map(|card| card.rules.iter().filter(|rule| !rule.open))
            .map(|rule| &*rule.id)
            .collect();
        for rule in spoke {
            self.each(&week, client, Some(rule), |tally| tally.latency.push(took));
        }
        for card in &evaluation.cards {
            let key = (client.to_string(), card.uuid.to_string());
            if self.cards.contains_key(&key) {
                continue;
            }
            self.each(&week, client, None, |tally| tally.fire(&card.indicator));
            let fired: Vec<_> = card.rules.iter().filter(|rule| !rule.open).collect();
            for rule in &fired {
                self.each(&week, client, Some(&rule.id), |tally| tally.fire(&rule.indicator));
            }
            let rules = fired.into_iter().map(|rule| rule.id.to_string()).collect();
            self.cards.insert(key, Shown { week: week.clone(), rules });
        }
    }

    /// Counts in every row that this belongs to.
    fn each(
        &mut self,
        week: &str,
        client: &str,
        rule: Option<&str>,
        mut count: impl FnMut(&mut Tally),
    ) {
        let (week, client) = (Some(week.to_owned()), Some(client.to_owned()));
        let rule = rule.map(str::to_owned);
        if rule.is_none() {
            count(self.rows.entry((week.clone(), None, None)).or_default());
        } else {
            count(self.rows.entry((week, client.clone(), rule.clone())).or_default());
        }
        count(self.rows.entry((None, client, rule)).or_default());
    }

    fn outcomes(&mut self, outcomes: HashMap<(String, String), FeedbackRow>) {
        for ((client, card), row) in outcomes {
            let Some(Shown { week, rules }) = self.cards.remove(&(client.clone(), card)) else {
                continue;
            };
            let reasons: Vec<Reason> = serde_json::from_str(&row.reasons).unwrap_or_default();
            let codes = reasons.into_iter().filter_map(|reason| reason.code.or(reason.display));
            let codes: Vec<String> = codes.collect();
            let names = rules.iter().map(|rule| Some(rule.as_str()));
            for rule in std::iter::once(None).chain(names) {
                self.each(&week, &client, rule, |tally| tally.outcome(&row.outcome, &codes));
            }
        }
    }

    fn finish(mut self, wanted: &Wanted) -> Report {
        let mut rows: Vec<(Names, Tally)> = self.rows.into_iter().collect();
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        for ((week, client, rule), tally) in rows {
            let names = [week.as_deref(), client.as_deref(), rule.as_deref()];
            let row: Row = tally.row(names, &wanted.displays);
            match names {
                [Some(_), Some(_), _] => self.report.weeks.push(row),
                [Some(_), None, _] => self.report.totals.push(row),
                [None, _, Some(_)] => self.report.rules.push(row),
                [None, _, None] => self.report.clients.push(row),
            }
        }
        self.report
    }
}

impl Tally {
    fn fire(&mut self, indicator: &str) {
        self.fired += 1;
        let place = match indicator {
            "critical" => 2,
            "warning" => 1,
            _ => 0,
        };
        self.urgent[place] += 1;
    }

    fn open(&mut self, whys: &BTreeSet<&str>) {
        self.not_checked += 1;
        for why in whys {
            *self.not_checked_why.entry((*why).to_owned()).or_default() += 1;
        }
    }

    fn outcome(&mut self, outcome: &str, codes: &[String]) {
        if outcome == "accepted" {
            self.accepted += 1;
            return;
        }
        self.overridden += 1;
        for code in codes {
            *self.reasons.entry(code.clone()).or_default() += 1;
        }
        if codes.is_empty() {
            *self.reasons.entry("without a reason".to_owned()).or_default() += 1;
        }
    }
}
