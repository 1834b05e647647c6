//! Charts as they are written: what a prescriber would be sorry to see overlooked.

use crate::app::{App, SIGN, VIEW, findings, fixture, topic};
use serde_json::{Value, json};

fn bundle(entries: Vec<Value>) -> Value {
    let entries: Vec<Value> = entries.into_iter().map(|r| json!({"resource": r})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries})
}

fn entry(id: &str, name: &str) -> Value {
    json!({
        "resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
        "subject": {"reference": "Patient/pat-1"}, "authoredOn": "2026-11-01",
        "medicationCodeableConcept": {"text": name},
    })
}

fn answer(app: &App, change: impl Fn(&mut Value)) -> Value {
    let mut request = fixture(SIGN, "fully-screened-and-healthy");
    change(&mut request);
    app.cards(SIGN, &request)
}

/// The indicator of a topic's loudest finding.
fn loud(answer: &Value, word: &str) -> Option<String> {
    let levels: Vec<&str> =
        topic(answer, word).iter().map(|f| f["indicator"].as_str().expect("a word")).collect();
    let hit = ["critical", "warning", "info"].into_iter().find(|w| levels.contains(w));
    hit.map(str::to_owned)
}

fn observation(id: &str, code: &str, date: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final", "effectiveDateTime": date,
        "subject": {"reference": "Patient/pat-1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
    })
}

fn add(request: &mut Value, key: &str, resource: Value) {
    let entries = request["prefetch"][key]["entry"].as_array_mut().expect("entries");
    entries.push(json!({"resource": resource}));
}

#[test]
fn a_sig_that_names_the_skin_does_not_make_a_tablet_a_cream() {
    let app = App::start();
    let interacts = |name: &str, sig: &str| {
        let answer = answer(&app, |request| {
            let mut medicine = entry("other", name);
            medicine["dosageInstruction"] = json!([{"text": sig}]);
            request["prefetch"]["medications"] = bundle(vec![medicine]);
        });
        loud(&answer, "interaction").is_some_and(|l| l != "info")
    };
    assert!(interacts(
        "clarithromycin 500 mg oral tablet",
        "1 tablet twice daily for skin infection"
    ));
    assert!(interacts("clarithromycin", "5 mL via G-tube twice daily"));
    assert!(interacts("azathioprine 50 mg tablet", "1 daily. Protect your skin from the sun"));
    assert!(interacts("cyclosporine 100 mg soft gel capsule", "1 capsule by mouth twice daily"));
    assert!(!interacts("ketoconazole 2 %", "apply to the skin twice daily"));
}

#[test]
fn a_list_with_an_entry_that_nobody_can_read_is_not_a_whole_list() {
    let app = App::start();
    let answer = answer(&app, |request| {
        let mut medicine = entry("other", "");
        medicine.as_object_mut().expect("entry").shift_remove("medicationCodeableConcept");
        medicine["medicationReference"] = json!({"reference": "Medication/not-sent"});
        request["prefetch"]["medications"] = bundle(vec![medicine]);
    });
    let unchecked =
        answer["extension"]["org.jakcard.evaluation"]["orders"][0]["notChecked"].to_string();
    assert!(unchecked.contains("told only by a resource that was not sent"), "{unchecked}");
}

#[test]
fn home_medicines_and_entries_of_unknown_status_are_feared_and_do_not_calm() {
    let app = App::start();
    let with = |change: &dyn Fn(&mut Value)| {
        let answer = answer(&app, |request| {
            let mut medicine = entry("other", "ketoconazole 200 mg tablet");
            change(&mut medicine);
            request["prefetch"]["medications"] = bundle(vec![medicine]);
        });
        loud(&answer, "interaction")
    };
    assert_eq!(with(&|m| m["intent"] = json!("plan")).as_deref(), Some("warning"));
    assert_eq!(with(&|m| m["status"] = json!("unknown")).as_deref(), Some("warning"));
    assert_eq!(with(&|m| m["intent"] = json!("proposal")), None);
    // An ended course, and one that goes on after a first dose of one day.
    let one_day = json!({"timing": {"repeat": {"boundsDuration": {"value": 1, "unit": "d"}}}});
    assert_eq!(with(&|m| m["dosageInstruction"] = json!([one_day])), None);
    let goes_on = json!([one_day, {"text": "200 mg daily"}]);
    assert_eq!(with(&|m| m["dosageInstruction"] = goes_on.clone()).as_deref(), Some("warning"));
}

