//! The site build sheet: what an analyst types in is what the service does.

mod support;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};
use support::{knowledge, project};

const CONFIG: &str = "fixtures/site-sheet/jakcard.toml";

fn sheet(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jakcard"))
        .arg("site-sheet")
        .args(args)
        .current_dir(project(""))
        .output()
        .expect("the program runs")
}

fn text(client: &str, format: &str) -> String {
    let output = sheet(&["--client", client, "--config", CONFIG, "--format", format]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(output.stdout).expect("text")
}

fn json(client: &str) -> Value {
    serde_json::from_str(&text(client, "json")).expect("JSON")
}

/// The codes of the searches and the digest change with the knowledge; what the codes are is another
/// test's business.
fn settled(sheet: &str) -> String {
    let digest = &knowledge().digest;
    let sheet = sheet.replace(digest, "<digest>").replace(&digest[..12], "<digest>");
    let sheet = regex(r"code=[0-9,-]+").replace_all(&sheet, "code=<codes>").into_owned();
    regex(r", [0-9]+ characters").replace_all(&sheet, ", <n> characters").into_owned()
}

fn regex(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).expect("a pattern")
}

#[test]
fn the_sheet_of_the_example_is_the_golden_one() {
    for (format, file) in [("markdown", "hospital.md"), ("json", "hospital.json")] {
        let found = settled(&text("hospital", format));
        let golden = project("fixtures/site-sheet").join(file);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &found).expect("written");
        }
        let golden = std::fs::read_to_string(&golden).expect("the golden sheet");
        assert_eq!(found, golden, "UPDATE_GOLDEN=1 writes {file} anew: read the difference");
    }
}

#[test]
fn the_json_form_is_valid() {
    let schema = std::fs::read_to_string(project("fixtures/site-sheet/schema.json"));
    let schema: Value = serde_json::from_str(&schema.expect("the schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for client in ["hospital", "clinic"] {
        let sheet = json(client);
        let complaints: Vec<String> =
            validator.iter_errors(&sheet).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(complaints.is_empty(), "{client}: {complaints:#?}");
    }
    let mut less = json("hospital");
    less["trust"].as_object_mut().expect("an object").remove("iss");
    assert!(!validator.is_valid(&less), "the schema lets everything pass");
}

#[test]
fn every_query_is_what_discovery_serves() {
    let sheet = json("hospital");
    let page = text("hospital", "markdown");
    let services = sheet["services"].as_array().expect("services");
    assert_eq!(services.len(), knowledge().services.len());
    for (entry, service) in services.iter().zip(&knowledge().services) {
        let served: Value = serde_json::from_str(service.json.get()).expect("JSON");
        assert_eq!(entry["id"], served["id"]);
        assert_eq!(entry["hook"], served["hook"]);
        let served: BTreeMap<String, Value> =
            serde_json::from_value(served["prefetch"].clone()).expect("templates");
        for release in ["R4", "STU3", "DSTU2"] {
            let queries: BTreeMap<String, Value> =
                serde_json::from_value(entry["prefetch"][release].clone()).expect("queries");
            assert!(queries.keys().eq(served.keys()), "{release}");
            if release != "DSTU2" {
                assert_eq!(queries, served, "{release}");
            }
        }
        // DSTU2 knows neither MedicationRequest nor the sign for "newest first".
        let dstu2 = entry["prefetch"]["DSTU2"].as_object().expect("queries");
        assert_eq!(
            dstu2["medications"],
            "MedicationOrder?patient={{context.patientId}}&_count=200"
        );
        for (key, query) in dstu2 {
            let query = query.as_str().expect("a query");
            assert!(!query.contains("_sort=-") && !query.contains("MedicationRequest"), "{query}");
            let sorted = served[key].as_str().expect("a query").contains("_sort=-date");
            assert_eq!(sorted, query.contains("_sort:desc=date"), "{query}");
        }
        // The page holds them letter by letter.
        for query in dstu2.values().chain(served.values()) {
            let query = query.as_str().expect("a query");
            assert!(page.lines().any(|line| line == query), "{query} is not on the page");
        }
    }
}

#[test]
fn every_topic_of_a_golden_answer_is_on_the_sheet() {
    let mut known = BTreeSet::new();
    let hospital = json("hospital");
    let reasons = hospital["overrideReasons"].as_array().expect("reasons");
    let hosts = hospital["cards"]["linkHosts"].as_array().expect("hosts");
    for sheet in [&hospital, &json("clinic")] {
        for topic in sheet["topics"].as_array().expect("topics") {
            for member in ["code", "criticalCode"] {
                known.insert(topic[member].as_str().expect("a code").to_owned());
            }
        }
    }
    let mut seen = 0;
    for answer in answers() {
        for card in answer["body"]["cards"].as_array().into_iter().flatten() {
            let topic = card["source"]["topic"]["code"].as_str().expect("a topic");
            assert!(known.contains(topic), "`{topic}` is on no sheet");
            seen += 1;
            for reason in card["overrideReasons"].as_array().into_iter().flatten() {
                assert!(reasons.contains(reason), "{reason}");
            }
            for link in card["links"].as_array().into_iter().flatten() {
                let url = link["url"].as_str().expect("a URL");
                let host = url.split('/').nth(2).expect("a host");
                let known = hosts.iter().any(|h| h == host);
                assert!(known, "{host} is not allowed");
            }
        }
    }
    assert!(seen > 30, "the golden answers are gone");
}

/// The golden answers of `fixtures/wire/`.
fn answers() -> Vec<Value> {
    let folders = |path: &std::path::Path| -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(path).expect("a folder");
        entries.map(|e| e.expect("entry").path()).filter(|p| p.is_dir()).collect()
    };
    let cases = folders(&project("fixtures/wire")).into_iter().flat_map(|s| folders(&s));
    cases
        .map(|case| {
            let text = std::fs::read_to_string(case.join("response.json")).expect("an answer");
            serde_json::from_str(&text).expect("JSON")
        })
        .collect()
}

#[test]
fn an_unknown_client_is_told_who_is_known() {
    let output = sheet(&["--client", "hospitl", "--config", CONFIG]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(error.lines().count(), 1, "{error}");
    for word in ["`hospitl`", "`hospital`", "`clinic`", "jakcard.toml"] {
        assert!(error.contains(word), "{word} is not in {error}");
    }
}

#[test]
fn what_is_not_settled_is_said_first() {
    assert_eq!(json("hospital")["remarks"], serde_json::json!([]));
    let clinic = json("clinic");
    let remarks = clinic["remarks"].as_array().expect("remarks");
    for word in ["RS384", "FHIR server", "selection_behavior"] {
        let said = remarks.iter().any(|r| r.as_str().is_some_and(|r| r.contains(word)));
        assert!(said, "{word} is not in {remarks:?}");
    }
    // A client's own settings go before those of the house.
    assert_eq!(clinic["jurisdiction"], "EU");
    assert_eq!(clinic["access"]["deadlineMs"], 900);
    let page = text("clinic", "markdown");
    assert!(page.find("To settle").expect("said") < page.find("## Services").expect("there"));
}
