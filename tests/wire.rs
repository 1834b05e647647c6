//! Requests and their golden answers, for every hook and FHIR release.
//!
//! `UPDATE_GOLDEN=1 cargo test --test wire` writes the answers anew: read the difference before you
//! keep it. The digest of the knowledge is left out, or every change of a row would touch them all.

mod support;

use actix_web::ResponseError;
use jakcard::service::course::Course;
use jakcard::service::{Caller, House, invoke};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use support::{house, project, wait};

/// Every folder with a request: the service, its name, its path.
fn requests() -> Vec<(String, String, PathBuf)> {
    let mut all = Vec::new();
    for service in folders(&project("fixtures/wire")) {
        for case in folders(&service) {
            all.push((name(&service), name(&case), case));
        }
    }
    assert!(all.len() >= 25, "the fixtures are gone");
    all
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).expect("a folder").map(|e| e.expect("entry").path());
    let mut folders: Vec<PathBuf> = entries.filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

fn answer(house: &House, service: &str, case: &Path) -> (u16, String) {
    let body = std::fs::read(case.join("request.json")).expect("request.json");
    let service = house.service(service).expect("a service");
    match wait(invoke(
        &body,
        &service,
        &Caller::sandbox(&house.config),
        house,
        &mut Course::begin(),
    )) {
        Ok(answer) => (200, String::from_utf8(answer.json).expect("UTF-8")),
        Err(error) => (error.status_code().as_u16(), error.outcome()),
    }
}

