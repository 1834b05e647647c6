//! What can be reached from where: C11 (from pages of other origins) and C13 (on which port).

use crate::app::{App, SIGN, outcome};
use crate::clients::{client, config};
use crate::process::Process;
use crate::support::issuer::Issuer;
use jakcard::config::{Config, Cors, Operations};
use reqwest::Method;
use reqwest::blocking::Response;

const PAGE: &str = "https://app.example.org";

fn trusting(origins: &[&str]) -> App {
    let issuer = Issuer::new("https://ehr.example.org");
    let origins = origins.iter().map(|o| (*o).to_owned()).collect();
    App::of(Config { cors: Cors { origins }, ..config(vec![client("hospital", &issuer)]) })
}

fn preflight(app: &App, path: &str, origin: &str, method: &str, headers: &str) -> Response {
    let request = app.client.request(Method::OPTIONS, app.url(path)).header("origin", origin);
    let request = request.header("access-control-request-method", method);
    let request = match headers {
        "" => request,
        headers => request.header("access-control-request-headers", headers),
    };
    request.send().expect("an answer")
}

fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_ascii_lowercase()
}

const ALLOW_ORIGIN: &str = "access-control-allow-origin";

#[test]
fn c11_pages_of_listed_origins_may_call_and_a_preflight_needs_no_token() {
    let app = trusting(&[PAGE, "http://localhost:3000"]);
    let service = format!("/cds-services/{SIGN}");
    let feedback = format!("{service}/feedback");
    for path in ["/cds-services", &*service, &*feedback] {
        for (origin, method) in [(PAGE, "POST"), (PAGE, "GET"), ("http://localhost:3000", "POST")] {
            let answer = preflight(&app, path, origin, method, "authorization, content-type");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            assert_eq!(header(&answer, ALLOW_ORIGIN), origin);
            let headers = header(&answer, "access-control-allow-headers");
            assert!(headers.contains("authorization") && headers.contains("content-type"));
            assert!(
                header(&answer, "access-control-allow-methods").contains(&method.to_lowercase())
            );
            assert_eq!(header(&answer, "access-control-allow-credentials"), "");
            assert!(header(&answer, "vary").contains("origin"), "a cache would mix origins up");
        }
    }
}

#[test]
fn c11_every_answer_to_a_listed_origin_can_be_read_errors_too() {
    let app = trusting(&[PAGE]);
    let service = format!("/cds-services/{SIGN}");
    let long = "a".repeat(20_000);
    let get = |path: &str| app.client.get(app.url(path)).header("origin", PAGE);
    let post = || app.client.post(app.url(&service)).header("origin", PAGE);
    for (status, request) in [
        (200, get("/cds-services")),
        (404, get("/cds-services/none")),
        (404, get("/nothing")),
        (405, get(&service)),
        (401, post().body("{}")),
        (401, post().header("content-type", "text/plain").body("x")),
        (431, get("/cds-services").header("x-a", long)),
    ] {
        let answer = request.send().expect("an answer");
        assert_eq!(answer.status(), status);
        assert_eq!(header(&answer, ALLOW_ORIGIN), PAGE, "{status}");
    }
}

#[test]
fn c11_no_other_origin_is_let_in() {
    let app = trusting(&[PAGE]);
    let none = trusting(&[]);
    for origin in [
        "https://evil.example.org",
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://app.example.org.evil.example.org",
        "https://evil-app.example.org",
        "https://APP.example.org",
        "https://app.example.org/",
        "null",
        "*",
        "",
    ] {
        for app in [&app, &none] {
            let answer = preflight(app, "/cds-services", origin, "POST", "authorization");
            assert_eq!(header(&answer, ALLOW_ORIGIN), "", "{origin}");
            assert!(answer.status().is_client_error(), "{origin}: {}", answer.status());
            let answer = app.client.get(app.url("/cds-services")).header("origin", origin);
            let answer = answer.send().expect("an answer");
            assert_eq!(header(&answer, ALLOW_ORIGIN), "", "{origin}");
        }
    }
    // Off by default: not even the listed one of the other service.
    let answer = preflight(&none, "/cds-services", PAGE, "POST", "");
    assert_eq!((answer.status().as_u16(), header(&answer, ALLOW_ORIGIN)), (405, String::new()));
    // Methods and headers that nobody needs.
    for (method, headers) in [("DELETE", ""), ("PUT", ""), ("POST", "x-evil")] {
        let answer = preflight(&app, "/cds-services", PAGE, method, headers);
        assert_eq!(answer.status(), 400, "{method} {headers}");
    }
}

#[test]
fn c11_any_origin_may_call_in_sandbox_mode_without_credentials() {
    let app = App::start();
    let feedback = format!("/cds-services/{SIGN}/feedback");
    for path in ["/cds-services", &format!("/cds-services/{SIGN}"), &feedback] {
        let answer =
            preflight(&app, path, "https://sandbox.cds-hooks.org", "POST", "authorization");
        assert!(answer.status().is_success(), "{path}");
        assert_eq!(header(&answer, ALLOW_ORIGIN), "*");
        assert_eq!(header(&answer, "access-control-allow-credentials"), "");
    }
}

#[test]
fn c13_what_operators_ask_for_is_reached_on_its_own_port_only() {
    let issuer = Issuer::new("https://ehr.example.org");
    let operations = Operations {
        bind: Some(([127, 0, 0, 1], 0).into()),
        ..jakcard::config::Operations::default()
    };
    let app = App::of(Config { operations, ..config(vec![client("hospital", &issuer)]) });
    let own = app.operations.expect("an address");
    assert_ne!(own, app.address);
    // It is not ready before the keys were read and every drug was recognised once.
    let begun = std::time::Instant::now();
    let ready = format!("http://{own}/readyz");
    while app.client.get(&ready).send().expect("an answer").status() != 200 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it never gets ready");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(outcome(app.get(path)).0, 404, "{path} is public");
        let url = format!("http://{own}{path}");
        assert_eq!(app.client.get(&url).send().expect("an answer").status(), 200, "{path}");
        assert_eq!(app.client.head(&url).send().expect("an answer").status(), 200, "{path}");
        assert_eq!(app.client.post(&url).send().expect("an answer").status(), 405, "{path}");
    }
    for path in ["/cds-services", &format!("/cds-services/{SIGN}"), "/"] {
        let answer = app.client.get(format!("http://{own}{path}")).send().expect("an answer");
        assert_eq!(outcome(answer).0, 404, "{path} is answered to operators");
    }
    assert_eq!(app.get("/cds-services").status(), 200);
}

#[test]
fn c13_no_other_page_and_no_other_port() {
    let process = Process::start("[operations]\nbind = '127.0.0.1:0'\n");
    let own = process.operations.expect("an address");
    let mut known = vec![process.address.port(), own.port()];
    known.sort_unstable();
    assert_eq!(process.ports(), known);
    let client = reqwest::blocking::Client::builder().no_proxy().build().expect("a client");
    for path in [
        "",
        "admin",
        "api",
        "actuator",
        "actuator/env",
        "console",
        "debug",
        "debug/pprof",
        "docs",
        "env",
        "favicon.ico",
        ".env",
        ".git/config",
        "graphql",
        "health",
        "metrics",
        "playground",
        "prometheus",
        "server-status",
        "status",
        "swagger-ui",
        "config",
        "hooks",
        "reload",
        "cds-services-admin",
        "robots.txt",
    ] {
        let answer = client.get(format!("{}/{path}", process.url)).send().expect("an answer");
        assert_eq!(answer.status(), 404, "/{path}");
    }
}
