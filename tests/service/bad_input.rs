//! Bad input gets a clear error, and the service goes on answering.

use crate::app::{App, PRESCRIBE, SELECT, SIGN, fixture, outcome};
use jakcard::config::Limits;
use jakcard::knowledge::Jurisdiction;
use serde_json::{Value, json};

fn good() -> Value {
    fixture(SIGN, "nothing-on-record")
}

fn still_answers(app: &App) {
    assert_eq!(app.post(SIGN, good().to_string()).status(), 200);
}

fn without(path: &[&str]) -> Value {
    let mut request = good();
    let mut place = &mut request;
    for key in &path[..path.len() - 1] {
        place = &mut place[*key];
    }
    place.as_object_mut().expect("an object").shift_remove(path[path.len() - 1]);
    request
}

#[test]
fn each_mistake_is_named_and_the_service_goes_on() {
    let app = App::start();
    let text = good().to_string();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("not JSON", b"hello".to_vec(), "not JSON"),
        ("nothing", Vec::new(), "not JSON"),
        ("truncated", text[..text.len() / 2].into(), "not JSON"),
        ("a list", b"[]".to_vec(), "expected an object"),
        ("a byte order mark", [&b"\xEF\xBB\xBF"[..], text.as_bytes()].concat(), "not JSON"),
        ("invalid UTF-8", b"{\"hook\":\"\xFF\"}".to_vec(), "not UTF-8"),
        ("200 levels deep", with("{\"", &format!("{{\"x\":{deep},\"")).into(), "nested"),
        ("text behind it", format!("{text} x").into(), "not JSON"),
        ("no hook", without(&["hook"]).to_string().into(), "no `hook`"),
        ("no hookInstance", without(&["hookInstance"]).to_string().into(), "no `hookInstance`"),
        ("no context", without(&["context"]).to_string().into(), "no `context`"),
        ("no patient", without(&["context", "patientId"]).to_string().into(), "context.patientId"),
        ("no orders", without(&["context", "draftOrders"]).to_string().into(), "draftOrders"),
        ("another hook", with("order-sign", "order-select").into(), "expected `order-sign`"),
        ("a number as hook", with("\"order-sign\"", "7").into(), "expected a string"),
        (
            "patient twice",
            with("\"patientId\"", "\"patientId\":\"x\",\"patientId\"").into(),
            "stands twice",
        ),
        ("hook twice", with("\"hook\"", "\"hook\":\"x\",\"hook\"").into(), "duplicate field"),
        (
            "a list as patient",
            with("\"patientId\":\"pat-1\"", "\"patientId\":[]").into(),
            "patientId",
        ),
        ("an empty patient", with("\"patientId\":\"pat-1\"", "\"patientId\":\"\"").into(), "empty"),
        (
            "a string as orders",
            json!({"hook": "order-sign", "hookInstance": "1", "context":
            {"patientId": "p", "draftOrders": "none"}})
            .to_string()
            .into(),
            "expected a Bundle",
        ),
        (
            "a string as context",
            json!({"hook": "order-sign", "hookInstance": "1", "context": "x"}).to_string().into(),
            "expected an object",
        ),
        (
            "another's Patient",
            with("\"id\":\"pat-1\"", "\"id\":\"pat-2\"").into(),
            "not the patient",
        ),
    ];
    for (what, body, says) in table {
        let (status, text) = app.refused(SIGN, body);
        assert_eq!(status, 400, "{what}: {text}");
        assert!(text.contains(says), "{what}: `{text}` does not say `{says}`");
        assert!(!text.contains("pat-1"), "{what}: an error holds the patient's id");
        still_answers(&app);
    }
}

#[test]
fn a_megabyte_in_one_string_and_unknown_members_are_read_over() {
    let app = App::start();
    let mut request = good();
    request["extension"] = json!({"com.example.note": "x".repeat(1_000_000)});
    request["context"]["somethingNew"] = json!([1, 2, {"a": null}]);
    assert_eq!(app.cards(SIGN, &request)["cards"].as_array().expect("cards").len(), 4);
}

