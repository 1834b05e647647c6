//! The numbers people ask for, from records and feedback that were counted by hand.

mod support;

use jakcard::audit::{CardRecord, Evaluation, Kind, NotChecked, RuleRecord};
use jakcard::report::{self, By, Report, Row, Wanted};
use jakcard::store::{Entry, FeedbackRow, Store};
use std::collections::BTreeMap;
use support::issuer::uuid;
use support::wait;

/// Monday of ISO week 47 of 2026, 00:00 UTC.
const MONDAY: i64 = 1_794_787_200_000;
const DAY: i64 = 86_400_000;

fn store() -> Store {
    let file = std::env::temp_dir().join(format!("jakcard-report-{}.db", uuid()));
    wait(Store::open(&format!("sqlite:{}", file.display()))).expect("a store")
}

fn rule<'a>(id: &'a str, indicator: &'a str, open: bool) -> RuleRecord<'a> {
    RuleRecord { id: id.into(), indicator: indicator.into(), open }
}

fn card<'a>(uuid: &str, rules: &[RuleRecord<'a>]) -> CardRecord<'a> {
    CardRecord {
        uuid: uuid.to_owned().into(),
        topic: "screeningTofacitinib".into(),
        indicator: "warning".into(),
        rules: rules.to_vec(),
        suggestions: Vec::new(),
    }
}

fn answered(store: &Store, client: &str, at: i64, took_ms: u64, cards: Vec<CardRecord<'_>>) {
    let missing =
        NotChecked { rule: "t.lipids".into(), topic: "lipids".into(), why: "not-read".into() };
    let evaluation = Evaluation {
        kind: Kind::Evaluation,
        at: "2026-11-16T00:00:00Z".into(),
        client: client.into(),
        service: "jak-inhibitor-order-sign".into(),
        hook_instance: "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea".into(),
        knowledge: "k".into(),
        jurisdiction: "US".into(),
        as_of: "2026-11-16".into(),
        duration_us: took_ms * 1000,
        input: "i".into(),
        output: "o".into(),
        drugs: vec!["tofacitinib".into()],
        cards: cards.clone(),
        // The same rule for two reasons, and one of them twice.
        not_checked: vec![
            missing.clone(),
            missing.clone(),
            NotChecked { why: "unclear".into(), ..missing },
        ],
        patient: None,
    };
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).expect("random");
    let entry = Entry {
        id,
        at,
        record: serde_json::to_string(&evaluation).expect("JSON"),
        client: client.to_owned(),
        cards: cards.into_iter().map(|card| card.uuid.into_owned()).collect(),
    };
    wait(store.append("one", vec![entry])).expect("written");
}

fn told(store: &Store, client: &str, card: &str, outcome: &str, at: i64, reasons: &str) {
    let row = FeedbackRow {
        received: at,
        client: client.to_owned(),
        service: "jak-inhibitor-order-sign".to_owned(),
        card: card.to_owned(),
        outcome: outcome.to_owned(),
        outcome_at: at,
        suggestions: "[]".to_owned(),
        reasons: reasons.to_owned(),
        comment: Some("<script>alert('Mrs Smith')</script>".to_owned()),
        comment_sent: 2036,
    };
    wait(store.keep_feedback(vec![row])).expect("kept");
}

