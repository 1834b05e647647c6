//! What real EHRs send, by the names of the traps: each once, over HTTP.

use crate::app::{App, SELECT, SIGN, evaluation, findings, fixture, topic};
use serde_json::{Value, json};

const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";

fn order(medication: Value) -> Value {
    let mut order = json!({
        "resourceType": "MedicationRequest", "id": "order-1", "status": "draft",
        "subject": {"reference": "Patient/pat-1"},
    });
    for (key, value) in medication.as_object().expect("members") {
        order[key] = value.clone();
    }
    order
}

fn call(orders: Vec<Value>) -> Value {
    let entries: Vec<Value> = orders.into_iter().map(|o| json!({"resource": o})).collect();
    json!({
        "hook": "order-sign", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e9530000",
        "context": {"patientId": "pat-1", "draftOrders": {"resourceType": "Bundle", "entry": entries}},
    })
}

fn coded(system: &str, code: &str) -> Value {
    json!({"medicationCodeableConcept": {"coding": [{"system": system, "code": code}]}})
}

#[test]
fn the_drug_is_recognised_in_every_code_system() {
    let app = App::start();
    for (system, code, drug, by) in [
        (RXNORM, "1357536", "tofacitinib", "rxnorm"),
        (RXNORM, "1357541", "tofacitinib", "rxnorm"),
        (RXNORM, "1741049", "tofacitinib", "rxnorm"),
        (RXNORM, "1741051", "tofacitinib", "rxnorm"),
        ("urn:oid:2.16.840.1.113883.6.88", "2196900", "upadacitinib", "rxnorm"),
        (RXNORM, "2196902", "upadacitinib", "rxnorm"),
        ("http://hl7.org/fhir/sid/ndc", "0069-1001-01", "tofacitinib", "ndc"),
        ("http://hl7.org/fhir/sid/ndc", "00069100101", "tofacitinib", "ndc"),
        ("http://hl7.org/fhir/sid/ndc", "0069100101", "tofacitinib", "ndc"),
        ("http://www.whocc.no/atc", "L04AF02", "baricitinib", "atc"),
        ("http://www.whocc.no/atc", "L04AA37", "baricitinib", "atc"),
        ("http://www.whocc.no/atc", "D11AH08", "abrocitinib", "atc"),
        ("http://www.whocc.no/atc", "D11AH09", "ruxolitinib-cream", "atc"),
        ("http://www.whocc.no/atc", "L01XE18", "ruxolitinib", "atc"),
        (RXNORM, "2743012", "ruxolitinib-xr", "rxnorm"),
    ] {
        let answer = app.cards(SIGN, &call(vec![order(coded(system, code))]));
        assert_eq!(evaluation(&answer)["drug"], drug, "{system} {code}");
        assert_eq!(evaluation(&answer)["identifiedBy"], by, "{system} {code}");
    }
}

#[test]
fn words_identify_weakly_and_the_card_says_so() {
    let app = App::start();
    for text in ["TOFACITINIB 5 MG PO TABS", "Xeljanz", "tofacitinib (XELJANZ) tablet 5 mg"] {
        let medication = json!({"medicationReference": {"display": text}});
        let answer = app.cards(SIGN, &call(vec![order(medication)]));
        assert_eq!(evaluation(&answer)["identifiedBy"], "text", "{text}");
        let detail = answer["cards"][0]["detail"].as_str().expect("detail");
        assert!(detail.contains("recognised by its name only"), "{detail}");
    }
}

#[test]
fn animals_and_unknown_relatives_get_no_card() {
    let app = App::start();
    for text in ["Apoquel 16 mg", "oclacitinib", "ilunocitinib tablet", "povorcitinib 15 mg"] {
        let medication = json!({"medicationCodeableConcept": {"text": text}});
        let answer = app.cards(SIGN, &call(vec![order(medication)]));
        assert_eq!(answer, json!({"cards": []}), "{text}");
    }
}

