//! What can be wrong with the database, in words that name it and never hold its password?

use std::time::Duration;

/// A store that cannot be opened, or that did not answer.
///
/// `place` is the address without its password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The address says no database.
    #[error(
        "the store `{given}` {why}, expected `sqlite:FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`"
    )]
    Address {
        /// What was given, without what might be a password.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database holds what jakcard did not write.
    #[error("the store `{place}` {why}, expected a database that jakcard made, or none yet")]
    Foreign {
        /// Where it is.
        place: String,
        /// What was found.
        why: String,
    },
    /// A newer jakcard has changed the tables.
    #[error(
        "the store `{place}` has tables of version {found}, expected at most {expected}: a newer \
         jakcard has used it; run that one, or restore the copy from before"
    )]
    Newer {
        /// Where it is.
        place: String,
        /// The version of its tables.
        found: i64,
        /// The newest version that this program knows.
        expected: i64,
    },
    /// No answer in time. What was asked may still have been done.
    #[error("the store `{place}` did not answer within {} ms", within.as_millis())]
    Late {
        /// Where it is.
        place: String,
        /// How long was waited.
        within: Duration,
    },
    /// The database refused.
    #[error("the store `{place}` cannot be used: {why}")]
    Failed {
        /// Where it is.
        place: String,
        /// What the database says.
        why: String,
    },
}

impl StoreError {
    /// May it be over by itself? A database server that is away comes back; a folder that holds no file
    /// does not change.
    pub fn may_pass(&self) -> bool {
        match self {
            StoreError::Late { place, .. } | StoreError::Failed { place, .. } => {
                place.starts_with("postgres")
            }
            _ => false,
        }
    }
}

/// A [`StoreError`] that does not know its place yet.
#[derive(Clone)]
pub enum Trouble {
    Foreign(String),
    Newer { found: i64, expected: i64 },
    Late { within: Duration },
    Locked,
    Failed(String),
}

impl Trouble {
    /// Says where the trouble is.
    pub fn at(self, place: &str) -> StoreError {
        let place = place.to_owned();
        match self {
            Trouble::Foreign(why) => StoreError::Foreign { place, why },
            Trouble::Newer { found, expected } => StoreError::Newer { place, found, expected },
            Trouble::Late { within } => StoreError::Late { place, within },
            Trouble::Locked => {
                StoreError::Failed { place, why: "another process has locked it".into() }
            }
            Trouble::Failed(why) => StoreError::Failed { place, why },
        }
    }
}

/// What the driver says, in our words where they are clearer.
pub fn trouble(error: sqlx::Error) -> Trouble {
    let sqlx::Error::Database(said) = error else {
        return Trouble::Failed(error.to_string());
    };
    // The low byte of an SQLite code is its kind (https://www.sqlite.org/rescode.html), here
    // SQLITE_BUSY, SQLITE_CORRUPT and SQLITE_NOTADB; the codes of PostgreSQL have five characters.
    let code = said.code().filter(|code| code.len() < 5).and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(5) => Trouble::Locked,
        Some(11) => Trouble::Foreign("is damaged".into()),
        Some(26) => Trouble::Foreign("is no SQLite database".into()),
        _ => Trouble::Failed(said.message().to_owned()),
    }
}
