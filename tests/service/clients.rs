//! Trusted EHRs get in, over a real port; everybody else learns nothing.

use crate::app::{App, SELECT, SIGN, fixture, outcome};
use crate::support::fake_ehr::FakeEhr;
use crate::support::issuer::{Issuer, uuid};
use jakcard::cds_hooks::SelectionBehavior;
use jakcard::config::{Algorithm, Client, Config, Limits};
use jakcard::knowledge::Jurisdiction;
use reqwest::blocking::Response;
use serde_json::{Value, json};

pub const PUBLIC: &str = "https://cds.example.org";

pub fn client(name: &str, issuer: &Issuer) -> Client {
    let file = std::env::temp_dir().join(format!("jakcard-client-{}.json", uuid()));
    std::fs::write(&file, issuer.jwks().to_string()).expect("written");
    Client {
        name: name.to_owned(),
        iss: issuer.iss.clone(),
        algorithms: vec![Algorithm::ES384, Algorithm::RS384],
        jwks_url: None,
        jwks_file: Some(file),
        audiences: Vec::new(),
        tenants: Vec::new(),
        fhir_servers: Vec::new(),
        open_fhir_servers: Vec::new(),
        jurisdiction: None,
        deadline_ms: None,
        selection_behavior: None,
    }
}

pub fn config(clients: Vec<Client>) -> Config {
    Config { clients, public_url: Some(PUBLIC.to_owned()), ..Config::default() }
}

pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

pub fn token(issuer: &Issuer, service: &str) -> String {
    issuer.good(&format!("{PUBLIC}/cds-services/{service}"), now())
}

pub fn call(app: &App, service: &str, authorization: &str, body: &Value) -> Response {
    let url = app.url(&format!("/cds-services/{service}"));
    let request = app.client.post(url).header("content-type", "application/json");
    let request = request.body(body.to_string());
    let request = match authorization {
        "" => request,
        text => request.header("authorization", text),
    };
    request.send().expect("an answer")
}

fn read(response: Response) -> Value {
    serde_json::from_str(&response.text().expect("text")).expect("JSON")
}

