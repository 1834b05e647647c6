//! Reading the chart from the EHR's own FHIR server.

use crate::app::{App, SIGN, VIEW, evaluation, findings, fixture};
use crate::support::fake_ehr::{FakeEhr, Reply, held};
use jakcard::config::Fetch;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const KEYS: [&str; 8] = [
    "patient",
    "conditions",
    "infection-tests",
    "labs",
    "vitals",
    "genotypes",
    "medications",
    "immunizations",
];

/// A request that names the server and brings a token, without these keys.
fn without(request: &Value, keys: &[&str], ehr: &FakeEhr) -> Value {
    let mut request = request.clone();
    let prefetch = request["prefetch"].as_object_mut().expect("prefetch");
    for key in keys {
        prefetch.shift_remove(*key);
    }
    request["fhirServer"] = json!(ehr.base());
    request["fhirAuthorization"] = json!({
        "access_token": "token-of-this-call", "token_type": "Bearer", "expires_in": 300,
        "scope": "patient/*.read", "subject": "jakcard",
    });
    request
}

fn texts(answer: &Value) -> Vec<String> {
    findings(answer).iter().map(|f| format!("{} {}", f["rule"], f["text"])).collect()
}

/// Reasons of what was not checked.
fn reasons(answer: &Value) -> String {
    evaluation(answer)["notChecked"].to_string()
}

#[test]
fn the_same_patient_is_answered_alike_from_prefetch_from_fetching_and_from_any_mix() {
    let app = App::start();
    for case in ["pregnant-anaemic-and-on-another", "fully-screened-and-healthy"] {
        let whole = fixture(SIGN, case);
        let expected = texts(&app.cards(SIGN, &whole));
        let ehr = FakeEhr::holding(&whole["prefetch"]);
        for subset in 0..1u32 << KEYS.len() {
            let chosen = KEYS.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1);
            let missing: Vec<&str> = chosen.map(|(_, key)| *key).collect();
            let answer = app.cards(SIGN, &without(&whole, &missing, &ehr));
            assert_eq!(texts(&answer), expected, "{case}: without {missing:?}");
        }
    }
}

#[test]
fn one_search_for_each_type_of_resource_with_the_token_and_nothing_twice() {
    let app = App::start();
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let ehr = FakeEhr::holding(&whole["prefetch"]);
    app.cards(SIGN, &without(&whole, &KEYS, &ehr));
    let asked = ehr.asked();
    let mut types: Vec<&str> = asked
        .iter()
        .map(|a| a.path.trim_start_matches("/fhir/").split(['?', '/']).next().expect("a type"))
        .collect();
    types.sort_unstable();
    assert_eq!(types, ["Condition", "Immunization", "MedicationRequest", "Observation", "Patient"]);
    for question in &asked {
        assert_eq!(question.authorization.as_deref(), Some("Bearer token-of-this-call"));
        let query = question.path.split_once('?').map_or("", |(_, q)| q);
        let mut names: Vec<&str> = query.split('&').filter_map(|p| p.split('=').next()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "a repeated parameter: {}", question.path);
    }
}

#[test]
fn nothing_is_asked_when_no_order_needs_it() {
    let app = App::start();
    let whole = fixture(SIGN, "other-direction-strong-inhibitor");
    let ehr = FakeEhr::holding(&whole["prefetch"]);
    let mut request = without(&whole, &KEYS, &ehr);
    let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
    order["medicationCodeableConcept"] = json!({"text": "amoxicillin 500 mg capsule"});
    assert_eq!(app.cards(SIGN, &request), json!({"cards": []}));
    assert!(ehr.asked().is_empty());
    // A complete prefetch asks nothing either.
    app.cards(SIGN, &without(&fixture(SIGN, "fully-screened-and-healthy"), &[], &ehr));
    assert!(ehr.asked().is_empty());
}

#[test]
fn of_an_order_of_something_else_and_of_an_open_chart_only_the_list_is_asked_first() {
    let app = App::start();
    let whole = fixture(SIGN, "other-direction-strong-inhibitor");
    let mut nobody = whole["prefetch"].clone();
    nobody["medications"]["entry"] = json!([]);
    let list_only = |request: &Value, service: &str| {
        let ehr = FakeEhr::holding(&nobody);
        assert_eq!(app.cards(service, &without(request, &KEYS, &ehr)), json!({"cards": []}));
        // Beside the release, which an open chart does not tell and which is asked once.
        let mut asked = ehr.asked();
        asked.retain(|question| question.path != "/fhir/metadata");
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!(asked[0].path.contains("/MedicationRequest?"), "{asked:?}");
    };
    list_only(&whole, SIGN);
    list_only(&fixture(VIEW, "checks-are-due"), VIEW);
    // Somebody who takes one is looked at whole.
    let ehr = FakeEhr::holding(&whole["prefetch"]);
    let answer = app.cards(SIGN, &without(&whole, &KEYS, &ehr));
    assert_eq!(answer["cards"][0]["indicator"], "warning");
    assert_eq!(ehr.asked().len(), 5);
}

