//! Requests that mean harm by what they hold, by the ids of the list of threats: C1 to C8, and E1.

use crate::app::{App, SIGN, evaluation, findings, fixture, outcome};
use crate::process::Process;
use crate::support::fake_ehr::{FakeEhr, Reply};
use jakcard::config::{Config, Limits};
use jakcard::knowledge::Jurisdiction;
use jakcard::terminology::decimal;
use num_bigint::BigInt;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::io::Read;
use std::time::{Duration, Instant};

fn good() -> Value {
    fixture(SIGN, "nothing-on-record")
}

fn still_answers(app: &App) {
    assert_eq!(app.post(SIGN, good().to_string()).status(), 200);
}

#[test]
fn c1_a_body_at_the_limit_is_read_and_one_byte_more_is_not() {
    let limits = Limits { body_bytes: 20_000, ..Limits::default() };
    let app = App::with(limits, Jurisdiction::Us);
    let text = good().to_string();
    let padded = |n: usize| format!("{text}{}", " ".repeat(n - text.len()));
    assert_eq!(app.post(SIGN, padded(19_999)).status(), 200);
    assert_eq!(app.post(SIGN, padded(20_000)).status(), 200);
    let (status, says) = app.refused(SIGN, padded(20_001));
    assert_eq!(status, 413);
    assert!(says.contains("20000 bytes"), "{says}");
    // The same without a length that announces it.
    for (length, status) in [(20_000, "200"), (20_001, "413")] {
        let body = padded(length);
        let chunked = format!(
            "POST /cds-services/{SIGN} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             connection: close\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        );
        let answer = app.raw(chunked.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{length}: {answer}");
    }
    still_answers(&app);
}

#[test]
fn c1_a_body_that_is_too_large_ends_the_connection_unread() {
    let app = App::start();
    let head = format!(
        "POST /cds-services/{SIGN} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: 99999999999\r\n\r\n"
    );
    let answer = app.raw(head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
}

#[test]
fn c1_sixteen_mebibytes_are_accepted_and_more_are_not() {
    let app = App::start();
    let text = good().to_string();
    let limit = 16 * 1024 * 1024;
    let body = format!("{text}{}", " ".repeat(limit - text.len()));
    assert_eq!(app.post(SIGN, body.clone()).status(), 200);
    assert_eq!(app.refused(SIGN, body + " ").0, 413);
}

/// A gibibyte of zeros in less than a kilobyte.
fn bomb() -> Vec<u8> {
    let mut packed = Vec::new();
    let settings = brotli::enc::BrotliEncoderParams {
        quality: 5,
        lgwin: 24,
        ..brotli::enc::BrotliEncoderParams::default()
    };
    let mut zeros = std::io::repeat(0).take(1 << 30);
    brotli::BrotliCompress(&mut zeros, &mut packed, &settings).expect("compressed");
    packed
}

#[test]
fn c2_a_gibibyte_in_a_kilobyte_is_refused_unopened() {
    let packed = bomb();
    println!("the body: {} bytes", packed.len());
    assert!(packed.len() < 4096, "{} bytes", packed.len());
    let mut opened = brotli::Decompressor::new(&packed[..], 65536);
    let size = std::io::copy(&mut opened, &mut std::io::sink()).expect("it is brotli");
    assert_eq!(size, 1 << 30);
    // Without the self-test, which takes memory of its own in the background.
    let process = Process::start("[self_test]\nevery_s = 0\n");
    let client = reqwest::blocking::Client::builder().no_proxy().build().expect("a client");
    let send = |encoding: &str| {
        let request = client.post(format!("{}/cds-services/{SIGN}", process.url));
        let request = request.header("content-type", "application/json");
        let request = request.header("content-encoding", encoding).body(packed.clone());
        let started = Instant::now();
        let response = request.send().expect("an answer");
        let took = started.elapsed();
        assert_eq!(outcome(response).0, 415, "{encoding}");
        took
    };
    // What the first answer of all needs is not the body's.
    send("identity, gzip");
    let before = process.memory("VmRSS");
    process.forget_peak();
    let mut took: Vec<Duration> = (0..20).map(|_| send("br")).collect();
    took.sort_unstable();
    let more = process.memory("VmHWM").saturating_sub(before);
    println!("20 times: {more} kB more memory at the peak, {:.1?} at the median", took[10]);
    assert!(more < 1024, "{more} kB");
    assert!(took[10] < Duration::from_secs(1), "{took:?}");
}

#[test]
fn c2_every_coding_of_the_content_is_refused_but_none() {
    let app = App::start();
    let send = |encodings: &[&str]| {
        let url = app.url(&format!("/cds-services/{SIGN}"));
        let request = app.client.post(url).header("content-type", "application/json");
        let request = encodings.iter().fold(request, |r, e| r.header("content-encoding", *e));
        request.body(good().to_string()).send().expect("an answer")
    };
    for refused in [
        &["gzip"][..],
        &["br"],
        &["deflate"],
        &["zstd"],
        &["x-gzip"],
        &["identity, gzip"],
        &["gzip, identity"],
        &["identity", "gzip"],
        &["nonsense"],
    ] {
        let (status, says) = outcome(send(refused));
        assert_eq!(status, 415, "{refused:?}");
        assert!(says.contains("without content-encoding"), "{says}");
    }
    for accepted in [&[][..], &["identity"], &["IDENTITY"]] {
        assert_eq!(send(accepted).status(), 200, "{accepted:?}");
    }
}

#[test]
fn c4_depth_and_items_have_a_bound_and_at_it_they_pass() {
    let limits = Limits { depth: 20, entries: 1000, ..Limits::default() };
    let app = App::with(limits, Jurisdiction::Us);
    let with = |extension: &str| {
        let text = good().to_string();
        format!("{},\"extension\":{extension}}}", text.strip_suffix('}').expect("an object"))
    };
    let deep = |n: usize| with(&format!("{}{}", "[".repeat(n), "]".repeat(n)));
    // The object of the request is a level too; each list within a list is an item.
    assert_eq!(app.post(SIGN, deep(19)).status(), 200);
    let (status, says) = app.refused(SIGN, deep(20));
    assert_eq!(status, 400);
    assert!(says.contains("nested 21 deep, expected at most 20"), "{says}");
    let items = |n: usize| with(&format!("[{}]", vec!["0"; n].join(",")));
    let (_, says) = app.refused(SIGN, items(2000));
    let held: usize = says.split_whitespace().find_map(|word| word.parse().ok()).expect("a count");
    let own = held - 2000;
    assert_eq!(app.post(SIGN, items(1000 - own)).status(), 200);
    let (status, says) = app.refused(SIGN, items(1001 - own));
    assert_eq!(status, 400);
    assert!(says.contains("hold 1001 items, expected at most 1000"), "{says}");
    still_answers(&app);
}

#[test]
fn c4_nests_without_end_are_answered_and_not_followed() {
    let app = App::start();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for n in [65, 128, 100_000, 1_000_000] {
            let inner = format!("{}1{}", open.repeat(n), close.repeat(n));
            let (status, says) = app.refused(SIGN, format!("{{\"hook\":{inner}}}"));
            assert_eq!(status, 400);
            assert!(says.contains("nested"), "{says}");
            let (status, _) = app.refused(SIGN, open.repeat(n));
            assert_eq!(status, 400, "never closed");
        }
    }
    still_answers(&app);
}

#[test]
fn c5_a_member_that_stands_twice_is_refused_wherever_the_caller_wrote_it() {
    let app = App::start();
    let text = good().to_string();
    let places = [
        ("the hook", "\"hook\"", "\"hook\":\"order-sign\",\"hook\""),
        ("the patient", "\"patientId\"", "\"patientId\":\"pat-2\",\"patientId\""),
        ("the same patient", "\"patientId\"", "\"patientId\":\"pat-1\",\"patientId\""),
        ("by an escape", "\"patientId\"", "\"patient\\u0049d\":\"pat-2\",\"patientId\""),
        ("an order", "\"status\":\"draft\"", "\"status\":\"cancelled\",\"status\":\"draft\""),
        ("a key of the prefetch", "\"patient\":{", "\"patient\":null,\"patient\":{"),
        ("nothing that is read", "{\"hookInstance\"", "{\"x\":{\"y\":1,\"y\":1},\"hookInstance\""),
    ];
    for (what, from, to) in places {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{what}");
        let (status, says) = app.refused(SIGN, changed);
        assert_eq!(status, 400, "{what}");
        assert!(says.contains("stands twice"), "{what}: {says}");
        assert!(!says.contains("pat-"), "{what}: {says}");
    }
    // One name in two objects, and names that differ in case, are no twins.
    let changed = text.replacen("\"hook\"", "\"HOOK\":1,\"Hook\":{\"hook\":1},\"hook\"", 1);
    assert_eq!(app.post(SIGN, changed).status(), 200);
}

#[test]
fn c5_a_member_that_stands_twice_in_the_chart_leaves_that_resource_unread_and_that_is_said() {
    let app = App::start();
    let text = good().to_string();
    for (what, from, to) in [
        (
            "a type",
            "\"resourceType\":\"Patient\"",
            "\"resourceType\":\"X\",\"resourceType\":\"Patient\"",
        ),
        ("a date", "\"recordedDate\"", "\"recordedDate\":\"2020\",\"recordedDate\""),
        ("a value", "\"value\":1.6", "\"value\":0.6,\"value\":1.6"),
        ("nothing that is read", "\"value\":1.6", "\"x\":{\"y\":1,\"y\":1},\"value\":1.6"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{what}");
        let response = app.post(SIGN, changed);
        assert_eq!(response.status(), 200, "{what}: the boxed warning needs no chart");
        let text = response.text().expect("text");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        let said = evaluation(&answer)["notChecked"].to_string();
        assert!(said.contains("could not be read") || said.contains("twice"), "{what}: {said}");
        assert!(
            !answer.to_string().contains("CrCl 49.8") || what == "a date",
            "{what}: no number of it counts"
        );
    }
}

#[test]
fn c5_a_twin_in_a_result_that_nobody_asks_about_hides_nothing_unless_it_is_in_its_code() {
    let app = App::start();
    let mut request = good();
    let entries = request["prefetch"]["labs"]["entry"].as_array_mut().expect("labs");
    entries.push(json!("HERE"));
    let text = request.to_string();
    let sodium = r#"{"resource":{"resourceType":"Observation","id":"na","status":"final",
        "subject":{"reference":"Patient/pat-1"},"effectiveDateTime":"2026-11-01",
        "code":{"coding":[{"system":"http://loinc.org","code":"2951-2"}]},
        "component":[{"code":{"coding":[{"system":"http://loinc.org","code":"2951-2"}]}}],
        "valueQuantity":{"value":140,"unit":"mmol/L"}}}"#;
    let creatinine = r#""code":"2160-0""#;
    let cases = [
        ("a sound one", "", "", None),
        ("a value", "\"value\":140", "\"value\":140,\"value\":141", None),
        ("a status", "\"status\"", "\"status\":\"final\",\"status\"", None),
        ("another test", "\"code\":\"2951-2\"", creatinine, None),
        ("a code", "\"code\":\"2951-2\"", "\"code\":\"2951-2\",\"code\":\"2160-0\"", Some("read")),
        ("codes", "\"code\":{", "\"code\":{\"coding\":[]},\"code\":{", Some("read")),
        ("components", "\"component\"", "\"component\":[],\"component\"", Some("read")),
        ("a component", "\"component\":[{", "\"component\":[{\"code\":{},", Some("read")),
        ("another's", "Patient/pat-1", "Patient/pat-2", Some("another patient")),
    ];
    for (what, from, to, said) in cases {
        let response = app.post(SIGN, text.replacen("\"HERE\"", &sodium.replacen(from, to, 1), 1));
        assert_eq!(response.status(), 200, "{what}");
        let answer: Value = serde_json::from_str(&response.text().expect("text")).expect("JSON");
        let account = evaluation(&answer)["ignored"].to_string();
        assert_eq!(
            account.contains(said.unwrap_or("could not be read")),
            said.is_some(),
            "{what}: {account}"
        );
        let unread = evaluation(&answer)["notChecked"].to_string();
        assert_eq!(
            unread.contains("an entry could not be read"),
            said == Some("read"),
            "{what}: {unread}"
        );
    }
}

#[test]
fn c5_a_result_that_nobody_asks_about_hides_no_other_of_the_same_id() {
    let app = App::start();
    let result = |code: &str, value: i32, unit: &str| {
        json!({"resource": {
            "resourceType": "Observation", "id": "one", "status": "final",
            "subject": {"reference": "Patient/pat-1"}, "effectiveDateTime": "2026-11-20",
            "code": {"coding": [
                {"system": "urn:oid:2.999.7", "code": code},
                {"system": "http://loinc.org", "code": code},
            ]},
            "valueQuantity": {"value": value, "unit": unit},
        }})
    };
    let (sodium, clearance) = (result("2951-2", 140, "mmol/L"), result("2164-2", 30, "mL/min"));
    for order in [[&sodium, &clearance], [&clearance, &sodium]] {
        let mut request = good();
        let entries = request["prefetch"]["labs"]["entry"].as_array_mut().expect("labs");
        entries.extend(order.into_iter().cloned());
        let answer = app.cards(SIGN, &request);
        let found = evaluation(&answer)["found"].to_string();
        assert!(found.contains("creatinine clearance"), "{found}");
    }
}

/// The exact value of a decimal literal: digits and a power of ten.
fn exactly(text: &str) -> (BigInt, i64) {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits: BigInt = format!("{whole}{part}").parse().expect("digits");
    let exponent: i64 = exponent.parse().expect("an exponent");
    (digits, exponent - i64::try_from(part.len()).expect("short"))
}

fn equal(a: &(BigInt, i64), b: &(BigInt, i64)) -> bool {
    let least = a.1.min(b.1);
    let at =
        |v: &(BigInt, i64)| &v.0 * BigInt::from(10).pow(u32::try_from(v.1 - least).expect("small"));
    at(a) == at(b)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn c6_a_number_is_read_exactly_or_not_at_all(
        text in "-?(0|[1-9][0-9]{0,34})(\\.[0-9]{1,34})?([eE][+-]?[0-9]{1,2})?"
    ) {
        if let Some(read) = decimal::parse(&text) {
            let read = (BigInt::from(read.mantissa()), -i64::from(read.scale()));
            prop_assert!(equal(&read, &exactly(&text)), "{text} was read as {read:?}");
        }
    }

    #[test]
    fn c6_a_number_of_a_chart_is_read_exactly(
        text in "-?(0|[1-9][0-9]{0,7})(\\.[0-9]{1,12})?(e[+-]?[0-3])?"
    ) {
        let (digits, power) = exactly(&text);
        // Below 10^-12 is no value of a chart.
        let tiny = decimal::parse(&text).is_none() && power < -12;
        prop_assume!(!tiny);
        let read = decimal::parse(&text);
        prop_assert!(read.is_some(), "{text} was not read");
        let read: Decimal = read.unwrap_or_default();
        let read = (BigInt::from(read.mantissa()), -i64::from(read.scale()));
        prop_assert!(equal(&read, &(digits, power)), "{text} was read as {read:?}");
    }
}

#[test]
fn c6_what_binary_fractions_cannot_tell_apart_is_on_the_right_side_of_a_limit() {
    let app = App::start();
    // The label lowers the dose at a clearance of 50 mL/min or less.
    for (value, fires) in [
        ("50", true),
        ("50.0", true),
        ("5e1", true),
        ("49.99999999999999999999", true),
        ("50.00000000000000000001", false),
        ("51", false),
    ] {
        let mut request = good();
        let labs = &mut request["prefetch"]["labs"]["entry"][0]["resource"];
        labs["code"]["coding"][0]["code"] = json!("2164-2");
        labs["valueQuantity"] = json!({
            "value": "VALUE", "unit": "mL/min", "system": "http://unitsofmeasure.org", "code": "mL/min"
        });
        let text = request.to_string().replace("\"VALUE\"", value);
        let answer: Value =
            serde_json::from_str(&app.post(SIGN, text).text().expect("text")).expect("JSON");
        let renal = findings(&answer).iter().any(|f| f["rule"] == "tofacitinib.renal.rheum.us");
        assert_eq!(renal, fires, "{value}: {answer}");
    }
}

#[test]
fn c6_a_number_that_no_chart_can_mean_is_not_used_and_breaks_nothing() {
    let app = App::start();
    for value in ["1e999", "-1e999", "1e-999", "123456789012345678901234567890", "-0", "-0.0e-7"] {
        let text = good().to_string();
        let changed = text.replacen("\"value\":1.6", &format!("\"value\":{value}"), 1);
        assert_ne!(changed, text);
        let answer = app.post(SIGN, changed);
        assert_eq!(answer.status(), 200, "{value}");
        let answer: Value = serde_json::from_str(&answer.text().expect("text")).expect("JSON");
        let computed = answer.to_string().contains("Renal function: Cockcroft");
        assert!(!computed, "{value}: a clearance was computed of it: {answer}");
    }
    for value in ["NaN", "Infinity", "-", "01", "1.", ".5", "0x1", "1e", "+1"] {
        let text = good().to_string();
        let changed = text.replacen("\"value\":1.6", &format!("\"value\":{value}"), 1);
        assert_eq!(app.refused(SIGN, changed).0, 400, "{value}");
    }
}

#[test]
fn c7_bytes_that_are_no_text_are_refused_and_marks_that_nobody_sees_do_not_come_back() {
    let app = App::start();
    let text = good().to_string();
    let name = "tofacitinib 5 MG Oral Tablet";
    let with = |bytes: &[u8]| {
        let at = text.find(name).expect("the name");
        [&text.as_bytes()[..at], bytes, &text.as_bytes()[at..]].concat()
    };
    for (what, bytes) in [
        ("a lone continuation", &b"\x80"[..]),
        ("an overlong slash", b"\xc0\xaf"),
        ("half a character", b"\xe2\x82"),
        ("a surrogate in UTF-8", b"\xed\xa0\x80"),
        ("above the last character", b"\xf4\x90\x80\x80"),
        ("Latin-1", b"\xe9"),
        ("NUL", b"\0"),
        ("a control character", b"\x1b[31m"),
        ("a line break", b"\n"),
    ] {
        let (status, says) = app.refused(SIGN, with(bytes));
        assert_eq!(status, 400, "{what}: {says}");
    }
    let marked = [&b"\xef\xbb\xbf"[..], text.as_bytes()].concat();
    assert_eq!(app.refused(SIGN, marked).0, 400, "a byte order mark");
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(app.refused(SIGN, wide).0, 400, "UTF-16");
    // What JSON allows is read, and what would turn a line round or hide in it is not written again.
    for hidden in ["\u{202e}", "\u{2066}", "\u{200b}", "\u{feff}", "\\u202e", "\\u0000", "\\u001b"]
    {
        let answer = app.post(SIGN, with(hidden.as_bytes()));
        assert_eq!(answer.status(), 200, "{hidden:?}");
        let answer = answer.text().expect("text");
        let unseen = |c: char| {
            c.is_control()
                || ('\u{200b}'..='\u{200f}').contains(&c)
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c)
                || c == '\u{feff}'
        };
        let cards: Value = serde_json::from_str(&answer).expect("JSON");
        let mut texts = Vec::new();
        strings(&cards["cards"], &mut texts);
        assert!(texts.iter().any(|text| text.contains("ofacitinib")), "{answer}");
        for text in texts {
            let found = text.chars().find(|c| unseen(*c) && *c != '\n');
            assert_eq!(found, None, "{hidden:?} came back in {text:?}");
        }
    }
}

fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        // A changed draft is the EHR's own text.
        Value::Object(members) => {
            let ours = members.iter().filter(|(name, _)| *name != "resource");
            ours.for_each(|(_, item)| strings(item, found));
        }
        _ => {}
    }
}

#[test]
fn c7_ten_megabytes_in_one_string_are_read_over() {
    let app = App::start();
    for text in ["x".repeat(10_000_000), "\\u0041".repeat(1_500_000), "\\\\".repeat(5_000_000)] {
        let mut request = good();
        request["prefetch"]["conditions"]["entry"][0]["resource"]["code"]["text"] = json!("LONG");
        let request = request.to_string().replacen("LONG", &text, 1);
        let answer = app.post(SIGN, request);
        assert_eq!(answer.status(), 200);
        assert!(answer.text().expect("text").len() < 200_000, "the string came back");
    }
}

#[test]
fn c8_resources_that_refer_to_one_another_end() {
    let app = App::start();
    let rings: Vec<(&str, Value)> = vec![
        (
            "contained, itself",
            json!([{"resourceType": "Medication", "id": "a",
            "ingredient": [{"itemReference": {"reference": "#a"}}]}]),
        ),
        (
            "contained, one another",
            json!([
            {"resourceType": "Medication", "id": "a",
             "ingredient": [{"itemReference": {"reference": "#b"}}]},
            {"resourceType": "Medication", "id": "b",
             "ingredient": [{"itemReference": {"reference": "#a"}}]}]),
        ),
        (
            "the order itself",
            json!([{"resourceType": "MedicationRequest", "id": "a",
            "medicationReference": {"reference": "#a"}}]),
        ),
    ];
    for (what, contained) in rings {
        let mut request = good();
        let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
        let members = order.as_object_mut().expect("an object");
        members.remove("medicationCodeableConcept");
        members.insert("medicationReference".into(), json!({"reference": "#a"}));
        members.insert("contained".into(), contained);
        let status = app.post(SIGN, request.to_string()).status().as_u16();
        assert!([200, 412].contains(&status), "{what}: {status}");
    }
    // A Bundle in a Bundle, and an order that its own reason refers to.
    let mut request = good();
    let mut bundle = json!({"resourceType": "Bundle", "entry": []});
    for _ in 0..12 {
        bundle = json!({"resourceType": "Bundle", "entry": [{"resource": bundle}]});
    }
    request["prefetch"]["conditions"] = bundle;
    let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
    order["basedOn"] = json!([{"reference": "MedicationRequest/order-1"}]);
    order["reasonReference"] = json!([{"reference": "MedicationRequest/order-1"}]);
    assert_eq!(app.post(SIGN, request.to_string()).status(), 200);
    still_answers(&app);
}

