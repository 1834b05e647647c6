//! A private PostgreSQL server for the tests: started on a free port of this machine in a folder of
//! its own, stopped and removed when it is dropped.

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User, chown};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A password with what a URL must encode.
pub const PASSWORD: &str = "Zq9/secret@of#tests";
const ENCODED: &str = "Zq9%2Fsecret%40of%23tests";

/// A running server.
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    owner: Option<User>,
    port: u16,
    server: Mutex<Option<Child>>,
}

impl Postgres {
    /// The server of all tests that run at the same time; each takes a database of its own. `None`
    /// when the tests are to run without.
    pub fn shared() -> Option<Arc<Postgres>> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Some(running);
        }
        let started = Arc::new(Postgres::private(&["-c", "fsync=off"])?);
        *shared = Arc::downgrade(&started);
        Some(started)
    }

    /// A server of one's own, to be stopped and started.
    pub fn private(options: &[&str]) -> Option<Postgres> {
        if std::env::var_os("JAKCARD_WITHOUT_POSTGRES").is_some() {
            println!("left out: JAKCARD_WITHOUT_POSTGRES is set");
            return None;
        }
        let programs = programs().expect(
            "no PostgreSQL server is installed: install the Debian package `postgresql`, or set \
             JAKCARD_WITHOUT_POSTGRES=1 to leave these tests out",
        );
        let folder = super::new_folder("postgres");
        let postgres =
            Postgres { port: free_port(), folder, programs, owner: owner(), server: None.into() };
        postgres.make();
        postgres.start(options);
        Some(postgres)
    }

    fn make(&self) {
        if let Some(owner) = &self.owner {
            chown(&self.folder, Some(owner.uid), Some(owner.gid))
                .expect("the folder is given away");
        }
        let password = self.folder.join("password");
        std::fs::write(&password, PASSWORD).expect("the password is written");
        let made = self
            .program("initdb")
            .args(["--no-sync", "--encoding=UTF8", "--locale=C", "--username=jakcard"])
            .args(["--auth=scram-sha-256", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(self.folder.join("data"))
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// Starts the server and waits until it answers.
    pub fn start(&self, options: &[&str]) {
        let log = std::fs::File::create(self.folder.join("log")).expect("a log");
        let server = self
            .program("postgres")
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-k")
            .arg(&self.folder)
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "max_connections=60"])
            .args(options)
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .expect("postgres runs");
        *self.server() = Some(server);
        let begun = Instant::now();
        while !self.answers() {
            let ended = self.server().as_mut().and_then(|s| s.try_wait().ok().flatten());
            if ended.is_some() || begun.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("the PostgreSQL server does not start: {log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        let line = std::fs::read_to_string(self.folder.join("data/postmaster.pid"));
        line.is_ok_and(|l| l.lines().any(|l| l.trim() == "ready"))
            && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    /// Stops the server at once, as a crash would.
    pub fn crash(&self) {
        if let Some(mut server) = self.server().take() {
            // Immediate shutdown: it takes its children along.
            self.signal(&server, Signal::SIGQUIT);
            self.signal(&server, Signal::SIGCONT);
            server.wait().expect("the server ends");
        }
    }

    fn signal(&self, server: &Child, signal: Signal) {
        let _ = kill(Pid::from_raw(server.id().cast_signed()), signal);
    }

    /// A new, empty database.
    pub fn database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    /// The address of a database, with its password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://jakcard:{ENCODED}@127.0.0.1:{}/{database}", self.port)
    }

    /// The same through another port.
    pub fn url_through(&self, port: u16, database: &str) -> String {
        self.url(database).replace(&format!(":{}/", self.port), &format!(":{port}/"))
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs a statement as the owner, past the store.
    pub fn sql(&self, database: &str, statement: &str) {
        super::wait(async {
            let url = self.url(database);
            let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
                .await
                .expect("the server answers");
            let statement = sqlx::AssertSqlSafe(statement.to_owned());
            sqlx::raw_sql(statement).execute(&mut connection).await.expect("the statement runs");
        });
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn program(&self, name: &str) -> Command {
        let mut program = Command::new(self.programs.join(name));
        program.current_dir(&self.folder).env("LC_ALL", "C");
        if let Some(owner) = &self.owner {
            // Supplementary groups of root are dropped by this, too.
            program.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
        }
        program
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.crash();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// PostgreSQL refuses to run as root: then it runs as another user, `postgres` if there is one.
fn owner() -> Option<User> {
    if !Uid::effective().is_root() {
        return None;
    }
    let user = |name| User::from_name(name).ok().flatten();
    Some(user("postgres").or_else(|| user("nobody")).expect("a user who is not root"))
}

/// The folder of `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    // Where Debian puts them, version by version.
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let complete = |f: &Path| f.join("initdb").is_file() && f.join("postgres").is_file();
    folders.into_iter().find(|folder| complete(folder))
}

/// A port that nobody listens at just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("an address").port()
}
