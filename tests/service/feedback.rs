//! What users did with cards is kept, once, and acknowledged when it is on the disk.

use crate::app::{App, SELECT, SIGN, outcome};
use crate::clients::{PUBLIC, client, config, now};
use crate::support::issuer::{Issuer, uuid};
use jakcard::config::{Config, Limits, Store};
use reqwest::blocking::Response;
use serde_json::{Value, json};

/// An application, and the file of its store.
fn app() -> (App, String) {
    let file = std::env::temp_dir().join(format!("jakcard-feedback-{}.db", uuid()));
    let url = format!("sqlite:{}", file.display());
    let store = Store { url: Some(url.clone()), ..Store::default() };
    (App::of(Config { store, ..Config::default() }), url)
}

fn send(app: &App, service: &str, body: impl Into<Vec<u8>>) -> Response {
    app.post(&format!("{service}/feedback"), body)
}

fn report(card: &str) -> Value {
    json!({ "card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-22T10:05:31Z",
            "overrideReason": { "reason": { "code": "patsab", "system": "s" }, "userComment": "no" } })
}

fn batch(reports: &[Value]) -> String {
    json!({ "feedback": reports }).to_string()
}

/// The number that a statement gives, read beside the application.
fn number(url: &str, statement: &'static str) -> i64 {
    crate::support::wait(async {
        let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(url).await?;
        sqlx::query_scalar(statement).fetch_one(&mut connection).await
    })
    .expect("a number")
}

const ALL: &str = "SELECT count(*) FROM feedback";

#[test]
fn what_was_acknowledged_is_in_the_store() {
    let (app, url) = app();
    let answer = send(&app, SIGN, batch(&[report("one"), report("two")]));
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.text().expect("text"), "{}");
    assert_eq!(number(&url, ALL), 2);
    let metrics = app.get("/metrics").text().expect("text");
    assert!(metrics.contains("jakcard_feedback_total{client=\"sandbox\",outcome=\"overridden\"}"));
}

#[test]
fn c14_the_same_report_counts_once_and_another_counts_again() {
    let (app, url) = app();
    let one = report("one");
    for body in [
        batch(std::slice::from_ref(&one)),
        batch(std::slice::from_ref(&one)),
        batch(&[one.clone(), one.clone()]),
        // The same in another spelling.
        r#"{"feedback":[{"outcomeTimestamp":"2026-11-22T11:05:31+01:00","overrideReasons":
            [{"userComment":"no","system":"s","code":"patsab"}],"outcome":"overridden","card":"one"}]}"#
            .to_owned(),
    ] {
        assert_eq!(send(&app, SIGN, body).status(), 200);
        assert_eq!(number(&url, ALL), 1);
    }
    for (key, value) in [
        ("card", json!("two")),
        ("outcome", json!("accepted")),
        ("outcomeTimestamp", json!("2026-11-22T10:05:31.001Z")),
        ("overrideReason", json!({ "reason": { "code": "patsab" } })),
        ("acceptedSuggestions", json!([{ "id": "s" }])),
    ] {
        let before = number(&url, ALL);
        let mut other = one.clone();
        other[key] = value;
        assert_eq!(send(&app, SIGN, batch(&[other])).status(), 200);
        assert_eq!(number(&url, ALL), before + 1, "{key}");
    }
    let before = number(&url, ALL);
    assert_eq!(send(&app, SELECT, batch(&[one])).status(), 200);
    assert_eq!(number(&url, ALL), before + 1, "another service");
}

#[test]
fn a_wrong_report_is_named_and_nothing_of_its_batch_is_kept() {
    let (app, url) = app();
    assert_eq!(send(&app, SIGN, batch(&[])).status(), 200, "nothing to report");
    let mut wrong = report("two");
    wrong["outcome"] = json!("ignored");
    let answer = send(&app, SIGN, batch(&[report("one"), wrong]));
    assert_eq!(answer.status(), 400);
    let body: Value = serde_json::from_str(&answer.text().expect("text")).expect("JSON");
    assert_eq!(body["issue"][0]["expression"], json!(["feedback[1].outcome"]), "{body}");
    let text = body["issue"][0]["details"]["text"].as_str().expect("a text");
    assert_eq!(text, "`feedback[1].outcome` is another word, expected `accepted` or `overridden`");
    let many = vec![report("one"); 100_000];
    let (status, text) = outcome(send(&app, SIGN, batch(&many)));
    assert_eq!(status, 400);
    assert!(text.contains("holds 100000 reports, expected at most 1000"), "{text}");
    assert_eq!(send(&app, SIGN, batch(&[report("last")])).status(), 200);
    assert_eq!(number(&url, ALL), 1);
}

