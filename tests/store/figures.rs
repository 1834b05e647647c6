//! What the store costs. Measured by hand, never a test:
//! `cargo test --release --test store figures -- --ignored --nocapture`.

use super::postgres::Postgres;
use super::{PATIENT, Place, wait};
use jakcard::store::Store;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

#[test]
#[ignore = "prints figures"]
fn what_a_first_use_costs() {
    let sqlite = Place::sqlite();
    measure("SQLite", &sqlite.url);
    if let Some(server) = Postgres::private(&[]) {
        measure("PostgreSQL, same machine, fsync on", &server.database("figures"));
    }
}

/// Medians of five rounds.
fn measure(name: &str, url: &str) {
    let store = Arc::new(wait(Store::open_within(url, PATIENT)).expect("the store opens"));
    for threads in [1, 4] {
        let mut rounds: Vec<[u128; 3]> =
            (0..5).map(|round| one_round(&store, threads, round)).collect();
        let mut median = |which: usize| {
            rounds.sort_by_key(|r| r[which]);
            rounds[2][which]
        };
        let (rate, p50, p99) = (median(0), median(1), median(2));
        println!("{name}, {threads} threads: {rate}/s, p50 {p50} us, p99 {p99} us");
    }
    let begun = Instant::now();
    let forgotten = wait(store.forget_expired(i64::MAX)).expect("forgotten");
    println!("{name}: {forgotten} forgotten in {} ms", begun.elapsed().as_millis());
}

/// First uses per second, and the median and the 99th percentile of one, in microseconds.
fn one_round(store: &Arc<Store>, threads: usize, round: usize) -> [u128; 3] {
    let each = 1000;
    let begun = Instant::now();
    let asking: Vec<_> = (0..threads)
        .map(|thread| {
            let store = Arc::clone(store);
            thread::spawn(move || {
                wait(async {
                    let mut took: Vec<Duration> = Vec::new();
                    for jti in 0..each {
                        let jti = format!("{threads} {round} {thread} {jti}");
                        let asked = Instant::now();
                        assert_eq!(store.first_use("issuer", &jti, 1000).await, Ok(true));
                        took.push(asked.elapsed());
                    }
                    took
                })
            })
        })
        .collect();
    let mut took: Vec<Duration> =
        asking.into_iter().flat_map(|a| a.join().expect("took")).collect();
    let rate = (took.len() as f64 / begun.elapsed().as_secs_f64()) as u128;
    took.sort();
    let at = |part: usize| took[took.len() * part / 100].as_micros();
    [rate, at(50), at(99)]
}
