//! Servers as processes of their own: how much CPU they used, how much memory they held at most.

use nix::time::ClockId;
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; it ends with this value.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// jakcard, with an audit or without; it keeps its files in this folder.
    pub fn jakcard(arguments: &[&str], folder: &Path, audit: bool) -> Server {
        let ours = std::env::vars().map(|(name, _)| name).filter(|n| n.starts_with("JAKCARD_"));
        let mut command = Command::new(beside("jakcard"));
        for name in ours {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(folder);
        Server::start(command.env("JAKCARD_AUDIT_ENABLED", audit.to_string()))
    }

    /// A server that only reads.
    pub fn floor(reading: &str) -> Server {
        Server::start(Command::new(beside("floor")).arg(reading))
    }

    /// Starts a program that prints a line with its address when it is ready.
    fn start(command: &mut Command) -> Server {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit("http://").next().unwrap_or_default();
        let address = address.parse().unwrap_or_else(|_| panic!("not ready: {line:?}"));
        Server { child, address }
    }

    /// CPU time of the process so far, user and system, all threads.
    pub fn cpu(&self) -> Duration {
        let clock = ClockId::pid_cpu_clock_id(self.pid()).expect("the clock of a process");
        clock.now().expect("its time").into()
    }

    /// Most memory that was resident, in MB.
    pub fn peak_mb(&self) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the state of a process");
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("its peak");
        let kb: f64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("kB");
        kb / 1024.0
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// CPU time of this thread so far.
pub fn thread_cpu() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID.now().expect("the clock of a thread").into()
}

/// A folder of this run; it is removed with this value.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty one.
    pub fn new(name: &str) -> Folder {
        let path =
            std::env::temp_dir().join(format!("jakcard-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A program that was built beside this one.
fn beside(name: &str) -> PathBuf {
    std::env::current_exe().expect("this program").with_file_name(name)
}

/// Builds what is measured, with the profile of this program.
pub fn build() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["build", "--bins", "-p", "jakcard", "-p", "jakcard-bench"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(built.is_ok_and(|status| status.success()), "jakcard cannot be built");
}
