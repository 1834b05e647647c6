//! What do the words of a sig say: "1 tab PO BID", "15 mg once daily", "4 mL (4 mg) by mouth twice
//! daily"?
//!
//! The last resort, and a modest one. Every word that tells an amount or a time is taken out of the
//! text as it is understood; what is left over and still tells one leaves the dose unknown.

use super::dose::DoseLine;
use crate::knowledge::Phase;
use crate::terminology::decimal;
use crate::terminology::products::{PerVolume, Strength};
use regex::{Captures, Regex};
use rust_decimal::Decimal;
use std::sync::LazyLock;

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("a constant pattern"));
    };
}

/// Longest sig that is read, in bytes, and most steps: real ones are far shorter.
const LONGEST: usize = 600;
const MOST_STEPS: usize = 6;

pattern!(STEPS, r"\bthen\b|;|\bfollowed by\b");
pattern!(
    DURATION,
    r"\b(?:for|x|over)\s*\d+(?:\s*(?:-|to)\s*\d+)?\s*(?:days?|weeks?|wks?|months?)\b"
);
pattern!(TWICE_SAID, r"\b(\d+|one|two|three|four|twice)\s*\((?:\d+|one|two|three|four)\)");
pattern!(COMMA, r"(\d),(\d)");
pattern!(HALVES, r"\b(\d+)\s+(?:and\s+)?1\s*/\s*2\b");
pattern!(HALF, r"\b1\s*/\s*2\b|\bhalf(?:\s+an?)?\b");
pattern!(PRODUCT, r"\b(\d+(?:\.\d+)?)\s*x\s*(\d+(?:\.\d+)?)\s*mg\b");
pattern!(
    EACH,
    r"\b(\d+(?:\.\d+)?|one|two|three|a)\s+(?:of\s+)?(\d+(?:\.\d+)?)\s*mg\s+(?:tab(?:let)?s?|cap(?:sule)?s?)\b"
);
pattern!(
    PIECES,
    r"(?:\b|^)(\d*\.?\d+|one|two|three|a)\s+(?:tab(?:let)?|cap(?:sule)?|pill)(?:s|\(s\))?"
);
pattern!(MG, r"(\d*\.?\d+)\s*mg\b(?:\s+total)?");
pattern!(ML, r"(\d*\.?\d+)\s*ml\b");
pattern!(DIGIT_OR_COUNT, r"\d|\b(?:one|two|three|four|double|half)\b|½");
pattern!(CLOCK, r"\b(?:[01]\d|2[0-3]):?[0-5]\d\b");
pattern!(
    TIME_OF_DAY,
    r"\b(?:morning|noon|midday|evening|night|bedtime|breakfast|lunch|dinner|supper|am|pm|hs)\b"
);
pattern!(AND_ALSO, r"\b(?:and|&)\s+(?:at\s+|every\s+)?(?:morning|noon|evening|night|bedtime)\b");
pattern!(EVERY_HOURS, r"\b(?:every|q)\s*(\d+)\s*(?:h|hr|hrs|hours?)\b");
pattern!(
    OTHER_TIME,
    r"\b(?:daily|days?|weekly|weeks?|months?|monthly|times|twice|once|every|each|per|hours?|hourly|bid|tid|qid|qd|qod|doses?|od)\b|\bq\d"
);

