//! Discovery, CORS, methods, health: what every CDS client relies on.

use crate::app::{App, SIGN, findings, fixture, outcome};
use crate::support::{knowledge, project};
use serde_json::Value;

#[test]
fn discovery_serves_the_files_byte_for_byte() {
    let app = App::start();
    let response = app.get("/cds-services");
    assert_eq!(response.status(), 200);
    let text = response.text().expect("text");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    let services = body["services"].as_array().expect("services");
    assert_eq!(services.len(), 4);
    for service in services {
        let id = service["id"].as_str().expect("id");
        for member in ["hook", "title", "description"] {
            assert!(service[member].as_str().is_some_and(|t| !t.is_empty()), "{id}: {member}");
        }
        let file = project("hooks/services").join(format!("{id}.json"));
        let file = std::fs::read_to_string(file).expect("the file");
        assert!(text.contains(file.trim_end()), "{id} is served as it stands");
    }
}

#[test]
fn prefetch_templates_use_only_what_every_client_supports() {
    for service in &knowledge().services {
        let service: Value = serde_json::from_str(service.json.get()).expect("JSON");
        for (key, template) in service["prefetch"].as_object().expect("prefetch") {
            let template = template.as_str().expect("a template");
            for never in ["_include", "_has", ":not", "_revinclude", "today()", "%"] {
                assert!(!template.contains(never), "{key}: {template}");
            }
            let query = template.split_once('?').map_or("", |(_, q)| q);
            let mut names: Vec<&str> =
                query.split('&').filter_map(|p| p.split('=').next()).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(all, names.len(), "{key} repeats a parameter: {template}");
            for token in template.split("{{").skip(1) {
                let token = token.split("}}").next().expect("closed");
                assert_eq!(token, "context.patientId", "{key}");
            }
        }
    }
}

#[test]
fn every_code_that_is_read_is_asked_for() {
    for service in &knowledge().services {
        let service: Value = serde_json::from_str(service.json.get()).expect("JSON");
        for lab in knowledge().terminology.labs.rows() {
            let template = service["prefetch"][lab.group.key()].as_str().expect("a template");
            for code in &lab.codes {
                let asked = template.split(['=', ',', '&']).any(|c| c == code.code);
                assert!(asked, "{}: {} of {} is not asked for", service["id"], code.code, lab.id);
            }
        }
    }
}

#[test]
fn a_browser_may_call_from_anywhere_in_sandbox_mode() {
    let app = App::start();
    for path in ["/cds-services", "/cds-services/jak-inhibitor-order-sign"] {
        let preflight = app
            .client
            .request(reqwest::Method::OPTIONS, app.url(path))
            .header("origin", "https://sandbox.cds-hooks.org")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, content-type")
            .send()
            .expect("an answer");
        assert!(preflight.status().is_success(), "{path}: {}", preflight.status());
        let header = |name: &str| {
            let value = preflight.headers().get(name).and_then(|v| v.to_str().ok());
            value.unwrap_or_default().to_lowercase()
        };
        assert_eq!(header("access-control-allow-origin"), "*");
        let headers = header("access-control-allow-headers");
        assert!(headers == "*" || headers.contains("authorization"), "{headers}");
    }
    // On answers and on errors alike.
    for (path, status) in [("/cds-services", 200), ("/cds-services/no-such-service", 404)] {
        let response = app
            .client
            .get(app.url(path))
            .header("origin", "https://sandbox.cds-hooks.org")
            .send()
            .expect("an answer");
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
    }
}

#[test]
fn unknown_service_wrong_method_and_wrong_path_are_told_apart() {
    let app = App::start();
    let (status, text) = outcome(app.get("/cds-services/no-such-service"));
    assert_eq!(status, 404, "{text}");
    let (status, _) = app.refused("no-such-service", "not even JSON");
    assert_eq!(status, 404);
    let response = app.get(&format!("/cds-services/{SIGN}"));
    assert_eq!(response.headers()["allow"], "POST");
    assert_eq!(outcome(response).0, 405);
    let response = app.client.post(app.url("/cds-services")).send().expect("an answer");
    assert_eq!(outcome(response).0, 405);
    assert_eq!(outcome(app.get("/")).0, 404);
}

#[test]
fn json_comes_in_many_names_and_nothing_else_does() {
    let app = App::start();
    let body = fixture(SIGN, "no-jak-inhibitor").to_string();
    for good in [
        "application/json",
        "application/json; charset=utf-8",
        "application/fhir+json",
        "text/json",
    ] {
        assert_eq!(app.post_as(SIGN, body.clone(), good).status(), 200, "{good}");
    }
    for bad in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense"] {
        assert_eq!(outcome(app.post_as(SIGN, body.clone(), bad)).0, 415, "{bad}");
    }
}

#[test]
fn health_readiness_and_metrics_answer() {
    let app = App::start();
    assert_eq!(app.get("/healthz").text().expect("text"), "ok\n");
    // It is not ready before every drug was recognised once.
    let begun = std::time::Instant::now();
    while app.get("/readyz").status() != 200 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it never gets ready");
    }
    app.post(SIGN, fixture(SIGN, "nothing-on-record").to_string());
    let metrics = app.get("/metrics").text().expect("text");
    let counted =
        format!("jakcard_requests_total{{service=\"{SIGN}\",endpoint=\"call\",status=\"200\"}}");
    assert!(metrics.contains(&counted), "{metrics}");
    assert!(metrics.contains("jakcard_identified_total{by=\"rxnorm\"}"), "{metrics}");
    assert!(!metrics.contains("pat-1"));
}

#[test]
fn the_offline_answer_is_the_answer_of_the_service() {
    let app = App::start();
    let body = fixture(SIGN, "nothing-on-record").to_string();
    let online = app.post(SIGN, body.clone()).text().expect("text");
    let offline = std::process::Command::new(env!("CARGO_BIN_EXE_jakcard"))
        .args(["evaluate", "-", "--as-of", "2026-11-22"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            use std::io::Write;
            child.stdin.take().expect("stdin").write_all(body.as_bytes())?;
            child.wait_with_output()
        })
        .expect("the program runs");
    assert!(offline.status.success());
    assert_eq!(String::from_utf8_lossy(&offline.stdout).trim_end(), online);
}

#[test]
fn the_jurisdiction_decides_whose_label_speaks() {
    use jakcard::config::Limits;
    use jakcard::knowledge::Jurisdiction;
    let request = fixture(SIGN, "nothing-on-record");
    let us = App::with(Limits::default(), Jurisdiction::Us).cards(SIGN, &request);
    let eu = App::with(Limits::default(), Jurisdiction::Eu).cards(SIGN, &request);
    // CrCl 49.8: a limit in the US, none in the EU, where it begins below 30.
    let renal =
        |answer: &Value| findings(answer).iter().filter(|f| f["topic"] == "renal-dose").count();
    assert_eq!((renal(&us), renal(&eu)), (1, 0));
    let evaluation = &eu["extension"]["org.jakcard.evaluation"];
    assert_eq!(evaluation["jurisdiction"], "EU");
    let rules: Vec<&str> = findings(&eu).iter().filter_map(|f| f["rule"].as_str()).collect();
    assert!(rules.contains(&"tofacitinib.special-populations.eu"), "{rules:?}");
}
