//! What the tests share.
#![allow(dead_code)]

pub mod cases;
pub mod fake_ehr;
pub mod issuer;

use jakcard::config::Config;
use jakcard::knowledge::{Knowledge, embedded, read};
use jakcard::service::{Calendar, House};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

/// The knowledge of the binary.
pub fn knowledge() -> &'static Knowledge {
    static KNOWLEDGE: OnceLock<Knowledge> = OnceLock::new();
    KNOWLEDGE.get_or_init(|| read::read(&embedded::embedded()).expect("the knowledge is sound"))
}

/// A house without a network, on the day of the fixtures.
pub fn house() -> House {
    let knowledge = read::read(&embedded::embedded()).expect("the knowledge is sound");
    let day = "2026-11-22".parse().expect("a day");
    House::offline(Config::default(), knowledge, Calendar::Fixed(day))
}

/// A program that serves.
pub struct Serving {
    pub child: Child,
    /// What it printed first, and the URL at the end of that.
    pub line: String,
    pub url: String,
    /// Who keeps it reads what the program prints: it never waits for a reader.
    pub stdout: BufReader<ChildStdout>,
}

/// Starts a program and waits until it serves.
pub fn serving(command: &mut Command) -> Serving {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program runs");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let url = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
    assert!(url.starts_with("http"), "no URL: {line:?}");
    Serving { child, line, url, stdout }
}

/// Waits for an answer.
pub fn wait<T>(future: impl std::future::Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

/// A path below the project.
pub fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