/// The instructions that a sig holds, one per step; empty when it holds none.
pub fn read(text: &str, strength: Option<Strength>) -> Vec<DoseLine> {
    if text.len() > LONGEST {
        return Vec::new();
    }
    let text = normal(text);
    let steps: Vec<&str> = STEPS.split(&text).filter(|s| !s.trim().is_empty()).collect();
    if steps.len() > MOST_STEPS {
        return Vec::new();
    }
    let several = steps.len() > 1;
    let line = |(index, step): (usize, &&str)| {
        let (times_per_day, rest) = frequency(step);
        DoseLine {
            mg: milligrams(&rest, strength),
            times_per_day,
            phase: phase(step),
            step: several.then_some(index as i64),
            after_dialysis: after_dialysis(step),
        }
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
    if text.len() > LONGEST {
        return None;
    }
    frequency(&normal(text)).0
}

/// Lower case, one way to write numbers, and no durations.
fn normal(text: &str) -> String {
    let text = text.to_lowercase().replace('½', " 1/2 ").replace(['\u{2010}', '\u{2011}'], "-");
    let text = COMMA.replace_all(&text, "$1.$2");
    let text = TWICE_SAID.replace_all(&text, "$1");
    let text = HALVES.replace_all(&text, "$1.5");
    let text = HALF.replace_all(&text, "0.5");
    DURATION.replace_all(&text, " ").into_owned()
}

/// How often, and the words that are left when those are taken out.
fn frequency(text: &str) -> (Option<Decimal>, String) {
    static WORDS: LazyLock<Vec<(Regex, Decimal)>> = LazyLock::new(|| {
        let day = r"(?:\s*(?:a|per|each|every)?\s*(?:day|daily))";
        let row = |pattern: String, times: Decimal| {
            (Regex::new(&pattern).expect("a constant pattern"), times)
        };
        let n = |word: &str, n: i64| row(format!(r"\b(?:{word})\s*(?:x|times){day}"), n.into());
        vec![
            n("4|four", 4),
            n("3|three", 3),
            n("2|two", 2),
            n("1|one", 1),
            row(r"\bq\.?i\.?d\b\.?".into(), 4.into()),
            row(r"\bt\.?i\.?d\b\.?".into(), 3.into()),
            row(format!(r"\bb\.?i\.?d\b\.?|\btwice{day}"), 2.into()),
            row(
                r"\b(?:once\s+(?:a|per|every|each)\s+week|once\s+weekly)\b".into(),
                Decimal::ONE / Decimal::from(7),
            ),
            row(
                r"\b(?:every\s+other\s+day|q\.?o\.?d|alternate\s+days)\b".into(),
                Decimal::new(5, 1),
            ),
            row(
                format!(
                    r"\bonce{day}|\bonce\s+after\b|\bonce\s+(?:every|each)\s+day\b|\b(?:every|each)\s+day\b|\bdaily\b|\bq\.?\s?d(?:ay)?\b\.?|\bo\.?d\b|\b(?:a|per)\s+day\b"
                ),
                Decimal::ONE,
            ),
        ]
    });
    if let Some(hours) = EVERY_HOURS.captures(text) {
        let times = decimal::parse(&hours[1]).and_then(|h| Decimal::from(24).checked_div(h));
        let rest = EVERY_HOURS.replace(text, " ").into_owned();
        return (times.filter(|_| !OTHER_TIME.is_match(&rest)), rest);
    }
    let parts = TIME_OF_DAY.find_iter(text).count();
    let hit = WORDS.iter().find(|(pattern, _)| pattern.is_match(text));
    let Some((pattern, times)) = hit else {
        return unworded(text, parts);
    };
    let rest = pattern.replace(text, " ").into_owned();
    let clock =
        CLOCK.find_iter(&rest).filter(|m| !rest[m.end()..].trim_start().starts_with("mg")).count();
    let mut rest_words = TIME_OF_DAY.replace_all(&rest, " ").into_owned();
    rest_words = rest_words.replace("in the ", " ").replace("at ", " ");
    // "Once daily in the morning" is one time; "daily am and pm" are two, and no daily dose.
    let fits = |n: usize| n == 0 || Decimal::from(n) == *times;
    let more = parts == 1 && AND_ALSO.is_match(&rest);
    let understood = !more && fits(parts) && fits(clock) && !OTHER_TIME.is_match(&rest_words);
    let rest = CLOCK.replace_all(&rest, |c: &Captures<'_>| match clock {
        0 => c[0].to_owned(),
        _ => " ".to_owned(),
    });
    (understood.then_some(*times), rest.into_owned())
}

