//! What else the label ties to a chart, as a prescriber would notice it.

use crate::app::{App, SIGN, VIEW, findings, fixture, topic};
use serde_json::{Value, json};

fn topics(answer: &Value) -> Vec<String> {
    let topic = |f: &&Value| f["topic"].as_str().expect("topic").to_owned();
    findings(answer).iter().map(topic).collect()
}

fn of_topic(answer: &Value, word: &str) -> Vec<Value> {
    topic(answer, word).into_iter().cloned().collect()
}

fn bundle(entries: Vec<Value>) -> Value {
    let entries: Vec<Value> = entries.into_iter().map(|r| json!({"resource": r})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries})
}

fn medicine(concept: Value) -> Value {
    json!({
        "resourceType": "MedicationRequest", "id": "other", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/pat-1"}, "authoredOn": "2026-11-01",
        "medicationCodeableConcept": concept,
    })
}

/// The healthy patient of the fixtures with this on the medication list.
fn taking(concept: Value) -> Value {
    let mut request = fixture(SIGN, "fully-screened-and-healthy");
    request["prefetch"]["medications"] = bundle(vec![medicine(concept)]);
    request
}

#[test]
fn what_stays_on_the_skin_or_in_the_eye_is_no_interaction() {
    let app = App::start();
    let interacts = |concept: Value| {
        topics(&app.cards(SIGN, &taking(concept))).contains(&"interaction".to_owned())
    };
    let rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm";
    let atc = "http://www.whocc.no/atc";
    assert!(interacts(json!({"text": "ketoconazole 200 mg oral tablet"})));
    assert!(interacts(json!({"coding": [{"system": atc, "code": "J02AB02"}]})));
    assert!(interacts(json!({"coding": [{"system": rxnorm, "code": "6135"}]})));
    assert!(!interacts(json!({"text": "ketoconazole 2 % shampoo"})));
    assert!(!interacts(json!({"text": "ketoconazole 2% topical cream"})));
    assert!(!interacts(json!({"coding": [{"system": atc, "code": "D01AC08"}]})));
    assert!(!interacts(json!({"text": "cyclosporine 0.05 % ophthalmic emulsion"})));
    assert!(!interacts(json!({"text": "tacrolimus 0.1 % ointment"})));
}

#[test]
fn a_medicine_that_has_ended_or_was_never_taken_is_no_interaction() {
    let app = App::start();
    let interacts = |change: &dyn Fn(&mut Value)| {
        let mut request = taking(json!({"text": "clarithromycin 500 mg tablet"}));
        change(&mut request["prefetch"]["medications"]["entry"][0]["resource"]);
        topics(&app.cards(SIGN, &request)).contains(&"interaction".to_owned())
    };
    assert!(interacts(&|_| {}));
    assert!(!interacts(&|m| m["status"] = json!("stopped")));
    assert!(!interacts(&|m| m["status"] = json!("entered-in-error")));
    assert!(!interacts(&|m| m["doNotPerform"] = json!(true)));
    let course = |days: i64| json!([{"timing": {"repeat": {"boundsDuration": {"value": days, "unit": "days"}}}}]);
    assert!(!interacts(&|m| m["dosageInstruction"] = course(7)), "a course that is over");
    assert!(interacts(&|m| m["dosageInstruction"] = course(21)), "the last day is today");
}

#[test]
fn two_medicines_together_count_as_one_that_inhibits_both_enzymes() {
    let app = App::start();
    let mut request = taking(json!({"text": "diltiazem 120 mg capsule"}));
    assert!(of_topic(&app.cards(SIGN, &request), "interaction").is_empty(), "moderate alone");
    let mut second = medicine(json!({"text": "fluoxetine 20 mg capsule"}));
    second["id"] = json!("second");
    let entries = request["prefetch"]["medications"]["entry"].as_array_mut().expect("entries");
    entries.push(json!({"resource": second}));
    let found = of_topic(&app.cards(SIGN, &request), "interaction");
    assert_eq!(found.len(), 1);
    let text = found[0]["text"].as_str().expect("text").to_lowercase();
    assert!(text.contains("diltiazem") && text.contains("fluoxetine"), "{text}");
}