#[test]
fn a_pregnancy_in_words_in_a_boolean_and_in_somebody_registered_as_a_man_is_seen() {
    let app = App::start();
    let with = |gender: &str, value: (&str, Value)| {
        let answer = answer(&app, |request| {
            request["prefetch"]["patient"]["gender"] = json!(gender);
            request["prefetch"]["patient"]["birthDate"] = json!("1990-01-01");
            let mut status = observation("status", "82810-3", "2026-11-10");
            status[value.0] = value.1.clone();
            add(request, "vitals", status);
        });
        loud(&answer, "pregnancy")
    };
    assert_eq!(with("female", ("valueString", json!("Pregnant"))).as_deref(), Some("critical"));
    assert_eq!(with("female", ("valueBoolean", json!(true))).as_deref(), Some("critical"));
    assert_eq!(with("male", ("valueString", json!("pregnant"))).as_deref(), Some("critical"));
    assert_eq!(with("female", ("valueString", json!("not pregnant"))), None);
}

#[test]
fn only_a_later_test_takes_a_pregnancy_back() {
    let app = App::start();
    let pregnant = |recorded: &str, negative: &str| {
        let answer = answer(&app, |request| {
            request["prefetch"]["patient"]["gender"] = json!("female");
            request["prefetch"]["patient"]["birthDate"] = json!("1990-01-01");
            request["prefetch"]["conditions"] = bundle(vec![json!({
                "resourceType": "Condition", "id": "p", "subject": {"reference": "Patient/pat-1"},
                "clinicalStatus": {"coding": [{"code": "active"}]},
                "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "Z33.1"}]},
                "onsetDateTime": "2026-10-20", "recordedDate": recorded,
            })]);
            let mut test = observation("hcg", "2118-8", negative);
            test["valueString"] = json!("Negative");
            add(request, "labs", test);
        });
        loud(&answer, "pregnancy").as_deref() == Some("critical")
    };
    assert!(pregnant("2026-11-20", "2026-10-28"), "tested before it was recorded");
    assert!(pregnant("2026-11", "2026-11-02"), "nobody knows which came first");
    assert!(!pregnant("2026-11-01", "2026-11-15"));
}

#[test]
fn every_spelling_of_child_pugh_is_read_and_one_that_cannot_be_is_no_class_a() {
    let app = App::start();
    let hepatic = |text: &str| {
        let mut request = fixture(SIGN, "cirrhosis-added-up");
        let cirrhosis = &mut request["prefetch"]["conditions"]["entry"][0]["resource"];
        cirrhosis["code"]["text"] = json!(text);
        loud(&app.cards(SIGN, &request), "hepatic")
    };
    for text in ["Cirrhosis, Child–Pugh class C", "Cirrhosis (CTP class C)", "Child-Pugh C11"] {
        assert_eq!(hepatic(text).as_deref(), Some("critical"), "{text}");
    }
    assert_eq!(hepatic("Cirrhosis, Child-Pugh to be scored").as_deref(), Some("warning"));
}

#[test]
fn renewals_are_one_course_and_an_ended_one_is_none() {
    let app = App::start();
    let due = |entries: Vec<Value>| {
        let mut request = fixture(VIEW, "checks-are-due");
        request["prefetch"]["medications"] = bundle(entries);
        !app.cards(VIEW, &request)["cards"].as_array().expect("cards").is_empty()
    };
    let tofacitinib = |id: &str, start: &str, status: &str| {
        let mut medicine = entry(id, "tofacitinib 5 mg tablet");
        medicine["authoredOn"] = json!(start);
        medicine["status"] = json!(status);
        medicine
    };
    let renewed = tofacitinib("new", "2026-11-15", "active");
    assert!(!due(vec![renewed.clone()]), "a start of last week");
    assert!(due(vec![tofacitinib("old", "2026-02-01", "completed"), renewed]), "a renewal");
}