#[test]
fn a_drug_that_is_only_referenced_is_read_from_the_same_server_and_from_no_other() {
    let app = App::start();
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let prefetch = whole["prefetch"].clone();
    let medication = json!({"resourceType": "Medication", "id": "m1", "code": {"text": "tofacitinib 5 mg tablet"}});
    let ehr = FakeEhr::start(move |path| match path {
        "/fhir/Medication/m1" => Reply::Json(medication.clone()),
        path => held(&prefetch, path),
    });
    let elsewhere = FakeEhr::start(|_| Reply::Json(json!({})));
    let status = |reference: String| {
        let mut request = without(&whole, &KEYS, &ehr);
        let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
        order.as_object_mut().expect("order").shift_remove("medicationCodeableConcept");
        order["medicationReference"] = json!({"reference": reference});
        app.post(SIGN, request.to_string()).status().as_u16()
    };
    assert_eq!(status("Medication/m1".into()), 200);
    assert_eq!(status(format!("{}/Medication/m1", ehr.base())), 200);
    assert_eq!(status(format!("{}/Medication/m1", elsewhere.base())), 412);
    assert_eq!(status("Medication/unknown".into()), 412);
    // Where its name is told beside the reference, that stands in for it, weakly.
    let mut request = without(&whole, &KEYS, &ehr);
    let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
    order.as_object_mut().expect("order").shift_remove("medicationCodeableConcept");
    order["medicationReference"] =
        json!({"reference": "Medication/unknown", "display": "TOFACITINIB 5 MG PO TABS"});
    let answer = app.cards(SIGN, &request);
    assert_eq!(evaluation(&answer)["identifiedBy"], "text", "{answer}");
    assert!(elsewhere.asked().is_empty(), "another host is never asked");
}

#[test]
fn medications_of_the_list_are_read_each_once_and_bounded() {
    let app = App::fetching(Fetch { deadline_ms: 20_000, ..Fetch::default() });
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let mut prefetch = whole["prefetch"].clone();
    let entry = |i: usize, medication: usize| {
        json!({"resource": {"resourceType": "MedicationRequest", "id": format!("r{i}"), "status": "active",
            "intent": "order", "subject": {"reference": "Patient/pat-1"},
            "medicationReference": {"reference": format!("Medication/m{medication}")}}})
    };
    let serve = move |prefetch: Value| {
        FakeEhr::start(move |path| match path.strip_prefix("/fhir/Medication/m") {
            Some(id) => Reply::Later(
                Duration::from_millis(20),
                Box::new(Reply::Json(json!({
                    "resourceType": "Medication", "id": format!("m{id}"),
                    "code": {"text": if id == "3" { "clarithromycin 500 mg tablet" } else { "paracetamol" }},
                }))),
            ),
            None => held(&prefetch, path),
        })
    };
    prefetch["medications"]["entry"] = (0..30).map(|i| entry(i, i % 5)).collect();
    let ehr = serve(prefetch.clone());
    let answer = app.cards(SIGN, &without(&whole, &["medications"], &ehr));
    assert!(texts(&answer).iter().any(|t| t.contains("Clarithromycin")), "{:?}", texts(&answer));
    assert_eq!(ehr.asked().len(), 6, "the list, and five Medications once each");
    assert!(ehr.most_at_once() > 1, "they are asked at once");
    prefetch["medications"]["entry"] = (0..200).map(|i| entry(i, i)).collect();
    let ehr = serve(prefetch);
    app.cards(SIGN, &without(&whole, &["medications"], &ehr));
    assert!(ehr.asked().len() <= 32, "{} questions in one call", ehr.asked().len());
    assert!(ehr.most_at_once() <= 8, "{} at once", ehr.most_at_once());
}

