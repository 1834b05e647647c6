//! The store on both databases: what it keeps, what it refuses, and how long it lets one wait.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/postgres.rs"]
mod postgres;

/// Each function is a test of its own on either database.
macro_rules! on_both_databases {
    ($(fn $name:ident($place:ident: &Place) $body:block)*) => {
        $(fn $name($place: &Place) $body)*

        mod sqlite {
            $(#[test] fn $name() { super::$name(&crate::Place::sqlite()); })*
        }

        mod postgres {
            $(#[test] fn $name() {
                if let Some(place) = crate::Place::postgres() {
                    super::$name(&place);
                }
            })*
        }
    };
}

mod address;
mod audit;
mod both;
mod figures;
mod on_postgres;
mod on_sqlite;
mod shelf;

use jakcard::store::{Store, StoreError, Waits};
use postgres::Postgres;
use sqlx::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use support::wait;

/// A database of one test.
pub struct Place {
    pub url: String,
    folder: Option<PathBuf>,
    _server: Option<Arc<Postgres>>,
}

impl Place {
    pub fn sqlite() -> Place {
        let folder = new_folder("sqlite");
        let url = format!("sqlite:{}", folder.join("jakcard.db").display());
        Place { url, folder: Some(folder), _server: None }
    }

    pub fn postgres() -> Option<Place> {
        let server = Postgres::shared()?;
        let url = server.database(&format!("test_{}", next()));
        Some(Place { url, folder: None, _server: Some(server) })
    }

    pub fn file(&self) -> PathBuf {
        self.folder.as_ref().expect("a place of SQLite").join("jakcard.db")
    }

    /// Waits long enough for a machine that does other things besides.
    pub fn open(&self) -> Store {
        self.try_open().expect("the store opens")
    }

    pub fn try_open(&self) -> Result<Store, StoreError> {
        wait(Store::open_within(&self.url, PATIENT))
    }

    /// The number that a statement gives, past the store.
    pub fn number(&self, statement: &'static str) -> i64 {
        wait(async {
            if self.url.starts_with("sqlite") {
                let mut connection = sqlx::SqliteConnection::connect(&self.url).await?;
                sqlx::query_scalar(statement).fetch_one(&mut connection).await
            } else {
                let mut connection = sqlx::PgConnection::connect(&self.url).await?;
                sqlx::query_scalar(statement).fetch_one(&mut connection).await
            }
        })
        .expect("a number")
    }

    /// Runs a statement past the store.
    pub fn run(&self, statement: &'static str) {
        self.try_run(statement).expect("the statement runs");
    }

    pub fn try_run(&self, statement: &'static str) -> sqlx::Result<()> {
        wait(async {
            if self.url.starts_with("sqlite") {
                let mut connection = sqlx::SqliteConnection::connect(&self.url).await?;
                sqlx::raw_sql(statement).execute(&mut connection).await.map(drop)
            } else {
                let mut connection = sqlx::PgConnection::connect(&self.url).await?;
                sqlx::raw_sql(statement).execute(&mut connection).await.map(drop)
            }
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// No test fails because the machine is slow.
pub const PATIENT: Waits = Waits {
    open: Duration::from_secs(60),
    answer: Duration::from_secs(30),
    record: Duration::from_secs(30),
};

/// The first use of a token of the issuer `https://ehr.example`, for those that ask for nothing else.
pub fn first_use(store: &Store, jti: &str) -> Result<bool, StoreError> {
    wait(store.first_use("https://ehr.example", jti, 1000))
}

/// A folder of one test.
pub fn new_folder(name: &str) -> PathBuf {
    let name = format!("jakcard-{name}-{}-{}", std::process::id(), next());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The error of something that must not work.
pub fn refused(store: Result<Store, StoreError>) -> String {
    store.expect_err("this must be refused").to_string()
}

pub fn bytes(file: &Path) -> Vec<u8> {
    std::fs::read(file).expect("the file is there")
}
