//! Every answer about a JAK inhibitor leaves a record, and the record nothing of the patient.

use crate::app::{App, PRESCRIBE, SIGN, VIEW, fixture, outcome};
use crate::support::issuer::uuid;
use crate::support::{knowledge, wait};
use jakcard::audit::{Evaluation, Kind, Verdict, verify};
use jakcard::config::{Audit, Config, Store as StoreSettings};
use jakcard::store::Store;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// An application, and the address of its store.
fn app(audit: Audit) -> (App, String) {
    let file = std::env::temp_dir().join(format!("jakcard-audit-{}.db", uuid()));
    let url = format!("sqlite:{}", file.display());
    let store = StoreSettings { url: Some(url.clone()), ..StoreSettings::default() };
    (App::of(Config { store, audit, ..Config::default() }), url)
}

fn named() -> Audit {
    Audit { replica: Some("one".to_owned()), ..Audit::default() }
}

/// The records once there are so many, notes of the chain included.
fn records(url: &str, most: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let all: Vec<Value> = match wait(Store::open(url)) {
            Err(_) => Vec::new(),
            Ok(store) => {
                let rows = wait(store.audited("one", 0, i64::MIN..i64::MAX, 1000)).expect("read");
                rows.iter().map(|r| serde_json::from_str(&r.record).expect("JSON")).collect()
            }
        };
        if all.len() >= most || begun.elapsed() > Duration::from_secs(30) {
            return all;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn verdict(url: &str) -> Verdict {
    let store = wait(Store::open(url)).expect("a store");
    wait(verify(&store, &[])).expect("read").remove(0)
}

fn sha256(bytes: &str) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    digest(&SHA256, bytes.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn an_answer_about_a_jak_inhibitor_is_written_down_and_no_other() {
    let (app, url) = app(named());
    let body = fixture(SIGN, "nothing-on-record").to_string();
    let text = app.post(SIGN, body.clone()).text().expect("text");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    // Neither an order of something else nor a refused call is.
    let mut other = fixture(SIGN, "nothing-on-record");
    other["context"]["draftOrders"]["entry"][0]["resource"]["medicationCodeableConcept"] =
        json!({ "text": "paracetamol 500 mg tablet" });
    assert_eq!(app.cards(SIGN, &other), json!({ "cards": [] }));
    assert_eq!(app.refused(SIGN, "{}").0, 400);
    let view = app.cards(VIEW, &fixture(VIEW, &first_case(VIEW)));
    assert!(view["extension"].is_object(), "the case is about a JAK inhibitor");
    let all = records(&url, 3);
    let kinds: Vec<&str> = all.iter().map(|r| r["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["started", "evaluation", "evaluation"]);

    let record: Evaluation = serde_json::from_value(all[1].clone()).expect("a record");
    assert_eq!(record.kind, Kind::Evaluation);
    assert_eq!((&*record.client, &*record.service), ("sandbox", SIGN));
    assert_eq!((&*record.input, &*record.output), (&*sha256(&body), &*sha256(&text)));
    assert_eq!(record.knowledge, knowledge().digest);
    assert_eq!((&*record.jurisdiction, &*record.as_of), ("US", "2026-11-22"));
    assert_eq!(record.drugs, ["tofacitinib"]);
    assert!(record.duration_us > 0);
    let request: Value = serde_json::from_str(&body).expect("JSON");
    let instance = request["hookInstance"].as_str().expect("an instance");
    assert!(
        record.hook_instance == instance
            || record.hook_instance == format!("sha256:{}", sha256(instance))
    );
    let cards = answer["cards"].as_array().expect("cards");
    assert_eq!(record.cards.len(), cards.len());
    for (kept, card) in record.cards.iter().zip(cards) {
        assert_eq!(*kept.uuid, card["uuid"]);
        assert_eq!(*kept.topic, card["source"]["topic"]["code"]);
        assert_eq!(*kept.indicator, card["indicator"]);
        let ids = |list: &Value| -> Vec<String> {
            let list = list.as_array().cloned().unwrap_or_default();
            list.iter().map(|s| s["uuid"].as_str().expect("a uuid").to_owned()).collect()
        };
        assert_eq!(kept.suggestions, ids(&card["suggestions"]));
        for finding in card["extension"]["org.jakcard.findings"].as_array().expect("findings") {
            let rule = kept.rules.iter().find(|r| *r.id == finding["rule"]).expect("the rule");
            assert_eq!(*rule.indicator, finding["indicator"]);
            assert_eq!(rule.open, finding.get("unchecked").is_some(), "{finding}");
        }
    }
    assert!(!record.not_checked.is_empty());
    assert!(verdict(&url).complaints.is_empty());
}

fn first_case(service: &str) -> String {
    let folder = crate::support::project("fixtures/wire").join(service);
    let mut cases: Vec<String> = std::fs::read_dir(folder)
        .expect("cases")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    cases.sort();
    cases.remove(0)
}

#[test]
fn a_record_holds_nothing_of_a_patient_but_the_hash_that_was_asked_for() {
    let key = "0123456789abcdef0123456789abcdef";
    let secret: Config =
        toml::from_str(&format!("[audit]\nreplica = 'one'\npatient_key = '{key}'"))
            .expect("settings");
    let (plain, keyed) = (app(named()), app(secret.audit));
    let mut body = fixture(SIGN, "nothing-on-record");
    body["hookInstance"] = json!("Canarybird, Tweetie");
    let text = body.to_string();
    for (app, _) in [&plain, &keyed] {
        assert_eq!(app.post(SIGN, text.clone()).status(), 200);
    }
    let patient = body["context"]["patientId"].as_str().expect("a patient").to_owned();
    let mut other = body.clone();
    other["hookInstance"] = json!("d1577c69-dfbe-44ad-ba6d-3e05e953b2ea");
    assert_eq!(keyed.0.post(SIGN, other.to_string()).status(), 200);
    let without = records(&plain.1, 2)[1].clone();
    let with = records(&keyed.1, 3);
    assert!(without.get("patient").is_none());
    let hash = with[1]["patient"].as_str().expect("a hash");
    assert_eq!(hash.len(), 64);
    assert_eq!(with[1]["patient"], with[2]["patient"], "the same patient");
    assert_eq!(with[2]["hookInstance"], "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea");
    assert_eq!(with[1]["hookInstance"], format!("sha256:{}", sha256("Canarybird, Tweetie")));
    // Ids, dates and values of the chart.
    let mut never = vec!["Canarybird".to_owned(), patient, key.to_owned()];
    let prefetch = text.split('"').filter(|t| t.contains('/') && !t.starts_with("http"));
    never.extend(prefetch.map(str::to_owned).filter(|t| t.len() > 8 && !t.contains(' ')));
    never.extend(["birthDate", "1968-"].map(str::to_owned));
    for record in [&without, &with[1], &with[2]] {
        let record = record.to_string();
        for word in &never {
            assert!(!record.contains(word.as_str()), "{word} in {record}");
        }
    }
}

#[test]
fn e8_a_store_that_is_down_holds_up_no_answer_and_what_is_lost_is_counted() {
    let file = std::env::temp_dir().join(format!("jakcard-audit-{}", uuid()));
    std::fs::write(&file, "").expect("written");
    let url = format!("sqlite:{}/jakcard.db", file.display());
    let store = StoreSettings { url: Some(url.clone()), strict: false };
    let audit = Audit { queue: 5, ..named() };
    let app = App::of(Config { store, audit, ..Config::default() });
    let body = fixture(PRESCRIBE, &first_case(PRESCRIBE));
    for _ in 0..20 {
        app.cards(PRESCRIBE, &body);
    }
    let metrics = app.get("/metrics").text().expect("text");
    assert!(metrics.contains("jakcard_audit_lost_total"), "{metrics}");
    std::fs::remove_file(&file).expect("removed");
    std::fs::create_dir(&file).expect("made");
    // The store is back: what waited is there, and how many are not.
    let begun = Instant::now();
    let (evaluations, verdict) = loop {
        let all = records(&url, 7);
        let evaluations = all.iter().filter(|r| r["kind"] == "evaluation").count();
        let verdict = verdict(&url);
        let told = verdict.lost as usize + evaluations;
        if told >= 20 || begun.elapsed() > Duration::from_secs(30) {
            break (evaluations, verdict);
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!((5..20).contains(&evaluations), "{evaluations}");
    assert!(verdict.complaints.is_empty(), "{verdict:?}");
    assert_eq!(verdict.lost as usize + evaluations, 20, "{verdict:?}");
}

#[test]
fn e8_in_strict_mode_there_is_no_answer_without_a_record() {
    let strict = Audit { strict: true, ..named() };
    let (app, url) = app(strict.clone());
    let body = fixture(SIGN, "nothing-on-record");
    for n in 1..=3 {
        app.cards(SIGN, &body);
        let store = wait(Store::open(&url)).expect("a store");
        let rows = wait(store.audited("one", 0, i64::MIN..i64::MAX, 100)).expect("read");
        assert_eq!(rows.len(), n + 1, "it is there when the answer is");
    }
    let file = std::env::temp_dir().join(format!("jakcard-audit-{}", uuid()));
    std::fs::write(&file, "").expect("written");
    let url = Some(format!("sqlite:{}/jakcard.db", file.display()));
    let store = StoreSettings { url, strict: false };
    let down = App::of(Config { store, audit: strict, ..Config::default() });
    for _ in 0..3 {
        let answer = down.post(SIGN, body.to_string());
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(outcome(answer).0, 503);
    }
    // What is about no JAK inhibitor needs no record.
    let mut other = body;
    other["context"]["draftOrders"]["entry"][0]["resource"]["medicationCodeableConcept"] =
        json!({ "text": "paracetamol 500 mg tablet" });
    assert_eq!(down.cards(SIGN, &other), json!({ "cards": [] }));
}

#[test]
fn an_audit_that_is_switched_off_makes_no_file() {
    let (app, url) = app(Audit { enabled: false, ..named() });
    app.cards(SIGN, &fixture(SIGN, "nothing-on-record"));
    std::thread::sleep(Duration::from_millis(200));
    assert!(!std::path::Path::new(url.trim_start_matches("sqlite:")).exists());
}

#[test]
fn c14_feedback_about_cards_that_nobody_sent_is_kept_and_counted() {
    let (app, url) = app(named());
    let answer = app.cards(SIGN, &fixture(SIGN, "nothing-on-record"));
    records(&url, 2);
    let count = || -> u64 {
        let metrics = app.get("/metrics").text().expect("text");
        let line = metrics
            .lines()
            .find(|l| l.starts_with("jakcard_feedback_unknown_cards_total{client=\"sandbox\"}"));
        line.and_then(|l| l.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    };
    let send = |card: &Value| {
        let report = json!({ "feedback": [{ "card": card, "outcome": "accepted",
            "acceptedSuggestions": [{ "id": "x" }], "outcomeTimestamp": "2026-11-22T10:05:31Z" }] });
        app.post(&format!("{SIGN}/feedback"), report.to_string()).status().as_u16()
    };
    // Other tests count in the same process: only upwards, and this one knows its own.
    assert_eq!(send(&answer["cards"][0]["uuid"]), 200);
    let before = count();
    assert_eq!(send(&json!("00000000-0000-0000-0000-000000000000")), 200);
    assert!(count() > before);
    let store = wait(Store::open(&url)).expect("a store");
    let rows = wait(store.feedback(i64::MIN..i64::MAX, &jakcard::store::Behind::default(), 10));
    assert_eq!(rows.expect("read").0.len(), 2, "both are kept");
}