/// Times of the day without a word for how often: "every morning", "0900 & 1800".
fn unworded(text: &str, parts: usize) -> (Option<Decimal>, String) {
    let clock =
        CLOCK.find_iter(text).filter(|m| !text[m.end()..].trim_start().starts_with("mg")).count();
    let clock = if clock > 1 || text.contains("at ") { clock } else { 0 };
    let rest = if clock > 0 { CLOCK.replace_all(text, " ").into_owned() } else { text.to_owned() };
    let words = rest.replace("every", " ").replace("each", " ");
    let count = match (parts, clock) {
        (0, clock) => clock,
        (parts, 0) => parts,
        (parts, clock) if parts == clock => parts,
        _ => 0,
    };
    let told = count > 0 && !OTHER_TIME.is_match(&words);
    (told.then(|| Decimal::from(count)), rest)
}

/// Milligrams per dose, when the words hold one amount and nothing else that counts.
fn milligrams(text: &str, strength: Option<Strength>) -> Option<Decimal> {
    let per_piece = strength.filter(|s| s.per.is_none()).map(|s| s.mg.0);
    for (pattern, each) in [(&PRODUCT, true), (&EACH, true)] {
        if let Some(c) = pattern.captures(text) {
            let rest = pattern.replace(text, " ");
            let total = count(&c[1])?.checked_mul(decimal::parse(&c[2])?)?;
            return (each && !DIGIT_OR_COUNT.is_match(&rest)).then_some(total);
        }
    }
    let pieces: Vec<Decimal> = PIECES.captures_iter(text).filter_map(|c| count(&c[1])).collect();
    let rest = PIECES.replace_all(text, " ");
    let amounts: Vec<Decimal> =
        MG.captures_iter(&rest).filter_map(|c| decimal::parse(&c[1])).collect();
    let rest = MG.replace_all(&rest, " ");
    let volumes: Vec<Decimal> =
        ML.captures_iter(&rest).filter_map(|c| decimal::parse(&c[1])).collect();
    let rest = ML.replace_all(&rest, " ");
    if DIGIT_OR_COUNT.is_match(&rest) {
        return None;
    }
    match (amounts.as_slice(), pieces.as_slice(), volumes.as_slice()) {
        ([mg], [], _) => Some(*mg),
        // "2 tablets (10 mg)" and "2 tablets of 5 mg": only the product's strength tells which.
        ([mg], [n], []) if *n == Decimal::ONE => per_piece.is_none_or(|p| p == *mg).then_some(*mg),
        ([mg], [n], []) => {
            let total = per_piece?.checked_mul(*n)?;
            (total == *mg || per_piece? == *mg).then_some(total)
        }
        ([], [n], []) => per_piece?.checked_mul(*n),
        ([], [], [ml]) => {
            let per_ml = strength.filter(|s| s.per == Some(PerVolume::Ml))?;
            ml.checked_mul(per_ml.mg.0)
        }
        _ => None,
    }
}

