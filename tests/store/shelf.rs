//! A store that is opened when it is needed, and does not keep anybody waiting until then.

use super::{PATIENT, Place, first_use, new_folder, wait};
use jakcard::store::{Shelf, Store, StoreError, Waits};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn nothing_is_made_before_it_is_needed() {
    let place = Place::sqlite();
    let shelf = Shelf::within(&place.url, PATIENT).expect("an address");
    assert!(!place.file().exists());
    let one = wait(shelf.for_answers()).expect("it opens");
    assert!(place.file().exists());
    let other = wait(shelf.for_records()).expect("it is open");
    assert!(Arc::ptr_eq(&one, &other), "opened once");
}

#[test]
fn those_who_come_together_open_it_once() {
    let place = Place::sqlite();
    let shelf = Shelf::within(&place.url, PATIENT).expect("an address");
    let stores: Vec<Arc<Store>> = thread::scope(|scope| {
        let all = [(); 8].map(|()| scope.spawn(|| wait(shelf.for_answers()).expect("it opens")));
        all.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    assert!(stores.iter().all(|store| Arc::ptr_eq(store, &stores[0])));
    assert_eq!(first_use(&stores[0], "a"), Ok(true));
}

#[test]
fn an_address_that_cannot_be_read_is_said_at_once() {
    let error = Shelf::at("mysql://secret").expect_err("no such kind").to_string();
    assert!(!error.contains("secret") && error.contains("expected `sqlite:FILE`"), "{error}");
}

#[test]
fn a_server_that_says_nothing_keeps_nobody_longer_than_the_bound() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let url = format!("postgres://jakcard:secret@127.0.0.1:{port}/db");
    let waits = Waits { answer: Duration::from_millis(100), ..PATIENT };
    let shelf = Shelf::within(&url, waits).expect("an address");
    let begun = Instant::now();
    for _ in 0..5 {
        let error = wait(shelf.for_answers()).expect_err("nobody answers");
        assert!(matches!(error, StoreError::Late { .. }) && error.may_pass(), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_store_that_could_not_be_opened_is_tried_again() {
    let folder = new_folder("shelf");
    let below = folder.join("below");
    let url = format!("sqlite:{}/jakcard.db", below.display());
    let shelf = Shelf::within(&url, PATIENT).expect("an address");
    let error = wait(shelf.for_answers()).expect_err("no folder");
    assert!(error.to_string().contains("below") && !error.may_pass(), "{error}");
    std::fs::create_dir(&below).expect("made");
    let opened = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(100));
        wait(shelf.for_answers()).is_ok()
    });
    assert!(opened);
    std::fs::remove_dir_all(folder).expect("removed");
}
