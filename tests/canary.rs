//! No patient and no token in any sink: names, identifiers, dates and tokens are planted into all the
//! traffic of the fixtures, good and broken, and looked for in logs, metrics, errors and output.

mod support;

use reqwest::blocking::Client;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::process::{Child, Command};
use support::fake_ehr::{FakeEhr, Reply, held};
use support::issuer::{Issuer, uuid};
use support::{Serving, project, serving};

const PUBLIC: &str = "https://cds.example.org";
/// Planted, and never to be seen again outside of an answer with 200.
const CANARIES: [&str; 12] = [
    "Canarybird",
    "Tweetie",
    "mrn-5551234",
    "canary-patient",
    "canary-condition",
    "1951-07-04",
    "canary@birds.example.org",
    "+1-555-0199",
    "Feather Lane",
    "canary-access-token",
    "canary-comment",
    "canary-practitioner",
];

struct Running {
    child: Child,
    url: String,
    log: PathBuf,
    issuer: Issuer,
    client: Client,
    /// Tokens that were sent: none of them may be seen either.
    tokens: Vec<String>,
    /// Bodies of answers that are not 200.
    errors: String,
}

impl Running {
    fn start(fhir: &str) -> Running {
        let issuer = Issuer::new("https://ehr.example.org");
        let folder = std::env::temp_dir().join(format!("jakcard-canary-{}", uuid()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (keys, settings) = (folder.join("jwks.json"), folder.join("jakcard.toml"));
        std::fs::write(&keys, issuer.jwks().to_string()).expect("written");
        let text = format!(
            "public_url = '{PUBLIC}'\n[fetch]\ndeadline_ms = 400\n[[client]]\nname = 'hospital'\n\
             iss = '{}'\njwks_file = '{}'\nfhir_servers = ['{fhir}']\n",
            issuer.iss,
            keys.display()
        );
        std::fs::write(&settings, text).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_jakcard"));
        command
            .args(["serve", "--bind", "127.0.0.1:0", "--config"])
            .arg(&settings)
            .env("RUST_LOG", "jakcard=trace,actix=debug,reqwest=debug,info")
            .env("RUST_BACKTRACE", "full")
            .current_dir(&folder)
            .stderr(std::fs::File::create(folder.join("log")).expect("a file"));
        let Serving { child, url, .. } = serving(&mut command);
        let client = Client::builder().no_proxy().build().expect("a client");
        let log = folder.join("log");
        Running { child, url, log, issuer, client, tokens: Vec::new(), errors: String::new() }
    }

    /// Sends it with a good token; the answer is kept unless it is 200.
    fn send(&mut self, service: &str, body: Vec<u8>) -> u16 {
        let now = jiff::Timestamp::now().as_second();
        let token = self.issuer.good(&format!("{PUBLIC}/cds-services/{service}"), now);
        let authorization = format!("Bearer {token}");
        self.tokens.push(token);
        self.send_as(service, &authorization, body)
    }

    fn send_as(&mut self, service: &str, authorization: &str, body: Vec<u8>) -> u16 {
        let url = format!("{}/cds-services/{service}", self.url);
        let request = self.client.post(url).header("content-type", "application/json");
        let response = request.header("authorization", authorization).body(body).send();
        let response = response.expect("an answer");
        let status = response.status().as_u16();
        if status != 200 {
            self.errors.push_str(&response.text().expect("text"));
        }
        status
    }

    /// Everything that was written anywhere.
    fn sinks(mut self) -> (String, Vec<String>) {
        let metrics = self.client.get(format!("{}/metrics", self.url)).send().expect("metrics");
        let mut all = metrics.text().expect("text");
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        let log = std::fs::read_to_string(&self.log).expect("the log");
        assert!(log.lines().count() > 50, "the log is missing:\n{log}");
        assert!(log.contains("\"answered\""), "{log}");
        all.push_str(&log);
        let records = records(&self.log.with_file_name("jakcard.db"));
        assert!(records.lines().count() > 50, "the records are missing:\n{records}");
        all.push_str(&records);
        all.push_str(&self.errors);
        (all, self.tokens)
    }
}

/// What the audit says.
fn records(file: &std::path::Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_jakcard"))
        .args(["audit", "export", "--store"])
        .arg(format!("sqlite:{}", file.display()))
        .output();
    String::from_utf8(output.expect("the program runs").stdout).expect("text")
}

/// All requests of the fixtures, with their service.
fn requests() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for service in folders(project("fixtures/wire")) {
        let id = service.file_name().expect("a name").to_string_lossy().into_owned();
        for case in folders(service) {
            let text = std::fs::read_to_string(case.join("request.json")).expect("a request");
            all.push((id.clone(), serde_json::from_str(&text).expect("JSON")));
        }
    }
    assert!(all.len() > 30, "the fixtures are gone");
    all
}

fn folders(path: PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).expect("a folder").map(|e| e.expect("entry").path());
    entries.filter(|path| path.is_dir()).collect()
}