#[test]
fn pages_are_followed_below_the_base_and_a_cap_means_incomplete_and_not_none() {
    let app = App::start();
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let observations = Arc::new(match held(&whole["prefetch"], "/fhir/Observation?code=") {
        Reply::Json(_) => whole["prefetch"].clone(),
        _ => unreachable!(),
    });
    let paged = move |next: &'static str| {
        let prefetch = observations.clone();
        FakeEhr::start(move |path| {
            if !path.starts_with("/fhir/Observation") {
                return held(&prefetch, path);
            }
            let Reply::Json(all) = held(&prefetch, "/fhir/Observation?") else { unreachable!() };
            let entries = all["entry"].as_array().expect("entries");
            let page: usize = path
                .split("page=")
                .nth(1)
                .and_then(|p| p.split('&').next()?.parse().ok())
                .unwrap_or(0);
            let mut bundle = json!({"resourceType": "Bundle", "type": "searchset",
                "total": entries.len(), "entry": entries.iter().skip(page * 4).take(4).collect::<Vec<_>>()});
            if next == "endless" && page < 15 {
                bundle["entry"] = json!([]); // what is there comes behind the cap
            }
            let url = match next {
                "sound" if (page + 1) * 4 < entries.len() => {
                    Some(format!("Observation?page={}", page + 1))
                }
                "sound" => None,
                "circle" => Some("Observation?page=0".to_owned()),
                "endless" => Some(format!("Observation?page={}", page + 1)),
                other => Some(other.to_owned()),
            };
            if let Some(url) = url {
                bundle["link"] = json!([{"relation": "next", "url": url}]);
            }
            Reply::Json(bundle)
        })
    };
    let expected = texts(&app.cards(SIGN, &whole));
    let missing = ["infection-tests", "labs", "vitals"];
    let sound = paged("sound");
    assert_eq!(texts(&app.cards(SIGN, &without(&whole, &missing, &sound))), expected);
    for (next, why) in [
        ("circle", "round in a circle"),
        ("endless", "more pages than are read"),
        ("http://127.0.0.1:1/fhir/Observation?page=1", "on another server"),
        ("/admin", "on another server"),
    ] {
        let ehr = paged(next);
        let answer = app.cards(SIGN, &without(&whole, &missing, &ehr));
        let unchecked = reasons(&answer) + &texts(&answer).join(" ");
        assert!(unchecked.contains(why), "{next}: {unchecked}");
        assert!(ehr.asked().len() <= 10, "{next}");
    }
}

#[test]
fn every_fault_is_not_checked_with_its_reason_and_the_answer_comes_in_time() {
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    type Fault = fn() -> Reply;
    let faults: [(&str, Fault, &str); 16] = [
        ("401", || Reply::Raw(401, vec![], vec![]), "(401)"),
        ("403", || Reply::Raw(403, vec![], vec![]), "(403)"),
        ("404", || Reply::Raw(404, vec![], vec![]), "(404)"),
        ("410", || Reply::Raw(410, vec![], vec![]), "(404)"),
        ("429", || Reply::Raw(429, vec![("retry-after", "60".into())], vec![]), "(429)"),
        ("500", || Reply::Raw(500, vec![], vec![]), "(5xx)"),
        ("503", || Reply::Raw(503, vec![], vec![]), "(5xx)"),
        (
            "redirect",
            || Reply::Raw(302, vec![("location", "http://127.0.0.1:1/".into())], vec![]),
            "elsewhere",
        ),
        (
            "HTML with 200",
            || Reply::Raw(200, vec![("content-type", "text/html".into())], b"<html/>".to_vec()),
            "no FHIR",
        ),
        (
            "empty",
            || Reply::Raw(200, vec![("content-type", "application/json".into())], vec![]),
            "no FHIR",
        ),
        (
            "not JSON",
            || {
                Reply::Raw(
                    200,
                    vec![("content-type", "application/json".into())],
                    b"{\"a\":".to_vec(),
                )
            },
            "no FHIR",
        ),
        (
            "gzip",
            || {
                Reply::Raw(
                    200,
                    vec![
                        ("content-type", "application/json".into()),
                        ("content-encoding", "gzip".into()),
                    ],
                    vec![31, 139],
                )
            },
            "compressed",
        ),
        ("truncated", || Reply::Truncated(b"{\"resourceType\":".to_vec()), "broke off"),
        ("slow drip", || Reply::Drip, "time was up"),
        ("never", || Reply::Later(Duration::from_secs(5), Box::new(Reply::Reset)), "time was up"),
        ("reset", || Reply::Reset, "could not be reached"),
    ];
    for (name, fault, why) in faults {
        // A breaker of its own for every fault.
        let app = App::fetching(Fetch { deadline_ms: 600, ..Fetch::default() });
        let prefetch = whole["prefetch"].clone();
        let ehr = FakeEhr::start(move |path| match path.starts_with("/fhir/Observation") {
            true => fault(),
            false => held(&prefetch, path),
        });
        let started = std::time::Instant::now();
        let missing = ["infection-tests", "conditions", "immunizations"];
        let answer = app.cards(SIGN, &without(&whole, &missing, &ehr));
        let took = started.elapsed();
        assert!(took < Duration::from_secs(3), "{name}");
        let questions = ehr.asked().len();
        println!("| {name} | not checked: …{why}… | {questions} questions | {took:.0?} |");
        assert!(reasons(&answer).contains(why), "{name}: {}", reasons(&answer));
        assert_eq!(answer["cards"][0]["indicator"], "warning", "{name}: unknown is never normal");
        // What was not at fault was read.
        assert!(!reasons(&answer).contains("problem list"), "{name}: {}", reasons(&answer));
    }
}

