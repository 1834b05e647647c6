//! Starts the application on port 0 and talks to it over TCP.

use crate::support::issuer::uuid;
use crate::support::project;
use jakcard::auth::Gate;
use jakcard::config::{Config, Fetch, Limits};
use jakcard::knowledge::{Jurisdiction, Knowledge, embedded, read};
use jakcard::service::{self, Calendar, House, InForce, start};
use jakcard::store::Shelf;
use metrics_exporter_prometheus::PrometheusHandle;
use reqwest::blocking::{Client, Response};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

pub const SIGN: &str = "jak-inhibitor-order-sign";
pub const VIEW: &str = "jak-inhibitor-patient-view";
pub const SELECT: &str = "jak-inhibitor-order-select";
pub const PRESCRIBE: &str = "jak-inhibitor-medication-prescribe";

/// What is counted in this process: one recorder for all applications of the tests.
fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| jakcard::service::metrics::install().expect("the first")).clone()
}

/// A running application.
pub struct App {
    pub address: SocketAddr,
    /// The listener for operations, when it is another.
    pub operations: Option<SocketAddr>,
    pub client: Client,
}

impl App {
    pub fn start() -> App {
        App::with(Limits::default(), Jurisdiction::Us)
    }

    pub fn with(limits: Limits, jurisdiction: Jurisdiction) -> App {
        App::house(limits, jurisdiction, Fetch::default())
    }

    pub fn fetching(fetch: Fetch) -> App {
        App::house(Limits::default(), Jurisdiction::Us, fetch)
    }

    fn house(limits: Limits, jurisdiction: Jurisdiction, fetch: Fetch) -> App {
        App::of(Config { limits, jurisdiction, fetch, ..Config::default() })
    }

    /// As these settings say, on a free port.
    pub fn of(config: Config) -> App {
        App::knowing(config, |_| {})
    }

    /// The same, with other knowledge than that of the files.
    pub fn knowing(
        mut config: Config,
        change: impl FnOnce(&mut Knowledge) + Send + 'static,
    ) -> App {
        let (send, receive) = mpsc::channel();
        let file = std::env::temp_dir().join(format!("jakcard-app-{}.db", uuid()));
        let url = config.store.url.clone().unwrap_or(format!("sqlite:{}", file.display()));
        config.bind = SocketAddr::from(([127, 0, 0, 1], 0));
        config.self_test.every_s = 0;
        std::thread::spawn(move || {
            let mut knowledge = read::read(&embedded::embedded()).expect("the knowledge is sound");
            change(&mut knowledge);
            let shelf = Shelf::at(&url).expect("an address");
            let house = House {
                gate: Gate::of(&config, None).expect("a gate"),
                client: Some(jakcard::service::client(&config).expect("a client")),
                audit: service::audit(&config, &shelf).expect("a thread"),
                shelf: Some(shelf),
                config,
                knowledge: InForce::new(knowledge, None),
                calendar: Calendar::Fixed("2026-11-22".parse().expect("a date")),
                metrics: Some(recorder()),
            };
            actix_web::rt::System::new().block_on(async move {
                let listening = start(house).expect("a free port");
                send.send((listening.address, listening.operations)).expect("somebody waits");
                listening.run().await.expect("the server runs");
            });
        });
        let (address, operations) = receive.recv().expect("the addresses");
        let client = Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .expect("a client");
        App { address, operations, client }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().expect("an answer")
    }

    pub fn post(&self, service: &str, body: impl Into<Vec<u8>>) -> Response {
        self.post_as(service, body, "application/json")
    }

    pub fn post_as(&self, service: &str, body: impl Into<Vec<u8>>, media_type: &str) -> Response {
        self.client
            .post(self.url(&format!("/cds-services/{service}")))
            .header("content-type", media_type)
            .body(body.into())
            .send()
            .expect("an answer")
    }

    /// Posts and reads a 200.
    pub fn cards(&self, service: &str, body: &Value) -> Value {
        let response = self.post(service, body.to_string());
        let (status, text) = (response.status(), response.text().expect("text"));
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Posts and reads an OperationOutcome: the status and what it says.
    pub fn refused(&self, service: &str, body: impl Into<Vec<u8>>) -> (u16, String) {
        let response = self.post(service, body);
        outcome(response)
    }

    /// Sends bytes as they are and reads until the connection closes.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(bytes).expect("sent");
        let mut answer = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(n) => answer.extend_from_slice(&chunk[..n]),
            }
            let text = String::from_utf8_lossy(&answer);
            if text.contains("\r\n\r\n") && text.contains("OperationOutcome") {
                break;
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Status and text of an OperationOutcome.
pub fn outcome(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let text = response.text().expect("text");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}"));
    assert_eq!(body["resourceType"], "OperationOutcome", "{text}");
    assert_eq!(body["issue"][0]["severity"], "error");
    (status, body["issue"][0]["details"]["text"].as_str().expect("details").to_owned())
}

/// A request of `fixtures/wire/`.
pub fn fixture(service: &str, case: &str) -> Value {
    let path = project("fixtures/wire").join(service).join(case).join("request.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// The findings of all cards.
pub fn findings(answer: &Value) -> Vec<&Value> {
    let cards = answer["cards"].as_array().expect("cards").iter();
    cards
        .flat_map(|c| c["extension"]["org.jakcard.findings"].as_array().expect("findings"))
        .collect()
}

/// The findings of one topic.
pub fn topic<'a>(answer: &'a Value, topic: &str) -> Vec<&'a Value> {
    findings(answer).into_iter().filter(|f| f["topic"] == topic).collect()
}

pub fn evaluation(answer: &Value) -> &Value {
    &answer["extension"]["org.jakcard.evaluation"]["orders"][0]
}