/// Plants what a chart holds of a person into every resource.
fn plant(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(plant),
        Value::Object(members) => {
            members.values_mut().for_each(plant);
            if members.contains_key("resourceType") {
                plant_resource(members);
            }
        }
        Value::String(text) if text.starts_with("Patient/") => {
            *text = "Patient/canary-patient".to_owned();
        }
        _ => {}
    }
}

fn plant_resource(members: &mut Map<String, Value>) {
    let name =
        json!([{ "family": "Canarybird", "given": ["Tweetie"], "text": "Tweetie Canarybird" }]);
    let identifier = json!([{ "system": "urn:oid:1.2.3", "value": "mrn-5551234" }]);
    members.insert("identifier".into(), identifier);
    members.insert("note".into(), json!([{ "text": "canary-comment of Tweetie Canarybird" }]));
    let narrative = json!({ "status": "generated", "div": "<div>Canarybird, mrn-5551234</div>" });
    members.insert("text".into(), narrative);
    match members["resourceType"].as_str() {
        Some("Patient") => {
            members.insert("id".into(), json!("canary-patient"));
            members.insert("name".into(), name);
            members.insert("birthDate".into(), json!("1951-07-04"));
            let telecom =
                ["canary@birds.example.org", "+1-555-0199"].map(|v| json!({ "value": v }));
            members.insert("telecom".into(), json!(telecom));
            members.insert("address".into(), json!([{ "line": ["1 Feather Lane"] }]));
        }
        Some("Condition") => {
            members.insert("id".into(), json!("canary-condition"));
            members.insert("recordedDate".into(), json!("1951-07-04"));
        }
        _ => {}
    }
}

