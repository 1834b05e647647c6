//! Bad input gets a clear error, and the service goes on answering.

use crate::app::{App, PRESCRIBE, SELECT, SIGN, fixture};
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
            "half a character as hook",
            with("\"order-sign\"", "\"\\ud800\"").into(),
            "half a surrogate",
        ),
        (
            "patient twice",
            with("\"patientId\"", "\"patientId\":\"x\",\"patientId\"").into(),
            "stands twice",
        ),
        ("hook twice", with("\"hook\"", "\"hook\":\"x\",\"hook\"").into(), "stands twice"),
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