#[test]
fn a_server_that_stumbles_once_is_asked_once_more() {
    let app = App::start();
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let prefetch = whole["prefetch"].clone();
    let times = Arc::new(AtomicUsize::new(0));
    let ehr = FakeEhr::start(move |path| {
        match path.starts_with("/fhir/Observation") && times.fetch_add(1, Ordering::SeqCst) == 0 {
            true => Reply::Raw(503, vec![("retry-after", "0".into())], vec![]),
            false => held(&prefetch, path),
        }
    });
    let expected = texts(&app.cards(SIGN, &whole));
    assert_eq!(texts(&app.cards(SIGN, &without(&whole, &["infection-tests"], &ehr))), expected);
    assert_eq!(ehr.asked().len(), 2);
}

#[test]
fn a_server_that_fails_again_and_again_is_left_alone_for_a_while() {
    let app = App::start();
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let ehr = FakeEhr::start(|_| Reply::Raw(500, vec![], vec![]));
    for _ in 0..4 {
        app.cards(SIGN, &without(&whole, &["labs", "conditions"], &ehr));
    }
    let asked = ehr.asked().len();
    let answer = app.cards(SIGN, &without(&whole, &["labs", "conditions"], &ehr));
    assert_eq!(ehr.asked().len(), asked, "the breaker is open");
    assert!(reasons(&answer).contains("not asked for now"), "{}", reasons(&answer));
    // Another server is asked all the same.
    let sound = FakeEhr::holding(&whole["prefetch"]);
    app.cards(SIGN, &without(&whole, &["labs"], &sound));
    assert_eq!(sound.asked().len(), 1);
}

