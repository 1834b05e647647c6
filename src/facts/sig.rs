//! What do the words of a sig say: "1 tab PO BID", "15 mg once daily", "4 mL (4 mg) by mouth twice
//! daily"?
//!
//! The last resort, and a modest one: words that are not understood leave the dose unknown.

use super::dose::DoseLine;
use crate::knowledge::Phase;
use crate::terminology::decimal;
use crate::terminology::products::{PerVolume, Strength};
use regex::Regex;
use rust_decimal::Decimal;
use std::sync::LazyLock;

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("a constant pattern"));
    };
}

pattern!(STEPS, r"(?i)\bthen\b|;|\bfollowed by\b");
pattern!(MG, r"(\d+(?:\.\d+)?)\s*mg\b(\s*/)?");
pattern!(ML, r"(\d+(?:\.\d+)?)\s*ml\b");
pattern!(
    PIECES,
    r"\b(\d+(?:\.\d+)?|one|two|three|half|a)\s+(?:\d+(?:\.\d+)?\s*mg\s+)?(?:tab(?:let)?s?|cap(?:sule)?s?|pills?)\b"
);
pattern!(CLOCK, r"\b(?:[01]\d|2[0-3]):?[0-5]\d\b(\s*mg)?");
pattern!(FRACTION, r"(?:\b(\d+)\s+(?:and\s+)?)?\b1\s*/\s*2\s+(?:tab|cap)|½");
pattern!(WEEK, r"\bweekly\b|\b(?:a|per|each|every)\s+week\b");
pattern!(TWO_HALVES, r"\bmorning\b[^.;]*\band\b[^.;]*\b(?:evening|night|bedtime)\b");
pattern!(EVERY_HOURS, r"\b(?:every|q)\s*(\d+)\s*(?:h|hr|hrs|hours?)\b");

/// The instructions that a sig holds, one per step; empty when it holds none.
pub fn read(text: &str, strength: Option<Strength>) -> Vec<DoseLine> {
    let text = text.to_lowercase();
    let steps: Vec<&str> = STEPS.split(&text).filter(|s| !s.trim().is_empty()).collect();
    let several = steps.len() > 1;
    let line = |(index, step): (usize, &&str)| DoseLine {
        mg: milligrams(step, strength),
        times_per_day: times_per_day(step),
        phase: phase(step),
        step: several.then_some(index as i64),
        after_dialysis: after_dialysis(step),
    };
    let lines: Vec<DoseLine> = steps.iter().enumerate().map(line).collect();
    match lines.iter().all(|l| l.mg.is_none() && l.times_per_day.is_none()) {
        true => Vec::new(),
        false => lines,
    }
}

/// The part of the course that words name.
pub fn phase(text: &str) -> Option<Phase> {
    let text = text.to_lowercase();
    match (text.contains("induction"), text.contains("maintenance")) {
        (true, false) => Some(Phase::Induction),
        (false, true) => Some(Phase::Maintenance),
        _ => None,
    }
}

/// Do the words tie the dose to dialysis sessions?
pub fn after_dialysis(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("after") && (text.contains("dialysis") || text.contains("hd session"))
}

/// Doses per day that words name; `None` when they name none, or two.
pub fn times_per_day(text: &str) -> Option<Decimal> {
    static WORDS: LazyLock<Vec<(Regex, Decimal)>> = LazyLock::new(|| {
        let whole = Decimal::from;
        let row = |pattern: &str, times: Decimal| {
            (Regex::new(pattern).expect("a constant pattern"), times)
        };
        vec![
            row(r"\bfour times\b|\bq\.?i\.?d\b|\b4 times\b|\b4x\b", whole(4)),
            row(r"\bthree times\b|\bt\.?i\.?d\b|\b3 times\b|\b3x\b", whole(3)),
            row(r"\btwice\b|\bb\.?i\.?d\b|\btwo times\b|\b2 times\b|\b2x\b", whole(2)),
            row(r"\bevery other day\b|\bq\.?o\.?d\b|\balternate days\b", Decimal::new(5, 1)),
            row(r"\bweekly\b|\b(once|one time) (a|per|every) week\b", Decimal::ONE / whole(7)),
            row(
                r"\bonce\b|\bdaily\b|\bevery day\b|\bq\.?d\b|\bo\.?d\b|\b(a|per) day\b|\beach day\b|\bevery (morning|evening|night)\b|\bnightly\b|\bat bedtime\b|\bq ?(am|pm|hs)\b|\bq ?day\b",
                Decimal::ONE,
            ),
        ]
    });
    let text = text.to_lowercase();
    if text.contains("month") {
        return None;
    }
    if WEEK.is_match(&text) {
        // "Twice a week" is not twice a day; how often it is then, only "once" tells.
        let several = ["twice", "two", "three", "times", "days"].iter().any(|w| text.contains(w));
        return (!several).then(|| Decimal::ONE / Decimal::from(7));
    }
    if TWO_HALVES.is_match(&text) {
        return Some(Decimal::TWO);
    }
    if let Some(hours) = EVERY_HOURS.captures(&text) {
        let hours = decimal::parse(&hours[1])?;
        return Decimal::from(24).checked_div(hours);
    }
    // 1000 is ten o'clock, unless it is milligrams; alone it is a year or a number.
    let clock = CLOCK.captures_iter(&text).filter(|c| c.get(1).is_none()).count();
    let clock = if clock > 1 || text.contains("at ") { clock } else { 0 };
    let hit = WORDS.iter().find(|(pattern, _)| pattern.is_match(&text)).map(|(_, times)| *times);
    match (hit, clock) {
        (Some(times), _) => Some(times),
        (None, 0) => None,
        (None, clock) => Some(Decimal::from(clock)),
    }
}