#[test]
fn every_request_gets_its_golden_answer() {
    let house = house();
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for (service, case, path) in requests() {
        let (status, body) = answer(&house, &service, &path);
        let body: Value =
            serde_json::from_str(&body.replace(&house.knowledge.now().digest, "<digest>"))
                .expect("the answer is JSON");
        let found = serde_json::to_string_pretty(&json!({"status": status, "body": body}));
        let found = found.expect("JSON") + "\n";
        let golden = path.join("response.json");
        if update {
            std::fs::write(&golden, &found).expect("written");
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != found {
            wrong.push(format!("{service}/{case}"));
        }
    }
    assert!(wrong.is_empty(), "other answers than the golden ones: {wrong:#?}");
}

#[test]
fn the_same_call_gets_the_same_bytes() {
    let (one, other) = (house(), house());
    for (service, case, path) in requests() {
        let first = answer(&one, &service, &path);
        assert_eq!(first, answer(&one, &service, &path), "{service}/{case}");
        assert_eq!(first, answer(&other, &service, &path), "{service}/{case}");
    }
}

#[test]
fn every_card_keeps_the_rules_of_the_specification() {
    let house = house();
    let mut cards = 0;
    for (service, case, path) in requests() {
        let (status, body) = answer(&house, &service, &path);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        no_empty_member(&body, &format!("{service}/{case}"));
        if status != 200 {
            assert_eq!(body["resourceType"], "OperationOutcome");
            continue;
        }
        for card in body["cards"].as_array().expect("cards") {
            cards += 1;
            let summary = card["summary"].as_str().expect("summary");
            assert!(summary.chars().count() < 140, "{case}: {summary}");
            assert!(["info", "warning", "critical"].contains(&card["indicator"].as_str().unwrap()));
            let topic = &card["source"]["topic"];
            let code = topic["code"].as_str().expect("topic code");
            assert!(code.chars().all(|c| c.is_ascii_alphanumeric()), "{code}");
            assert!(topic["system"].as_str().is_some());
            let critical = card["indicator"] == "critical";
            assert_eq!(code.ends_with("Critical"), critical, "{case}: {code}");
            uuid::Uuid::parse_str(card["uuid"].as_str().expect("uuid")).expect("a UUID");
            let suggestions = card["suggestions"].as_array().map(Vec::len).unwrap_or(0);
            assert_eq!(suggestions > 0, card.get("selectionBehavior").is_some(), "{case}");
            let findings = card["extension"]["org.jakcard.findings"].as_array().expect("findings");
            let loudest = findings.iter().map(|f| level(&f["indicator"])).max();
            assert_eq!(loudest, Some(level(&card["indicator"])), "{case}");
            assert!(!card["detail"].as_str().expect("detail").contains('<'), "{case}: raw HTML");
        }
        let orders = body["extension"]["org.jakcard.evaluation"]["orders"].as_array();
        let most = 4 * orders.map_or(0, Vec::len);
        assert!(body["cards"].as_array().expect("cards").len() <= most, "{case}");
    }
    assert!(cards > 30);
}

fn level(indicator: &Value) -> usize {
    ["info", "warning", "critical"].iter().position(|w| indicator == w).expect("an indicator")
}

fn no_empty_member(value: &Value, place: &str) {
    match value {
        Value::Null => panic!("{place} is null"),
        Value::String(text) => assert!(!text.is_empty(), "{place} is an empty string"),
        Value::Array(items) => {
            assert!(!items.is_empty() || place.ends_with("/cards"), "{place} is an empty list");
            for (i, item) in items.iter().enumerate() {
                no_empty_member(item, &format!("{place}/{i}"));
            }
        }
        Value::Object(members) => {
            assert!(!members.is_empty(), "{place} is an empty object");
            for (key, item) in members {
                no_empty_member(item, &format!("{place}/{key}"));
            }
        }
        _ => {}
    }
}

#[test]
fn every_suggested_r4_order_reads_back_strictly() {
    let house = house();
    let mut read = 0;
    for (service, case, path) in
        requests().into_iter().filter(|(_, case, _)| !case.starts_with("r5"))
    {
        let (_, body) = answer(&house, &service, &path);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        for resource in resources(&body) {
            if resource["resourceType"] == "ServiceRequest" {
                fhir_models::read_strictly(&resource.to_string())
                    .unwrap_or_else(|e| panic!("{service}/{case}: {e}"));
                read += 1;
            }
        }
    }
    assert!(read >= 5);
}

fn resources(body: &Value) -> Vec<&Value> {
    let cards = body["cards"].as_array().into_iter().flatten();
    let suggestions = cards.flat_map(|c| c["suggestions"].as_array().into_iter().flatten());
    let actions = suggestions.flat_map(|s| s["actions"].as_array().into_iter().flatten());
    actions.filter(|a| a["type"] == "create").map(|a| &a["resource"]).collect()
}

#[test]
fn suggestions_speak_the_release_of_the_order() {
    let house = house();
    for (service, case, kind) in [
        ("jak-inhibitor-medication-prescribe", "dstu2-medication-order", "DiagnosticOrder"),
        ("jak-inhibitor-medication-prescribe", "stu3-medication-request", "ProcedureRequest"),
        ("jak-inhibitor-medication-prescribe", "r4-medication-request", "ServiceRequest"),
        ("jak-inhibitor-order-sign", "r5-abrocitinib", "ServiceRequest"),
    ] {
        let path = project("fixtures/wire").join(service).join(case);
        let (_, body) = answer(&house, service, &path);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let kinds: Vec<&Value> = resources(&body).into_iter().map(|r| &r["resourceType"]).collect();
        assert!(!kinds.is_empty() && kinds.iter().all(|k| *k == kind), "{case}: {kinds:?}");
        let codeable = resources(&body)[0]["code"].get("concept").is_some();
        assert_eq!(codeable, case.starts_with("r5"), "{case}");
    }
}

#[test]
fn a_fully_screened_healthy_patient_gets_one_quiet_card_and_none_without_a_box() {
    let house = house();
    let card_count = |case: &str| {
        let path = project("fixtures/wire/jak-inhibitor-order-sign").join(case);
        let (_, body) = answer(&house, "jak-inhibitor-order-sign", &path);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        body["cards"].as_array().expect("cards").clone()
    };
    let cards = card_count("fully-screened-and-healthy");
    assert_eq!(cards.len(), 1);
    assert_eq!(cards[0]["indicator"], "info");
    assert!(card_count("fully-screened-no-box").is_empty());
}

#[test]
fn an_order_without_a_jak_inhibitor_gets_no_card_and_nothing_else() {
    let path = project("fixtures/wire/jak-inhibitor-order-sign/no-jak-inhibitor");
    let (status, body) = answer(&house(), "jak-inhibitor-order-sign", &path);
    assert_eq!((status, body.as_str()), (200, r#"{"cards":[]}"#));
}

#[test]
fn only_the_selected_order_speaks_and_a_selection_that_matches_nothing_means_all() {
    let house = house();
    let body = |case: &str| {
        let path = project("fixtures/wire/jak-inhibitor-order-select").join(case);
        answer(&house, "jak-inhibitor-order-select", &path).1
    };
    assert_eq!(body("only-the-selected-order-speaks"), r#"{"cards":[]}"#);
    assert!(body("selection-matches-nothing").contains("tofacitinib"));
}

#[test]
fn each_missing_test_is_suggested_once_however_many_orders_ask_for_it() {
    let path = project("fixtures/wire/jak-inhibitor-order-select/two-orders-one-test");
    let (_, body) = answer(&house(), "jak-inhibitor-order-select", &path);
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let mut codes: Vec<String> = resources(&body)
        .into_iter()
        .map(|r| r["code"]["coding"][0]["code"].as_str().expect("code").to_owned())
        .collect();
    let all = codes.len();
    codes.sort();
    codes.dedup();
    assert_eq!((all, codes.len()), (8, 8));
}

#[test]
fn card_ids_change_with_the_call_and_not_otherwise() {
    let house = house();
    let path = project("fixtures/wire/jak-inhibitor-order-sign/nothing-on-record/request.json");
    let text = std::fs::read_to_string(path).expect("request");
    let service = house.service("jak-inhibitor-order-sign").expect("service");
    let ids = |text: &str| {
        let answer = wait(invoke(
            text.as_bytes(),
            &service,
            &Caller::sandbox(&house.config),
            &house,
            &mut Course::begin(),
        ))
        .expect("answered");
        let ids: Vec<String> = answer.response.cards.iter().map(|c| c.uuid.clone()).collect();
        ids
    };
    let request: Value = serde_json::from_str(&text).expect("JSON");
    let instance = request["hookInstance"].as_str().expect("hookInstance");
    let other = text.replace(instance, "00000000-0000-0000-0000-000000000001");
    assert_eq!(ids(&text), ids(&text));
    let (one, two) = (ids(&text), ids(&other));
    assert!(one.iter().all(|id| !two.contains(id)));
}