#[test]
fn aspirin_up_to_81_mg_is_allowed_beside_abrocitinib_and_more_is_not() {
    let app = App::start();
    let with = |aspirin: Value| {
        let mut request = fixture(SIGN, "r5-abrocitinib");
        request["prefetch"]["medications"] = bundle(vec![aspirin]);
        let found = of_topic(&app.cards(SIGN, &request), "interaction");
        let aspirin = found.into_iter().filter(|f| f["rule"] == "abrocitinib.aspirin.us");
        aspirin.map(|f| f["indicator"].clone()).collect::<Vec<_>>()
    };
    let aspirin = |name: &str, sig: &str| {
        let mut aspirin = medicine(json!({"text": name}));
        aspirin["dosageInstruction"] = json!([{"text": sig}]);
        aspirin["subject"] = json!({"reference": "Patient/pat-1"});
        aspirin
    };
    assert!(with(aspirin("aspirin 81 MG oral tablet", "1 tablet daily")).is_empty());
    assert_eq!(with(aspirin("aspirin 325 MG oral tablet", "1 tablet daily")), ["critical"]);
    // A dose that cannot be read is said, and stops nobody.
    assert_eq!(with(aspirin("aspirin tablet", "as directed")), ["warning"]);
}

#[test]
fn who_cannot_be_pregnant_is_not_asked() {
    let app = App::start();
    let asked = |gender: &str, born: &str| {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
        order["medicationCodeableConcept"] = json!({"text": "upadacitinib 15 mg ER tablet"});
        order["dosageInstruction"] = json!([{"text": "15 mg once daily"}]);
        request["prefetch"]["patient"]["gender"] = json!(gender);
        request["prefetch"]["patient"]["birthDate"] = json!(born);
        let found = of_topic(&app.cards(SIGN, &request), "pregnancy");
        found.iter().any(|f| f["rule"] == "upadacitinib.pregnancy-status.us")
    };
    assert!(asked("female", "1994-05-06"));
    assert!(asked("other", "1994-05-06"), "a sex that does not tell");
    assert!(!asked("male", "1994-05-06"));
    assert!(asked("female", "1970-11-23"), "55 years");
    assert!(!asked("female", "1970-11-22"), "56 years");
}

#[test]
fn a_pregnancy_of_two_years_ago_that_nobody_closed_is_over() {
    let app = App::start();
    let pregnant = |onset: Value| {
        let mut request = fixture(SIGN, "pregnant-anaemic-and-on-another");
        request["prefetch"]["conditions"]["entry"][0]["resource"]["onsetDateTime"] = onset;
        !of_topic(&app.cards(SIGN, &request), "pregnancy").is_empty()
    };
    assert!(pregnant(json!("2026-09-15")));
    assert!(pregnant(json!("2026-01-26")), "300 days ago");
    assert!(!pregnant(json!("2026-01-25")), "301 days ago");
    assert!(pregnant(json!(null)), "no date: it may be now");
}

#[test]
fn a_stated_class_of_cirrhosis_wins_over_the_sum_and_the_sum_is_said_to_be_one() {
    let app = App::start();
    let hepatic = |change: &dyn Fn(&mut Value)| {
        let mut request = fixture(SIGN, "cirrhosis-added-up");
        let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
        order["reasonCode"] = json!([{"text": "rheumatoid arthritis"}]);
        order.as_object_mut().expect("order").shift_remove("reasonReference");
        change(&mut request["prefetch"]);
        of_topic(&app.cards(SIGN, &request), "hepatic")
    };
    let summed = hepatic(&|_| {});
    let text = summed[0]["text"].as_str().expect("text");
    assert!(text.contains("Child-Pugh B, added up to 7 points"), "{text}");
    assert_eq!(summed[0]["indicator"], "warning");
    let stated = hepatic(&|prefetch| {
        let cirrhosis = &mut prefetch["conditions"]["entry"][0]["resource"];
        cirrhosis["stage"] = json!([{"summary": {"text": "Child-Pugh class C"}}]);
    });
    let text = stated[0]["text"].as_str().expect("text");
    assert!(text.contains("Child-Pugh C on record"), "{text}");
    assert_eq!(stated[0]["indicator"], "critical");
    // Without a liver disease on record, an albumin alone is no cirrhosis.
    let healthy = hepatic(&|prefetch| prefetch["conditions"]["entry"] = json!([]));
    assert!(healthy.iter().all(|f| f["indicator"] != "warning"), "{healthy:?}");
}