/// Two clients, two weeks, a rule that everybody dismisses.
fn filled() -> Store {
    let store = store();
    let (tb, renal) = (rule("t.tb", "warning", false), rule("t.renal", "critical", false));
    let open = rule("t.lipids", "info", true);
    for n in 0..20 {
        let cards = vec![
            card(&format!("a-{n}"), &[tb.clone(), open.clone()]),
            card(&format!("b-{n}"), std::slice::from_ref(&renal)),
        ];
        answered(&store, "north", MONDAY + n * 1000, 1 + n as u64, cards.clone());
        // The same call once more shows no other card.
        answered(&store, "north", MONDAY + n * 1000 + 500, 1 + n as u64, cards);
    }
    answered(&store, "south", MONDAY + 7 * DAY, 7, vec![card("c-0", &[tb])]);
    let reason = r#"[{"code":"patient-ineligible","system":"s"}]"#;
    for n in 0..19 {
        told(&store, "north", &format!("a-{n}"), "overridden", MONDAY + DAY, reason);
    }
    told(&store, "north", "a-19", "overridden", MONDAY + DAY, "[]");
    // Later it is accepted: the last word counts.
    told(&store, "north", "a-19", "accepted", MONDAY + 2 * DAY, "[]");
    told(&store, "north", "b-0", "accepted", MONDAY + 9 * DAY, "[]");
    told(&store, "north", "b-1", "overridden", MONDAY + DAY, r#"[{"display":"=HYPERLINK(1)"}]"#);
    // Somebody else's card, and nobody's.
    told(&store, "south", "a-0", "accepted", MONDAY + DAY, "[]");
    told(&store, "south", "never", "accepted", MONDAY + DAY, "[]");
    store
}

fn read(store: &Store, time: std::ops::Range<i64>, comments: bool) -> Report {
    let words = ("patient-ineligible".to_owned(), "Patient does not meet eligibility".to_owned());
    let wanted = Wanted { time, comments, displays: BTreeMap::from([words]) };
    wait(report::read(store, &wanted)).expect("read")
}

fn row<'a>(rows: &'a [Row], client: &str, rule: Option<&str>) -> &'a Row {
    let is = |row: &&Row| row.client.as_deref() == Some(client) && row.rule.as_deref() == rule;
    rows.iter().find(is).expect("a row")
}

#[test]
fn every_number_is_the_one_that_was_counted_by_hand() {
    let report = read(&filled(), i64::MIN..i64::MAX, false);
    assert_eq!((report.answers, report.feedback, report.unknown_cards), (41, 25, 2));
    let tb = row(&report.rules, "north", Some("t.tb"));
    assert_eq!((tb.fired, tb.accepted, tb.overridden, tb.unanswered), (20, 1, 19, 0));
    assert_eq!((tb.warning, tb.critical, tb.override_rate), (20, 0, Some(0.95)));
    assert!(tb.stands_out);
    assert_eq!((tb.reasons.len(), tb.reasons[0].count), (1, 19));
    assert_eq!(tb.reasons[0].display.as_deref(), Some("Patient does not meet eligibility"));
    assert_eq!((tb.p50_ms, tb.p95_ms), (Some(10.0), Some(19.0)));
    let renal = row(&report.rules, "north", Some("t.renal"));
    assert_eq!((renal.fired, renal.accepted, renal.overridden, renal.unanswered), (20, 1, 1, 18));
    assert!(!renal.stands_out && renal.critical == 20);
    let open = row(&report.rules, "north", Some("t.lipids"));
    assert_eq!((open.fired, open.not_checked), (0, 40));
    let whys: Vec<u64> = open.not_checked_why.iter().map(|why| why.count).collect();
    assert_eq!(whys, [40, 40], "two reasons in each of 40 answers");
    assert_eq!(row(&report.clients, "north", None).not_checked, 40);
    let north = row(&report.clients, "north", None);
    assert_eq!((north.answers, north.fired, north.accepted, north.overridden), (40, 40, 2, 20));
    let south = row(&report.clients, "south", None);
    assert_eq!((south.answers, south.fired, south.accepted, south.overridden), (1, 1, 0, 0));
    assert!(report.texts.is_empty());

    // A card belongs to the week in which it was shown.
    let weeks: Vec<(&str, u64, u64)> = report
        .totals
        .iter()
        .map(|row| (row.week.as_deref().expect("a week"), row.fired, row.accepted))
        .collect();
    assert_eq!(weeks, [("2026-W47", 40, 2), ("2026-W48", 1, 0)]);
    let week = report.weeks.iter().find(|row| row.rule.as_deref() == Some("t.tb"));
    assert_eq!(week.and_then(|row| row.week.as_deref()), Some("2026-W47"));
}

