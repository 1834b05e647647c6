//! What only a server can do: refuse a password, stop, start again, and fall silent.

use super::both::locked;
use super::postgres::{PASSWORD, Postgres, free_port};
use super::{PATIENT, first_use, refused, wait};
use jakcard::store::{Store, StoreError, Waits};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const SHORT: Waits = Waits { answer: Duration::from_millis(300), ..PATIENT };

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.url("postgres").replace("Zq9", "Zq8");
    let error = refused(wait(Store::open_within(&url, PATIENT)));
    assert!(error.contains("password authentication failed for user \"jakcard\""), "{error}");
    assert!(
        error.contains(&format!("`postgres://jakcard@127.0.0.1:{}/", server.port())),
        "{error}"
    );
    assert!(!error.contains("Zq8") && !error.contains("secret"), "{error}");
}

#[test]
fn an_open_store_does_not_show_its_password() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database("shown");
    let store = wait(Store::open_within(&url, PATIENT)).expect("the store opens");
    let shown = format!("{store:?}");
    assert!(shown.contains("postgres://jakcard@127.0.0.1"), "{shown}");
    assert!(!shown.contains("Zq9") && !shown.contains(PASSWORD), "{shown}");
}

#[test]
fn a_database_that_does_not_exist_is_named() {
    let Some(server) = Postgres::shared() else { return };
    let error = refused(wait(Store::open_within(&server.url("nowhere"), PATIENT)));
    assert!(error.contains("database \"nowhere\" does not exist"), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    if Postgres::shared().is_none() {
        return;
    }
    let url = format!("postgres://jakcard@127.0.0.1:{}/db", free_port());
    let error = refused(wait(Store::open_within(&url, PATIENT)));
    assert!(error.contains(&format!("the store `{url}` cannot be used")), "{error}");
}

#[test]
fn a_server_that_stopped_is_an_error_and_after_its_return_all_is_remembered() {
    let Some(server) = Postgres::private(&[]) else { return };
    let url = server.database("stopped");
    let store = wait(Store::open_within(&url, SHORT)).expect("the store opens");
    let patient = wait(Store::open_within(&url, PATIENT)).expect("the store opens");
    assert_eq!(first_use(&patient, "before"), Ok(true));

    server.crash();
    for _ in 0..6 {
        let error = first_use(&store, "while").expect_err("nobody is there");
        assert!(error.to_string().contains("the store `postgres://jakcard@127.0.0.1"), "{error}");
    }

    server.start(&[]);
    assert_eq!(first_use(&patient, "before"), Ok(false));
    assert_eq!(first_use(&patient, "after"), Ok(true));
    let answered = (0..50).any(|n| first_use(&store, &n.to_string()).is_ok());
    assert!(answered, "the store with the short wait answers again");
}

#[test]
fn a_network_that_falls_silent_is_given_up_and_new_connections_are_made() {
    let Some(server) = Postgres::shared() else { return };
    let direct = server.database("silent");
    let network = Network::to(server.port());
    let url = server.url_through(network.port, "silent");
    let store = wait(Store::open_within(&url, SHORT)).expect("the store opens");
    assert!(eventually(&store, "before"));

    network.cut();
    // More calls than the pool has connections: none of them may keep its place.
    for n in 0..6 {
        let error = first_use(&store, &format!("during {n}")).expect_err("nothing comes back");
        let within = SHORT.answer;
        assert!(matches!(error, StoreError::Late { within: w, .. } if w == within), "{error}");
    }

    network.mend();
    assert!(eventually(&store, "after"));
    let patient = wait(Store::open_within(&direct, PATIENT)).expect("the store opens");
    assert_eq!(first_use(&patient, "before 0"), Ok(false));
}

#[test]
fn questions_that_the_silence_caught_half_way_keep_no_connection() {
    let Some(server) = Postgres::shared() else { return };
    let direct = server.database("half_way");
    let network = Network::to(server.port());
    let url = server.url_through(network.port, "half_way");
    let waits = Waits { answer: Duration::from_secs(1), ..PATIENT };
    let store = wait(Store::open_within(&url, waits)).expect("the store opens");
    locked(&direct, || {
        thread::scope(|scope| {
            for n in 0..8 {
                let store = &store;
                scope.spawn(move || first_use(store, &n.to_string()).expect_err("it is locked"));
            }
            // By then they have been asked, and wait for the lock.
            thread::sleep(waits.answer / 2);
            network.cut();
        });
    });
    network.mend();
    assert!(eventually(&store, "after"));
}

/// The first answer; a machine that is busy may miss the short wait now and then.
fn eventually(store: &Store, jti: &str) -> bool {
    let answers = (0..50).map(|n| first_use(store, &format!("{jti} {n}")));
    answers.flatten().next().expect("the store answers")
}

/// A network between the store and the server. What was connected when it was cut stays silent for
/// ever, as behind a firewall that has forgotten the connection.
struct Network {
    port: u16,
    cut: Arc<AtomicBool>,
}

impl Network {
    fn to(server: u16) -> Network {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let cut = Arc::new(AtomicBool::new(false));
        let state = Arc::clone(&cut);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let far = TcpStream::connect(("127.0.0.1", server)).expect("the server");
                let dead = Arc::new(AtomicBool::new(false));
                carry(&near, &far, &state, &dead);
                carry(&far, &near, &state, &dead);
            }
        });
        Network { port, cut }
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

fn carry(from: &TcpStream, to: &TcpStream, cut: &Arc<AtomicBool>, dead: &Arc<AtomicBool>) {
    let (mut from, mut to) = (from.try_clone().expect("a clone"), to.try_clone().expect("a clone"));
    let (cut, dead) = (Arc::clone(cut), Arc::clone(dead));
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if cut.load(Ordering::SeqCst) {
                dead.store(true, Ordering::SeqCst);
            }
            if !dead.load(Ordering::SeqCst) && to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}