#[test]
fn a_live_vaccine_without_a_date_cannot_be_told_and_two_values_of_one_day_neither() {
    let app = App::start();
    let vaccine = answer(&app, |request| {
        add(
            request,
            "immunizations",
            json!({
                "resourceType": "Immunization", "id": "v", "status": "completed",
                "patient": {"reference": "Patient/pat-1"},
                "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "21"}]},
            }),
        );
    });
    assert_eq!(loud(&vaccine, "live-vaccine").as_deref(), Some("warning"));
    for ids in [["a", "b"], ["b", "a"]] {
        let counts = answer(&app, |request| {
            for (id, value) in ids.iter().zip([12.0, 8.0]) {
                let mut hemoglobin = observation(id, "718-7", "2026-11-20");
                hemoglobin["valueQuantity"] = json!({"value": value, "unit": "g/dL"});
                add(request, "labs", hemoglobin);
            }
        });
        assert_eq!(loud(&counts, "cytopenia").as_deref(), Some("warning"), "{ids:?}");
    }
}

#[test]
fn a_number_that_nobody_can_have_is_not_believed_and_units_are_read_as_they_are_typed() {
    let app = App::start();
    let with = |code: &str, value: f64, unit: &str| {
        let answer = answer(&app, |request| {
            let mut result = observation("odd", code, "2026-11-20");
            result["valueQuantity"] = json!({"value": value, "unit": unit});
            add(request, "labs", result);
        });
        loud(&answer, "cytopenia")
    };
    assert_eq!(with("718-7", 85.0, "g/dL").as_deref(), Some("warning"), "85 g/L written wrongly");
    for unit in ["x10^9/L", "10³/µL", "x10*3/uL", "10*9/L"] {
        assert_eq!(with("731-0", 0.4, unit).as_deref(), Some("critical"), "{unit}");
    }
    assert_eq!(with("731-0", 1.4, "10³/µL"), None);
}

#[test]
fn no_dose_is_offered_beside_what_stops_the_drug_or_in_words_that_would_contradict_it() {
    let app = App::start();
    let updates = |change: &dyn Fn(&mut Value)| {
        let mut request = fixture(SIGN, "strong-inhibitor-on-the-list");
        change(&mut request);
        let answer = app.cards(SIGN, &request);
        let cards = answer["cards"].as_array().expect("cards").clone();
        let suggestions =
            cards.iter().flat_map(|c| c["suggestions"].as_array().cloned().unwrap_or_default());
        suggestions.filter(|s| s["actions"][0]["type"] == "update").count()
    };
    let sig = |text: &'static str| {
        move |request: &mut Value| {
            let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
            order["dosageInstruction"] = json!([{"text": text}]);
        }
    };
    assert_eq!(updates(&sig("5 mg twice daily")), 1);
    for text in [
        "Take 1 tablet (5 mg) twice daily, morning and evening",
        "5 mg twice daily (8 am and 8 pm)",
        "1 tablet (5 mg) BID for 30 days (60 tablets)",
    ] {
        assert_eq!(updates(&sig(text)), 0, "{text}");
    }
    assert_eq!(
        updates(&|request| {
            let infarction = json!({"resourceType": "Condition", "id": "mi",
            "subject": {"reference": "Patient/pat-1"}, "clinicalStatus": {"coding": [{"code": "active"}]},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I21.4"}]}});
            add(request, "conditions", infarction);
        }),
        0
    );
    // Unknown kidneys are no reason for another dose.
    let unknown = answer(&app, |request| {
        let labs = request["prefetch"]["labs"]["entry"].as_array_mut().expect("labs");
        labs.retain(|e| e["resource"]["code"]["coding"][0]["code"] != "2160-0");
    });
    assert!(!unknown.to_string().contains("\"type\":\"update\""));
}

#[test]
fn hundreds_of_drafts_beside_one_drug_stay_small() {
    let app = App::start();
    let mut request = fixture(SIGN, "other-direction-strong-inhibitor");
    let entries: Vec<Value> = (0..400)
        .map(|i| {
            let mut draft = entry(&format!("d{i}"), "ketoconazole 200 mg tablet");
            draft["status"] = json!("draft");
            json!({"resource": draft})
        })
        .collect();
    request["context"]["draftOrders"]["entry"] = json!(entries);
    let answer = app.cards(SIGN, &request);
    assert_eq!(answer["cards"].as_array().expect("cards").len(), 50);
    assert!(answer.to_string().len() < 1_000_000, "{}", answer.to_string().len());
    assert!(answer.to_string().contains("further orders of this call: 350"));
    assert!(findings(&answer).iter().all(|f| f["basis"].as_array().is_none_or(|b| b.len() < 5)));
}
