//! The program itself, in a process of its own, whose memory and sockets can be looked at.

use crate::support::{Serving, serving};
use std::io::BufRead;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command};

pub struct Process {
    child: Child,
    pub url: String,
    pub address: SocketAddr,
    /// Health, readiness and metrics, when they are elsewhere.
    pub operations: Option<SocketAddr>,
    log: PathBuf,
}

impl Process {
    /// With these settings (TOML), on a free port.
    pub fn start(settings: &str) -> Process {
        Process::with(settings, &[])
    }

    /// The same, with more arguments.
    pub fn with(settings: &str, arguments: &[&str]) -> Process {
        let folder =
            std::env::temp_dir().join(format!("jakcard-{}", crate::support::issuer::uuid()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (file, log) = (folder.join("jakcard.toml"), folder.join("log"));
        std::fs::write(&file, settings).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_jakcard"));
        command
            .args(["serve", "--bind", "127.0.0.1:0", "--config"])
            .arg(&file)
            .args(arguments)
            .stderr(std::fs::File::create(&log).expect("a file"));
        let Serving { child, url, stdout, .. } = serving(&mut command);
        let address = |line: &str| line.rsplit('/').next().expect("an address").trim().parse().ok();
        let second = || stdout.lines().next().expect("a line").expect("text");
        let operations = settings.contains("[operations]").then(|| address(&second()));
        let address = address(&url).expect("an address");
        Process { child, url, address, operations: operations.flatten(), log }
    }

    /// What was written to the log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log")
    }

    /// A line of `/proc/…/status` in kB, such as `VmRSS` or `VmHWM`.
    pub fn memory(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(self.proc("status")).expect("the status");
        let line = text.lines().find(|line| line.starts_with(name)).expect("the line");
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
    }

    /// Starts the peak of `VmHWM` anew.
    pub fn forget_peak(&self) {
        std::fs::write(self.proc("clear_refs"), "5").expect("the peak is forgotten");
    }

    /// The ports on which this process listens.
    pub fn ports(&self) -> Vec<u16> {
        let sockets: Vec<String> = std::fs::read_dir(self.proc("fd"))
            .expect("the files")
            .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
            .filter_map(|to| {
                let to = to.to_string_lossy().into_owned();
                Some(to.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
            })
            .collect();
        let mut ports = Vec::new();
        for table in ["net/tcp", "net/tcp6"] {
            let text = std::fs::read_to_string(self.proc(table)).unwrap_or_default();
            for line in text.lines().skip(1) {
                let columns: Vec<&str> = line.split_whitespace().collect();
                // State 0A is LISTEN.
                if columns[3] == "0A" && sockets.iter().any(|inode| inode == columns[9]) {
                    let port = columns[1].rsplit(':').next().expect("a port");
                    ports.push(u16::from_str_radix(port, 16).expect("hexadecimal"));
                }
            }
        }
        ports.sort_unstable();
        ports
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
