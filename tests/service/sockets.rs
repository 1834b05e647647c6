//! Who holds a connection and sends nothing, little, or never takes its answer: C3, and the places for
//! calls. Others must not notice.

use crate::app::{App, SIGN, fixture, outcome};
use crate::process::Process;
use jakcard::config::{Config, Limits};
use jakcard::knowledge::Jurisdiction;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn head(length: usize) -> String {
    format!(
        "POST /cds-services/{SIGN} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

/// How long it takes until the server ends this connection, reading what it says on the way.
fn ended_after(stream: &mut TcpStream, at_most: Duration) -> Option<(Duration, String)> {
    let started = Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    let (mut said, mut chunk) = (Vec::new(), [0; 65536]);
    while started.elapsed() < at_most {
        match stream.read(&mut chunk) {
            Ok(0) => return Some((started.elapsed(), String::from_utf8_lossy(&said).into_owned())),
            Ok(n) => said.extend_from_slice(&chunk[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => {
                return Some((started.elapsed(), String::from_utf8_lossy(&said).into_owned()));
            }
        }
    }
    None
}

#[test]
fn c3_a_body_that_stops_half_way_is_given_up() {
    let limits = Limits { body_seconds: 1, ..Limits::default() };
    let app = App::with(limits, Jurisdiction::Us);
    let answer = app.raw(format!("{}{{\"hook\":", head(1000)).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("8 bytes came"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
}

#[test]
fn c3_a_slow_body_buys_time_only_with_its_bytes() {
    // 1 second, and one more for each 10,000 bytes.
    let limits = Limits { body_seconds: 1, body_rate: 10_000, ..Limits::default() };
    let app = App::with(limits, Jurisdiction::Us);
    let send = |pieces: usize, piece: usize, pause: Duration| {
        let body = fixture(SIGN, "no-jak-inhibitor").to_string();
        let body = format!("{body}{}", " ".repeat(pieces * piece - body.len()));
        let mut stream = TcpStream::connect(app.address).expect("a connection");
        let started = Instant::now();
        stream.write_all(head(body.len()).as_bytes()).expect("sent");
        for piece in body.as_bytes().chunks(piece) {
            std::thread::sleep(pause);
            if stream.write_all(piece).is_err() {
                break;
            }
        }
        let mut answer = [0; 12];
        _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        stream.read_exact(&mut answer).expect("an answer");
        (String::from_utf8_lossy(&answer[9..]).into_owned(), started.elapsed())
    };
    // 25,000 bytes a second for two seconds: slower than the deadline alone, faster than the rate.
    let (status, took) = send(10, 5_000, Duration::from_millis(200));
    assert_eq!(status, "200");
    assert!(took > Duration::from_millis(1500), "{took:?}: the body was not slow");
    // 1,000 bytes a second.
    assert_eq!(send(50, 200, Duration::from_millis(200)).0, "408");
}

#[test]
fn c3_who_sends_nothing_or_half_a_head_is_sent_away() {
    let app = App::start();
    let open = |text: &str| {
        let mut stream = TcpStream::connect(app.address).expect("a connection");
        stream.write_all(text.as_bytes()).expect("sent");
        stream
    };
    let good = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let streams = [
        ("nothing", open("")),
        ("half a head", open("GET /healthz HTTP/1.1\r\nhost:")),
        ("nothing after an answer", open(good)),
        ("half a head after an answer", {
            let mut stream = open(good);
            std::thread::sleep(Duration::from_secs(1));
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").expect("sent");
            stream
        }),
    ];
    let waits: Vec<_> = streams
        .into_iter()
        .map(|(what, mut stream)| {
            std::thread::spawn(move || (what, ended_after(&mut stream, Duration::from_secs(25))))
        })
        .collect();
    for wait in waits {
        let (what, ended) = wait.join().expect("waited");
        let (after, said) = ended.unwrap_or_else(|| panic!("{what}: still open after 25 s"));
        println!("{what}: ended after {after:.1?}");
        assert!(after > Duration::from_secs(3), "{what}: {after:?} is too soon for a slow network");
        match what {
            "nothing" | "half a head" => {
                assert!(said.starts_with("HTTP/1.1 408"), "{what}: {said}")
            }
            _ => assert!(said.starts_with("HTTP/1.1 200"), "{what}: {said}"),
        }
    }
}

#[test]
fn c3_who_never_takes_the_answers_is_sent_away() {
    let app = App::start();
    let mut stream = TcpStream::connect(app.address).expect("a connection");
    stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let many = "GET /cds-services HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    let started = Instant::now();
    // Until the server takes no more requests, because its answers are not taken.
    let mut refused = false;
    while started.elapsed() < Duration::from_secs(60) {
        match stream.write(many.as_bytes()) {
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => {
                refused = true;
                break;
            }
        }
    }
    println!("answers not taken: ended after {:.1?}", started.elapsed());
    assert!(refused, "still open after a minute");
}

/// Calls of a well-behaved client, one after another: how long each took, sorted.
fn calls(url: &str, count: usize) -> Vec<Duration> {
    let client = reqwest::blocking::Client::builder()
        .timeout(Duration::from_secs(30))
        .no_proxy()
        .build()
        .expect("a client");
    let body = fixture(SIGN, "no-jak-inhibitor").to_string();
    let mut took: Vec<Duration> = (0..count)
        .map(|_| {
            let started = Instant::now();
            let request = client.post(format!("{url}/cds-services/{SIGN}"));
            let request = request.header("content-type", "application/json").body(body.clone());
            assert_eq!(request.send().expect("an answer").status(), 200);
            std::thread::sleep(Duration::from_millis(5));
            started.elapsed().saturating_sub(Duration::from_millis(5))
        })
        .collect();
    took.sort_unstable();
    took
}

/// Keeps so many connections open, does the same on each again and again, and opens a new one for
/// each that is ended. Tells how many were ended.
fn besiege(
    at: SocketAddr,
    count: usize,
    first: String,
    then: &'static [u8],
    stop: Arc<AtomicBool>,
    ended: Arc<AtomicUsize>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let open = || {
            let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(1)).ok()?;
            stream.set_nonblocking(true).ok()?;
            stream.write_all(first.as_bytes()).ok()?;
            Some(stream)
        };
        let mut streams: Vec<Option<TcpStream>> = (0..count).map(|_| open()).collect();
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
            for place in &mut streams {
                let alive = place.as_mut().is_some_and(|stream| {
                    let mut chunk = [0; 1024];
                    let open = match stream.read(&mut chunk) {
                        Ok(0) => false,
                        Ok(_) => true,
                        Err(e) => e.kind() == ErrorKind::WouldBlock,
                    };
                    open && stream.write_all(then).is_ok()
                });
                if !alive {
                    ended.fetch_add(usize::from(place.is_some()), Ordering::Relaxed);
                    *place = open();
                }
            }
        }
    })
}

#[test]
fn c3_slow_bodies_slow_heads_and_idle_connections_leave_the_others_alone() {
    let process = Process::start("");
    let before = calls(&process.url, 100);
    let (stop, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let slow_head = "GET /cds-services HTTP/1.1\r\nhost: x\r\nx-slow: ".to_owned();
    let attackers = [
        (200, head(100_000), &b" "[..]),
        (200, slow_head, &b"a"[..]),
        (200, String::new(), &b""[..]),
    ]
    .map(|(count, first, then)| {
        besiege(process.address, count, first, then, stop.clone(), ended.clone())
    });
    std::thread::sleep(Duration::from_secs(1));
    let during = calls(&process.url, 400);
    std::thread::sleep(Duration::from_secs(5));
    stop.store(true, Ordering::Relaxed);
    for attacker in attackers {
        attacker.join().expect("it ends");
    }
    let p = |took: &[Duration], share: usize| took[(took.len() - 1) * share / 100];
    println!(
        "latency p50/p99: {:.1?}/{:.1?} alone, {:.1?}/{:.1?} beside 600 hostile connections, \
         of which the server ended {}",
        p(&before, 50),
        p(&before, 99),
        p(&during, 50),
        p(&during, 99),
        ended.load(Ordering::Relaxed)
    );
    assert!(p(&during, 99) < Duration::from_secs(2), "{:?}", p(&during, 99));
    assert!(ended.load(Ordering::Relaxed) >= 600, "the attack was never ended");
}

#[test]
fn c3_more_idle_connections_than_places_delay_a_call_by_seconds_and_not_more() {
    let settings = "[limits]\nconnections = 64\n[operations]\nbind = '127.0.0.1:0'\n";
    let process = Process::start(settings);
    let idle: Vec<TcpStream> =
        (0..256).map(|_| TcpStream::connect(process.address).expect("a connection")).collect();
    std::thread::sleep(Duration::from_millis(300));
    // The operations' listener is not touched by it.
    let started = Instant::now();
    let health = format!("http://{}/healthz", process.operations.expect("an address"));
    assert_eq!(reqwest::blocking::get(health).expect("an answer").status(), 200);
    println!("health beside 256 idle connections for 64 places: {:.1?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(2));
    let took = calls(&process.url, 1)[0];
    println!("a call behind them: {took:.1?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    drop(idle);
}

#[test]
fn one_call_more_than_there_are_places_is_told_to_come_again_before_its_body_is_read() {
    let limits = Limits { in_flight: 2, body_seconds: 5, ..Limits::default() };
    let app = App::of(Config {
        limits,
        operations: jakcard::config::Operations {
            bind: Some(([127, 0, 0, 1], 0).into()),
            ..jakcard::config::Operations::default()
        },
        ..Config::default()
    });
    let holding: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut stream = TcpStream::connect(app.address).expect("a connection");
            stream.write_all(head(1000).as_bytes()).expect("sent");
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    // The body is announced and never sent.
    let answer = app.raw(head(16_000_000).as_bytes()).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 1"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    // Discovery, and whether the service lives, are told all the same.
    assert_eq!(app.get("/cds-services").status(), 200);
    let health = format!("http://{}/healthz", app.operations.expect("an address"));
    assert_eq!(app.client.get(health).send().expect("an answer").status(), 200);
    drop(holding);
    let body = fixture(SIGN, "no-jak-inhibitor").to_string();
    let again = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        app.post(SIGN, body.clone()).status() == 200
    });
    assert!(again, "a place that was given up is not free");
}

#[test]
fn a_call_that_is_told_to_come_again_may_bring_its_token_again() {
    use crate::clients::{PUBLIC, call, client, config, token};
    use crate::support::issuer::Issuer;
    let issuer = Issuer::new("https://ehr.example.org");
    let limits = Limits { in_flight: 1, body_seconds: 5, ..Limits::default() };
    let app = App::of(Config { limits, ..config(vec![client("hospital", &issuer)]) });
    let mut holding = TcpStream::connect(app.address).expect("a connection");
    let own = token(&issuer, SIGN);
    let text = head(1000).replace("host: x", &format!("host: x\r\nauthorization: Bearer {own}"));
    holding.write_all(text.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(500));
    let authorization = format!("Bearer {}", token(&issuer, SIGN));
    let body = fixture(SIGN, "no-jak-inhibitor");
    assert_eq!(outcome(call(&app, SIGN, &authorization, &body)).0, 503);
    drop(holding);
    let statuses: Vec<u16> = (0..50)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(100));
            call(&app, SIGN, &authorization, &body).status().as_u16()
        })
        .take_while(|status| *status == 503)
        .collect();
    assert!(statuses.len() < 50, "a place that was given up is not free");
    // That one was answered, so now it is used up.
    assert_eq!(call(&app, SIGN, &authorization, &body).status(), 401, "{PUBLIC}");
    // A stranger takes no place.
    let strangers: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = TcpStream::connect(app.address).expect("a connection");
            stream.write_all(head(1000).as_bytes()).expect("sent");
            stream
        })
        .collect();
    let authorization = format!("Bearer {}", token(&issuer, SIGN));
    assert_eq!(call(&app, SIGN, &authorization, &body).status(), 200);
    drop(strangers);
}
