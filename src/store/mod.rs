//! Where does the house keep what must outlive a request?
//!
//! In one SQLite file, or in a PostgreSQL database when several replicas share one truth. Each kind
//! of record has a file of its own here and its tables in a migration. What a prescriber waits for
//! goes through `Store::ask` (used tokens in SQLite through `claims`), what must survive a power cut through
//! `Store::record`; all of them bound the wait.

mod address;
mod audit;
mod chain;
mod claims;
mod error;
mod feedback;
mod pool;
mod postgres;
mod replay;
mod schema;
mod shelf;
mod sqlite;

pub use audit::{Chain, Entry};
pub use chain::{AuditRow, Hash, NOTHING};
pub use error::StoreError;
pub use feedback::{Behind, FeedbackRow, Kept};
pub use shelf::Shelf;

use address::Address;
use claims::Claims;
use pool::Pool;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long the store may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Finding the database and bringing its tables up to date, once at the start.
    pub open: Duration,
    /// One answer while a prescriber waits: the connection and the statement together.
    pub answer: Duration,
    /// Writing down what must survive a power cut, to the disk.
    pub record: Duration,
}

impl Default for Waits {
    fn default() -> Waits {
        Waits {
            open: Duration::from_secs(10),
            answer: Duration::from_millis(300),
            record: Duration::from_secs(5),
        }
    }
}

/// The database. It may be asked from any thread and any tokio runtime.
pub struct Store {
    /// What may be lost in a power cut.
    pool: Pool,
    /// What may not.
    records: Pool,
    /// Tokens on their way into an SQLite file.
    claims: Arc<Claims>,
    home: Home,
    place: String,
    waits: Waits,
}

impl Store {
    /// Opens the database at `url` and brings its tables up to date: `sqlite:FILE` (created, for the
    /// owner only, if there is none) or `postgres://USER:PASSWORD@HOST/DATABASE`. What a postgres URL
    /// leaves out is taken from the variables of libpq (`PGPASSWORD`, `PGHOST` …) and `.pgpass`.
    ///
    /// # Errors
    ///
    /// The address cannot be read, the database cannot be reached within [`Waits::open`], is of a
    /// newer jakcard, or is somebody else's. The error never holds the password.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        Store::open_within(url, Waits::default()).await
    }

    /// [`Store::open`] with other waits, and no SQLite file is made.
    ///
    /// # Errors
    /// As [`Store::open`]; the file is not there.
    pub async fn existing(url: &str, waits: Waits) -> Result<Store, StoreError> {
        match address::read(url)? {
            (Address::Sqlite(file), place) if !file.is_file() => {
                Err(StoreError::Failed { place, why: "there is no such file".into() })
            }
            _ => Store::open_within(url, waits).await,
        }
    }

    /// [`Store::open`] with other waits.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub async fn open_within(url: &str, waits: Waits) -> Result<Store, StoreError> {
        let (address, place) = address::read(url)?;
        let home = Home::start(&place)?;
        let pools = home.wait(&place, waits.open, async move {
            match address {
                Address::Sqlite(file) => {
                    let pools = sqlite::open(&file, waits).await?;
                    Ok(pools.map(Pool::Sqlite))
                }
                Address::Postgres(options) => {
                    let pools = postgres::open(*options, waits).await?;
                    Ok(pools.map(Pool::Postgres))
                }
            }
        });
        let [pool, records] = pools.await?.map_err(|trouble: error::Trouble| trouble.at(&place))?;
        let claims = Arc::default();
        Ok(Store { pool, records, claims, home, place, waits })
    }

    /// Asks the database, for at most [`Waits::answer`].
    async fn ask<T: Send + 'static, F>(
        &self,
        question: impl FnOnce(Pool) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = sqlx::Result<T>> + Send + 'static,
    {
        let question = question(self.pool.clone());
        let answer = self.home.wait(&self.place, self.waits.answer, question).await?;
        answer.map_err(|error| error::trouble(error).at(&self.place))
    }

    /// The same for what must be on the disk when the answer comes, for at most [`Waits::record`].
    async fn record<T: Send + 'static, F>(
        &self,
        question: impl FnOnce(Pool) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = sqlx::Result<T>> + Send + 'static,
    {
        let question = question(self.records.clone());
        let answer = self.home.wait(&self.place, self.waits.record, question).await?;
        answer.map_err(|error| error::trouble(error).at(&self.place))
    }
}

/// The address without its password.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The runtime on which all connections live. A connection answers only while the runtime that made
/// it turns: on a worker of the web server it would wait behind that worker's requests and die with
/// it, whoever uses it.
struct Home(Option<Runtime>);

impl Home {
    fn start(place: &str) -> Result<Home, StoreError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("jakcard-store")
            .enable_all()
            .build();
        let failed = |e: std::io::Error| StoreError::Failed {
            place: place.to_owned(),
            why: format!("its thread cannot be started: {e}"),
        };
        Ok(Home(Some(runtime.map_err(failed)?)))
    }

    /// Runs `work` at home and waits for it at most `within`. Work that is late is dropped.
    async fn wait<T: Send + 'static>(
        &self,
        place: &str,
        within: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let place = place.to_owned();
        let Home(Some(runtime)) = self else {
            return Err(StoreError::Failed { place, why: "the store is closed".into() });
        };
        match runtime.spawn(async move { tokio::time::timeout(within, work).await }).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(StoreError::Late { place, within }),
            Err(_) => Err(StoreError::Failed { place, why: "the question was broken off".into() }),
        }
    }
}

impl Drop for Home {
    /// A runtime that is dropped waits for its threads, which a thread of another runtime must not do.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
