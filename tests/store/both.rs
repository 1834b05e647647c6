//! What holds on SQLite and on PostgreSQL alike.

use super::{PATIENT, Place, first_use, refused, wait};
use jakcard::store::{FeedbackRow, Store, StoreError, Waits};
use sqlx::Connection;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

on_both_databases! {
    fn a_token_is_new_once(place: &Place) {
        let store = place.open();
        assert_eq!(first_use(&store, "a"), Ok(true));
        assert_eq!(first_use(&store, "a"), Ok(false));
        assert_eq!(first_use(&store, "b"), Ok(true));
        assert_eq!(first_use(&store, "a"), Ok(false));
    }

    fn another_expiry_makes_no_other_token(place: &Place) {
        let store = place.open();
        assert_eq!(wait(store.first_use("issuer", "jti", 100)), Ok(true));
        assert_eq!(wait(store.first_use("issuer", "jti", 200)), Ok(false));
        assert_eq!(wait(store.forget_expired(101)), Ok(1), "the second expiry was not written");
    }

    fn pairs_of_issuer_and_jti_that_read_alike_are_different_tokens(place: &Place) {
        let store = place.open();
        let pairs = [
            ("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("", ""), ("a", "b\0c"),
            ("a\0b", "c"), ("c", "ab"), ("AB", "c"), ("ab", "C"), ("ab", "c "),
        ];
        for (issuer, jti) in pairs {
            assert_eq!(wait(store.first_use(issuer, jti, 1000)), Ok(true), "{issuer:?} {jti:?}");
        }
        for (issuer, jti) in pairs {
            assert_eq!(wait(store.first_use(issuer, jti, 1000)), Ok(false), "{issuer:?} {jti:?}");
        }
    }

    fn a_jti_of_a_megabyte_takes_the_room_of_a_short_one(place: &Place) {
        let store = place.open();
        let long = "x".repeat(1024 * 1024);
        assert_eq!(first_use(&store, &long), Ok(true));
        assert_eq!(first_use(&store, &long), Ok(false));
        assert_eq!(first_use(&store, &format!("{long}x")), Ok(true));
        assert_eq!(place.number("SELECT CAST(max(length(key)) AS BIGINT) FROM used_tokens"), 32);
    }

    fn a_token_is_forgotten_after_its_last_second_and_not_in_it(place: &Place) {
        let store = place.open();
        assert_eq!(first_use(&store, "a"), Ok(true));
        for now in [i64::MIN, 0, 999, 1000] {
            assert_eq!(wait(store.forget_expired(now)), Ok(0), "{now}");
            assert_eq!(first_use(&store, "a"), Ok(false), "{now}");
        }
        assert_eq!(wait(store.forget_expired(1001)), Ok(1));
        assert_eq!(wait(store.forget_expired(1001)), Ok(0));
        assert_eq!(first_use(&store, "a"), Ok(true));
    }

    fn any_expiry_can_be_kept(place: &Place) {
        let store = place.open();
        for expires in [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX] {
            let jti = expires.to_string();
            assert_eq!(wait(store.first_use("issuer", &jti, expires)), Ok(true), "{expires}");
        }
        assert_eq!(wait(store.forget_expired(i64::MAX)), Ok(4), "all but the very last");
    }

    fn more_tokens_than_one_batch_holds_are_all_forgotten(place: &Place) {
        let store = place.open();
        let all = 2 * 1000 + 1;
        for jti in 0..all {
            let expires = 100 + i64::from(jti % 2);
            assert_eq!(wait(store.first_use("issuer", &jti.to_string(), expires)), Ok(true));
        }
        assert_eq!(wait(store.forget_expired(101)), Ok(1001));
        assert_eq!(wait(store.forget_expired(102)), Ok(1000));
        assert_eq!(place.number("SELECT count(*) FROM used_tokens"), 0);
    }

    fn a_used_token_is_known_after_a_restart(place: &Place) {
        assert_eq!(first_use(&place.open(), "a"), Ok(true));
        assert_eq!(first_use(&place.open(), "a"), Ok(false));
    }

    fn two_replicas_accept_a_token_once_between_them(place: &Place) {
        let (one, other) = (place.open(), place.open());
        assert_eq!(first_use(&one, "a"), Ok(true));
        assert_eq!(first_use(&other, "a"), Ok(false));
        assert_eq!(race(&[Arc::new(one), Arc::new(other)], 100), vec![1; 100]);
    }

    fn a_store_serves_threads_that_each_have_a_runtime(place: &Place) {
        // The runtime that opens the store is gone when the others ask.
        let store = Arc::new(place.open());
        let shared = [&store; 4].map(Arc::clone);
        assert_eq!(race(&shared, 1000), vec![1; 1000]);
    }

    fn tokens_that_come_together_are_each_used_once(place: &Place) {
        let store = place.open();
        let uses = (0..1000).map(|n| {
            let (store, jti) = (&store, (n % 500).to_string());
            async move { store.first_use("issuer", &jti, 1000).await.expect("an answer") }
        });
        let firsts = wait(futures_util::future::join_all(uses));
        assert_eq!(firsts.iter().filter(|first| **first).count(), 500);
        for n in 0..500 {
            assert_ne!(firsts[n], firsts[n + 500], "{n}: one of the two is the first");
            assert_eq!(wait(store.first_use("issuer", &n.to_string(), 1000)), Ok(false), "{n}");
        }
    }

    fn tokens_that_wait_together_for_a_locked_database_are_all_refused(place: &Place) {
        let waits = Waits { answer: Duration::from_millis(200), ..PATIENT };
        let store = wait(Store::open_within(&place.url, waits)).expect("the store opens");
        let together = |tokens: std::ops::Range<usize>| {
            let uses = tokens.map(|n| {
                let (store, jti) = (&store, n.to_string());
                async move { store.first_use("issuer", &jti, 1000).await }
            });
            wait(futures_util::future::join_all(uses))
        };
        locked(&place.url, || {
            assert_eq!(together(0..500).into_iter().filter(Result::is_ok).count(), 0);
        });
        // What was given up may still take its time to end. No more than a slow disk writes in the time that an
        // answer has.
        let answered = (500..1500)
            .step_by(20)
            .any(|from| together(from..from + 20).iter().all(|answer| answer == &Ok(true)));
        assert!(answered, "the store answers again");
    }

    fn a_thread_that_is_busy_holds_up_no_other(place: &Place) {
        let store = Arc::new(place.open());
        let asked_here_first = wait(async {
            let first = store.first_use("issuer", "a", 1000).await;
            // This runtime does not turn while the other thread asks.
            let others = Arc::clone(&store);
            let other = thread::spawn(move || wait(others.first_use("issuer", "b", 1000)));
            (first, other.join().expect("the other thread ends"))
        });
        assert_eq!(asked_here_first, (Ok(true), Ok(true)));
    }

    fn replicas_that_start_together_make_the_tables_once(place: &Place) {
        let together = Barrier::new(8);
        thread::scope(|scope| {
            let started = [(); 8].map(|()| scope.spawn(|| {
                together.wait();
                place.try_open().map(drop)
            }));
            for one in started {
                assert_eq!(one.join().expect("no panic"), Ok(()));
            }
        });
        let (made, newest) = ("SELECT count(*) FROM jakcard_migrations",
                              "SELECT max(version) FROM jakcard_migrations");
        assert_eq!(place.number(made), place.number(newest), "each once");
    }

    fn replicas_that_forget_together_forget_each_token_once(place: &Place) {
        let stores = [(); 3].map(|()| place.open());
        for jti in 0..1500 {
            assert_eq!(first_use(&stores[0], &jti.to_string()), Ok(true));
        }
        let together = Barrier::new(stores.len());
        let forgotten: u64 = thread::scope(|scope| {
            let rounds: Vec<_> = stores.iter().map(|store| scope.spawn(|| {
                together.wait();
                wait(store.forget_expired(2000)).expect("nobody is in the way of another")
            })).collect();
            rounds.into_iter().map(|round| round.join().expect("no panic")).sum()
        });
        assert_eq!(forgotten, 1500);
    }

    fn a_report_is_kept_once_however_often_it_comes(place: &Place) {
        let store = place.open();
        let keep = |rows: &[FeedbackRow]| wait(store.keep_feedback(rows.to_vec())).map(|k| k.new);
        assert_eq!(keep(&[]), Ok(0));
        assert_eq!(keep(&[report(1), report(2), report(1)]), Ok(2));
        assert_eq!(keep(&[report(1), report(2), report(3)]), Ok(1));
        let later = FeedbackRow { received: 77, ..report(1) };
        assert_eq!(keep(&[later]), Ok(0), "when it came does not matter");
        for other in [
            FeedbackRow { client: "other".to_owned(), ..report(1) },
            FeedbackRow { service: "other".to_owned(), ..report(1) },
            FeedbackRow { outcome: "accepted".to_owned(), ..report(1) },
            FeedbackRow { outcome_at: 2, ..report(1) },
            FeedbackRow { suggestions: "[1]".to_owned(), ..report(1) },
            FeedbackRow { reasons: "[1]".to_owned(), ..report(1) },
            FeedbackRow { comment: Some("x".to_owned()), ..report(1) },
            FeedbackRow { comment_sent: 1, ..report(1) },
        ] {
            assert_eq!(keep(&[other]), Ok(1));
        }
        assert_eq!(place.number("SELECT count(*) FROM feedback"), 11);
    }

    fn replicas_that_keep_the_same_reports_keep_each_once(place: &Place) {
        let stores = [(); 4].map(|()| place.open());
        let together = Barrier::new(stores.len());
        let new: u64 = thread::scope(|scope| {
            let all: Vec<_> = stores.iter().enumerate().map(|(which, store)| {
                let together = &together;
                scope.spawn(move || {
                    together.wait();
                    (0..20).map(|batch| {
                        let mut rows: Vec<FeedbackRow> =
                            (batch * 30..batch * 30 + 50).map(report).collect();
                        if which % 2 == 0 { rows.reverse(); }
                        wait(store.keep_feedback(rows)).expect("nobody waits in a circle").new
                    }).sum::<u64>()
                })
            }).collect();
            all.into_iter().map(|one| one.join().expect("no panic")).sum()
        });
        assert_eq!(new, 620);
        assert_eq!(place.number("SELECT count(*) FROM feedback"), 620);
    }

    fn a_batch_is_kept_whole_or_not_at_all(place: &Place) {
        let store = place.open();
        // No row of this client may be written.
        let (rule, lift) = if place.url.starts_with("sqlite") {
            ("CREATE TRIGGER never BEFORE INSERT ON feedback WHEN NEW.client = 'bad' \
              BEGIN SELECT RAISE(ABORT, 'never'); END", "DROP TRIGGER never")
        } else {
            ("ALTER TABLE feedback ADD CONSTRAINT never CHECK (client <> 'bad')",
             "ALTER TABLE feedback DROP CONSTRAINT never")
        };
        place.run(rule);
        let bad = FeedbackRow { client: "bad".to_owned(), ..report(0) };
        let mut rows: Vec<FeedbackRow> = (1..50).map(report).collect();
        rows.push(bad);
        assert!(wait(store.keep_feedback(rows.clone())).is_err());
        assert_eq!(place.number("SELECT count(*) FROM feedback"), 0);
        place.run(lift);
        assert_eq!(wait(store.keep_feedback(rows)).map(|k| k.new), Ok(50), "the store goes on");
    }

    fn a_database_of_a_newer_version_is_refused(place: &Place) {
        drop(place.open());
        place.run("INSERT INTO jakcard_migrations (version, description, success, checksum, \
                   execution_time) VALUES (999, 'from tomorrow', TRUE, '', 0)");
        let error = refused(place.try_open());
        let newest = place.number("SELECT max(version) FROM jakcard_migrations WHERE version < 999");
        let expected = format!("has tables of version 999, expected at most {newest}");
        assert!(error.contains(&expected), "{error}");
        place.run("DELETE FROM jakcard_migrations WHERE version = 999");
        assert_eq!(first_use(&place.open(), "a"), Ok(true), "the refusal changed nothing");
    }

    fn tables_with_another_history_are_refused(place: &Place) {
        drop(place.open());
        place.run("UPDATE jakcard_migrations SET checksum = ''");
        let error = refused(place.try_open());
        assert!(error.contains("has another history"), "{error}");
        assert!(error.contains("expected a database that jakcard made"), "{error}");
    }

    fn a_database_that_is_locked_is_not_waited_for_and_answers_afterwards(place: &Place) {
        let waits = Waits { answer: Duration::from_millis(200), ..PATIENT };
        let store = wait(Store::open_within(&place.url, waits)).expect("the store opens");
        locked(&place.url, || {
            for _ in 0..6 {
                let error = first_use(&store, "a").expect_err("the table is locked");
                let late = matches!(error, StoreError::Late { .. });
                // SQLite gives up by itself at the same moment.
                assert!(late || error.to_string().ends_with("another process has locked it"), "{error}");
            }
        });
        assert_eq!(first_use(&place.open(), "b"), Ok(true), "another store is free");
        // What was given up may still take its time to end.
        let answered = (0..50).any(|try_number| first_use(&store, &try_number.to_string()).is_ok());
        assert!(answered, "the store answers again");
    }
}

/// A report about some card.
fn report(card: i64) -> FeedbackRow {
    FeedbackRow {
        received: 1,
        client: "hospital".to_owned(),
        service: "jak-inhibitor-order-sign".to_owned(),
        card: card.to_string(),
        outcome: "overridden".to_owned(),
        outcome_at: 1,
        suggestions: "[]".to_owned(),
        reasons: "[]".to_owned(),
        comment: None,
        comment_sent: 0,
    }
}

/// All stores ask for all tokens at the same time, each from a thread with a runtime of its own.
/// Says how often each token was accepted.
fn race(stores: &[Arc<Store>], tokens: usize) -> Vec<usize> {
    let together = Barrier::new(stores.len());
    let mut accepted = vec![0; tokens];
    thread::scope(|scope| {
        let racers: Vec<_> = stores
            .iter()
            .map(|store| {
                scope.spawn(|| {
                    together.wait();
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.expect("a runtime").block_on(async {
                        let mut answers = Vec::new();
                        for jti in 0..tokens {
                            let jti = format!("raced {jti}");
                            answers.push(store.first_use("issuer", &jti, 1000).await);
                        }
                        answers
                    })
                })
            })
            .collect();
        for racer in racers {
            let answers = racer.join().expect("no panic");
            for (times, answer) in accepted.iter_mut().zip(answers) {
                *times += usize::from(answer.expect("the store answers"));
            }
        }
    });
    accepted
}

/// Somebody else holds the table while `meanwhile` runs.
pub fn locked(url: &str, meanwhile: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    if url.starts_with("sqlite") {
        let mut other = runtime.block_on(sqlx::SqliteConnection::connect(url)).expect("open");
        let hold = sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other);
        runtime.block_on(hold).expect("the lock is had");
        meanwhile();
    } else {
        let mut other = runtime.block_on(sqlx::PgConnection::connect(url)).expect("open");
        let hold = sqlx::raw_sql("BEGIN; LOCK TABLE used_tokens").execute(&mut other);
        runtime.block_on(hold).expect("the lock is had");
        meanwhile();
    }
}