#[test]
fn any_text_of_a_user_can_be_kept() {
    let (app, url) = app();
    for text in ["\u{0}", "a\u{0}b", "🩺 ʿayn \"quoted\" \\ </script>", &"x".repeat(100_000)] {
        let mut report = report("one");
        report["overrideReason"]["userComment"] = json!(text);
        let answer = send(&app, SIGN, batch(&[report]));
        assert_eq!(answer.status(), 200, "{}", answer.text().unwrap_or_default());
    }
    assert_eq!(number(&url, ALL), 4);
    assert_eq!(number(&url, "SELECT max(length(comment)) FROM feedback"), 2000);
    assert_eq!(number(&url, "SELECT max(comment_sent) FROM feedback"), 100_000);
}

#[test]
fn what_cannot_be_kept_is_not_acknowledged() {
    // A store below a file: nobody can make it. Answers go out all the same.
    let file = std::env::temp_dir().join(format!("jakcard-feedback-{}", uuid()));
    std::fs::write(&file, "").expect("written");
    let url = Some(format!("sqlite:{}/jakcard.db", file.display()));
    let app = App::of(Config { store: Store { url, strict: false }, ..Config::default() });
    let answer = send(&app, SIGN, batch(&[report("one")]));
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(outcome(answer).1, "this could not be kept, send it again");
    let cards = app.cards(SIGN, &crate::app::fixture(SIGN, "nothing-on-record"));
    assert!(!cards["cards"].as_array().expect("cards").is_empty());
    // It may become possible: the next report makes the file.
    std::fs::remove_file(&file).expect("removed");
    std::fs::create_dir(&file).expect("made");
    let kept = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        send(&app, SIGN, batch(&[report("one")])).status() == 200
    });
    assert!(kept, "the store is tried again");
}

#[test]
fn checks_of_feedback_run_in_the_order_of_a_call() {
    let issuer = Issuer::new("https://ehr.example.org");
    let limits = Limits { body_bytes: 400, ..Limits::default() };
    let app = App::of(Config { limits, ..config(vec![client("hospital", &issuer)]) });
    let send = |method: &str, path: &str, token: Option<String>, media: &str, body: String| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = app.client.request(method, app.url(path)).header("content-type", media);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.body(body).send().expect("an answer")
    };
    let path = format!("/cds-services/{SIGN}/feedback");
    let token = |path: &str| Some(issuer.good(&format!("{PUBLIC}{path}"), now()));
    let good = || token(&path);
    let (json, large) = ("application/json", "x".repeat(401));
    for (status, answer) in [
        (404, send("PUT", "/cds-services/none/feedback", None, "text/xml", large.clone())),
        (405, send("GET", &path, None, "text/xml", large.clone())),
        (401, send("POST", &path, None, "text/xml", large.clone())),
        (415, send("POST", &path, good(), "text/xml", large.clone())),
        (413, send("POST", &path, good(), json, large)),
        (400, send("POST", &path, good(), json, "{}".to_owned())),
    ] {
        assert_eq!(outcome(answer).0, status);
    }
    // `aud` is the endpoint, or that of the service.
    let body = || batch(&[report("one")]);
    assert_eq!(send("POST", &path, good(), json, body()).status(), 200);
    let of_service = || token(&format!("/cds-services/{SIGN}"));
    assert_eq!(send("POST", &path, of_service(), json, body()).status(), 200);
    let other = || token(&format!("/cds-services/{SELECT}/feedback"));
    assert_eq!(send("POST", &path, other(), json, body()).status(), 401);
    // And the other way round it is not.
    let call = format!("/cds-services/{SIGN}");
    assert_eq!(send("POST", &call, good(), json, body()).status(), 401);
    // C14: a token is used once here, too.
    let once = good();
    assert_eq!(send("POST", &path, once.clone(), json, body()).status(), 200);
    assert_eq!(send("POST", &path, once, json, body()).status(), 401);
}
