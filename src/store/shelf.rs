//! The store that may not be there yet: opened when it is first needed, and again after it was away.

use super::{Store, StoreError, Waits, address};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Time between two attempts to open a store that could not be opened.
const PAUSE: Duration = Duration::from_secs(2);

/// Where the store is, whether or not it can be opened now.
pub struct Shelf {
    url: String,
    place: String,
    waits: Waits,
    open: OnceLock<Arc<Store>>,
    attempt: Mutex<Option<Attempt>>,
}

struct Attempt {
    began: Instant,
    outcome: watch::Receiver<Option<Result<(), StoreError>>>,
}

impl Shelf {
    /// The store at this address; nothing is opened or made yet.
    ///
    /// # Errors
    /// The address cannot be read.
    pub fn at(url: &str) -> Result<Arc<Shelf>, StoreError> {
        Shelf::within(url, Waits::default())
    }

    /// [`Shelf::at`] with other waits.
    ///
    /// # Errors
    /// As [`Shelf::at`].
    pub fn within(url: &str, waits: Waits) -> Result<Arc<Shelf>, StoreError> {
        let (_, place) = address::read(url)?;
        let (open, attempt) = (OnceLock::new(), Mutex::new(None));
        // A relative name stays that of the folder in which the program was started.
        let url = if place.starts_with("sqlite:") { place.clone() } else { url.to_owned() };
        Ok(Arc::new(Shelf { url, place, waits, open, attempt }))
    }

    /// A store that is open.
    pub fn holding(store: Store) -> Arc<Shelf> {
        let (url, place, waits) = (String::new(), store.place.clone(), store.waits);
        let open = OnceLock::from(Arc::new(store));
        Arc::new(Shelf { url, place, waits, open, attempt: Mutex::new(None) })
    }

    /// The address without its password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Opens the store and waits for that as long as it takes.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open(&self) -> Result<Arc<Store>, StoreError> {
        if let Some(store) = self.open.get() {
            return Ok(Arc::clone(store));
        }
        let store = Arc::new(Store::open_within(&self.url, self.waits).await?);
        Ok(Arc::clone(self.open.get_or_init(|| store)))
    }

    /// The store, for a question that a prescriber waits for: opened if need be, within
    /// [`Waits::answer`]. The attempt goes on without who asked.
    ///
    /// # Errors
    /// It cannot be opened now.
    pub async fn for_answers(self: &Arc<Self>) -> Result<Arc<Store>, StoreError> {
        self.store(self.waits.answer).await
    }

    /// The store, to write down what must survive: opened if need be, within [`Waits::record`].
    ///
    /// # Errors
    /// It cannot be opened now.
    pub async fn for_records(self: &Arc<Self>) -> Result<Arc<Store>, StoreError> {
        self.store(self.waits.record).await
    }

    async fn store(self: &Arc<Self>, within: Duration) -> Result<Arc<Store>, StoreError> {
        if let Some(store) = self.open.get() {
            return Ok(Arc::clone(store));
        }
        let late = || StoreError::Late { place: self.place.clone(), within };
        let mut outcome = self.attempt();
        let waited = tokio::time::timeout(within, outcome.wait_for(Option::is_some)).await;
        let outcome = match waited {
            Ok(Ok(outcome)) => outcome.clone(),
            Ok(Err(_)) | Err(_) => return Err(late()),
        };
        match (self.open.get(), outcome) {
            (Some(store), _) => Ok(Arc::clone(store)),
            (None, Some(Err(error))) => Err(error),
            (None, _) => Err(late()),
        }
    }

    /// The attempt that runs or that has just failed, or else a new one.
    fn attempt(self: &Arc<Self>) -> watch::Receiver<Option<Result<(), StoreError>>> {
        let mut attempt = self.attempt.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Attempt { began, outcome }) = &*attempt {
            let runs = outcome.borrow().is_none() && outcome.has_changed().is_ok();
            if runs || began.elapsed() < PAUSE {
                return outcome.clone();
            }
        }
        let (tell, outcome) = watch::channel(None);
        let shelf = Arc::clone(self);
        let opening = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let opened = match runtime {
                Ok(runtime) => runtime.block_on(shelf.open()).map(drop),
                Err(e) => {
                    Err(StoreError::Failed { place: shelf.place.clone(), why: e.to_string() })
                }
            };
            // Nobody may be waiting any more.
            let _ = tell.send(Some(opened));
        };
        let thread = std::thread::Builder::new().name("jakcard-store-open".to_owned());
        // A thread that cannot be started drops `tell`: who waits is told that it is late.
        let _ = thread.spawn(opening);
        *attempt = Some(Attempt { began: Instant::now(), outcome: outcome.clone() });
        outcome
    }
}

/// The address without its password.
impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("place", &self.place).finish_non_exhaustive()
    }
}
