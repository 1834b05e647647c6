//! An EHR's FHIR server on a real port, that can do everything that real ones do wrong.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is sent back.
pub enum Reply {
    Json(Value),
    /// Status, headers, body.
    Raw(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// After so long.
    Later(Duration, Box<Reply>),
    /// A byte now and then, without end.
    Drip,
    /// The connection is cut.
    Reset,
    /// Half of the body that was announced.
    Truncated(Vec<u8>),
}

/// One question that came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub authorization: Option<String>,
}

pub struct FakeEhr {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    most_at_once: Arc<AtomicUsize>,
}

impl FakeEhr {
    /// Starts a server that answers by this function of path and query.
    pub fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> FakeEhr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("address");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (now, most_at_once) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let answer = Arc::new(answer);
        let (log, most) = (asked.clone(), most_at_once.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log, now, most) =
                    (answer.clone(), log.clone(), now.clone(), most.clone());
                std::thread::spawn(move || {
                    let Some(question) = read(&stream) else { return };
                    let running = now.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(running, Ordering::SeqCst);
                    let path = question.path.clone();
                    log.lock().expect("log").push(question);
                    send(stream, answer(&path));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        FakeEhr { address, asked, most_at_once }
    }

    /// A server that holds the resources of a prefetch, and answers searches by type and code.
    pub fn holding(prefetch: &Value) -> FakeEhr {
        let prefetch = prefetch.clone();
        FakeEhr::start(move |path| held(&prefetch, path))
    }

    pub fn base(&self) -> String {
        format!("http://{}/fhir", self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("log").clone()
    }

    pub fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

/// What a sound server answers.
pub fn held(prefetch: &Value, path: &str) -> Reply {
    let tail = path.strip_prefix("/fhir/").unwrap_or_default();
    let (resource_type, query) = tail.split_once('?').unwrap_or((tail, ""));
    if resource_type == "Patient/pat-1" {
        return Reply::Json(prefetch["patient"].clone());
    }
    let codes: Vec<&str> = query
        .split('&')
        .filter_map(|p| p.strip_prefix("code="))
        .flat_map(|codes| codes.split(','))
        .collect();
    let all = prefetch.as_object().expect("prefetch").values();
    let entries = all.filter_map(|v| v["entry"].as_array()).flatten();
    let wanted = entries.filter(|entry| {
        let resource = &entry["resource"];
        let code = resource["code"]["coding"][0]["code"].as_str().unwrap_or_default();
        resource["resourceType"] == resource_type && (codes.is_empty() || codes.contains(&code))
    });
    let entries: Vec<Value> = wanted.cloned().collect();
    Reply::Json(json!({
        "resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries,
    }))
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut authorization = None;
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 || line.trim().is_empty() {
            return Some(Asked { path, authorization });
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = Some(value.trim().to_owned());
        }
    }
}

fn send(mut stream: TcpStream, reply: Reply) {
    let sent = match reply {
        Reply::Later(wait, reply) => {
            std::thread::sleep(wait);
            return send(stream, *reply);
        }
        Reply::Json(value) => {
            let headers = vec![("content-type", "application/fhir+json".to_owned())];
            return send(stream, Reply::Raw(200, headers, value.to_string().into_bytes()));
        }
        Reply::Raw(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("connection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body))
        }
        Reply::Truncated(body) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len() * 2
            );
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body))
        }
        Reply::Drip => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n";
            let mut done = stream.write_all(head.as_bytes());
            while done.is_ok() {
                std::thread::sleep(Duration::from_millis(20));
                done = stream.write_all(b" ");
            }
            done
        }
        Reply::Reset => stream.shutdown(std::net::Shutdown::Both),
    };
    drop(sent);
}