#[test]
fn what_comes_back_of_another_patient_is_not_used() {
    let app = App::start();
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let mut foreign = whole["prefetch"].clone();
    foreign["conditions"] = json!({"resourceType": "Bundle", "entry": [{"resource": {
        "resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/pat-2"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I21.4"}]}}}]});
    foreign["patient"]["id"] = json!("pat-2");
    let ehr = FakeEhr::holding(&foreign);
    let answer = app.cards(SIGN, &without(&whole, &["patient", "conditions"], &ehr));
    assert!(!answer.to_string().contains("myocardial infarction ("), "another's infarction");
    assert!(reasons(&answer).contains("another patient"), "{}", reasons(&answer));
}

#[test]
fn only_this_machine_is_asked_and_never_without_leave() {
    let app = App::start();
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let ehr = FakeEhr::holding(&whole["prefetch"]);
    let with = |server: &str, expires: i64| {
        let mut request = without(&whole, &["labs"], &ehr);
        request["fhirServer"] = json!(server);
        request["fhirAuthorization"]["expires_in"] = json!(expires);
        reasons(&app.cards(SIGN, &request))
    };
    let base = ehr.base();
    assert!(with(&base, 0).contains("expired"));
    for server in [
        "https://ehr.example.org/fhir",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/fhir",
        "https://[::ffff:169.254.169.254]/",
        "http://127.0.0.1.nip.io/fhir",
    ] {
        let why = with(server, 300);
        assert!(why.contains("may be asked") || why.contains("https only"), "{server}: {why}");
    }
    assert!(with(&base.replace("http://", "http://user@"), 300).contains("no base URL"));
    assert!(ehr.asked().is_empty());
    // Sandbox mode: this machine is asked without a token too.
    let mut open = without(&whole, &["labs"], &ehr);
    open.as_object_mut().expect("request").shift_remove("fhirAuthorization");
    app.cards(SIGN, &open);
    assert_eq!(ehr.asked().len(), 1);
    assert_eq!(ehr.asked()[0].authorization, None);
}

#[test]
fn a_medication_of_the_list_is_asked_as_soon_as_the_list_is_there() {
    let app = App::fetching(Fetch { deadline_ms: 20_000, ..Fetch::default() });
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let mut prefetch = whole["prefetch"].clone();
    prefetch["medications"]["entry"] = json!([{"resource": {"resourceType": "MedicationRequest",
        "id": "r1", "status": "active", "intent": "order", "subject": {"reference": "Patient/pat-1"},
        "medicationReference": {"reference": "Medication/m1"}}}]);
    // The observations come only when the Medication was asked for: nobody waits for them first.
    let asked = Arc::new((Mutex::new(false), Condvar::new()));
    let ehr = FakeEhr::start(move |path| {
        let (medication, told) = &*asked;
        if path.starts_with("/fhir/Medication/") {
            *medication.lock().expect("lock") = true;
            told.notify_all();
            let code = json!({"text": "clarithromycin 500 mg tablet"});
            return Reply::Json(json!({"resourceType": "Medication", "id": "m1", "code": code}));
        }
        if path.starts_with("/fhir/Observation") {
            let waiting = medication.lock().expect("lock");
            let patience = Duration::from_secs(10);
            let (was_asked, _) =
                told.wait_timeout_while(waiting, patience, |asked| !*asked).expect("lock");
            if !*was_asked {
                return Reply::Raw(500, vec![], vec![]);
            }
        }
        held(&prefetch, path)
    });
    let answer = app.cards(SIGN, &without(&whole, &KEYS, &ehr));
    assert!(texts(&answer).iter().any(|t| t.contains("Clarithromycin")), "{:?}", texts(&answer));
    assert!(!reasons(&answer).contains("5xx"), "{}", reasons(&answer));
}

#[test]
fn a_search_ends_at_its_entries_and_at_its_bytes_over_all_pages() {
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let page = {
        let entries = whole["prefetch"]["infection-tests"]["entry"].as_array().expect("entries");
        let entry = &entries[0];
        let entries: Vec<Value> = (0..10)
            .map(|i| {
                let mut entry = entry.clone();
                entry["resource"]["id"] = json!(format!("one-of-many-{i}"));
                entry
            })
            .collect();
        json!({"resourceType": "Bundle", "type": "searchset", "entry": entries})
    };
    let pages_read = |fetch: Fetch| {
        let (prefetch, page) = (whole["prefetch"].clone(), page.clone());
        let ehr = FakeEhr::start(move |path| {
            if !path.starts_with("/fhir/Observation") {
                return held(&prefetch, path);
            }
            let number: usize =
                path.split("page=").nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
            let mut page = page.clone();
            let next = format!("Observation?page={}", number + 1);
            page["link"] = json!([{"relation": "next", "url": next}]);
            Reply::Json(page)
        });
        let answer = App::fetching(fetch).cards(SIGN, &without(&whole, &["infection-tests"], &ehr));
        (ehr.asked().len(), texts(&answer).join(" ") + &reasons(&answer))
    };
    let (asked, said) = pages_read(Fetch { entries: 21, ..Fetch::default() });
    assert_eq!(asked, 3, "20 are not enough, 30 are");
    assert!(said.contains("more entries than are read"), "{said}");
    assert_eq!(pages_read(Fetch { entries: 20, ..Fetch::default() }).0, 2);
    let bytes = page.to_string().len();
    let (asked, _) = pages_read(Fetch { answer_bytes: bytes * 3, ..Fetch::default() });
    assert_eq!(asked, 3);
}

#[test]
fn a_patient_under_a_key_of_the_sites_own_is_not_asked_for_again() {
    let app = App::start();
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let ehr = FakeEhr::holding(&whole["prefetch"]);
    let mut request = without(&whole, &["patient", "labs"], &ehr);
    request["prefetch"]["item1"] = whole["prefetch"]["patient"].clone();
    assert_eq!(texts(&app.cards(SIGN, &request)), texts(&app.cards(SIGN, &whole)));
    let asked: Vec<String> = ehr.asked().into_iter().map(|a| a.path).collect();
    assert!(asked.len() == 1 && asked[0].contains("/Observation?"), "{asked:?}");
}

#[test]
fn a_token_that_dies_before_the_deadline_ends_the_questions() {
    let app = App::fetching(Fetch { deadline_ms: 60_000, ..Fetch::default() });
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let ehr = FakeEhr::start(|_| Reply::Later(Duration::from_secs(30), Box::new(Reply::Reset)));
    let mut request = without(&whole, &["labs"], &ehr);
    request["fhirAuthorization"]["expires_in"] = json!(1);
    let started = std::time::Instant::now();
    let answer = app.cards(SIGN, &request);
    assert!(started.elapsed() < Duration::from_secs(20), "the deadline would be 60 s");
    assert!(reasons(&answer).contains("the time was up"), "{}", reasons(&answer));
}

#[test]
fn a_server_that_hangs_holds_up_no_other_call() {
    let app = App::fetching(Fetch { deadline_ms: 5_000, ..Fetch::default() });
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let hanging = FakeEhr::start(|_| Reply::Later(Duration::from_secs(60), Box::new(Reply::Reset)));
    let slow = without(&whole, &KEYS, &hanging);
    let expected = texts(&app.cards(SIGN, &whole));
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..20).map(|_| scope.spawn(|| app.cards(SIGN, &slow))).collect();
        while hanging.asked().len() < 20 {
            std::thread::sleep(Duration::from_millis(5));
        }
        for _ in 0..20 {
            assert_eq!(texts(&app.cards(SIGN, &whole)), expected);
        }
        assert!(waiting.iter().all(|call| !call.is_finished()), "the others are still waiting");
    });
}

#[test]
fn the_release_of_a_server_is_asked_once_and_kept() {
    let app = App::start();
    let whole = fixture(VIEW, "checks-are-due");
    let serve = |version: &'static str| {
        let prefetch = of_2015(&whole["prefetch"]);
        FakeEhr::start(move |path| match path {
            "/fhir/metadata" => Reply::Json(json!({
                "resourceType": "Conformance", "fhirVersion": version,
            })),
            path => held(&prefetch, path),
        })
    };
    let ehr = serve("1.0.2");
    let expected = texts(&app.cards(VIEW, &whole));
    for _ in 0..2 {
        let answer = app.cards(VIEW, &without(&whole, &["medications", "labs"], &ehr));
        assert_eq!(texts(&answer), expected);
    }
    let asked: Vec<String> = ehr.asked().into_iter().map(|a| a.path).collect();
    assert_eq!(asked.iter().filter(|path| *path == "/fhir/metadata").count(), 1, "{asked:?}");
    assert!(!asked.iter().any(|path| path.contains("/MedicationRequest")), "{asked:?}");
    assert!(asked.iter().any(|path| path.contains("_sort:desc=date")), "{asked:?}");
    // Where a resource that was sent tells it, nothing is asked.
    let ehr = serve("1.0.2");
    let mut sent = whole.clone();
    sent["prefetch"] = of_2015(&whole["prefetch"]);
    app.cards(VIEW, &without(&sent, &["labs"], &ehr));
    let asked: Vec<String> = ehr.asked().into_iter().map(|a| a.path).collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("_sort:desc=date"), "{asked:?}");
}

/// The list as DSTU2 has it.
fn of_2015(prefetch: &Value) -> Value {
    let mut prefetch = prefetch.clone();
    for entry in prefetch["medications"]["entry"].as_array_mut().expect("list") {
        let order = entry["resource"].as_object_mut().expect("order");
        order.insert("resourceType".into(), json!("MedicationOrder"));
        let subject = order.shift_remove("subject").expect("subject");
        order.insert("patient".into(), subject);
        let written = order.shift_remove("authoredOn").expect("date");
        order.insert("dateWritten".into(), written);
    }
    prefetch
}

#[test]
fn a_server_of_2015_that_tells_no_release_is_asked_by_its_own_names() {
    let app = App::start();
    let whole = fixture(VIEW, "checks-are-due");
    let prefetch = of_2015(&whole["prefetch"]);
    let ehr = FakeEhr::start(move |path| {
        match path.contains("/MedicationRequest") || path.ends_with("/metadata") {
            true => Reply::Raw(404, vec![], vec![]),
            false => held(&prefetch, path),
        }
    });
    let answer = app.cards(VIEW, &without(&whole, &["medications"], &ehr));
    let expected = texts(&app.cards(VIEW, &whole));
    assert_eq!(texts(&answer), expected);
}