#[test]
fn liver_enzymes_are_read_against_the_limit_that_came_with_them() {
    let app = App::start();
    let alt = |value: u32, high: Option<u32>| {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
        order["medicationCodeableConcept"] = json!({"text": "momelotinib 200 mg tablet"});
        order["dosageInstruction"] = json!([{"text": "200 mg once daily"}]);
        let mut taken = medicine(json!({"text": "momelotinib 200 mg tablet"}));
        taken["authoredOn"] = json!("2026-01-01");
        request["prefetch"]["medications"] = bundle(vec![taken]);
        let mut alt = json!({
            "resourceType": "Observation", "id": "alt", "status": "final",
            "subject": {"reference": "Patient/pat-1"}, "effectiveDateTime": "2026-11-20",
            "code": {"coding": [{"system": "http://loinc.org", "code": "1742-6"}]},
            "valueQuantity": {"value": value, "unit": "U/L"},
        });
        if let Some(high) = high {
            alt["referenceRange"] = json!([{"high": {"value": high, "unit": "U/L"}}]);
        }
        let labs = request["prefetch"]["labs"]["entry"].as_array_mut().expect("labs");
        labs.push(json!({"resource": alt}));
        let found = of_topic(&app.cards(SIGN, &request), "hepatic");
        found.iter().any(|f| f["rule"] == "momelotinib.alt.us" && f.get("unchecked").is_none())
    };
    assert!(!alt(200, Some(40)), "five times is not above five times");
    assert!(alt(201, Some(40)));
    assert!(!alt(201, Some(45)), "another laboratory's limit");
    assert!(!alt(60, None), "surely below, whatever the laboratory prints");
    assert!(alt(400, None), "surely above");
}

#[test]
fn an_order_of_something_else_speaks_only_when_the_list_shows_a_jak_inhibitor() {
    let app = App::start();
    let rules = |case: &str| {
        let answer = app.cards(SIGN, &fixture(SIGN, case));
        let cards = answer["cards"].as_array().expect("cards").clone();
        cards.iter().map(|c| c["indicator"].as_str().expect("word").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rules("other-direction-strong-inhibitor"), ["warning"]);
    assert_eq!(rules("other-direction-azathioprine"), ["critical"]);
    assert_eq!(rules("other-direction-live-vaccine"), ["warning"]);
    assert!(rules("other-direction-list-not-readable").is_empty());
    let metrics = app.get("/metrics").text().expect("text");
    assert!(metrics.contains("jakcard_unread_medication_lists_total"), "{metrics}");
}

#[test]
fn an_order_that_no_row_names_is_answered_without_a_look_at_the_chart() {
    let app = App::start();
    let mut request = fixture(SIGN, "other-direction-strong-inhibitor");
    let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
    order["medicationCodeableConcept"] = json!({"text": "amoxicillin 500 mg capsule"});
    // A chart that would be refused if anybody looked at it.
    request["prefetch"]["patient"]["id"] = json!("somebody-else");
    assert_eq!(app.cards(SIGN, &request), json!({"cards": []}));
    let order = &mut request["context"]["draftOrders"]["entry"][0]["resource"];
    order["medicationCodeableConcept"] = json!({"text": "clarithromycin 500 mg tablet"});
    assert_eq!(app.post(SIGN, request.to_string()).status(), 400);
}

#[test]
fn a_second_jak_inhibitor_is_seen_on_the_list_and_among_the_drafts_and_a_change_of_tablets_is_none()
{
    let app = App::start();
    let second = |list: Option<&str>, draft: Option<&str>| {
        let mut request = fixture(SIGN, "fully-screened-and-healthy");
        if let Some(name) = list {
            request["prefetch"]["medications"] = bundle(vec![medicine(json!({"text": name}))]);
        }
        if let Some(name) = draft {
            let mut order = medicine(json!({"text": name}));
            order["status"] = json!("draft");
            let entries = request["context"]["draftOrders"]["entry"].as_array_mut().expect("list");
            entries.push(json!({"resource": order}));
        }
        let found = of_topic(&app.cards(SIGN, &request), "duplicate-therapy");
        found.iter().filter(|f| f["indicator"] == "critical").count()
    };
    assert_eq!(second(None, None), 0);
    assert_eq!(second(Some("baricitinib 2 mg tablet"), None), 1);
    assert_eq!(second(Some("ruxolitinib 1.5 % cream"), None), 1, "on the skin counts too");
    assert_eq!(second(Some("tofacitinib 11 mg XR tablet"), None), 0, "a change of tablets");
    assert_eq!(second(None, Some("upadacitinib 15 mg ER tablet")), 2, "each order says so");
}

#[test]
fn an_open_chart_is_silent_when_nothing_is_due_and_says_what_is() {
    let app = App::start();
    let cards = |case: &str| {
        let answer = app.cards(VIEW, &fixture(VIEW, case));
        answer["cards"].as_array().expect("cards").clone()
    };
    assert!(cards("nothing-due").is_empty());
    assert!(cards("not-on-one").is_empty());
    let due = cards("checks-are-due");
    assert_eq!(due.len(), 1);
    assert_eq!(due[0]["source"]["topic"]["code"], "monitoringTofacitinib");
    let summary = due[0]["summary"].as_str().expect("summary");
    assert_eq!(summary, "Tofacitinib: complete blood count due since 2026-09-14");
    let crossed = cards("limits-crossed");
    assert_eq!(crossed[0]["indicator"], "critical");
    let unread = cards("labs-not-sent");
    assert_eq!((unread.len(), &unread[0]["indicator"]), (1, &json!("info")));
    // Somebody on no JAK inhibitor, and nothing else: not even a ledger.
    assert_eq!(app.cards(VIEW, &fixture(VIEW, "not-on-one")), json!({"cards": []}));
}

#[test]
fn an_old_blood_count_is_used_and_its_age_is_said() {
    let app = App::start();
    let mut request = fixture(SIGN, "fully-screened-and-healthy");
    for entry in request["prefetch"]["labs"]["entry"].as_array_mut().expect("labs") {
        entry["resource"]["effectiveDateTime"] = json!("2026-05-21");
    }
    let found = of_topic(&app.cards(SIGN, &request), "cytopenia");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["indicator"], "info");
    assert!(found[0]["text"].as_str().expect("text").contains("not of the last 6 months"));
    for entry in request["prefetch"]["labs"]["entry"].as_array_mut().expect("labs") {
        entry["resource"]["effectiveDateTime"] = json!("2026-05-22");
    }
    assert!(of_topic(&app.cards(SIGN, &request), "cytopenia").is_empty(), "the limit day counts");
}