#[test]
fn nothing_of_a_patient_and_no_token_is_in_any_sink() {
    let held_all = requests()
        .into_iter()
        .find_map(|(_, r)| r["prefetch"]["labs"].is_object().then(|| r["prefetch"].clone()));
    let mut prefetch = held_all.expect("a prefetch");
    plant(&mut prefetch);
    let ehr = FakeEhr::start(move |path| match path {
        p if p.contains("Condition") => Reply::Truncated(b"{\"Canarybird\":1}".to_vec()),
        p if p.contains("Immunization") => {
            Reply::Raw(500, vec![("x-who", "Canarybird".into())], b"mrn-5551234".to_vec())
        }
        p if p.contains("MedicationRequest") => Reply::Reset,
        p => held(&prefetch, &p.replace("canary-patient", "pat-1")),
    });
    let mut running = Running::start(&ehr.base());
    let mut statuses = Map::new();
    for (service, request) in requests() {
        let mut planted = request.clone();
        plant(&mut planted);
        // The lists of 2017 have the patient beside the context.
        let place =
            if planted["context"].is_object() { &mut planted["context"] } else { &mut planted };
        place["patientId"] = json!("canary-patient");
        place["userId"] = json!("Practitioner/canary-practitioner");
        planted["extension"] = json!({ "org.example.comment": "canary-comment" });
        let mut fetching = planted.clone();
        if let Some(members) = fetching.as_object_mut() {
            members.shift_remove("prefetch");
        }
        fetching["fhirServer"] = json!(ehr.base());
        fetching["fhirAuthorization"] = json!({
            "access_token": "canary-access-token", "token_type": "Bearer", "expires_in": 300,
            "scope": "patient/*.read", "subject": "jakcard", "patient": "canary-patient",
        });
        let text = planted.to_string();
        let mut bodies = vec![text.clone().into_bytes(), fetching.to_string().into_bytes()];
        // Broken in the middle of what must not be quoted.
        for canary in CANARIES {
            if let Some(at) = text.find(canary) {
                bodies.push(text.as_bytes()[..at + canary.len()].to_vec());
                bodies.push(text.replacen(canary, &format!("{canary}\u{1}"), 1).into_bytes());
                bodies.push(
                    text.replacen(&format!("\"{canary}"), "\"\\ud800Canarybird", 1).into_bytes(),
                );
            }
        }
        // Of another shape than expected.
        for member in ["hookInstance", "context", "prefetch", "fhirAuthorization", "fhirServer"] {
            let mut odd = planted.clone();
            odd[member] = json!("Tweetie Canarybird mrn-5551234");
            bodies.push(odd.to_string().into_bytes());
            odd[member] = json!({ "Canarybird": { "Tweetie": ["mrn-5551234"] } });
            bodies.push(odd.to_string().into_bytes());
        }
        let mut other = planted.clone();
        if other["context"].is_object() {
            other["context"]["patientId"] = json!("canary-patient-2");
        }
        bodies.push(other.to_string().into_bytes());
        for body in bodies {
            let status = running.send(&service, body).to_string();
            let n = statuses.get(&status).and_then(Value::as_u64).unwrap_or_default();
            statuses.insert(status, json!(n + 1));
        }
    }
    // Feedback is kept with what users write, and says nothing of it anywhere else.
    for report in [
        json!({ "card": "1", "outcome": "overridden", "outcomeTimestamp": "2026-11-22T10:05:31Z",
                "overrideReason": { "reason": { "code": "1" }, "userComment": "canary-comment" } }),
        json!({ "card": "Canarybird", "outcome": "mrn-5551234" }),
        json!({ "card": ["Canarybird"] }),
        json!({ "card": "1", "outcome": "accepted", "outcomeTimestamp": "1951-07-04" }),
        json!({ "card": "1", "outcome": "accepted", "outcomeTimestamp": "2026-11-22T10:05:31Z",
                "overrideReason": "Tweetie\u{1}" }),
    ] {
        let body = json!({ "feedback": [report] }).to_string().into_bytes();
        running.send("jak-inhibitor-order-sign/feedback", body);
    }
    // Tokens of all kinds of wrong.
    let claims = running.issuer.claims("https://other.example.org", 0);
    let mut claims = claims.as_object().expect("claims").clone();
    claims.insert("sub".into(), json!("canary-practitioner"));
    let odd = running.issuer.token(&running.issuer.header(), &json!(claims));
    for authorization in [format!("Bearer {odd}"), "Bearer canary-access-token".into(), odd.clone()]
    {
        assert_eq!(
            running.send_as("jak-inhibitor-order-sign", &authorization, b"{}".to_vec()),
            401
        );
    }
    running.tokens.push(odd);
    assert!(statuses.contains_key("200") && statuses.contains_key("400"), "{statuses:?}");
    assert!(!ehr.asked().is_empty(), "the EHR was asked");
    assert!(!statuses.keys().any(|status| status.starts_with('5')), "{statuses:?}");

    let (sinks, tokens) = running.sinks();
    for canary in CANARIES {
        if let Some(at) = sinks.find(canary) {
            let around = sinks.char_indices().map(|(i, _)| i);
            let from = around.clone().rfind(|i| *i + 300 <= at).unwrap_or(0);
            panic!("`{canary}` was found: …{}", &sinks[from..at + canary.len()]);
        }
    }
    for token in tokens {
        for part in token.split('.').filter(|part| part.len() > 60) {
            assert!(!sinks.contains(part), "a part of a token was found: {part}");
        }
    }
}

