//! What only a file can do: be missing, foreign, damaged, or another user's.

use super::{Place, bytes, first_use, new_folder, refused, wait};
use jakcard::store::Store;
use proptest::prelude::*;
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_files_are_the_owners_alone() {
    let place = Place::sqlite();
    let store = place.open();
    assert_eq!(first_use(&store, "a"), Ok(true));
    let folder = place.file().parent().expect("a folder").to_owned();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
        names.push(entry.file_name().into_string().expect("a name"));
    }
    names.sort();
    assert_eq!(names, ["jakcard.db", "jakcard.db-shm", "jakcard.db-wal"]);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let place = Place::sqlite();
    let letter = "Dear colleague, ".repeat(1000);
    std::fs::write(place.file(), &letter).expect("written");
    let error = refused(place.try_open());
    let expected = format!(
        "the store `{}` is no SQLite database, expected a database that jakcard made, or none yet",
        place.url
    );
    assert_eq!(error, expected);
    assert_eq!(bytes(&place.file()), letter.as_bytes());
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let place = Place::sqlite();
    std::fs::write(place.file(), "").expect("an empty file");
    place.run("CREATE TABLE bookmarks (url TEXT)");
    let before = bytes(&place.file());
    let error = refused(place.try_open());
    assert!(
        error.contains("is another program's, expected a database that jakcard made"),
        "{error}"
    );
    assert_eq!(bytes(&place.file()), before);
}

#[test]
fn an_empty_file_is_taken_as_a_new_database() {
    let place = Place::sqlite();
    std::fs::write(place.file(), "").expect("an empty file");
    assert_eq!(first_use(&place.open(), "a"), Ok(true));
    assert_eq!(first_use(&place.open(), "a"), Ok(false));
}

#[test]
fn a_damaged_database_is_refused() {
    let place = Place::sqlite();
    drop(place.open());
    place.run("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut damaged = bytes(&place.file());
    damaged[100..].fill(0xee);
    std::fs::write(place.file(), damaged).expect("written");
    let error = refused(place.try_open());
    assert!(error.contains("is damaged, expected a database that jakcard made"), "{error}");
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let folder = new_folder("missing");
    let url = format!("sqlite:{}/not/there/jakcard.db", folder.display());
    let error = refused(wait(Store::open(&url)));
    let named = format!("no file can be made in the folder `{}/not/there`", folder.display());
    assert!(error.contains(&named), "{error}");
    assert!(!folder.join("not").exists(), "no folder is made unasked");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_folder_is_no_database() {
    let folder = new_folder("folder");
    let error = refused(wait(Store::open(&format!("sqlite:{}", folder.display()))));
    assert!(error.contains("unable to open database file"), "{error}");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_file_that_may_only_be_read_is_refused() {
    let place = Place::sqlite();
    drop(place.open());
    // A store closes its connections when its thread gets to it.
    while place.try_run("PRAGMA journal_mode = DELETE").is_err() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let read_only = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(place.file(), read_only).expect("the mode is set");
    let as_nobody = || {
        // Root may write to any file: the thread, and those it starts, go without that right.
        if nix::unistd::Uid::effective().is_root() {
            nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65534));
        }
        refused(place.try_open())
    };
    let error = std::thread::scope(|scope| scope.spawn(as_nobody).join()).expect("no panic");
    assert!(error.contains("attempt to write a readonly database"), "{error}");
}

#[test]
fn the_plain_name_of_a_file_is_one_in_the_working_folder() {
    let name = format!("jakcard-test-{}.db", std::process::id());
    let store = wait(Store::open(&format!("sqlite:{name}"))).expect("the store opens");
    let here = std::env::current_dir().expect("a folder").join(&name);
    assert!(here.is_file());
    assert!(format!("{store:?}").contains(&format!("sqlite:{}", here.display())));
    drop(store);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", here.display()));
    }
}

#[derive(Clone, Debug)]
enum Call {
    FirstUse { issuer: u8, jti: u8, expires: i64 },
    Forget { now: i64 },
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let use_it = (0..3u8, 0..4u8, 0..6i64).prop_map(|(issuer, jti, expires)| Call::FirstUse {
        issuer,
        jti,
        expires,
    });
    let forget = (0..8i64).prop_map(|now| Call::Forget { now });
    prop::collection::vec(prop_oneof![4 => use_it, 1 => forget], 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_answers_like_a_table_in_memory(calls in calls()) {
        let place = Place::sqlite();
        let store = place.open();
        let mut table: HashMap<(u8, u8), i64> = HashMap::new();
        for call in calls {
            match call {
                Call::FirstUse { issuer, jti, expires } => {
                    let new = !table.contains_key(&(issuer, jti));
                    table.entry((issuer, jti)).or_insert(expires);
                    let (issuer, jti) = (issuer.to_string(), jti.to_string());
                    prop_assert_eq!(wait(store.first_use(&issuer, &jti, expires)), Ok(new));
                }
                Call::Forget { now } => {
                    let before = table.len();
                    table.retain(|_, expires| *expires >= now);
                    let forgotten = (before - table.len()) as u64;
                    prop_assert_eq!(wait(store.forget_expired(now)), Ok(forgotten));
                }
            }
        }
    }
}
