//! What was acknowledged is there after a kill at any moment, and replicas share one truth.

mod support;

#[allow(dead_code)]
#[path = "support/postgres.rs"]
mod postgres;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::Postgres;
use reqwest::blocking::Client;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use support::issuer::{Issuer, uuid};
use support::{Serving, project, serving, wait};

const SIGN: &str = "jak-inhibitor-order-sign";
const PUBLIC: &str = "https://cds.example.org";

/// A running program.
struct Running {
    child: Child,
    url: String,
    /// Reads what the program prints, so that it never waits for a reader.
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// In that folder, with these settings of the environment.
    fn start(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jakcard"));
        command
            .args(["serve", "--bind", "127.0.0.1:0"])
            .args(arguments)
            .current_dir(folder)
            .env("RUST_LOG", "warn")
            .envs(settings.iter().copied())
            .stderr(log(folder));
        Running::of(serving(&mut command))
    }

    fn of(Serving { child, url, stdout, .. }: Serving) -> Running {
        Running { child, url, _stdout: stdout }
    }

    fn signal(&mut self, signal: Signal) -> std::process::ExitStatus {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it runs");
        self.child.wait().expect("it ends")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log(folder: &Path) -> std::fs::File {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log"));
    file.expect("a log")
}

fn new_folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("jakcard-{name}-{}", uuid()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn client() -> Client {
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(20));
    client.build().expect("a client")
}

/// Runs a command that reads the store.
fn read(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jakcard"));
    let command = command.args(arguments).current_dir(folder).envs(settings.iter().copied());
    command.output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn sound(folder: &Path, settings: &[(&str, &str)]) -> String {
    let output = read(folder, &["audit", "verify"], settings);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    said
}

fn order() -> String {
    let file = "fixtures/wire/jak-inhibitor-order-sign/nothing-on-record/request.json";
    std::fs::read_to_string(project(file)).expect("a request")
}

/// One report in a batch of its own, about a card of that name.
fn feedback(card: &str) -> String {
    json!({ "feedback": [{ "card": card, "outcome": "overridden",
        "outcomeTimestamp": "2026-11-22T10:05:31Z",
        "overrideReason": { "reason": { "code": "patsab" } } }] })
    .to_string()
}

fn post(client: &Client, url: &str, body: String) -> Option<u16> {
    let request = client.post(url).header("content-type", "application/json").body(body);
    request.send().ok().map(|answer| answer.status().as_u16())
}

/// A number that nobody knows beforehand, below that.
fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("random");
    u64::from_le_bytes(bytes) % below
}

/// Cards of the feedback that is in the store.
fn kept(url: &str) -> BTreeSet<String> {
    wait(async {
        let store = jakcard::store::Store::open(url).await.expect("a store");
        let (mut cards, mut behind) = (BTreeSet::new(), jakcard::store::Behind::default());
        loop {
            let (rows, next) =
                store.feedback(i64::MIN..i64::MAX, &behind, 5000).await.expect("read");
            if rows.is_empty() {
                return cards;
            }
            cards.extend(rows.into_iter().map(|row| row.card));
            behind = next;
        }
    })
}

fn count(acknowledged: &Mutex<BTreeSet<String>>) -> usize {
    acknowledged.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// Kills the program again and again while feedback and calls come in; says how many reports were
/// acknowledged. Every one of them must be in the store after every kill.
fn killed(times: u64, folder: &Path, url: &str) -> (usize, u64) {
    let settings = [("JAKCARD_STORE_URL", url), ("JAKCARD_AUDIT_REPLICA", "one")];
    let acknowledged: Mutex<BTreeSet<String>> = Mutex::default();
    let (next, sent) = (AtomicU64::new(0), AtomicU64::new(0));
    for round in 0..times {
        let mut program = Running::start(folder, &[], &settings);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let (url, stop) = (program.url.clone(), &stop);
            for _ in 0..3 {
                let (url, acknowledged) =
                    (format!("{url}/cds-services/{SIGN}/feedback"), &acknowledged);
                let (next, sent) = (&next, &sent);
                scope.spawn(move || {
                    let client = client();
                    while !stop.load(Ordering::Relaxed) {
                        let card = format!("card-{}", next.fetch_add(1, Ordering::Relaxed));
                        sent.fetch_add(1, Ordering::Relaxed);
                        if post(&client, &url, feedback(&card)) == Some(200) {
                            let mut all =
                                acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
                            all.insert(card);
                        }
                    }
                });
            }
            scope.spawn(move || {
                let (client, url) = (client(), format!("{url}/cds-services/{SIGN}"));
                while !stop.load(Ordering::Relaxed) {
                    post(&client, &url, order());
                }
            });
            // Mostly in the middle of the work; sometimes before it has begun.
            let (begun, before) = (Instant::now(), count(&acknowledged));
            let idle = || count(&acknowledged) == before && begun.elapsed().as_secs() < 20;
            while round % 5 != 0 && idle() {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis(random(250)));
            program.signal(Signal::SIGKILL);
            stop.store(true, Ordering::Relaxed);
        });
        let there = kept(url);
        let all = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<&String> = all.difference(&there).collect();
        assert!(missing.is_empty(), "after kill {round}: {missing:?}");
        if round % 10 == 0 || round + 1 == times {
            sound(folder, &settings);
        }
    }
    let all = acknowledged.lock().unwrap_or_else(PoisonError::into_inner).len();
    (all, sent.load(Ordering::Relaxed))
}

#[test]
fn e5_what_was_acknowledged_survives_kills_on_sqlite() {
    let folder = new_folder("durability");
    let url = format!("sqlite:{}", folder.join("jakcard.db").display());
    let (acknowledged, _) = killed(20, &folder, &url);
    assert!(acknowledged > 20, "{acknowledged}: nothing was tried");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn e5_what_was_acknowledged_survives_kills_on_postgres() {
    let Some(server) = Postgres::shared() else { return };
    let folder = new_folder("durability");
    let (acknowledged, _) = killed(5, &folder, &server.database("killed"));
    assert!(acknowledged > 5, "{acknowledged}: nothing was tried");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
#[ignore = "takes long: cargo test --release --test durability thousand -- --ignored --nocapture"]
fn e5_what_was_acknowledged_survives_a_thousand_kills() {
    let folder = new_folder("durability");
    let url = format!("sqlite:{}", folder.join("jakcard.db").display());
    let begun = Instant::now();
    let (acknowledged, sent) = killed(1000, &folder, &url);
    let settings = [("JAKCARD_STORE_URL", &*url)];
    println!(
        "1000 kills in {} s: {sent} reports sent, {acknowledged} acknowledged, 0 of these lost; {}",
        begun.elapsed().as_secs(),
        sound(&folder, &settings).trim()
    );
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn at_sigterm_every_record_that_waits_is_written() {
    let folder = new_folder("durability");
    let settings = [("JAKCARD_AUDIT_REPLICA", "one"), ("JAKCARD_OPERATIONS_DRAIN_MS", "0")];
    let mut program = Running::start(&folder, &[], &settings);
    let (client, url) = (client(), format!("{}/cds-services/{SIGN}", program.url));
    assert!(!folder.join("jakcard.db").exists(), "made for the first record");
    for _ in 0..25 {
        assert_eq!(post(&client, &url, order()), Some(200));
    }
    assert_eq!(program.signal(Signal::SIGTERM).code(), Some(0));
    let said = sound(&folder, &settings[..1]);
    // A start, 25 answers, an end.
    assert!(said.starts_with("one: sound, 27 records; ends with one:27:"), "{said}");
    assert!(!said.contains("not ended"), "{said}");
    let exported = text(&read(&folder, &["audit", "export"], &settings[..1]).stdout);
    let lines: Vec<Value> =
        exported.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines.len(), 27);
    assert_eq!(lines[1]["record"]["service"], SIGN);
    assert_eq!(lines[26]["record"]["kind"], "stopped");
    let far = read(&folder, &["audit", "export", "--until", "2020-01-01"], &settings[..1]);
    assert_eq!(text(&far.stdout), "");

    // A change is found, and named.
    let file = folder.join("jakcard.db");
    wait(async {
        let url = format!("sqlite:{}", file.display());
        let mut connection =
            <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.expect("open");
        let harm =
            "UPDATE audit SET record = replace(record, '\"warning\"', '\"info\"') WHERE seq = 9";
        sqlx::query(harm).execute(&mut connection).await.expect("harmed");
    });
    let output = read(&folder, &["audit", "verify"], &settings[..1]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("record 9 was changed"), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("1 complaints"), "{}", text(&output.stderr));
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_reading() {
    let folder = new_folder("durability");
    for arguments in [["audit", "verify"], ["audit", "export"]] {
        let output = read(&folder, &arguments, &[]);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains("jakcard.db") && said.contains("there is no such file"), "{said}");
    }
    let output = read(&folder, &["audit", "verify", "--expect", "one:2"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("expected REPLICA:RECORD:HASH"));
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0);
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn e8_a_full_disk_refuses_feedback_and_no_answer() {
    let folder = new_folder("durability");
    // No file of the program may grow beyond that; the signal is for programs that want to die of it.
    let script = "trap '' XFSZ; ulimit -f 600; exec \"$0\" serve --bind 127.0.0.1:0";
    let mut command = Command::new("bash");
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_jakcard")])
        .current_dir(&folder)
        .env("RUST_LOG", "error")
        .stderr(Stdio::null());
    let program = Running::of(serving(&mut command));
    let (client, url) = (client(), format!("{}/cds-services/{SIGN}", program.url));
    let big = |n: u32| {
        let report = |i: u32| {
            json!({ "card": format!("{n}-{i}"), "outcome": "overridden",
            "outcomeTimestamp": "2026-11-22T10:05:31Z",
            "overrideReason": { "userComment": "x".repeat(1900) } })
        };
        json!({ "feedback": (0..50).map(report).collect::<Vec<_>>() }).to_string()
    };
    let statuses: Vec<u16> = (0..12)
        .map(|n| post(&client, &format!("{url}/feedback"), big(n)).expect("an answer"))
        .collect();
    let acknowledged = statuses.iter().filter(|s| **s == 200).count();
    assert!(statuses.contains(&503), "the disk was never full: {statuses:?}");
    assert!(statuses.iter().all(|s| [200, 503].contains(s)), "{statuses:?}");
    for _ in 0..3 {
        assert_eq!(post(&client, &url, order()), Some(200), "answers go out");
    }
    let metrics = client.get(format!("{}/metrics", program.url)).send().expect("metrics");
    assert!(metrics.text().expect("text").contains("jakcard_store_failures_total"));
    drop(program);
    let url = format!("sqlite:{}", folder.join("jakcard.db").display());
    assert_eq!(kept(&url).len(), acknowledged * 50, "what was acknowledged, and whole batches");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn three_replicas_on_one_database_share_one_truth() {
    let Some(server) = Postgres::shared() else { return };
    let (folder, issuer) = (new_folder("durability"), Issuer::new("https://ehr.example.org"));
    let database = server.database("replicas");
    let (keys, file) = (folder.join("jwks.json"), folder.join("jakcard.toml"));
    std::fs::write(&keys, issuer.jwks().to_string()).expect("written");
    let settings = format!(
        "public_url = '{PUBLIC}'\n[store]\nurl = '{database}'\n[[client]]\nname = 'hospital'\n\
         iss = '{}'\njwks_file = '{}'\n",
        issuer.iss,
        keys.display()
    );
    std::fs::write(&file, settings).expect("written");
    let config = file.to_str().expect("a path");
    let names = ["one", "two", "three"];
    let mut programs = names.map(|name| {
        Running::start(&folder, &["--config", config], &[("JAKCARD_AUDIT_REPLICA", name)])
    });
    let client = client();
    let now = || jiff::Timestamp::now().as_second();
    let call = |program: &Running, token: &str, path: &str, body: String| -> (u16, Value) {
        let request = client.post(format!("{}/cds-services/{SIGN}{path}", program.url));
        let request = request.header("content-type", "application/json");
        let answer = request.header("authorization", format!("Bearer {token}")).body(body).send();
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().expect("text")).expect("JSON"))
    };
    let token = || issuer.good(&format!("{PUBLIC}/cds-services/{SIGN}"), now());

    // A token that one has seen is refused by all.
    for first in 0..programs.len() {
        let token = token();
        assert_eq!(call(&programs[first], &token, "", order()).0, 200);
        for program in &programs {
            assert_eq!(call(program, &token, "", order()).0, 401);
        }
    }

    // An answer of one, feedback to another, a kill of both, and the third knows everything.
    let answer = call(&programs[0], &token(), "", order()).1;
    let card = answer["cards"][0]["uuid"].as_str().expect("a card").to_owned();
    let mut acknowledged = BTreeSet::from([card.clone()]);
    assert_eq!(call(&programs[1], &token(), "/feedback", feedback(&card)).0, 200);
    for n in 0..50 {
        let card = format!("card-{n}");
        assert_eq!(call(&programs[1], &token(), "/feedback", feedback(&card)).0, 200);
        acknowledged.insert(card);
        // Sent to another again: it counts once.
        if n % 10 == 0 {
            assert_eq!(
                call(&programs[2], &token(), "/feedback", feedback(&format!("card-{n}"))).0,
                200
            );
        }
    }
    programs[1].signal(Signal::SIGKILL);
    let there = kept(&database);
    assert_eq!(there, acknowledged);
    programs[0].signal(Signal::SIGTERM);
    programs[2].signal(Signal::SIGTERM);
    let said = sound(&folder, &[("JAKCARD_STORE_URL", &database)]);
    assert!(said.contains("one: sound") && said.contains("three: sound"), "{said}");
    assert!(!said.contains("secret"), "{said}");
    // Feedback that one took is in the report that any other gives.
    let settings = [("JAKCARD_STORE_URL", &*database)];
    let report = read(&folder, &["report", "--format", "json"], &settings);
    let report: Value = serde_json::from_slice(&report.stdout).expect("JSON");
    assert_eq!((&report["answers"], &report["feedback"]), (&json!(4), &json!(51)));
    assert_eq!(report["unknownCards"], 50);
    assert_eq!(report["clients"][0]["client"], "hospital");
    assert_eq!(report["clients"][0]["overridden"], 1);
    std::fs::remove_dir_all(folder).expect("removed");
}
