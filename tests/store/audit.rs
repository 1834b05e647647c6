//! The chains of the audit, on both databases: what is written stays as it was, or it is found.

use super::{Place, wait};
use jakcard::audit::{self, Verdict};
use jakcard::store::{Entry, Store};
use std::sync::Barrier;
use std::thread;

on_both_databases! {
    fn a_chain_that_nobody_touched_is_sound(place: &Place) {
        let store = place.open();
        assert!(verdicts(&store).is_empty(), "nothing was written");
        append(&store, "one", 0..20);
        append(&store, "one", 20..25);
        append(&store, "two", 25..28);
        let all = verdicts(&store);
        let told: Vec<(&str, i64)> = all.iter().map(|v| (&*v.replica, v.records)).collect();
        assert_eq!(told, [("one", 25), ("two", 3)]);
        assert_eq!(complaints(&store), Vec::<String>::new());
        drop(store);
        let again = place.open();
        append(&again, "one", 30..31);
        assert_eq!(complaints(&again), Vec::<String>::new(), "it goes on after a restart");
    }

    fn records_that_are_sent_again_stand_there_once(place: &Place) {
        let store = place.open();
        let entries: Vec<Entry> = (0..5).map(entry).collect();
        for _ in 0..3 {
            let chain = wait(store.append("one", entries.clone())).expect("written");
            assert_eq!(chain.head_seq, 5);
        }
        assert_eq!(place.number("SELECT count(*) FROM audit"), 5);
        assert_eq!(place.number("SELECT count(*) FROM audit_cards"), 5);
        assert_eq!(complaints(&store), Vec::<String>::new());
    }

    fn programs_that_share_a_name_share_a_chain(place: &Place) {
        let stores = [(); 4].map(|()| place.open());
        let together = Barrier::new(stores.len());
        thread::scope(|scope| {
            for (which, store) in (0..).zip(&stores) {
                let together = &together;
                scope.spawn(move || {
                    together.wait();
                    for batch in 0..10 {
                        let first = (which * 10 + batch) * 5;
                        append(store, "shared", first..first + 5);
                    }
                });
            }
        });
        let all = verdicts(&stores[0]);
        assert_eq!((all.len(), all[0].records), (1, 200));
        assert_eq!(complaints(&stores[0]), Vec::<String>::new());
    }

    fn every_change_is_found(place: &Place) {
        // The place, a statement that harms the chain, and what is said of it.
        let harms: [(&'static str, &str); 14] = [
            ("UPDATE audit SET record = replace(record, '5', '6') WHERE seq = 6", "record 6 was changed"),
            ("UPDATE audit SET record = record || ' ' WHERE seq = 20", "record 20 was changed"),
            ("UPDATE audit SET at = at + 1 WHERE seq = 6", "record 6 was changed"),
            ("UPDATE audit SET id = hash WHERE seq = 6", "record 6 was changed"),
            ("UPDATE audit SET hash = id WHERE seq = 6", "record 6 was changed"),
            ("DELETE FROM audit WHERE seq = 6", "record 6 is missing"),
            ("DELETE FROM audit WHERE seq IN (6, 7, 8)", "records 6 to 8 are missing"),
            ("DELETE FROM audit WHERE seq = 1", "record 1 is missing"),
            ("DELETE FROM audit WHERE seq > 17", "the end is missing: records 18 to 20"),
            ("UPDATE audit SET seq = -seq WHERE seq IN (6, 7); UPDATE audit SET seq = 13 + seq WHERE seq < 0",
             "record 6 was changed"),
            ("INSERT INTO audit SELECT replica, 21, hash, at, record, hash FROM audit WHERE seq = 20",
             "there are records behind the end of the chain, 20"),
            ("UPDATE audit_chains SET head_hash = anchor_hash", "record 20 is not the one that the chain ended with"),
            ("UPDATE audit_chains SET anchor_seq = 3, anchor_hash = (SELECT hash FROM audit WHERE seq = 3); \
              DELETE FROM audit WHERE seq <= 3", "the beginning was cut"),
            ("UPDATE audit SET replica = 'two' WHERE seq = 20", "the end is missing: records 20 to 20"),
        ];
        let store = place.open();
        append(&store, "one", 0..20);
        place.run("CREATE TABLE audit_kept AS SELECT * FROM audit");
        place.run("CREATE TABLE chains_kept AS SELECT * FROM audit_chains");
        for (harm, said) in harms {
            place.run(harm);
            let complaints = complaints(&store);
            assert!(complaints.iter().any(|c| c.contains(said)), "{harm}: {complaints:?}");
            place.run("DELETE FROM audit; INSERT INTO audit SELECT * FROM audit_kept; \
                       DELETE FROM audit_chains; INSERT INTO audit_chains SELECT * FROM chains_kept");
            assert_eq!(self::complaints(&store), Vec::<String>::new(), "it is as it was");
        }
    }

    fn an_end_that_was_cut_with_care_is_found_by_a_head_that_was_kept(place: &Place) {
        let store = place.open();
        append(&store, "one", 0..20);
        let kept = verdicts(&store).remove(0);
        let heads = [("one".to_owned(), 20, kept.head_hash)];
        let with_heads = |heads: &[(String, i64, String)]| -> Vec<String> {
            let all = wait(audit::verify(&store, heads)).expect("read");
            all.into_iter().flat_map(|v| v.complaints).collect()
        };
        assert_eq!(with_heads(&heads), Vec::<String>::new());
        place.run("DELETE FROM audit WHERE seq > 17; UPDATE audit_chains SET head_seq = 17, \
                   head_hash = (SELECT hash FROM audit WHERE seq = 17)");
        assert_eq!(complaints(&store), Vec::<String>::new(), "the chain alone does not tell");
        assert_eq!(with_heads(&heads), ["record 20 is not there, expected one with the hash that was kept"]);
        // Written anew from there on.
        append(&store, "one", 100..110);
        assert_eq!(complaints(&store), Vec::<String>::new());
        assert_eq!(with_heads(&heads), ["record 20 has another hash than the one that was kept"]);
        place.run("DELETE FROM audit; DELETE FROM audit_chains");
        assert_eq!(with_heads(&heads), ["the chain is not there, expected record 20"]);
    }

    fn what_is_forgotten_for_its_age_leaves_a_sound_chain(place: &Place) {
        let store = place.open();
        // More than one round takes, a day apart.
        append(&store, "one", 0..1500);
        append(&store, "two", 0..3);
        let forget = |day: i64, keep: u32| {
            let now = jiff::Timestamp::from_millisecond(day * DAY).expect("a time");
            wait(audit::forget(&store, now, keep)).expect("forgotten").0
        };
        assert_eq!(forget(1500, 1500), 0, "none is older than that");
        assert_eq!(place.number("SELECT count(*) FROM audit"), 1503);
        assert_eq!(forget(1500, 1499), 1 + 1);
        assert_eq!(forget(1500, 300), 1199 + 2);
        assert_eq!(complaints(&store), Vec::<String>::new());
        let verdict = &verdicts(&store)[0];
        assert_eq!((verdict.forgotten, verdict.records), (1200, 303));
        assert_eq!(place.number("SELECT min(seq) FROM audit WHERE replica = 'one'"), 1201);
        assert_eq!(place.number("SELECT min(seq) FROM audit_cards WHERE replica = 'one'"), 1201);
        // Notes of what was forgotten are forgotten in turn, but the last.
        assert_eq!(forget(9000, 1), 300 + 3 + 2);
        assert_eq!(complaints(&store), Vec::<String>::new());
        append(&store, "one", 0..1);
        assert_eq!(complaints(&store), Vec::<String>::new());
        // Somebody helps it along.
        place.run("UPDATE audit_chains SET anchor_seq = anchor_seq + 1, anchor_hash = \
                   (SELECT hash FROM audit WHERE seq = anchor_seq + 1 AND audit.replica = 'one') WHERE replica = 'one'");
        place.run("DELETE FROM audit WHERE replica = 'one' AND seq <= \
                   (SELECT anchor_seq FROM audit_chains WHERE replica = 'one')");
        assert!(!complaints(&store).is_empty());
    }

    fn a_card_is_known_to_its_client_alone(place: &Place) {
        let store = place.open();
        append(&store, "one", 0..2);
        let unknown = |client: &str, cards: &[&str]| {
            let cards = cards.iter().map(|c| (*c).to_owned()).collect();
            wait(store.unknown_cards(client, cards)).expect("an answer")
        };
        assert_eq!(unknown("hospital", &["card-0", "card-1"]), 0);
        assert_eq!(unknown("hospital", &["card-0", "card-2", "", "'"]), 3);
        assert_eq!(unknown("other", &["card-0", "card-1"]), 2, "forged by another client");
    }

    fn a_verdict_does_not_mind_a_program_that_writes(place: &Place) {
        let (writer, reader) = (place.open(), place.open());
        append(&reader, "one", 0..10);
        thread::scope(|scope| {
            let writing = scope.spawn(|| {
                for n in 1..30 {
                    append(&writer, "one", n * 10..n * 10 + 10);
                }
            });
            while !writing.is_finished() {
                assert_eq!(complaints(&reader), Vec::<String>::new());
            }
        });
        assert_eq!(verdicts(&reader)[0].records, 300);
    }
}

const DAY: i64 = 86_400_000;

/// A record of day `n`.
fn entry(n: i64) -> Entry {
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).expect("random");
    Entry {
        id,
        at: n * DAY,
        record: format!(r#"{{"kind":"evaluation","n":{n},"text":"ä \"quoted\""}}"#),
        client: "hospital".to_owned(),
        cards: vec![format!("card-{n}")],
    }
}

fn append(store: &Store, replica: &str, range: std::ops::Range<i64>) {
    wait(store.append(replica, range.map(entry).collect())).expect("written");
}

fn verdicts(store: &Store) -> Vec<Verdict> {
    wait(audit::verify(store, &[])).expect("read")
}

fn complaints(store: &Store) -> Vec<String> {
    verdicts(store).into_iter().flat_map(|v| v.complaints).collect()
}
