//! The description of the interface is what the service does: every path, every status, every body.

use crate::app::{App, SIGN, fixture};
use crate::support::{knowledge, project};
use jakcard::config::{Config, Limits};
use reqwest::Method;
use reqwest::blocking::Response;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The document, and which of its answers were seen.
struct Description {
    document: Value,
    seen: BTreeSet<(String, u16)>,
}

impl Description {
    fn of(app: &App) -> Description {
        let text = app.get("/openapi.json").text().expect("text");
        let document = serde_json::from_str(&text).expect("JSON");
        Description { document, seen: BTreeSet::new() }
    }

    /// The described answer to this status, references resolved.
    fn answer(&self, path: &str, status: u16) -> &Value {
        let operations = self.document["paths"][path].as_object().expect("a path");
        let (_, operation) = operations.iter().next().expect("an operation");
        let answer = &operation["responses"][status.to_string()];
        let answer = match answer["$ref"].as_str() {
            Some(to) => self.document.pointer(to.trim_start_matches('#')).expect("a response"),
            None => answer,
        };
        assert!(answer.is_object(), "{path}: {status} is not described");
        answer
    }

    /// What is wrong with a body, by the schema of this answer.
    fn complaints(&self, path: &str, status: u16, media: &str, body: &Value) -> Vec<String> {
        let mut schema = self.answer(path, status)["content"][media]["schema"].clone();
        assert!(schema.is_object(), "{path}: {status} comes as {media}, which is not described");
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        validator.iter_errors(body).map(|e| format!("{}: {e}", e.instance_path())).collect()
    }

    /// Holds an answer against the description.
    fn check(&mut self, path: &str, expected: u16, answer: impl Into<Answer>) {
        let Answer { status, headers, text } = answer.into();
        let media = headers.get("content-type").map_or("", |m| m.split(';').next().unwrap_or(m));
        for name in self.answer(path, status)["headers"].as_object().expect("headers").keys() {
            let there = headers.contains_key(&name.to_lowercase());
            assert!(there, "{path}: {status} comes without {name}");
        }
        assert_eq!(status, expected, "{path}: {text}");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let complaints = self.complaints(path, status, media, &body);
        assert!(complaints.is_empty(), "{path}: {status}: {complaints:#?}\n{body:#}");
        self.seen.insert((path.to_owned(), status));
    }
}

/// An answer as it came over the wire.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    text: String,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Answer {
        let header = |(name, value): (&reqwest::header::HeaderName, _)| {
            let value: &reqwest::header::HeaderValue = value;
            (name.as_str().to_owned(), value.to_str().expect("text").to_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let status = response.status().as_u16();
        Answer { status, headers, text: response.text().expect("text") }
    }
}

/// The answer to a body that stops after its first byte.
fn too_slow(app: &App, path: &str) -> Answer {
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        path.replace("{id}", SIGN)
    );
    let answer = app.raw(request.as_bytes());
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
    let headers = lines.filter_map(|line| line.split_once(": "));
    Answer {
        status: status.parse().expect("a number"),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        text: text.to_owned(),
    }
}

const CALL: &str = "/cds-services/{id}";
const FEEDBACK: &str = "/cds-services/{id}/feedback";

/// The folders of `fixtures/wire/`: service and case.
fn cases() -> Vec<(String, String)> {
    let names = |path: &std::path::Path| -> Vec<String> {
        let entries = std::fs::read_dir(path).expect("a folder").map(|e| e.expect("entry"));
        let folders = entries.filter(|e| e.path().is_dir());
        folders.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
    };
    let wire = project("fixtures/wire");
    let of = |service: String| {
        let cases = names(&wire.join(&service)).into_iter();
        cases.map(move |case| (service.clone(), case)).collect::<Vec<_>>()
    };
    names(&wire).into_iter().flat_map(of).collect()
}

fn post(app: &App, path: &str, body: impl Into<Vec<u8>>) -> Response {
    let path = path.replace("{id}", SIGN);
    let request = app.client.post(app.url(&path)).header("content-type", "application/json");
    request.body(body.into()).send().expect("an answer")
}

fn report(card: &str) -> String {
    json!({ "feedback": [{
        "card": card,
        "outcome": "overridden",
        "overrideReason": { "reason": { "code": "patient-ineligible" } },
        "outcomeTimestamp": "2026-11-22T12:00:00Z",
    }] })
    .to_string()
}

