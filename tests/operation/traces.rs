//! What a collector of traces is sent: decoded from what arrives at a real port.

use crate::program::{PATIENCE, Program, request};
use nix::sys::signal::Signal;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const SIGN: &str = "jak-inhibitor-order-sign";
const PARENT: &str = "0af7651916cd43dd8448eb211c80319c";

/// A collector: keeps what it is sent.
struct Collector {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let bodies: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = bodies.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Collector { address, bodies }
    }

    fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().expect("nobody failed");
        let sent = bodies.iter().map(|b| ExportTraceServiceRequest::decode(&b[..]).expect("OTLP"));
        let resources = sent.flat_map(|sent| sent.resource_spans);
        resources.flat_map(|r| r.scope_spans).flat_map(|s| s.spans).collect()
    }
}

fn serve(stream: TcpStream, kept: &Mutex<Vec<Vec<u8>>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        while {
            line.clear();
            reader.read_line(&mut line).is_ok_and(|n| n > 2)
        } {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        if length == 0 || reader.read_exact(&mut body).is_err() {
            return;
        }
        kept.lock().expect("nobody failed").push(body);
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if reader.get_mut().write_all(answer).is_err() {
            return;
        }
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn a_collector_gets_a_span_for_the_request_and_for_each_part_and_nothing_of_the_patient() {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    let mut program = Program::start(&[("JAKCARD_OTEL_ENDPOINT", &endpoint)]);
    let body = request(SIGN, "nothing-on-record")
        .replace("pat-1", "CanaryPatient")
        .replace("1968-04-02", "1951-07-13");
    let send = |id: &str, parent: Option<&str>| {
        let url = format!("{}/cds-services/{SIGN}", program.url);
        let mut call = program.client.post(url).header("content-type", "application/json");
        if let Some(parent) = parent {
            call = call.header("traceparent", parent);
        }
        call.header("x-request-id", id).body(body.clone()).send().expect("an answer");
    };
    send("of-a-trace", Some(&format!("00-{PARENT}-b7ad6b7169203331-01")));
    send("of-none", None);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().code(), Some(0));
    let spans = collector.spans();
    let requests: Vec<&Span> = spans.iter().filter(|span| span.name == "request").collect();
    assert_eq!(requests.len(), 2, "what was collected is sent at the end");
    let ours = requests.iter().find(|s| hex(&s.trace_id) == PARENT).expect("the sender's trace");
    assert_eq!(hex(&ours.parent_span_id), "b7ad6b7169203331");
    for part in ["admit", "body", "read", "orders", "facts", "rules", "cards"] {
        let span = spans.iter().find(|s| s.name == part && s.parent_span_id == ours.span_id);
        let span = span.unwrap_or_else(|| panic!("no span `{part}`"));
        assert_eq!(span.trace_id, ours.trace_id);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
    }
    let keys: Vec<&str> = ours.attributes.iter().map(|a| a.key.as_str()).collect();
    for key in
        ["jakcard.request_id", "jakcard.service", "jakcard.rules", "http.response.status_code"]
    {
        assert!(keys.contains(&key), "{keys:?}");
    }
    let all: Vec<u8> = collector.bodies.lock().expect("nobody failed").concat();
    let all = String::from_utf8_lossy(&all);
    assert!(all.contains("of-a-trace") && all.contains("tofacitinib.boxed.us"));
    for canary in ["CanaryPatient", "1951-07-13"] {
        assert!(!all.contains(canary), "{canary}");
    }
    assert!(program.log().contains(&format!("\"trace_id\":\"{PARENT}\"")), "{}", program.log());
}

#[test]
fn a_collector_that_is_away_keeps_nobody_waiting() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", nobody.local_addr().expect("an address"));
    let mut program = Program::start(&[("JAKCARD_OTEL_ENDPOINT", &endpoint)]);
    for _ in 0..20 {
        program.answer(SIGN, "nothing-on-record");
    }
    program.signal(Signal::SIGTERM);
    let started = std::time::Instant::now();
    assert_eq!(program.ended().code(), Some(0));
    assert!(started.elapsed() < PATIENCE / 2);
}