/// Milligrams per dose that words name.
fn milligrams(text: &str, strength: Option<Strength>) -> Option<Decimal> {
    let amounts: Vec<Decimal> = MG
        .captures_iter(text)
        .filter(|c| c.get(2).is_none())
        .filter_map(|c| decimal::parse(&c[1]))
        .collect();
    let pieces = match FRACTION.captures(text) {
        Some(c) => {
            let whole = c.get(1).map_or(Some(Decimal::ZERO), |n| decimal::parse(n.as_str()));
            whole.map(|n| n + Decimal::new(5, 1))
        }
        None => PIECES.captures(text).and_then(|c| count(&c[1])),
    };
    let per_piece = strength.filter(|s| s.per.is_none()).map(|s| s.mg.0);
    match (amounts.as_slice(), pieces) {
        ([mg], None) => Some(*mg),
        ([mg], Some(n)) if n == Decimal::ONE => Some(*mg),
        // "2 tablets (10 mg)" and "2 tablets of 5 mg": only the product's strength tells which.
        ([mg], Some(n)) => {
            let total = per_piece? * n;
            (total == *mg || per_piece? == *mg).then_some(total)
        }
        ([], Some(n)) => Some(per_piece? * n),
        ([], None) => {
            let ml = decimal::parse(&ML.captures(text)?[1])?;
            strength.filter(|s| s.per == Some(PerVolume::Ml)).map(|s| ml * s.mg.0)
        }
        _ => None,
    }
}

fn count(word: &str) -> Option<Decimal> {
    match word {
        "one" | "a" => Some(Decimal::ONE),
        "two" => Some(Decimal::TWO),
        "three" => Some(Decimal::from(3)),
        "half" => Some(Decimal::new(5, 1)),
        digits => decimal::parse(digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminology::decimal::Number;

    fn strength(mg: i64, per: Option<PerVolume>) -> Option<Strength> {
        Some(Strength { mg: Number(Decimal::from(mg)), per })
    }
    fn one(text: &str, strength: Option<Strength>) -> (Option<String>, Option<String>) {
        let lines = read(text, strength);
        let text = |d: Option<Decimal>| d.map(|d| d.normalize().to_string());
        match lines.as_slice() {
            [line] => (text(line.mg), text(line.times_per_day)),
            _ => (None, None),
        }
    }
    fn told(mg: &str, times: &str) -> (Option<String>, Option<String>) {
        (Some(mg.to_owned()), Some(times.to_owned()))
    }

    #[test]
    fn the_usual_sigs_are_read() {
        let five = strength(5, None);
        let solution = strength(1, Some(PerVolume::Ml));
        assert_eq!(one("1 tab PO BID", five), told("5", "2"));
        assert_eq!(one("15 mg once daily", None), told("15", "1"));
        assert_eq!(one("4 mL (4 mg) by mouth twice daily", solution), told("4", "2"));
        assert_eq!(one("4 mL by mouth twice daily", solution), told("4", "2"));
        assert_eq!(one("Take 2 tablets (10 mg) by mouth every 12 hours", five), told("10", "2"));
        assert_eq!(one("Take 2 tablets of 5 mg q12h", five), told("10", "2"));
        assert_eq!(one("Take one tablet every morning", five), told("5", "1"));
        assert_eq!(one("5 mg 0900 & 1800", None), told("5", "2"));
        assert_eq!(one("5 mg every other day", None), told("5", "0.5"));
        assert_eq!(one("Take 1 5 mg tablet daily", five), told("5", "1"));
        assert_eq!(one("11 mg XR PO qAM", None), told("11", "1"));
        assert_eq!(one("take 2 tabs po q day", five), told("10", "1"));
        assert_eq!(one("5mg bid", None), told("5", "2"));
        assert_eq!(one("one tab twice a day", five), told("5", "2"));
        assert_eq!(one("1/2 tablet daily", five), told("2.5", "1"));
        assert_eq!(one("1 1/2 tablets daily", five), told("7.5", "1"));
        assert_eq!(one("1 tab in the morning and at bedtime", five), told("5", "2"));
        assert_eq!(one("1 tab once daily in the morning", five), told("5", "1"));
        assert_eq!(one("15 mg once weekly", None).0, Some("15".into()));
        assert_eq!(one("5 mg by mouth every 12 hours as needed", None), told("5", "2"));
        assert_eq!(one("Take 1 tablet (5 mg) by mouth 2 times daily", five), told("5", "2"));
        assert_eq!(one("5 mg at 0900 and at 2100", None), told("5", "2"));
    }

    #[test]
    fn what_is_not_understood_stays_unknown() {
        assert_eq!(read("take as directed", strength(5, None)), []);
        assert_eq!(one("1 tab PO BID", None), (None, Some("2".into())));
        assert_eq!(one("2 tablets (8 mg) daily", strength(5, None)), (None, Some("1".into())));
        assert_eq!(times_per_day("as directed"), None);
        assert_eq!(times_per_day("0.5 mg"), None);
        assert_eq!(times_per_day("twice a week"), None);
        assert_eq!(times_per_day("two times per week"), None);
        assert_eq!(times_per_day("1000 mg"), None);
        assert_eq!(times_per_day("until 2026"), None);
        assert_eq!(times_per_day("every 8-12 hours"), None);
    }

    #[test]
    fn steps_are_kept_apart() {
        let lines = read("induction 10 mg twice daily for 8 weeks, then 5 mg twice daily", None);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].phase, Some(Phase::Induction));
        assert_ne!(lines[0].step, lines[1].step);
    }
}