#[test]
fn every_answer_is_as_described() {
    let app = App::start();
    let mut description = Description::of(&app);
    for (service, case) in cases() {
        let golden = project("fixtures/wire").join(&service).join(&case).join("response.json");
        let golden = std::fs::read_to_string(golden).expect("the golden answer");
        let golden: Value = serde_json::from_str(&golden).expect("JSON");
        let status = golden["status"].as_u64().and_then(|s| s.try_into().ok()).expect("a status");
        let answer = app.post(&service, fixture(&service, &case).to_string());
        description.check(CALL, status, answer);
    }
    for path in ["/cds-services", "/openapi.json", "/healthz", "/readyz", "/metrics"] {
        description.check(path, 200, app.get(path));
        let other = app.client.request(Method::DELETE, app.url(path)).send().expect("an answer");
        description.check(path, 405, other);
    }
    description.check(FEEDBACK, 200, post(&app, FEEDBACK, report("a-card")));
    description.check(FEEDBACK, 200, post(&app, FEEDBACK, r#"{"feedback":[]}"#));
    for path in [CALL, FEEDBACK] {
        let real = path.replace("{id}", SIGN);
        for wrong in ["", "{", "[]", "{}", r#"{"hook":7}"#, r#"{"feedback":[{"card":1}]}"#] {
            description.check(path, 400, post(&app, path, wrong));
        }
        description.check(path, 405, app.get(&real));
        let unknown = path.replace("{id}", "no-such-service");
        description.check(path, 404, app.client.post(app.url(&unknown)).send().expect("an answer"));
        let text = app.client.post(app.url(&real)).header("content-type", "text/plain");
        description.check(path, 415, text.body("{}").send().expect("an answer"));
    }
    let large = "x".repeat(20_000);
    let paths: Vec<String> =
        description.document["paths"].as_object().expect("paths").keys().cloned().collect();
    for path in &paths {
        let request = app.client.get(app.url(&path.replace("{id}", SIGN)));
        description.check(path, 431, request.header("x-large", &large).send().expect("an answer"));
    }

    let limits = Limits { body_bytes: 1000, body_seconds: 1, ..Limits::default() };
    let narrow = App::of(Config { limits, ..Config::default() });
    let full = Limits { in_flight: 0, ..Limits::default() };
    let full = App::of(Config { limits: full, ..Config::default() });
    let closed = closed();
    for path in [CALL, FEEDBACK] {
        description.check(path, 413, post(&narrow, path, " ".repeat(1001)));
        description.check(path, 408, too_slow(&narrow, path));
        description.check(path, 503, post(&full, path, "{}"));
        description.check(path, 401, post(&closed, path, "{}"));
    }
    let mut nowhere = Config::default();
    nowhere.store.url = Some("sqlite:/no/such/folder/records.db".to_owned());
    description.check(FEEDBACK, 503, post(&App::of(nowhere), FEEDBACK, report("a-card")));

    // What no call can bring about here: a panic, and a service that begins or ends.
    for path in &paths {
        let operations = description.document["paths"][path].as_object().expect("a path");
        for status in
            operations.values().flat_map(|o| o["responses"].as_object().expect("answers").keys())
        {
            let status: u16 = status.parse().expect("a status");
            let beyond = status == 500 || (path == "/readyz" && status == 503);
            let seen = description.seen.contains(&(path.clone(), status));
            assert!(seen || beyond, "{path}: {status} was never seen");
        }
    }
}

/// A service with a client, whose token nobody has.
fn closed() -> App {
    use crate::support::issuer::Issuer;
    let issuer = Issuer::new("https://ehr.example.org");
    let file = std::env::temp_dir().join(format!("jakcard-openapi-{}.json", std::process::id()));
    std::fs::write(&file, issuer.jwks().to_string()).expect("written");
    let settings = format!(
        "public_url = \"https://cds.example.org/\"\n[[client]]\nname = \"hospital\"\n\
         iss = \"https://ehr.example.org\"\njwks_file = \"{}\"\n",
        file.display()
    );
    App::of(toml::from_str(&settings).expect("settings"))
}

#[test]
fn a_body_that_is_not_as_described_is_found() {
    let app = App::start();
    let description = Description::of(&app);
    let good = app.cards(SIGN, &fixture(SIGN, "nothing-on-record"));
    let complaints =
        |body: &Value| description.complaints(CALL, 200, "application/json", body).len();
    assert_eq!(complaints(&good), 0);
    let finding = "/cards/0/extension/org.jakcard.findings/0";
    for (place, member, value) in [
        ("", "cards", Value::Null),
        ("", "systemActions", json!([])),
        ("/cards/0", "indicator", json!("hard-stop")),
        ("/cards/0", "suggestions", json!([])),
        ("/cards/0", "summary", json!("x".repeat(140))),
        (finding, "topic", json!("weather")),
        (finding, "patient", json!("pat-1")),
        ("/extension/org.jakcard.evaluation", "asOf", json!("today")),
    ] {
        let mut body = good.clone();
        let object = body.pointer_mut(place).expect("there").as_object_mut().expect("an object");
        object.insert(member.to_owned(), value);
        assert!(complaints(&body) > 0, "{place}/{member} passes");
    }
}

#[test]
fn every_path_is_described_and_every_description_is_a_path() {
    let app = App::start();
    let description = Description::of(&app);
    let described: BTreeSet<String> =
        description.document["paths"].as_object().expect("paths").keys().cloned().collect();
    // The routes stand in one file: as resources, and as pairs of a path and a reading route.
    let routes = std::fs::read_to_string(project("src/service/mod.rs")).expect("the routes");
    let route = regex::Regex::new(r#"resource\(\s*"([^"]+)"|\("([^"]+)",\s*reading\(\)"#);
    let route = route.expect("a pattern");
    let path = |found: regex::Captures<'_>| {
        let path = found.get(1).or_else(|| found.get(2)).expect("a path");
        path.as_str().to_owned()
    };
    let routed: BTreeSet<String> = route.captures_iter(&routes).map(path).collect();
    for file in std::fs::read_dir(project("src/service")).expect("a folder") {
        let path = file.expect("an entry").path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let elsewhere = !path.ends_with("mod.rs") && text.contains("web::resource(");
        assert!(!elsewhere, "{}: a route that this test does not see", path.display());
    }
    assert_eq!(described, routed);
    let ids = &description.document["paths"][CALL]["post"]["parameters"][0]["schema"]["enum"];
    let served: Vec<&str> = knowledge().services.iter().map(|s| &*s.id).collect();
    assert_eq!(*ids, json!(served));
}

#[test]
fn the_document_names_this_version_and_where_clients_call() {
    let document = Description::of(&App::start()).document;
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(document.get("servers").is_none(), "nobody calls a sandbox from elsewhere");
    let document = Description::of(&closed()).document;
    assert_eq!(document["servers"], json!([{ "url": "https://cds.example.org" }]));
}