fn count(word: &str) -> Option<Decimal> {
    match word {
        "one" | "a" => Some(Decimal::ONE),
        "two" => Some(Decimal::TWO),
        "three" => Some(Decimal::from(3)),
        digits if digits.starts_with('.') => decimal::parse(&format!("0{digits}")),
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
    fn one(text: &str, strength: Option<Strength>) -> (String, String) {
        let text_of = |d: Option<Decimal>| d.map_or("?".to_owned(), |d| d.normalize().to_string());
        match read(text, strength).as_slice() {
            [line] => (text_of(line.mg), text_of(line.times_per_day)),
            _ => ("?".into(), "?".into()),
        }
    }

    #[test]
    fn the_usual_sigs_are_read() {
        let five = strength(5, None);
        let solution = strength(1, Some(PerVolume::Ml));
        for (text, product, mg, times) in [
            ("1 tab PO BID", five, "5", "2"),
            ("15 mg once daily", None, "15", "1"),
            ("4 mL (4 mg) by mouth twice daily", solution, "4", "2"),
            ("4 mL by mouth twice daily", solution, "4", "2"),
            ("Take 2 tablets (10 mg) by mouth every 12 hours", five, "10", "2"),
            ("Take 2 tablets of 5 mg q12h", five, "10", "2"),
            ("Take one tablet every morning", five, "5", "1"),
            ("5 mg 0900 & 1800", None, "5", "2"),
            ("5 mg at 0900 and at 2100", None, "5", "2"),
            ("5 mg every other day", None, "5", "0.5"),
            ("Take 1 5 mg tablet daily", five, "5", "1"),
            ("11 mg XR PO qAM", None, "11", "?"),
            ("11 mg XR PO q am", None, "11", "1"),
            ("take 2 tabs po q day", five, "10", "1"),
            ("5mg bid", None, "5", "2"),
            ("one tab twice a day", five, "5", "2"),
            ("1/2 tablet daily", five, "2.5", "1"),
            ("1 1/2 tablets daily", five, "7.5", "1"),
            ("1½ tabs daily", five, "7.5", "1"),
            (".5 tab daily", five, "2.5", "1"),
            ("1 tab in the morning and at bedtime", five, "5", "2"),
            ("1 tab once daily in the morning", five, "5", "1"),
            ("5 mg by mouth every 12 hours as needed", None, "5", "2"),
            ("Take 1 tablet (5 mg) by mouth 2 times daily", five, "5", "2"),
            ("Take 1 tablet (5 mg total) by mouth 2 (two) times a day", five, "5", "2"),
            ("1 tablet by mouth 3 (three) times daily with meals", five, "5", "3"),
            ("5 mg two (2) times daily", None, "5", "2"),
            ("5 mg 2 x daily", None, "5", "2"),
            ("5,0 mg BID", None, "5", "2"),
            ("7,5 mg BID", None, "7.5", "2"),
            ("Take 2 x 5 mg tablets daily", five, "10", "1"),
            ("1 tab q am & q pm", five, "5", "2"),
            ("10 mg BID x 8 weeks", None, "10", "2"),
            ("10 mg twice daily, induction", None, "10", "2"),
            ("10 mg once daily after dialysis session", None, "10", "1"),
        ] {
            assert_eq!(one(text, product), (mg.to_owned(), times.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_stays_unknown() {
        let five = strength(5, None);
        assert_eq!(read("take as directed", five), []);
        assert_eq!(one("1 tab PO BID", None), ("?".into(), "2".into()));
        for text in [
            "1 tab daily AM, 1 tab daily PM",
            "5 mg AM & PM daily",
            "5 mg, 2 doses a day",
            "5 mg daily 0900 2100",
            "one tablet every day and night",
            "1 tab daily at breakfast and at dinner",
            "1 tab bid, CBC every week",
            "5 mg twice a week",
            "5 mg two times per week",
            "5 mg every 8-12 hours",
            "5 mg BID or daily",
        ] {
            assert_eq!(one(text, five).1, "?", "{text}");
        }
        for text in [
            "2 tablets (8 mg) daily",
            "1 tab in the morning and 2 tabs at night",
            "Take 2 tablets ½ hour before breakfast daily",
            "Take 1 tablet bid - total 10mg a day",
            "5 mg or 10 mg daily",
            "1-2 tablets daily",
        ] {
            assert_eq!(one(text, five).0, "?", "{text}");
        }
        for text in ["as directed", "0.5 mg", "1000 mg", "until 2026", ""] {
            assert_eq!(times_per_day(text), None, "{text}");
        }
        assert_eq!(read(&"5 mg BID; ".repeat(100_000), None), []);
    }

    #[test]
    fn steps_are_kept_apart() {
        let lines = read("induction 10 mg twice daily for 8 weeks, then 5 mg twice daily", None);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].phase, Some(Phase::Induction));
        assert_ne!(lines[0].step, lines[1].step);
    }
}