#[test]
fn twin_members_in_an_order_are_refused_and_in_the_chart_leave_it_unread() {
    let app = App::start();
    let text = good().to_string();
    let twice = |from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        changed
    };
    let order = twice("\"status\":\"draft\"", "\"status\":\"cancelled\",\"status\":\"draft\"");
    let (status, says) = app.refused(SIGN, order);
    assert_eq!(status, 400);
    assert!(says.contains("stands twice"), "{says}");
    let chart = twice("\"recordedDate\"", "\"recordedDate\":\"2020\",\"recordedDate\"");
    let answer = app.post(SIGN, chart).text().expect("text");
    assert!(answer.contains("an entry could not be read"), "{answer}");
}

#[test]
fn a_prefetch_that_is_no_object_tells_nothing_and_the_card_says_so() {
    let app = App::start();
    for prefetch in [json!([1]), json!("x"), json!(7)] {
        let mut request = good();
        request["prefetch"] = prefetch;
        let answer = app.cards(SIGN, &request);
        assert_eq!(answer["cards"].as_array().expect("cards").len(), 1);
        assert!(answer.to_string().contains("not part of the request"));
    }
}

#[test]
fn a_body_at_the_limit_is_read_and_one_byte_more_is_not() {
    let limits = Limits { body_bytes: 20_000, ..Limits::default() };
    let app = App::with(limits, Jurisdiction::Us);
    let text = good().to_string();
    let padded = |n: usize| format!("{text}{}", " ".repeat(n - text.len()));
    assert_eq!(app.post(SIGN, padded(20_000)).status(), 200);
    let (status, says) = app.refused(SIGN, padded(20_001));
    assert_eq!(status, 413);
    assert!(says.contains("20000 bytes"), "{says}");
    // The same without a length that announces it.
    let chunk = " ".repeat(20_001);
    let chunked = format!(
        "POST /cds-services/{SIGN} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{chunk}\r\n0\r\n\r\n",
        chunk.len()
    );
    assert!(app.raw(chunked.as_bytes()).starts_with("HTTP/1.1 413"));
    still_answers(&app);
}

#[test]
fn sixteen_mebibytes_are_accepted_and_more_are_not() {
    let app = App::start();
    let text = good().to_string();
    let limit = 16 * 1024 * 1024;
    let body = format!("{text}{}", " ".repeat(limit - text.len()));
    assert_eq!(app.post(SIGN, body.clone()).status(), 200);
    assert_eq!(app.refused(SIGN, body + " ").0, 413);
}

#[test]
fn a_compressed_body_is_refused_unopened() {
    let app = App::start();
    for encoding in ["gzip", "br", "deflate", "zstd"] {
        let response = app
            .client
            .post(app.url(&format!("/cds-services/{SIGN}")))
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(vec![0x1f, 0x8b, 8, 0])
            .send()
            .expect("an answer");
        assert_eq!(outcome(response).0, 415, "{encoding}");
    }
    still_answers(&app);
}

#[test]
fn a_body_that_stops_half_way_is_given_up() {
    let limits = Limits { body_seconds: 1, ..Limits::default() };
    let app = App::with(limits, Jurisdiction::Us);
    let head = format!(
        "POST /cds-services/{SIGN} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\n\r\n{{\"hook\":"
    );
    let answer = app.raw(head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("8 bytes came"), "{answer}");
    still_answers(&app);
}

#[test]
fn a_drug_that_only_a_missing_medication_tells_is_412() {
    let app = App::start();
    let request = fixture(SIGN, "medication-that-was-not-sent");
    let (status, text) = app.refused(SIGN, request.to_string());
    assert_eq!(status, 412);
    assert!(text.contains("MedicationRequest/order-1"), "{text}");
}

#[test]
fn a_wrong_hook_is_told_at_every_service() {
    let app = App::start();
    for (service, hook) in
        [(SIGN, "order-sign"), (SELECT, "order-select"), (PRESCRIBE, "medication-prescribe")]
    {
        let mut request = good();
        request["hook"] = json!("patient-view");
        let (status, text) = app.refused(service, request.to_string());
        assert_eq!(status, 400);
        assert!(text.contains(&format!("expected `{hook}`")), "{text}");
    }
}