#[test]
fn tablet_and_cream_of_one_ingredient_are_different_things() {
    let app = App::start();
    let ruxolitinib = |more: Value| {
        let mut medication = coded(RXNORM, "1193326");
        for (key, value) in more.as_object().expect("members") {
            medication[key] = value.clone();
        }
        let answer = app.cards(SIGN, &call(vec![order(medication)]));
        let mut drugs = vec![evaluation(&answer)["drug"].clone()];
        drugs
            .extend(evaluation(&answer)["otherCandidates"].as_array().cloned().unwrap_or_default());
        drugs
    };
    let route = |text: &str| json!({"dosageInstruction": [{"route": {"text": text}}]});
    assert_eq!(ruxolitinib(route("Topical")), ["ruxolitinib-cream"]);
    assert_eq!(ruxolitinib(route("Oral")), ["ruxolitinib", "ruxolitinib-xr"]);
    // Nothing tells: every label speaks.
    assert_eq!(ruxolitinib(json!({})), ["ruxolitinib", "ruxolitinib-xr", "ruxolitinib-cream"]);
    let cream = order(coded(RXNORM, "2570757"));
    let answer = app.cards(SIGN, &call(vec![cream]));
    assert_eq!(topic(&answer, "boxed-warning").len(), 1);
    let tablet = order(coded(RXNORM, "1193339"));
    let answer = app.cards(SIGN, &call(vec![tablet]));
    assert!(topic(&answer, "boxed-warning").is_empty());
}

#[test]
fn codings_that_disagree_show_the_limits_of_each() {
    let app = App::start();
    let answer = app.cards(SIGN, &fixture(SIGN, "codings-disagree"));
    let drugs: Vec<&str> =
        topic(&answer, "renal-dose").iter().filter_map(|f| f["drug"].as_str()).collect();
    assert_eq!(drugs, ["tofacitinib", "baricitinib"]);
    assert!(answer["cards"][0]["detail"].as_str().expect("detail").contains("disagree"));
}

#[test]
fn a_medication_is_found_contained_beside_and_prefetched() {
    let app = App::start();
    let code = json!({"coding": [{"system": RXNORM, "code": "2047241"}]});
    let medication = json!({"resourceType": "Medication", "id": "m1", "code": code});
    let by = |reference: &str| json!({"medicationReference": {"reference": reference}});

    let mut contained = order(by("#m1"));
    contained["contained"] = json!([medication]);
    let answer = app.cards(SIGN, &call(vec![contained]));
    assert_eq!(evaluation(&answer)["drug"], "baricitinib");

    let beside = call(vec![order(by("Medication/m1")), medication.clone()]);
    assert_eq!(evaluation(&app.cards(SIGN, &beside))["drug"], "baricitinib");

    let mut prefetched = call(vec![order(by("https://ehr.example.org/fhir/Medication/m1"))]);
    prefetched["prefetch"] =
        json!({"item1": {"resourceType": "Bundle", "entry": [{"resource": medication}]}});
    assert_eq!(evaluation(&app.cards(SIGN, &prefetched))["drug"], "baricitinib");
}

#[test]
fn an_order_that_is_over_or_must_not_be_carried_out_does_not_speak() {
    let app = App::start();
    for status in ["cancelled", "stopped", "completed", "entered-in-error"] {
        let mut silent = order(coded(RXNORM, "1357541"));
        silent["status"] = json!(status);
        assert_eq!(app.cards(SIGN, &call(vec![silent])), json!({"cards": []}), "{status}");
    }
    let mut not = order(coded(RXNORM, "1357541"));
    not["doNotPerform"] = json!(true);
    assert_eq!(app.cards(SIGN, &call(vec![not])), json!({"cards": []}));
    for status in ["draft", "active", "on-hold", "unknown"] {
        let mut speaks = order(coded(RXNORM, "1357541"));
        speaks["status"] = json!(status);
        assert!(!findings(&app.cards(SIGN, &call(vec![speaks]))).is_empty(), "{status}");
    }
}