#[test]
fn however_much_is_wrong_an_order_gets_four_cards_at_most() {
    let app = App::start();
    let mut request = fixture(SIGN, "pregnant-anaemic-and-on-another");
    let prefetch = &mut request["prefetch"];
    let condition = |code: &str| {
        json!({"resourceType": "Condition", "id": code.replace('.', "-"),
            "subject": {"reference": "Patient/pat-1"},
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]}})
    };
    let codes = [
        "Z33.1", "I21.4", "I63.9", "C34.90", "I26.99", "A41.9", "A15.0", "B18.1", "N18.6",
        "K72.90", "E11.9",
    ];
    prefetch["conditions"] = bundle(codes.map(condition).to_vec());
    prefetch["infection-tests"] = bundle(Vec::new());
    let answer = app.cards(SIGN, &request);
    let cards = answer["cards"].as_array().expect("cards");
    assert_eq!(cards.len(), 4);
    assert!(topics(&answer).len() > 10);
    for card in cards {
        assert!(card["summary"].as_str().expect("summary").chars().count() < 140);
    }
}

#[test]
fn doses_of_the_zoster_vaccine_are_counted_and_nothing_else() {
    let app = App::start();
    let says = |dates: &[&str]| {
        let mut request = fixture(SIGN, "latent-tuberculosis-under-treatment");
        let dose = |date: &&str| {
            json!({
                "resourceType": "Immunization", "status": "completed", "occurrenceDateTime": date,
                "patient": {"reference": "Patient/pat-1"},
                "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "187"}]},
            })
        };
        request["prefetch"]["immunizations"] = bundle(dates.iter().map(dose).collect());
        let answer = app.cards(SIGN, &request);
        of_topic(&answer, "zoster-vaccine")
            .iter()
            .map(|f| f["text"].to_string())
            .collect::<String>()
    };
    let none = says(&[]);
    assert!(none.contains("Recombinant zoster vaccine: no dose on record."), "{none}");
    let one = says(&["2026-01-10"]);
    assert!(one.contains("Recombinant zoster vaccine: 1 dose on record."), "{one}");
    assert_eq!(says(&["2026-01-10", "2026-04-10"]), "");
}