#[test]
fn c8_medications_on_a_server_that_refer_to_one_another_are_each_asked_once_at_most() {
    let ehr = FakeEhr::start(|path| {
        let other = if path.contains("Medication/a") { "b" } else { "a" };
        let own = if other == "a" { "b" } else { "a" };
        Reply::Json(json!({"resourceType": "Medication", "id": own,
            "ingredient": [{"itemReference": {"reference": format!("Medication/{other}")}}]}))
    });
    let app = App::start();
    let mut request = good();
    let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
    let members = order.as_object_mut().expect("an object");
    members.remove("medicationCodeableConcept");
    members.insert("medicationReference".into(), json!({"reference": "Medication/a"}));
    request["fhirServer"] = json!(ehr.base());
    let status = app.post(SIGN, request.to_string()).status().as_u16();
    assert!([200, 412].contains(&status), "{status}");
    let asked = ehr.asked();
    for name in ["Medication/a", "Medication/b"] {
        let times = asked.iter().filter(|question| question.path.contains(name)).count();
        assert!(times <= 1, "{name} was asked {times} times");
    }
}

#[test]
fn e1_a_panic_in_a_rule_ends_its_request_and_nothing_else() {
    // A limit that no label has: its product with the times a day does not fit a decimal, and the
    // rule that multiplies them panics.
    let app = App::knowing(Config::default(), |knowledge| {
        let drug = knowledge.drugs.iter_mut().find(|d| d.ingredient.as_str() == "tofacitinib");
        let rows = &mut drug.expect("the drug").max_dose;
        let row = rows.iter_mut().find(|r| r.id.get_ref() == "tofacitinib.max-dose.arthritis.us");
        row.expect("the row").limit.as_mut().expect("a limit").mg =
            Some(decimal::Number(Decimal::MAX));
    });
    let panics = || {
        let metrics = app.get("/metrics").text().expect("text");
        let line = metrics.lines().find(|line| line.starts_with("jakcard_panics_total"));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0_u64)
    };
    let other = fixture(SIGN, "topical-ruxolitinib").to_string();
    let before = panics();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let (status, says) = app.refused(SIGN, good().to_string());
                    assert_eq!((status, &*says), (500, "the request could not be evaluated"));
                }
            });
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(app.post(SIGN, other.clone()).status(), 200);
                }
            });
        }
    });
    assert!(panics() >= before + 40);
    assert_eq!(app.get("/healthz").status(), 200);
}