#[test]
fn an_order_of_another_patient_does_not_speak() {
    let app = App::start();
    let mut foreign = order(coded(RXNORM, "1357541"));
    foreign["subject"] = json!({"reference": "Patient/somebody-else"});
    assert_eq!(app.cards(SIGN, &call(vec![foreign])), json!({"cards": []}));
}

#[test]
fn results_of_another_patient_or_of_nobody_are_dropped_and_counted() {
    let app = App::start();
    for subject in [json!({"reference": "Patient/other"}), json!({"identifier": {"value": "1"}})] {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        let entries = request["prefetch"]["infection-tests"]["entry"].as_array_mut();
        entries.expect("entries")[0]["resource"]["subject"] = subject;
        let answer = app.cards(SIGN, &request);
        assert_eq!(topic(&answer, "tb-screening").len(), 1, "the test of another must not count");
        let ignored = evaluation(&answer)["ignored"].to_string();
        assert!(ignored.contains("resources not used: 1"), "{ignored}");
    }
}

#[test]
fn the_five_states_of_unknown_are_told_apart() {
    let app = App::start();
    let answer = |state: Option<Value>| {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        let prefetch = request["prefetch"].as_object_mut().expect("prefetch");
        match state {
            Some(state) => _ = prefetch.insert("infection-tests".into(), state),
            None => _ = prefetch.shift_remove("infection-tests"),
        }
        app.cards(SIGN, &request)
    };
    let negative =
        fixture(SIGN, "fully-screened-and-healthy")["prefetch"]["infection-tests"].clone();
    let outcome = |severity: &str, code: &str| {
        json!({"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing",
            "details": {"coding": [{"code": code}]}}]})
    };
    let bundle =
        |entries: Value| json!({"resourceType": "Bundle", "type": "searchset", "entry": entries});

    // Searched, and none on record: a card of its own asks for the test.
    for none in [
        json!(null),
        json!({"resourceType": "Bundle", "type": "searchset", "total": 0}),
        bundle(json!([])),
        bundle(json!([{"resource": outcome("warning", "4101"), "search": {"mode": "outcome"}}])),
    ] {
        let answer = answer(Some(none.clone()));
        let tb = topic(&answer, "tb-screening");
        assert!(tb[0].get("unchecked").is_none(), "{none}");
        assert_eq!(answer["cards"].as_array().expect("cards").len(), 2, "{none}");
    }
    // Not asked, failed, incomplete: said as not checked, on the card that is open.
    let mut paged = bundle(json!([]));
    paged["link"] = json!([{"relation": "next", "url": "https://ehr.example.org/fhir/page2"}]);
    for open in [
        None,
        Some(outcome("error", "4130")),
        Some(json!("<html>Service unavailable</html>")),
        Some(paged),
        Some(bundle(json!([{"resource": outcome("warning", "4119")}]))),
    ] {
        let answer = answer(open.clone());
        let tb = topic(&answer, "tb-screening");
        assert!(tb[0]["unchecked"][0]["reason"].as_str().is_some(), "{open:?}");
        assert_eq!(answer["cards"].as_array().expect("cards").len(), 1, "{open:?}");
        assert!(answer["cards"][0]["detail"].as_str().expect("detail").contains("Not checked"));
    }
    // A negative test that was found counts, whatever else is open.
    let mut partial = negative;
    partial["link"] = json!([{"relation": "next", "url": "https://ehr.example.org/fhir/page2"}]);
    assert!(topic(&answer(Some(partial)), "tb-screening").is_empty());
}

