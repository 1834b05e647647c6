//! HTTP by the letter, over a raw socket: C10 and C12. What two readers could take differently is refused.

use crate::app::{App, SIGN, fixture};
use crate::process::Process;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends bytes and reads all answers until the server closes: their statuses, and everything.
fn ask(app: &App, bytes: &[u8]) -> (Vec<u16>, String) {
    let mut stream = TcpStream::connect(app.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(15))).expect("a timeout");
    _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let statuses = text.match_indices("HTTP/1.").filter_map(|(at, _)| text.get(at + 9..at + 12));
    (statuses.filter_map(|s| s.parse().ok()).collect(), text)
}

/// Asks each row and names all that were answered otherwise.
fn table(app: &App, rows: &[(&str, Vec<u8>, &[u16])]) {
    let mut wrong = Vec::new();
    for (what, bytes, expected) in rows {
        let (statuses, text) = ask(app, bytes);
        println!("{what:<50} {statuses:?}");
        if statuses != *expected {
            let text: String = text.chars().take(300).collect();
            wrong.push(format!("{what}: {statuses:?}, expected {expected:?}: {text:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A request with these lines below the request line.
fn raw(request_line: &str, headers: &[&str], body: &str) -> Vec<u8> {
    format!("{request_line}\r\n{}\r\n\r\n{body}", headers.join("\r\n")).into_bytes()
}

#[test]
fn c10_what_could_smuggle_a_second_request_is_refused() {
    let app = App::start();
    let post = format!("POST /cds-services/{SIGN} HTTP/1.1");
    let body = fixture(SIGN, "no-jak-inhibitor").to_string();
    let (own, json, close) = (
        format!("content-length: {}", body.len()),
        "content-type: application/json",
        "connection: close",
    );
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let hidden = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let te = "transfer-encoding: chunked";
    let with = |headers: &[&str], body: &str| {
        raw(&post, &[&["host: x", json, close], headers].concat(), body)
    };
    table(
        &app,
        &[
            ("a length", with(&[&own], &body), &[200]),
            ("chunks", with(&[te], &chunked), &[200]),
            (
                "chunks with an extension",
                with(&[te], &chunked.replacen("\r\n", ";x=y\r\n", 1)),
                &[200],
            ),
            ("length and chunks", with(&[&own, te], &chunked), &[400]),
            ("chunks and length", with(&[te, "content-length: 4"], &chunked), &[400]),
            ("two lengths", with(&[&own, "content-length: 0"], &body), &[400]),
            ("one length twice", with(&[&own, &own], &body), &[400]),
            ("two lengths in one", with(&["content-length: 5, 5"], &body), &[400]),
            ("a length with a sign", with(&["content-length: +5"], &body), &[400]),
            ("a length below zero", with(&["content-length: -5"], &body), &[400]),
            ("a length in hexadecimal", with(&["content-length: 0x5"], &body), &[400]),
            (
                "a length that overflows",
                with(&["content-length: 99999999999999999999"], &body),
                &[400],
            ),
            ("an empty length", with(&["content-length: "], &body), &[400]),
            ("no length", with(&[], ""), &[400]),
            ("chunks twice", with(&[te, te], &chunked), &[400]),
            ("chunks in chunks", with(&["transfer-encoding: chunked, chunked"], &chunked), &[400]),
            ("packed chunks", with(&["transfer-encoding: gzip, chunked"], &chunked), &[400]),
            ("chunks not last", with(&["transfer-encoding: chunked, identity"], &chunked), &[400]),
            ("identity", with(&["transfer-encoding: identity"], &body), &[400]),
            ("a coding nobody knows", with(&["transfer-encoding: xchunked"], &chunked), &[400]),
            ("chunks after a tab", with(&["transfer-encoding:\tchunked"], &chunked), &[200]),
            (
                "chunks after a vertical tab",
                with(&["transfer-encoding: \x0bchunked"], &chunked),
                &[400],
            ),
            ("a space before the colon", with(&["transfer-encoding : chunked"], &chunked), &[400]),
            ("a folded line", with(&["x-a: b\r\n c", &own], &body), &[400]),
            ("a folded first line", raw(&post, &[" host: x", json, &own], &body), &[400]),
            (
                "a chunk size that overflows",
                with(&[te], "fffffffffffffffff\r\nx\r\n0\r\n\r\n"),
                &[400],
            ),
            ("a chunk size with a sign", with(&[te], "+1\r\nx\r\n0\r\n\r\n"), &[400]),
            ("a chunk size with 0x", with(&[te], "0x1\r\nx\r\n0\r\n\r\n"), &[400]),
            ("a chunk longer than it says", with(&[te], "1\r\nxyz\r\n0\r\n\r\n"), &[400]),
            ("a chunk ended by a bare line feed", with(&[te], "1\r\nx\n0\r\n\r\n"), &[400]),
            // A body that is not read is never taken for a request.
            (
                "a request in a body that is refused",
                raw(
                    &post,
                    &[
                        "host: x",
                        "content-type: text/plain",
                        &format!("content-length: {}", hidden.len()),
                    ],
                    hidden,
                ),
                &[415],
            ),
            (
                "a request in a body that is too large",
                raw(&post, &["host: x", json, "content-length: 99999999"], &hidden.repeat(100)),
                &[413],
            ),
            (
                "a body on GET, and one more",
                raw(
                    "GET /healthz HTTP/1.1",
                    &["host: x", &format!("content-length: {}", hidden.len())],
                    &format!(
                        "{hidden}GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
                    ),
                ),
                &[200, 200],
            ),
        ],
    );
}

#[test]
fn c10_heads_are_bounded_in_number_and_size_and_hold_only_text() {
    let app = App::start();
    let get = "GET /healthz HTTP/1.1";
    let many = |n: usize| {
        let lines: Vec<String> = (0..n).map(|i| format!("x-{i}: 1")).collect();
        let mut all = vec!["host: x", "connection: close"];
        all.extend(lines.iter().map(String::as_str));
        raw(get, &all, "")
    };
    // The bytes that count: path, names and values.
    let own = "/healthz".len() + "host".len() + "x".len() + "connection".len() + "close".len();
    let large = |n: usize| {
        let line = format!("x-a: {}", "a".repeat(n - own - "x-a".len()));
        raw(get, &["host: x", "connection: close", &line], "")
    };
    let path = format!("GET /{} HTTP/1.1", "a".repeat(17_000));
    table(
        &app,
        &[
            ("96 headers", many(94), &[200]),
            ("97 headers", many(95), &[431]),
            ("1000 headers", many(1000), &[431]),
            ("a head of 16384 bytes", large(16_384), &[200]),
            ("a head of 16385 bytes", large(16_385), &[431]),
            ("a head of 100,000 bytes", large(100_000), &[431]),
            ("a head of 200,000 bytes", large(200_000), &[431]),
            ("a path of 17,000 bytes", raw(&path, &["host: x", "connection: close"], ""), &[431]),
            (
                "a path of 70,000 bytes",
                raw(&path.replace('a', "aaaaa"), &["host: x", "connection: close"], ""),
                &[400],
            ),
            ("no host", raw(get, &["connection: close"], ""), &[400]),
            ("two hosts", raw(get, &["host: x", "host: y", "connection: close"], ""), &[400]),
            ("NUL in a value", raw(get, &["host: x", "x-a: \0", "connection: close"], ""), &[400]),
            ("NUL in a name", raw(get, &["host: x", "x\0a: b", "connection: close"], ""), &[400]),
            ("no name", raw(get, &["host: x", ": b", "connection: close"], ""), &[400]),
            (
                "a carriage return alone",
                raw(get, &["host: x", "x-a: b\rc", "connection: close"], ""),
                &[400],
            ),
            (
                "Latin-1 in a value",
                [b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-a: \xe9\r\n\r\n"
                    .to_vec()]
                .concat(),
                &[200],
            ),
        ],
    );
}

#[test]
fn c10_versions_and_methods() {
    let app = App::start();
    let headers = ["host: x", "connection: close"];
    let line = |text: &str| raw(text, &headers, "");
    table(
        &app,
        &[
            ("HTTP/1.1", line("GET /healthz HTTP/1.1"), &[200]),
            ("HTTP/1.0", raw("GET /healthz HTTP/1.0", &["x: y"], ""), &[200]),
            (
                "HTTP/1.0 with chunks",
                raw("POST / HTTP/1.0", &["transfer-encoding: chunked"], "0\r\n\r\n"),
                &[400],
            ),
            ("HTTP/0.9", b"GET /healthz\r\n\r\n".to_vec(), &[400]),
            ("HTTP/2.0 in words", line("GET /healthz HTTP/2.0"), &[400]),
            ("HTTP/1.2", line("GET /healthz HTTP/1.2"), &[400]),
            (
                "HTTP/2 in frames",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
                &[400],
            ),
            (
                "HTTP/2 by upgrade",
                raw(
                    "GET /healthz HTTP/1.1",
                    &[
                        "host: x",
                        "connection: upgrade, http2-settings, close",
                        "upgrade: h2c",
                        "http2-settings: AAMAAABkAAQAAP__",
                    ],
                    "",
                ),
                &[200],
            ),
            (
                "TLS to a port without",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
                &[400],
            ),
            ("a method nobody knows", line("BREW /healthz HTTP/1.1"), &[405]),
            ("a method in small letters", line("get /healthz HTTP/1.1"), &[405]),
            ("a method that is none", line("GE(T /healthz HTTP/1.1"), &[400]),
            ("no method", line(" /healthz HTTP/1.1"), &[400]),
            ("TRACE", line("TRACE /healthz HTTP/1.1"), &[405]),
            ("a proxy is asked for", line("GET http://x/healthz HTTP/1.1"), &[200]),
            ("two spaces", line("GET  /healthz HTTP/1.1"), &[400]),
            ("a tab", line("GET\t/healthz HTTP/1.1"), &[400]),
            ("no path", line("GET HTTP/1.1"), &[400]),
        ],
    );
}

#[test]
fn c12_one_path_one_service_and_every_variant_is_another_path() {
    let app = App::start();
    let close = ["host: x", "connection: close"];
    let get = |path: &str| raw(&format!("GET {path} HTTP/1.1"), &close, "");
    let method = |method: &str, path: &str| raw(&format!("{method} {path} HTTP/1.1"), &close, "");
    let service = format!("/cds-services/{SIGN}");
    let body = fixture(SIGN, "no-jak-inhibitor").to_string();
    let post = |path: &str| {
        let length = format!("content-length: {}", body.len());
        let headers = ["host: x", "connection: close", "content-type: application/json", &length];
        raw(&format!("POST {path} HTTP/1.1"), &headers, &body)
    };
    table(
        &app,
        &[
            ("the list", get("/cds-services"), &[200]),
            ("the list, slash", get("/cds-services/"), &[404]),
            ("the list, two slashes", get("//cds-services"), &[404]),
            ("the list, a query", get("/cds-services?x=../../etc"), &[200]),
            ("the list, capitals", get("/CDS-Services"), &[404]),
            ("the list, up and down", get("/x/../cds-services"), &[404]),
            ("the list, a dot", get("/./cds-services"), &[404]),
            ("the list, encoded", get("/cds%2Dservices"), &[200]),
            ("the list, an encoded slash", get("/%2Fcds-services"), &[404]),
            ("the list, HEAD", method("HEAD", "/cds-services"), &[200]),
            ("the list, OPTIONS", method("OPTIONS", "/cds-services"), &[405]),
            ("the list, POST", method("POST", "/cds-services"), &[405]),
            ("a service", post(&service), &[200]),
            ("a service, slash", post(&format!("{service}/")), &[404]),
            ("a service, two slashes", post(&format!("/cds-services//{SIGN}")), &[404]),
            ("a service, encoded", post(&service.replacen("jak", "%6aak", 1)), &[200]),
            ("a service, encoded twice", post(&service.replacen("jak", "%256aak", 1)), &[404]),
            ("a service, capitals", post(&service.replacen("jak", "JAK", 1)), &[404]),
            ("a service, a NUL", post(&format!("{service}%00")), &[404]),
            ("a service, not UTF-8", post(&format!("{service}%ff")), &[404]),
            ("a service, up and down", post(&format!("/cds-services/x/../{SIGN}")), &[404]),
            (
                "a service, encoded up",
                post(&format!("/cds-services/..%2fcds-services%2f{SIGN}")),
                &[404],
            ),
            ("a service, a query", post(&format!("{service}?x=y")), &[200]),
            ("a service, a fragment", post(&format!("{service}#x")), &[200]),
            ("a service, a parameter", post(&format!("{service};x=y")), &[404]),
            ("a service, GET", get(&service), &[405]),
            ("a service, HEAD", method("HEAD", &service), &[405]),
            ("a service, OPTIONS", method("OPTIONS", &service), &[405]),
            ("a service, PUT", method("PUT", &service), &[405]),
            ("a service, DELETE", method("DELETE", &service), &[405]),
            ("everything, OPTIONS", method("OPTIONS", "*"), &[404]),
            ("the root", get("/"), &[404]),
            ("a file", get("/../../etc/passwd"), &[404]),
            ("health, HEAD", method("HEAD", "/healthz"), &[200]),
            ("health, POST", method("POST", "/healthz"), &[405]),
            ("health, slash", get("/healthz/"), &[404]),
        ],
    );
    let (_, head) = ask(&app, &method("HEAD", "/cds-services"));
    let (_, whole) = ask(&app, &get("/cds-services"));
    let length = |answer: &str| {
        let lower = answer.to_ascii_lowercase();
        let line = lower.lines().find(|line| line.starts_with("content-length")).map(str::to_owned);
        line.expect("a length")
    };
    assert_eq!(length(&head), length(&whole), "HEAD is GET without the body");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    for (path, allow) in
        [("/cds-services", "GET, HEAD"), (&*service, "POST"), ("/healthz", "GET, HEAD")]
    {
        let (_, answer) = ask(&app, &method("PATCH", path));
        assert!(answer.contains(&format!("allow: {allow}")), "{path}: {answer}");
    }
}

#[test]
fn c10_nonsense_on_the_wire_is_no_error_of_the_service() {
    let process = Process::start("");
    for nonsense in
        [&b"\x16\x03\x01"[..], b"GE(T / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\nhost: x\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(process.address).expect("a connection");
        stream.write_all(nonsense).expect("sent");
        stream.write_all(b"\r\n\r\n").expect("sent");
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 400"), "{nonsense:?}: {answer:?}");
    }
    let url = format!("{}/healthz", process.url);
    assert_eq!(reqwest::blocking::get(url).expect("an answer").status(), 200);
    std::thread::sleep(Duration::from_millis(300));
    let log = process.log();
    assert!(!log.contains("\"ERROR\"") && log.contains("\"INFO\""), "{log}");
}