#[test]
fn e1_a_panic_tells_its_place_and_nothing_of_the_request() {
    // The same in the program itself, by knowledge of a folder.
    let folder = std::env::temp_dir().join(format!("jakcard-{}", crate::support::issuer::uuid()));
    for (path, bytes) in jakcard::knowledge::embedded::embedded() {
        let file = folder.join(&path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        let text = String::from_utf8(bytes).expect("text");
        let text = match &*path {
            "drugs/tofacitinib.toml" => text.replace(
                "limit         = { mg = 5, times_per_day = 2 }",
                "limit         = { mg = 1e20, times_per_day = 1e20 }",
            ),
            _ => text,
        };
        std::fs::write(file, text).expect("written");
    }
    let process = Process::with("", &["--hooks", folder.to_str().expect("a path")]);
    let client = reqwest::blocking::Client::builder().no_proxy().build().expect("a client");
    let url = format!("{}/cds-services/{SIGN}", process.url);
    let send = |body: String| {
        let request = client.post(&url).header("content-type", "application/json");
        request.body(body).send().expect("an answer")
    };
    assert_eq!(outcome(send(good().to_string())).0, 500);
    assert_eq!(send(fixture(SIGN, "topical-ruxolitinib").to_string()).status(), 200);
    let log = process.log();
    let line = log.lines().find(|line| line.contains("\"a panic\"")).expect("a line of the log");
    assert!(line.contains("\"place\":"), "{line}");
    for text in ["pat-1", "overflow", "panicked"] {
        assert!(!log.contains(text), "{log}");
    }
}