#[test]
fn results_that_do_not_count_are_set_aside_and_named() {
    let app = App::start();
    for status in ["entered-in-error", "cancelled", "registered", "preliminary"] {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        let entries = request["prefetch"]["infection-tests"]["entry"].as_array_mut();
        entries.expect("entries")[0]["resource"]["status"] = json!(status);
        let answer = app.cards(SIGN, &request);
        assert_eq!(topic(&answer, "tb-screening").len(), 1, "{status}");
        assert!(evaluation(&answer)["ignored"].to_string().contains("IGRA"), "{status}");
    }
    for status in ["final", "amended", "corrected"] {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        let entries = request["prefetch"]["infection-tests"]["entry"].as_array_mut();
        entries.expect("entries")[0]["resource"]["status"] = json!(status);
        assert!(topic(&app.cards(SIGN, &request), "tb-screening").is_empty(), "{status}");
    }
}

#[test]
fn a_result_of_tomorrow_does_not_count() {
    let app = App::start();
    let mut request = fixture(SIGN, "fully-screened-and-healthy");
    let entries = request["prefetch"]["infection-tests"]["entry"].as_array_mut();
    entries.expect("entries")[0]["resource"]["effectiveDateTime"] = json!("2026-11-23");
    let answer = app.cards(SIGN, &request);
    assert_eq!(topic(&answer, "tb-screening").len(), 1);
    assert!(evaluation(&answer)["ignored"].to_string().contains("future"));
}

