//! What the program counts is what its manual says, and the other way round.

use crate::program::{Program, folder, request};
use crate::support::issuer::Issuer;
use crate::support::project;
use jakcard::service::metrics::{Kind, METRICS};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const SIGN: &str = "jak-inhibitor-order-sign";
const PUBLIC: &str = "https://cds.example.org";

/// Metric and labels, as docs/OPERATIONS.md has them.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(project("docs/OPERATIONS.md")).expect("the manual");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `jakcard_"));
    let quoted = |cell: &str| {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<String>>()
    };
    rows.map(|row| {
        let mut cells = row.split('|');
        let name = cells.next().expect("a name").trim().trim_end_matches('`');
        (format!("jakcard_{name}"), quoted(cells.next().expect("labels")))
    })
    .collect()
}

fn in_code() -> BTreeMap<String, BTreeSet<String>> {
    let labels = |l: &[&str]| l.iter().map(|l| (*l).to_owned()).collect();
    METRICS.iter().map(|(name, _, l, _)| ((*name).to_owned(), labels(l))).collect()
}

/// Metrics and labels that are there.
fn seen(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("jakcard_")) {
        let (series, _) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let histogram =
            |name: &str| METRICS.iter().any(|(n, kind, ..)| *n == name && *kind == Kind::Histogram);
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let name = base.filter(|base| histogram(base)).unwrap_or(name);
        let labels = labels.split("\",").filter_map(|l| Some(l.split_once('=')?.0.to_owned()));
        seen.entry(name.to_owned()).or_default().extend(labels.filter(|label| label != "le"));
    }
    seen
}

#[test]
fn the_manual_names_every_metric_and_no_other() {
    assert_eq!(documented(), in_code());
    let mut named = BTreeSet::new();
    names_in(&project("src"), &mut named);
    let listed: BTreeSet<String> = in_code().into_keys().collect();
    assert_eq!(named, listed, "the code counts under these names");
}

/// Every text of the code that is the name of a metric.
fn names_in(path: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(path).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            names_in(&path, names);
        } else {
            let text = std::fs::read_to_string(&path).expect("text");
            for part in text.split("\"jakcard_").skip(1) {
                let name = part.split('"').next().unwrap_or_default();
                // The table of the store's migrations.
                let other = name == "migrations";
                if !other && !name.contains(|c: char| !(c.is_ascii_lowercase() || c == '_')) {
                    names.insert(format!("jakcard_{name}"));
                }
            }
        }
    }
}

fn post(program: &Program, service: &str, body: &str, token: Option<&str>) -> u16 {
    let call = program.client.post(format!("{}/cds-services/{service}", program.url));
    let mut call = call.header("content-type", "application/json");
    if let Some(token) = token {
        call = call.header("authorization", format!("Bearer {token}"));
    }
    call.body(body.to_owned()).send().expect("an answer").status().as_u16()
}

/// Traffic of every kind, without clients.
fn sandbox() -> String {
    let store = folder();
    let url = format!("sqlite:{}", store.join("store.db").display());
    let program = Program::start(&[("JAKCARD_STORE_URL", &url)]);
    let plain = request(SIGN, "nothing-on-record");
    let change = |at: &str, value: Value| {
        let mut body: Value = serde_json::from_str(&plain).expect("JSON");
        body[at] = value;
        body
    };
    let mut asking = change("fhirServer", json!("http://127.0.0.1:9"));
    asking.as_object_mut().expect("an object").remove("prefetch");
    let mut stripped = asking.clone();
    stripped.as_object_mut().expect("an object").remove("fhirServer");
    for body in [plain.clone(), asking.to_string(), stripped.to_string()] {
        assert_eq!(post(&program, SIGN, &body, None), 200);
    }
    assert_eq!(post(&program, SIGN, &request(SIGN, "no-jak-inhibitor"), None), 200);
    let feedback = json!({"feedback": [{
        "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719", "outcome": "accepted",
        "acceptedSuggestions": [{"id": "e56e1945-20b3-4393-8503-a1a20fd73152"}],
        "outcomeTimestamp": "2026-11-22T10:05:31Z",
    }]});
    assert_eq!(post(&program, &format!("{SIGN}/feedback"), &feedback.to_string(), None), 200);
    assert_eq!(post(&program, "no-such-service", "{}", None), 404);
    program.signal(Signal::SIGHUP);
    let reloaded = "jakcard_knowledge_reloads_total{outcome=\"unchanged\"}";
    program.wait_for("a reload", || program.metric(reloaded) == Some(1.0));
    program.wait_for("a look", || program.get("/metrics").1.contains("\njakcard_connections "));
    let text = program.get("/metrics").1;
    std::fs::remove_dir_all(store).expect("removed");
    text
}

/// Traffic of a client that is authenticated.
fn authenticated() -> String {
    let issuer = Issuer::new("https://ehr.example.org");
    let folder = folder();
    let (keys, settings) = (folder.join("jwks.json"), folder.join("jakcard.toml"));
    std::fs::write(&keys, issuer.jwks().to_string()).expect("written");
    let text = format!(
        "public_url = '{PUBLIC}'\n[[client]]\nname = 'hospital'\niss = '{}'\njwks_file = '{}'\n",
        issuer.iss,
        keys.display()
    );
    std::fs::write(&settings, text).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_jakcard"));
    command.args(["serve", "--bind", "127.0.0.1:0", "--config"]).arg(&settings);
    let program = Program::of(command, folder);
    let now = jiff::Timestamp::now().as_second();
    let token = issuer.good(&format!("{PUBLIC}/cds-services/{SIGN}"), now);
    let body = request(SIGN, "no-jak-inhibitor");
    assert_eq!(post(&program, SIGN, &body, Some(&token)), 200);
    assert_eq!(post(&program, SIGN, &body, Some(&token)), 401, "a second time");
    program.get("/metrics").1
}

#[test]
fn every_metric_of_the_manual_is_there_after_traffic_and_no_other() {
    let text = sandbox() + &authenticated();
    let seen = seen(&text);
    let documented = documented();
    for (name, labels) in &seen {
        assert_eq!(Some(labels), documented.get(name), "{name}");
    }
    // A breaker opens after failures, and certificates change on disk: tests of their own.
    let elsewhere = ["jakcard_tls_reloads_total", "jakcard_fhir_breakers_open"];
    for name in documented.keys().filter(|name| !elsewhere.contains(&name.as_str())) {
        assert!(seen.contains_key(name), "{name} is not in\n{text}");
    }
    for name in seen.keys() {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} says what it is");
    }
    for line in [
        format!(
            "jakcard_request_seconds_bucket{{service=\"{SIGN}\",endpoint=\"call\",le=\"0.5\"}}"
        ),
        "jakcard_phase_seconds_bucket{phase=\"fetch\",le=\"0.5\"} 1".to_owned(),
        "jakcard_stripped_calls_total{client=\"sandbox\"} 2".to_owned(),
        "jakcard_findings_total{rule=\"tofacitinib.boxed.us\",indicator=".to_owned(),
        format!("jakcard_calls_total{{service=\"{SIGN}\",drug=\"identified\"}} 3"),
        format!("jakcard_calls_total{{service=\"{SIGN}\",drug=\"none\"}} 1"),
        "jakcard_not_checked_total{topic=\"tb-screening\",reason=\"not-available\"}".to_owned(),
        "jakcard_requests_total{service=\"none\",endpoint=\"call\",status=\"404\"} 1".to_owned(),
    ] {
        assert!(text.contains(&line), "`{line}` is not in\n{text}");
    }
}
