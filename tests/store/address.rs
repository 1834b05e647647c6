//! What an address may be, and what an error shows of it.

use super::{refused, wait};
use jakcard::store::{Store, Waits};
use proptest::prelude::*;
use std::time::Duration;

const EXPECTED: &str = "expected `sqlite:FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`";

#[test]
fn an_address_that_names_no_database_is_refused_with_what_was_given() {
    for (given, said) in [
        ("", "the store `` names no kind of database"),
        ("jakcard.db", "the store `jakcard.db` names no kind of database"),
        ("password=Zq9 host=db", "the store `…` names no kind of database"),
        ("mysql://u:Zq9@host/db", "the store `mysql:…` is of an unknown kind"),
        ("sqlite:", "the store `sqlite:` names no file"),
        ("sqlite://", "the store `sqlite://` names no file"),
        ("sqlite::memory:", "memory alone forgets at every restart"),
        ("sqlite:a.db?key=Zq9", "the store `sqlite:a.db?…` has parameters, and none is read"),
        ("postgres://u:Zq9@host:port/db", "the store `postgres://…` cannot be read"),
        ("postgres://u:1/Zq9@host/db", "has an `@` behind its host"),
        ("postgres://u:1?Zq9@host/db", "has an `@` behind its host"),
        ("postgres://u:1#Zq9@host/db", "has an `@` behind its host"),
        ("postgres://u@host/db?password=Zq9", "has the unknown parameter `password`"),
        ("postgres://u@host/db?sslpassword=Zq9", "has the unknown parameter `sslpassword`"),
        ("postgres://u@host/db?sslmode=perhaps", "cannot be read"),
    ] {
        let error = refused(wait(Store::open(given)));
        assert!(error.contains(said), "{given}: {error}");
        assert!(error.contains(EXPECTED), "{given}: {error}");
        assert!(!error.contains("Zq9"), "{given}: {error}");
    }
}

proptest! {
    // Nobody listens at port 1.
    #[test]
    fn no_error_shows_a_password(before in "[ -~]{0,6}", after in "[ -~]{0,6}") {
        let waits = Waits { open: Duration::from_millis(500), ..Waits::default() };
        let given = format!("postgres://user:{before}Zq9{after}@127.0.0.1:1/db");
        let error = wait(Store::open_within(&given, waits)).expect_err("nobody is there");
        let shown = format!("{error} {error:?}");
        prop_assert!(!shown.contains("Zq9"), "{}: {}", given, shown);
    }
}