#[test]
fn qualitative_results_are_read_in_every_form_they_come_in() {
    let app = App::start();
    let answer = |value: Value| {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        let entries = request["prefetch"]["infection-tests"]["entry"].as_array_mut();
        let hbsag = &mut entries.expect("entries")[1]["resource"];
        hbsag.as_object_mut().expect("members").shift_remove("valueCodeableConcept");
        for (key, value) in value.as_object().expect("members") {
            hbsag[key] = value.clone();
        }
        app.cards(SIGN, &request)
    };
    let interpretation = |code: &str| {
        json!({"interpretation": [{"coding": [{"code": code, "system":
            "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"}]}]})
    };
    let signal = |number: u32, flag: Option<&str>| {
        let mut result = flag.map_or_else(|| json!({}), &interpretation);
        result["valueQuantity"] = json!({"value": number, "unit": "S/CO"});
        result
    };
    for negative in [
        json!({"valueString": "Non-Reactive"}),
        json!({"valueString": "NONREACTIVE"}),
        json!({"valueString": "Not  detected"}),
        json!({"valueString": "No HBsAg detected"}),
        json!({"valueString": "Not present"}),
        json!({"valueCodeableConcept": {"text": "Negative"}}),
        json!({"valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "LA6577-6"}]}}),
        json!({"valueBoolean": false}),
        interpretation("NEG"),
        interpretation("N"),
    ] {
        assert!(topic(&answer(negative.clone()), "hepatitis-b-screening").is_empty(), "{negative}");
    }
    for positive in [
        json!({"valueString": "Reactive"}),
        json!({"valueString": "weakly reactive"}),
        json!({"valueString": "Positive, see note"}),
        json!({"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "10828004"}]}}),
        interpretation("POS"),
        interpretation("A"),
        interpretation("H"),
        // The number is the signal of the machine, the flag is the verdict.
        signal(250, Some("H")),
    ] {
        let answer = answer(positive.clone());
        assert_eq!(
            topic(&answer, "hepatitis-b-screening")[0]["indicator"],
            "critical",
            "{positive}"
        );
    }
    let flagged = |word: &str, flag: &str| {
        let mut result = interpretation(flag);
        result["valueString"] = json!(word);
        result
    };
    for open in [
        json!({"valueString": "purple"}),
        json!({"valueString": "see note"}),
        signal(250, None),
        // An answer and a flag that say the opposite: neither is believed.
        flagged("Reactive", "N"),
        flagged("Non-reactive", "POS"),
        json!({"valueCodeableConcept": {"text": "Positive", "coding": [
            {"system": "http://loinc.org", "code": "LA6577-6"}]}}),
    ] {
        let answer = answer(open.clone());
        let finding = topic(&answer, "hepatitis-b-screening");
        assert!(finding[0].get("unchecked").is_some(), "{open}");
    }
}

#[test]
fn of_epics_three_doses_the_ordered_one_counts() {
    let app = App::start();
    let answer = app.cards(SIGN, &fixture(SIGN, "epic-contained-medication"));
    let text = topic(&answer, "renal-dose")[0]["text"].as_str().expect("text");
    assert!(text.contains("Ordered 10 mg twice daily"), "{text}");
}

#[test]
fn before_the_dose_is_known_the_limit_is_stated() {
    let app = App::start();
    let answer = app.cards(SELECT, &fixture(SELECT, "dose-not-yet-known"));
    let renal = topic(&answer, "renal-dose");
    assert!(renal[0]["text"].as_str().expect("text").contains("immediate-release 5 mg once daily"));
    assert_eq!(renal[0]["unchecked"][0]["what"], "ordered dose");
}

#[test]
fn the_sandboxs_first_call_has_no_drug_and_no_card() {
    let app = App::start();
    let answer = app.cards(SELECT, &fixture(SELECT, "sandbox-first-call"));
    assert_eq!(answer, json!({"cards": []}));
    let answer = app.cards(SELECT, &fixture(SELECT, "sandbox-tofacitinib"));
    assert_eq!(topic(&answer, "renal-dose").len(), 1);
}

#[test]
fn text_from_the_chart_cannot_mark_up_a_card() {
    let app = App::start();
    let mut request = fixture(SIGN, "fully-screened-and-healthy");
    let entries = request["prefetch"]["infection-tests"]["entry"].as_array_mut();
    entries.expect("entries")[1]["resource"]["valueCodeableConcept"] =
        json!({"text": "positive <img src=x onerror=alert(1)> [x](javascript:alert(1)) **loud**"});
    let answer = app.cards(SIGN, &request);
    for card in answer["cards"].as_array().expect("cards") {
        let mut html = String::new();
        let detail = card["detail"].as_str().expect("detail");
        let parser = pulldown_cmark::Parser::new_ext(detail, pulldown_cmark::Options::all());
        pulldown_cmark::html::push_html(&mut html, parser);
        for never in ["<img", "<a ", "<strong>loud"] {
            assert!(!html.contains(never), "{html}");
        }
    }
}

#[test]
fn refuted_and_mistaken_diagnoses_never_count() {
    let app = App::start();
    let with = |member: &str, code: &str| {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        let mut stroke = json!({
            "resourceType": "Condition", "id": "stroke", "subject": {"reference": "Patient/pat-1"},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I63.9"}]},
        });
        stroke[member] = json!({"coding": [{"code": code}]});
        let entries = request["prefetch"]["conditions"]["entry"].as_array_mut().expect("entries");
        entries.push(json!({"resource": stroke}));
        app.cards(SIGN, &request)["cards"][0]["indicator"].clone()
    };
    assert_eq!(with("verificationStatus", "confirmed"), "critical");
    assert_eq!(with("verificationStatus", "refuted"), "info");
    assert_eq!(with("verificationStatus", "entered-in-error"), "info");
    // A stroke that is over is still a stroke that was.
    assert_eq!(with("clinicalStatus", "resolved"), "critical");
}

#[test]
fn the_loinc_code_decides_between_egfr_and_clearance_and_not_the_unit() {
    let app = App::start();
    let renal = |loinc: &str, unit: &str| {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        request["prefetch"]["labs"] = json!({"resourceType": "Bundle", "type": "searchset", "entry": [
            {"resource": {"resourceType": "Observation", "id": "r1", "status": "final",
                "subject": {"reference": "Patient/pat-1"}, "effectiveDateTime": "2026-11-01",
                "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
                "valueQuantity": {"value": 44, "unit": unit}}}]});
        let answer = app.cards(SIGN, &request);
        topic(&answer, "renal-dose")[0]["text"].as_str().expect("text").to_owned()
    };
    assert!(renal("35591-7", "mL/min").starts_with("CrCl 44 mL/min"));
    // The eGFR code with the unit of a clearance stays an eGFR, and is named as a substitute.
    let text = renal("33914-3", "mL/min");
    assert!(text.starts_with("EGFR 44") || text.starts_with("eGFR 44"), "{text}");
    assert!(text.contains("substitute"), "{text}");
}

#[test]
fn a_creatinine_in_another_unit_or_without_one_is_converted_or_unknown() {
    let app = App::start();
    let renal = |quantity: Value| {
        let mut request = fixture(SIGN, "nothing-on-record");
        let entries = request["prefetch"]["labs"]["entry"].as_array_mut().expect("entries");
        entries[0]["resource"]["valueQuantity"] = quantity;
        let answer = app.cards(SIGN, &request);
        topic(&answer, "renal-dose")[0]["text"].as_str().expect("text").to_owned()
    };
    // 141.44 umol/L are 1.6 mg/dL.
    assert!(renal(json!({"value": 141.44, "unit": "umol/L"})).contains("CrCl 49.8"));
    for unknown in [
        json!({"value": 1.6}),
        json!({"value": 1.6, "unit": "mg/L per day"}),
        json!({"value": 1.6, "comparator": ">", "unit": "mg/dL"}),
    ] {
        let text = renal(unknown.clone());
        assert!(text.starts_with("Renal function is not known"), "{unknown}: {text}");
    }
}

#[test]
fn a_newer_result_that_cannot_be_read_does_not_leave_the_floor_to_an_older_one() {
    let app = App::start();
    let with = |result: Value| {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        let mut newer = json!({
            "resourceType": "Observation", "id": "newer", "status": "final",
            "subject": {"reference": "Patient/pat-1"}, "effectiveDateTime": "2026-11-20",
        });
        for (key, value) in result.as_object().expect("members") {
            newer[key] = value.clone();
        }
        for key in ["infection-tests", "labs"] {
            let entries = request["prefetch"][key]["entry"].as_array_mut().expect("entries");
            entries.push(json!({"resource": newer}));
        }
        app.cards(SIGN, &request)
    };
    let loinc = |code: &str| json!({"coding": [{"system": "http://loinc.org", "code": code}]});
    let creatinine =
        with(json!({"code": loinc("2160-0"), "valueQuantity": {"value": 9, "unit": "?"}}));
    let text = topic(&creatinine, "renal-dose")[0]["text"].as_str().expect("text");
    assert!(text.contains("its unit does not convert"), "{text}");
    let hbsag = with(json!({"code": loinc("5196-1"), "valueString": "see note"}));
    assert!(topic(&hbsag, "hepatitis-b-screening")[0].get("unchecked").is_some());
    // A test that was not carried out is no result at all.
    let cancelled =
        with(json!({"code": loinc("5196-1"), "valueString": "Cancelled, specimen lost"}));
    assert!(topic(&cancelled, "hepatitis-b-screening").is_empty());
    assert!(evaluation(&cancelled)["ignored"].to_string().contains("gave no result"));
}

/// The healthy fixture with one more result under a prefetch key.
fn with_result(key: &str, members: Value) -> Value {
    let mut request = fixture(SIGN, "fully-screened-and-healthy");
    let mut result = json!({
        "resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/pat-1"},
    });
    for (name, value) in members.as_object().expect("members") {
        result[name] = value.clone();
    }
    let entries = request["prefetch"][key]["entry"].as_array_mut().expect("entries");
    entries.push(json!({"resource": result}));
    request
}

fn loinc(code: &str) -> Value {
    json!({"coding": [{"system": "http://loinc.org", "code": code}]})
}

#[test]
fn no_number_is_too_large_to_be_answered() {
    let app = App::start();
    for number in ["1e28", "79228162514264337593543950335", "7.9e28", "-1e28", "1e-28", "1e999"] {
        for (key, code) in [
            ("labs", "2160-0"),
            ("labs", "777-3"),
            ("vitals", "29463-7"),
            ("infection-tests", "1648-5"),
        ] {
            let request = with_result(
                key,
                json!({
                    "id": "big", "effectiveDateTime": "2026-11-20", "code": loinc(code),
                    "valueQuantity": {"value": "NUMBER", "unit": "kg/L"},
                }),
            );
            let body = request.to_string().replace("\"NUMBER\"", number);
            assert_eq!(app.post(SIGN, body).status(), 200, "{number} {code}");
        }
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        request["context"]["draftOrders"]["entry"][0]["resource"]["dosageInstruction"] = json!([{
            "text": format!("{number} mg four times daily"),
            "timing": {"repeat": {"frequency": "NUMBER", "period": "NUMBER", "periodUnit": "min"}},
            "doseAndRate": [{"doseQuantity": {"value": "NUMBER", "unit": "g"}}]}]);
        let body = request.to_string().replace("\"NUMBER\"", number);
        assert_eq!(app.post(SIGN, body).status(), 200, "{number} as a dose");
    }
}

#[test]
fn of_one_day_the_later_result_counts_whatever_its_id() {
    let app = App::start();
    for (early, late) in [("a", "b"), ("b", "a")] {
        let hbsag = |id: &str, time: &str, value: &str| {
            json!({
            "id": id, "effectiveDateTime": format!("2026-11-20T{time}:00Z"), "code": loinc("5196-1"),
            "valueString": value})
        };
        let mut request = with_result("infection-tests", hbsag(early, "08:00", "Negative"));
        let more = with_result("infection-tests", hbsag(late, "20:00", "Positive"));
        let last = more["prefetch"]["infection-tests"]["entry"].as_array().expect("entries").last();
        let last = last.expect("an entry").clone();
        request["prefetch"]["infection-tests"]["entry"].as_array_mut().expect("entries").push(last);
        let answer = app.cards(SIGN, &request);
        assert_eq!(topic(&answer, "hepatitis-b-screening")[0]["indicator"], "critical", "{late}");
    }
}

#[test]
fn an_egfr_that_cannot_be_read_is_not_none_on_record() {
    let app = App::start();
    let mut request = with_result(
        "labs",
        json!({"id": "egfr", "effectiveDateTime": "2026-11-01", "code": loinc("98979-8"),
            "valueString": "see note"}),
    );
    let entries = request["prefetch"]["labs"]["entry"].as_array_mut().expect("entries");
    entries.retain(|e| !e.to_string().contains("2160-0"));
    let answer = app.cards(SIGN, &request);
    let text = topic(&answer, "renal-dose")[0]["text"].as_str().expect("text");
    assert!(text.contains("eGFR on record, but"), "{text}");
}

#[test]
fn a_positive_result_without_a_date_is_not_overruled_by_a_negative_one() {
    let app = App::start();
    let undated = json!({"id": "undated", "code": loinc("5196-1"), "valueString": "Positive"});
    let answer = app.cards(SIGN, &with_result("infection-tests", undated));
    let finding = topic(&answer, "hepatitis-b-screening")[0];
    assert_eq!(finding["indicator"], "critical");
    let text = finding["text"].as_str().expect("text");
    assert!(text.contains("undated"), "{text}");
}

#[test]
fn a_result_of_this_morning_east_of_utc_counts() {
    let app = App::start();
    let result = |time: &str| {
        with_result(
            "infection-tests",
            json!({
        "id": "east", "effectiveDateTime": time, "code": loinc("5196-1"), "valueString": "Positive"}),
        )
    };
    let answer = app.cards(SIGN, &result("2026-11-23T07:00:00+10:00"));
    assert_eq!(topic(&answer, "hepatitis-b-screening").len(), 1);
    let answer = app.cards(SIGN, &result("2026-11-23T00:00:00Z"));
    assert!(topic(&answer, "hepatitis-b-screening").is_empty(), "tomorrow's does not");
}

#[test]
fn treatment_that_was_planned_refused_or_cut_short_is_none() {
    let app = App::start();
    let tb = |medicine: Value| {
        let mut request = with_result(
            "infection-tests",
            json!({
            "id": "pos", "effectiveDateTime": "2026-10-01", "code": loinc("71773-6"),
            "valueString": "Positive"}),
        );
        let mut isoniazid = json!({
            "resourceType": "MedicationRequest", "id": "inh", "status": "active",
            "subject": {"reference": "Patient/pat-1"}, "authoredOn": "2026-01-01",
            "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "6038"}]},
        });
        for (name, value) in medicine.as_object().expect("members") {
            isoniazid[name] = value.clone();
        }
        request["prefetch"]["medications"] = json!({"resourceType": "Bundle", "type": "searchset",
            "entry": [{"resource": isoniazid}]});
        topic(&app.cards(SIGN, &request), "tb-screening").len()
    };
    assert_eq!(tb(json!({})), 0, "eleven months of isoniazid are enough");
    for not_enough in [
        json!({"doNotPerform": true}),
        json!({"intent": "plan"}),
        json!({"resourceType": "MedicationStatement", "taken": "n"}),
        json!({"status": "stopped"}),
        json!({"resourceType": "MedicationStatement", "status": "completed",
            "effectivePeriod": {"start": "2026-01-01", "end": "2026-01-04"}}),
    ] {
        assert_eq!(tb(not_enough.clone()), 1, "{not_enough}");
    }
    let contained = json!({"medicationCodeableConcept": null,
        "medicationReference": {"reference": "#m"},
        "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "isoniazid 300 mg"}}]});
    assert_eq!(tb(contained), 0, "a contained Medication tells the drug");
}

#[test]
fn an_answer_that_is_not_the_whole_answer_is_not_none_on_record() {
    let app = App::start();
    for answer in [
        json!({"resourceType": "Bundle", "type": "searchset", "total": 50}),
        json!({"resourceType": "OperationOutcome", "issue": []}),
        // The digits of "none found" somewhere in the words are not its code.
        json!({"resourceType": "OperationOutcome", "issue": [
            {"severity": "information", "code": "processing", "diagnostics": "took 4101 ms"}]}),
        json!({"resourceType": "Parameters"}),
    ] {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        request["prefetch"]["infection-tests"] = answer.clone();
        let found = app.cards(SIGN, &request);
        assert!(topic(&found, "tb-screening")[0].get("unchecked").is_some(), "{answer}");
    }
    // A Bundle in a Bundle is read.
    let mut request = fixture(SIGN, "fully-screened-and-healthy");
    let inner = request["prefetch"]["infection-tests"].clone();
    request["prefetch"]["infection-tests"] = json!({"resourceType": "Bundle", "type": "batch-response",
        "entry": [{"resource": inner}]});
    assert!(topic(&app.cards(SIGN, &request), "tb-screening").is_empty());
}

#[test]
fn who_was_a_smoker_stays_one_and_unknown_is_not_never() {
    let app = App::start();
    let answer = |code: &str, date: &str| {
        let request = with_result(
            "vitals",
            json!({
            "id": "smoking-2", "effectiveDateTime": date, "code": loinc("72166-2"),
            "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": code}]}}),
        );
        app.cards(SIGN, &request)
    };
    // Never smoked is on record for 2026-10-01.
    assert_eq!(answer("77176002", "2020-01-01")["cards"][0]["indicator"], "warning");
    let unknown = answer("266927001", "2026-11-01");
    assert!(topic(&unknown, "boxed-warning")[0].get("unchecked").is_some());
}
