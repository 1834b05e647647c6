//! The program as a person calls it: exit codes, one clear line of error, text for people.

mod support;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use support::{Serving, project, serving};

const REQUEST: &str = "fixtures/wire/jak-inhibitor-order-sign/nothing-on-record/request.json";

fn jakcard(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jakcard"));
    command.args(args).current_dir(project(""));
    // No records beside the sources.
    command.env("JAKCARD_AUDIT_ENABLED", "false");
    command
}

fn run(args: &[&str]) -> Output {
    jakcard(args).output().expect("the program runs")
}

/// The running service, its first line, and its URL.
fn started(command: &mut Command) -> (Child, String, String) {
    let Serving { child, line, url, .. } = serving(command.stderr(Stdio::piped()));
    (child, line, url)
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn text_for_people_is_plain_where_there_is_no_terminal() {
    let output = run(&["evaluate", REQUEST, "--as-of", "2026-11-22", "--format", "text"]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(!text.contains('\u{1b}'), "colour codes in a file");
    assert!(!text.contains("**") && !text.contains('\\') && !text.contains("&lt;"), "{text}");
    for words in [
        "WARNING  Tofacitinib: order TB test, HBsAg, total anti-HBc and HCV antibody",
        "CrCl 49.8 mL/min",
        "[ ] Order Hepatitis B surface antigen (HBsAg)",
        "Source: XELJANZ",
    ] {
        assert!(text.contains(words), "`{words}` is not in\n{text}");
    }
}

#[test]
fn standard_input_answers_like_a_file() {
    let file = run(&["evaluate", REQUEST, "--as-of", "2026-11-22"]);
    let mut child = jakcard(&["evaluate", "-", "--as-of", "2026-11-22"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let body = std::fs::read(project(REQUEST)).expect("the request");
    child.stdin.take().expect("stdin").write_all(&body).expect("written");
    let piped = child.wait_with_output().expect("it ends");
    assert_eq!(file.stdout, piped.stdout);
}

#[test]
fn what_the_service_would_refuse_ends_with_1_and_an_outcome() {
    let mut child = jakcard(&["evaluate", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("stdin").write_all(b"{\"hook\":\"patient-view\"}").expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let outcome: Value = serde_json::from_str(&out(&output)).expect("JSON");
    assert_eq!(outcome["resourceType"], "OperationOutcome");
}

#[test]
fn a_wrong_call_ends_with_2_and_one_clear_line() {
    for (args, says) in [
        (vec!["evaluate", "no-such-file.json"], "no-such-file.json"),
        (vec!["serve", "--bind", "0.0.0.0:0"], "loopback"),
        (vec!["serve", "--config", "no-such-file.toml"], "no-such-file.toml"),
        (vec!["evaluate", REQUEST, "--as-of", "tomorrow"], "tomorrow"),
        (vec!["check", "no-such-folder"], "no-such-folder"),
        (vec!["frobnicate"], "frobnicate"),
    ] {
        let output = run(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(err(&output).contains(says), "{args:?}: {}", err(&output));
        assert!(out(&output).is_empty(), "{args:?}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_told_with_its_place() {
    let file = std::env::temp_dir().join(format!("jakcard-{}.toml", std::process::id()));
    std::fs::write(&file, "jurisdiction = \"US\"\n[limits]\nbody_byte = 1\n").expect("written");
    let output = run(&["serve", "--config", file.to_str().expect("a path")]);
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(output.status.code(), Some(2));
    let says = err(&output);
    assert!(
        says.contains(":3:1: `limits.body_byte`: unknown field `body_byte`, expected one of"),
        "{says}"
    );
}

#[test]
fn a_mistyped_variable_stops_the_start() {
    let mut command = jakcard(&["evaluate", REQUEST]);
    let output = command.env("JAKCARD_JURISDICTON", "EU").output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("JAKCARD_JURISDICTION"), "{}", err(&output));
}

#[test]
fn the_services_help_names_every_setting() {
    let help = out(&run(&["serve", "--help"]));
    for (variable, ..) in jakcard::config::SETTINGS {
        assert!(help.contains(variable), "{variable} is not in\n{help}");
    }
}

#[test]
fn serve_says_where_it_is_and_that_nobody_is_authenticated() {
    let (mut child, line, url) = started(&mut jakcard(&["serve", "--bind", "127.0.0.1:0"]));
    let answer = reqwest::blocking::get(format!("{url}/cds-services")).expect("an answer");
    assert_eq!(answer.status(), 200);
    child.kill().expect("it ends");
    let output = child.wait_with_output().expect("it ends");
    assert!(line.starts_with("jakcard is ready at http://127.0.0.1:"), "{line}");
    assert!(err(&output).contains("sandbox mode"), "{}", err(&output));
}

#[test]
fn the_log_holds_nothing_of_the_patient() {
    let mut serve = jakcard(&["serve", "--bind", "127.0.0.1:0", "--as-of", "2026-11-22"]);
    let (mut child, _, url) = started(serve.env("RUST_LOG", "trace"));
    let mut stderr = child.stderr.take().expect("stderr");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut text).map(|_| text)
    });
    let canaries = ["CanaryPatient", "1951-07-13", "CanaryName", "4711.25", "canary-token"];
    let body = std::fs::read_to_string(project(REQUEST)).expect("the request");
    let body = body
        .replace("pat-1", canaries[0])
        .replace("1968-04-02", canaries[1])
        .replacen(
            "\"gender\"",
            &format!("\"name\": [{{\"family\": \"{}\"}}], \"gender\"", canaries[2]),
            1,
        )
        .replacen("\"value\": 70", &format!("\"value\": {}", canaries[3]), 1);
    let broken = body.replacen("\"hook\"", "\"hok\"", 1);
    let relative = body.replace("1357541", "0").replace("tofacitinib", "povorcitinib");
    // Class codes and words with something of the patient glued to them.
    let glued = body
        .replace("1357541", "L04AF CanaryName")
        .replace("http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc");
    let glued = glued.replace("tofacitinib", "medicine");
    let named = body.replace("1357541", "0").replace("tofacitinib", "4711.25citinib");
    let client = reqwest::blocking::Client::new();
    for (body, service) in [
        (&relative, "jak-inhibitor-order-sign"),
        (&glued, "jak-inhibitor-order-sign"),
        (&named, "jak-inhibitor-order-sign"),
        (&body, "jak-inhibitor-order-sign"),
        (&broken, "jak-inhibitor-order-sign"),
        (&body, "CanaryPatient"),
    ] {
        client
            .post(format!("{url}/cds-services/{service}"))
            .header("content-type", "application/json")
            .header("authorization", "Bearer canary-token")
            .body(body.clone())
            .send()
            .expect("an answer");
    }
    let metrics = reqwest::blocking::get(format!("{url}/metrics")).expect("an answer");
    let metrics = metrics.text().expect("text");
    assert!(metrics.contains("jakcard_look_alike_total 3"), "{metrics}");
    child.kill().expect("it ends");
    child.wait().expect("it ends");
    let log = reader.join().expect("a thread").expect("text");
    assert!(log.contains("answered"), "the log was not read:\n{log}");
    assert!(log.contains("povorcitinib"), "an unknown relative is logged by its name");
    let ours = |line: &&str| line.contains("jakcard");
    for canary in canaries {
        assert!(!metrics.contains(canary), "{canary} is in the metrics");
        let leak = log.lines().filter(ours).find(|line| line.contains(canary));
        assert!(leak.is_none(), "{canary} is in the log: {leak:?}");
    }
}

#[test]
fn a_log_that_nobody_reads_keeps_nobody_waiting() {
    let mut command = jakcard(&["serve", "--bind", "127.0.0.1:0"]);
    let (mut child, _, url) = started(command.env("RUST_LOG", "trace"));
    let client = reqwest::blocking::Client::new();
    // More than any pipe and the service hold, from a process whose standard error is open and never read.
    for _ in 0..2500 {
        let answer = client.get(format!("{url}/healthz")).send().expect("an answer in time");
        assert_eq!(answer.status(), 200);
    }
    // Who reads on is told what is not there.
    let mut stderr = child.stderr.take().expect("stderr");
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut stderr, &mut bytes).map(|_| bytes)
    });
    let process = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM).expect("a signal");
    child.wait().expect("ended");
    let log = reader.join().expect("a thread").expect("bytes");
    let log = String::from_utf8_lossy(&log);
    let lost = log.lines().filter(|line| line.contains("lines of the log were lost")).count();
    assert!(lost > 0, "{} lines, and none says that others are lost", log.lines().count());
}

/// Every command of the program, as its help lists them.
fn commands() -> Vec<String> {
    let help = out(&run(&["--help"]));
    let list = help.split("Commands:\n").nth(1).expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    names.filter(|name| name != "help").collect()
}

#[test]
fn completions_know_every_command_and_flag() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = out(&output);
        for word in commands().iter().map(String::as_str).chain(["as-of", "jurisdiction"]) {
            assert!(script.contains(word), "{shell}: `{word}` is not completed");
        }
    }
    // bash, where it is, reads its script without a complaint.
    let script = out(&run(&["completions", "bash"]));
    if let Ok(checked) = Command::new("bash").args(["-n", "-c", &script]).output() {
        assert!(checked.status.success() && checked.stderr.is_empty(), "{}", err(&checked));
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let page = |args: &[&str]| {
        let output = run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        // A hyphen is written with a backslash.
        out(&output).replace("\\-", "-")
    };
    let program = page(&["man"]);
    assert!(program.contains(".TH jakcard 1"), "{program}");
    for name in commands() {
        assert!(program.contains(&format!("jakcard-{name}(1)")), "{name} is not in\n{program}");
        let own = page(&["man", &name]);
        assert!(own.contains(&format!(".TH jakcard-{name} 1")), "{own}");
    }
    assert!(page(&["man", "serve"]).contains("JAKCARD_STORE_URL"));
    let unknown = run(&["man", "sevre"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(err(&unknown).contains("`sevre`") && err(&unknown).contains("serve"));
}

#[test]
fn health_tells_a_service_that_answers_from_one_that_does_not() {
    let (mut child, _, url) = started(&mut jakcard(&["serve", "--bind", "127.0.0.1:0"]));
    let address = url.trim_start_matches("http://").to_owned();
    // By its address, and by the settings that it was started with.
    let asked = run(&["health", "--url", &format!("{url}/healthz")]);
    let by_settings = jakcard(&["health"]).env("JAKCARD_BIND", &address).output().expect("runs");
    let elsewhere = run(&["health", "--url", &format!("{url}/no-such-page")]);
    child.kill().expect("killed");
    child.wait().expect("it ends");
    let dead = jakcard(&["health"]).env("JAKCARD_BIND", &address).output().expect("runs");
    assert_eq!(asked.status.code(), Some(0), "{}", err(&asked));
    assert_eq!(by_settings.status.code(), Some(0), "{}", err(&by_settings));
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(err(&elsewhere).contains("404"), "{}", err(&elsewhere));
    assert_eq!(dead.status.code(), Some(1));
    assert!(err(&dead).contains(&address), "{}", err(&dead));
    assert_eq!(err(&dead).lines().count(), 1, "{}", err(&dead));
}

#[test]
fn health_asks_the_listener_of_operations_where_there_is_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut line = String::new();
        BufReader::new(stream.try_clone().expect("a copy")).read_line(&mut line).expect("a line");
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("sent");
        line
    });
    let output = jakcard(&["health"])
        .env("JAKCARD_OPERATIONS_BIND", format!("0.0.0.0:{port}"))
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(asked.join().expect("it was asked"), "GET /healthz HTTP/1.1\r\n");
    // A service that speaks TLS itself is not asked in plain text.
    let tls = jakcard(&["health"])
        .env("JAKCARD_TLS_CERTIFICATE", "c.pem")
        .env("JAKCARD_TLS_KEY", "k.pem")
        .output()
        .expect("runs");
    assert_eq!(tls.status.code(), Some(2));
    assert!(err(&tls).contains("operations.bind"), "{}", err(&tls));
}
