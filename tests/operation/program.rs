//! The running program, with its knowledge in a folder that can be changed, and its log.

use crate::support::{Serving, project, serving};
use jakcard::knowledge::embedded::embedded;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::blocking::Client;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// Nothing here may take longer, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The running program.
pub struct Program {
    pub child: Child,
    pub url: String,
    pub folder: PathBuf,
    pub client: Client,
}

/// An empty folder of one's own.
pub fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("jakcard-{}", crate::support::issuer::uuid()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

impl Program {
    /// In sandbox mode on a free port, today fixed, with a copy of the knowledge in `hooks/` of its
    /// folder.
    pub fn start(environment: &[(&str, &str)]) -> Program {
        let folder = folder();
        for (path, bytes) in embedded() {
            let path = folder.join("hooks").join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("written");
        }
        Program::started(folder, environment)
    }

    pub fn started(folder: PathBuf, environment: &[(&str, &str)]) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jakcard"));
        command
            .env("JAKCARD_SELF_TEST_EVERY_S", "0")
            .args(["serve", "--bind", "127.0.0.1:0", "--as-of", "2026-11-22", "--hooks"])
            .arg(folder.join("hooks"))
            .envs(environment.iter().copied());
        Program::of(command, folder)
    }

    /// What this command starts; its log goes to the folder.
    pub fn of(mut command: Command, folder: PathBuf) -> Program {
        let log = std::fs::File::create(folder.join("log")).expect("a file");
        let Serving { child, url, .. } = serving(command.current_dir(&folder).stderr(log));
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Program { child, url, folder, client }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        kill(Pid::from_raw(pid), signal).expect("sent");
    }

    /// Changes a knowledge file in one step.
    pub fn edit(&self, path: &str, change: impl Fn(&str) -> String) {
        let file = self.folder.join("hooks").join(path);
        let text = std::fs::read_to_string(&file).expect("text");
        let changed = change(&text);
        assert_ne!(text, changed, "{path}: nothing was changed");
        let beside = self.folder.join("next");
        std::fs::write(&beside, changed).expect("written");
        std::fs::rename(&beside, &file).expect("in place");
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let response = self.client.get(format!("{}{path}", self.url)).send().expect("an answer");
        (response.status().as_u16(), response.text().expect("text"))
    }

    /// The answer to a request of `fixtures/wire/`.
    pub fn answer(&self, service: &str, case: &str) -> Value {
        let response = self.client.post(format!("{}/cds-services/{service}", self.url));
        let response = response.header("content-type", "application/json");
        let response = response.body(request(service, case)).send().expect("an answer");
        assert_eq!(response.status(), 200);
        serde_json::from_str(&response.text().expect("text")).expect("JSON")
    }

    /// The value of one line of `/metrics`; `None` without that line.
    pub fn metric(&self, line: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics");
        let found = text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' '));
        found.map(|value| value.parse().expect("a number"))
    }

    pub fn wait_for(&self, what: &str, done: impl Fn() -> bool) {
        let started = Instant::now();
        while !done() {
            assert!(started.elapsed() < PATIENCE, "{what}: not in time\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).expect("the log")
    }

    /// Waits until the process has ended.
    pub fn ended(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "it does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
        _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The body of a request of `fixtures/wire/`.
pub fn request(service: &str, case: &str) -> String {
    let path = project("fixtures/wire").join(service).join(case).join("request.json");
    std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()))
}