/// A password, wherever a hand may put it.
const PASSWORD: &str = "canary-password";

#[test]
fn a_password_in_the_settings_is_never_said() {
    let address = format!("postgres://jakcard:{PASSWORD}@127.0.0.1:1/cards");
    let folder = std::env::temp_dir().join(format!("jakcard-canary-{}", uuid()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("jakcard.toml");
    let settings = [
        format!("[store]\nurl = \"{address}\""),
        format!("[store]\nurl = \"{address}?password={PASSWORD}\""),
        format!("[store]\nurl = \"{address}/{PASSWORD}@\""),
        format!("[store]\nurl = \"postgres:{PASSWORD}\""),
        format!("[store]\nurl = \"{PASSWORD}@host\""),
        format!("[store]\nurl = \"mysql://jakcard:{PASSWORD}@host/cards\""),
        format!("[store]\nurl = \"postgres://jakcard:{PASSWORD}@ho st:x/cards\""),
        format!("[store]\nurl = {address}"),
        format!("[store]\nurl = \"{address}"),
        format!("[store]\nurl = [\"{address}\"]"),
        format!("[store]\nulr = \"{address}\""),
        format!("[store]\nurl {address}?x=1"),
        format!("[store]\nstrict = \"{address}\""),
        format!("store = \"{address}\""),
        format!("bind = \"{address}\""),
        format!("jurisdiction = \"{address}\""),
        format!("public_url = \"https://jakcard:{PASSWORD}@cds.example.org\""),
        format!("[fetch]\nservers = [\"https://jakcard:{PASSWORD}@ehr.example.org/\"]"),
        format!("[limits]\nbody_bytes = \"{address}\""),
        format!(
            "public_url = 'https://c.example.org'\n[[client]]\nname = 'a'\niss = 'a'\n\
             jwks_url = 'https://jakcard:{PASSWORD}@e.example.org/'"
        ),
    ];
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let said = folder.join("said");
        let sink = std::fs::File::create(&said).expect("a file");
        let mut program = Command::new(env!("CARGO_BIN_EXE_jakcard"));
        program.args(arguments).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        program.envs(environment.iter().copied()).stdout(sink.try_clone().expect("a file"));
        let mut child = program.stderr(sink).spawn().expect("the program runs");
        // A service that starts all the same is ended, with what it said until then.
        let mut code = None;
        for _ in 0..40 {
            code = child.try_wait().expect("a state").map(|status| status.code());
            if code.is_some() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        _ = child.kill();
        child.wait().expect("ended");
        (code, std::fs::read_to_string(&said).expect("text"))
    };
    let path = file.to_str().expect("a path");
    for text in settings {
        std::fs::write(&file, &text).expect("written");
        let (code, said) = run(&["check-config", path], &[]);
        assert!(!said.contains(PASSWORD), "{text}\n{said}");
        assert!(matches!(code, Some(Some(0 | 1))), "{text}\n{said}");
        // What is sound is an address at which nobody listens.
        let (_, said) = run(&["serve", "--bind", "127.0.0.1:0", "--config", path], &[]);
        assert!(!said.contains(PASSWORD) && !said.is_empty(), "{text}\n{said}");
    }
    for (name, value) in [
        ("JAKCARD_STORE_URL", address.as_str()),
        ("JAKCARD_STORE", &address),
        ("JAKCARD_STORE_STRICT", &address),
        ("JAKCARD_BIND", &address),
    ] {
        for arguments in
            [&["serve", "--bind", "127.0.0.1:0"][..], &["serve", "--help"], &["--help"]]
        {
            let (_, said) = run(arguments, &[(name, value)]);
            assert!(!said.contains(PASSWORD) && !said.is_empty(), "{name}: {said}");
        }
    }
    let (_, said) = run(&["serve", "--config", "/nowhere"], &[("JAKCARD_STORE_URL", &address)]);
    assert!(said.contains("/nowhere") && !said.contains(PASSWORD), "{said}");
}