#[test]
fn a_known_ehr_gets_the_cards_and_a_stranger_nothing() {
    let issuer = Issuer::new("https://ehr.example.org");
    let app = App::of(config(vec![client("hospital", &issuer)]));
    let body = fixture(SIGN, "nothing-on-record");
    let good = token(&issuer, SIGN);
    let answer = call(&app, SIGN, &format!("Bearer {good}"), &body);
    assert_eq!(answer.status(), 200);
    let answer: Value = read(answer);
    assert!(answer["cards"].as_array().expect("cards").len() >= 3);
    let again = call(&app, SIGN, &format!("Bearer {good}"), &body);
    assert_eq!(again.status(), 401, "a token is used once");
    let elsewhere = format!("Bearer {}", token(&issuer, SELECT));
    assert_eq!(call(&app, SIGN, &elsewhere, &body).status(), 401, "for another service");
    assert_eq!(app.get("/cds-services").status(), 200, "discovery holds nothing of a patient");
    let metrics = app.get("/metrics").text().expect("text");
    assert!(metrics.contains(r#"jakcard_denied_total{client="hospital",reason="replay"}"#));
    assert!(metrics.contains(r#"jakcard_denied_total{client="hospital",reason="aud"}"#));
}

#[test]
fn a19_every_refusal_is_the_same_to_the_byte() {
    let issuer = Issuer::new("https://ehr.example.org");
    let app = App::of(config(vec![client("hospital", &issuer)]));
    let body = fixture(SIGN, "nothing-on-record");
    let good = token(&issuer, SIGN);
    let used = call(&app, SIGN, &format!("Bearer {good}"), &body);
    assert_eq!(used.status(), 200);
    let mut answers = Vec::new();
    let stranger = Issuer::new("https://evil.example.org");
    let forger = Issuer::new("https://ehr.example.org");
    for authorization in [
        String::new(),
        "Basic eDp5".to_owned(),
        format!("Bearer {good}"),
        format!("Bearer {}", token(&stranger, SIGN)),
        format!("Bearer {}", token(&forger, SIGN)),
        format!("Bearer {}", issuer.good("https://other.example.org", now())),
        format!("Bearer {}", issuer.good(&format!("{PUBLIC}/cds-services/{SIGN}"), now() - 7200)),
        "Bearer x".to_owned(),
    ] {
        let response = call(&app, SIGN, &authorization, &body);
        assert_eq!(response.status(), 401, "{authorization}");
        let mut headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .filter(|(name, _)| *name != "date" && *name != "x-request-id")
            .map(|(name, value)| (name.to_string(), format!("{value:?}")))
            .collect();
        headers.sort();
        assert!(headers.iter().any(|(name, _)| name == "www-authenticate"));
        answers.push((headers, response.text().expect("text")));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[test]
fn a20_nothing_of_the_body_is_read_for_a_stranger() {
    let issuer = Issuer::new("https://ehr.example.org");
    let app = App::of(config(vec![client("hospital", &issuer)]));
    // The body is announced and never sent: who would read it would wait.
    let head = format!(
        "POST /cds-services/{SIGN} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         authorization: Bearer x\r\ncontent-length: 16000000\r\n\r\n"
    );
    let answer = app.raw(head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
}

#[test]
fn checks_run_in_the_order_of_the_contract() {
    let issuer = Issuer::new("https://ehr.example.org");
    let limits = Limits { body_bytes: 100, ..Limits::default() };
    let app = App::of(Config { limits, ..config(vec![client("hospital", &issuer)]) });
    let send = |method: &str, path: &str, authorization: &str, media: &str, body: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = app.client.request(method, app.url(path)).header("content-type", media);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        request.body(body.to_owned()).send().expect("an answer")
    };
    let path = format!("/cds-services/{SIGN}");
    let (json, xml) = ("application/json", "text/xml");
    let large = "x".repeat(101);
    let good = || format!("Bearer {}", token(&issuer, SIGN));
    for (status, response) in [
        (404, send("PUT", "/cds-services/none", "", xml, &large)),
        (405, send("PUT", &path, "", xml, &large)),
        (401, send("POST", &path, "", xml, &large)),
        (415, send("POST", &path, &good(), xml, &large)),
        (413, send("POST", &path, &good(), json, &large)),
        (400, send("POST", &path, &good(), json, "x")),
    ] {
        assert_eq!(outcome(response).0, status);
    }
}

#[test]
fn each_client_has_its_labels_its_dialect_and_its_own_ids() {
    let (us, eu) = (Issuer::new("https://us.example.org"), Issuer::new("https://eu.example.org"));
    let plain = client("us", &us);
    let other = Client {
        jurisdiction: Some(Jurisdiction::Eu),
        selection_behavior: Some(SelectionBehavior::AtMostOne),
        ..client("eu", &eu)
    };
    let app = App::of(config(vec![plain, other]));
    let body = fixture(SIGN, "nothing-on-record");
    let answer = |issuer: &Issuer| -> Value {
        let authorization = format!("Bearer {}", token(issuer, SIGN));
        read(call(&app, SIGN, &authorization, &body))
    };
    let (of_us, of_eu) = (answer(&us), answer(&eu));
    let jurisdiction = |a: &Value| a["extension"]["org.jakcard.evaluation"]["jurisdiction"].clone();
    assert_eq!((jurisdiction(&of_us), jurisdiction(&of_eu)), (json!("US"), json!("EU")));
    let behaviours = |answer: &Value| {
        let cards = answer["cards"].as_array().expect("cards").clone();
        cards.iter().filter_map(|c| c["selectionBehavior"].as_str().map(str::to_owned)).collect()
    };
    let (us_way, eu_way): (Vec<String>, Vec<String>) = (behaviours(&of_us), behaviours(&of_eu));
    assert!(!us_way.is_empty() && us_way.iter().all(|way| way == "any"), "{us_way:?}");
    assert!(!eu_way.is_empty() && eu_way.iter().all(|way| way == "at-most-one"), "{eu_way:?}");
    assert_ne!(of_us["cards"][0]["uuid"], of_eu["cards"][0]["uuid"]);
    assert_eq!(of_us["cards"][0]["uuid"], answer(&us)["cards"][0]["uuid"], "the same call");
}

#[test]
fn a8_only_the_servers_of_the_client_are_asked_and_only_for_it() {
    let (north, south) =
        (Issuer::new("https://n.example.org"), Issuer::new("https://s.example.org"));
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let ehr = FakeEhr::holding(&whole["prefetch"]);
    let owner = Client { fhir_servers: vec![ehr.base()], ..client("north", &north) };
    let app = App::of(config(vec![owner, client("south", &south)]));
    let mut body = whole.clone();
    body.as_object_mut().expect("an object").remove("prefetch");
    body["fhirServer"] = json!(ehr.base());
    body["fhirAuthorization"] = json!({
        "access_token": "of-this-call", "token_type": "Bearer", "expires_in": 300,
        "scope": "patient/*.read", "subject": "jakcard",
    });
    let answer = |issuer: &Issuer| -> String {
        let authorization = format!("Bearer {}", token(issuer, SIGN));
        call(&app, SIGN, &authorization, &body).text().expect("text")
    };
    let of_south = answer(&south);
    assert!(of_south.contains("the FHIR server is not one that may be asked"), "{of_south}");
    assert!(ehr.asked().is_empty(), "the server of the other client");
    let of_north = answer(&north);
    assert!(!of_north.contains("may be asked"), "{of_north}");
    assert!(!ehr.asked().is_empty());
}

#[test]
fn each_client_waits_for_its_server_as_long_as_it_wants() {
    use crate::support::fake_ehr::Reply;
    use std::time::Duration;
    let (quick, patient) =
        (Issuer::new("https://quick.example.org"), Issuer::new("https://patient.example.org"));
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let prefetch = whole["prefetch"].clone();
    let slow = FakeEhr::start(move |path| {
        let reply = crate::support::fake_ehr::held(&prefetch, path);
        Reply::Later(Duration::from_millis(700), Box::new(reply))
    });
    let with = |name: &str, issuer: &Issuer, deadline_ms| Client {
        fhir_servers: vec![slow.base()],
        deadline_ms: Some(deadline_ms),
        ..client(name, issuer)
    };
    let app = App::of(config(vec![with("quick", &quick, 100), with("patient", &patient, 20_000)]));
    let mut body = whole.clone();
    body.as_object_mut().expect("an object").shift_remove("prefetch");
    body["fhirServer"] = json!(slow.base());
    body["fhirAuthorization"] = json!({ "access_token": "of-this-call", "expires_in": 300 });
    let answer = |issuer: &Issuer| {
        let authorization = format!("Bearer {}", token(issuer, SIGN));
        call(&app, SIGN, &authorization, &body).text().expect("text")
    };
    assert!(answer(&quick).contains("the time was up"));
    assert!(!answer(&patient).contains("the time was up"));
}