#[test]
fn a_time_holds_its_cards_whenever_they_were_answered() {
    let store = filled();
    let first = read(&store, MONDAY..MONDAY + 7 * DAY, false);
    assert_eq!((first.answers, first.clients.len()), (40, 1));
    assert_eq!(row(&first.rules, "north", Some("t.renal")).accepted, 1, "two days after the week");
    let second = read(&store, MONDAY + 7 * DAY..i64::MAX, false);
    assert_eq!((second.answers, second.clients.len(), second.feedback), (1, 1, 1));
    assert_eq!(second.unknown_cards, 0, "it was shown in another week");
    let nothing = read(&store, 0..1, false);
    assert_eq!((nothing.answers, nothing.feedback, nothing.rules.len()), (0, 0, 0));
    for text in [report::table(&nothing, By::Rule), report::html(&nothing, "now")] {
        assert!(text.contains("0 answers about a JAK inhibitor"), "{text}");
    }
}

#[test]
fn the_table_shows_what_stands_out() {
    let text = report::table(&read(&filled(), i64::MIN..i64::MAX, false), By::Rule);
    let line = text.lines().find(|line| line.contains("t.tb") && line.contains("north"));
    let line = line.unwrap_or_else(|| panic!("no line\n{text}"));
    assert!(line.contains("95.0 %") && line.contains("!!"), "{line}");
    assert!(
        text.contains("t.tb (north): 19 of 20; Patient does not meet eligibility 19"),
        "{text}"
    );
    assert!(text.contains("2 about cards that no record tells of"), "{text}");
    assert!(!text.contains("Smith"), "{text}");
    let weeks = report::table(&read(&filled(), i64::MIN..i64::MAX, false), By::Week);
    assert!(weeks.contains("2026-W47") && weeks.contains("2026-W48"), "{weeks}");
}

#[test]
fn a_spreadsheet_gets_one_table_and_no_formula() {
    let report = read(&filled(), i64::MIN..i64::MAX, false);
    for (by, lines) in [(By::Client, 3), (By::Rule, 6), (By::Week, 6)] {
        let text = String::from_utf8(report::csv(&report, by).expect("CSV")).expect("text");
        assert_eq!(text.lines().count(), lines, "{text}");
        assert!(text.starts_with("week,client,rule,answers,fired,"), "{text}");
        let cells = text.lines().flat_map(|line| line.split(','));
        assert!(
            !cells.clone().any(|cell| cell.starts_with('=') || cell.starts_with("\"=")),
            "{text}"
        );
    }
    let text = String::from_utf8(report::csv(&report, By::Rule).expect("CSV")).expect("text");
    let tb = text.lines().find(|line| line.starts_with(",north,t.tb,")).expect("a line");
    assert_eq!(tb, ",north,t.tb,40,20,0,20,0,1,19,0,0.9500,true,patient-ineligible=19,0,10,19");
}

#[test]
fn the_page_stands_alone_and_escapes_what_others_wrote() {
    let store = filled();
    let page = report::html(&read(&store, i64::MIN..i64::MAX, false), "now");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{page}");
    assert!(page.matches("<svg").count() >= 4 && page.contains("t.tb"), "plots are there");
    assert!(page.contains("class=\"loud\""), "what stands out is seen");
    for never in ["<script", "Smith", "src=", "href=", "url(", "@import", "http://", "https://"] {
        assert!(!page.contains(never), "{never}");
    }
    let with = report::html(&read(&store, i64::MIN..i64::MAX, true), "now");
    assert!(with.contains("&lt;script&gt;alert("), "what users wrote is shown when asked for");
    assert!(!with.contains("<script") && with.contains("2001 characters were cut off"));
}
