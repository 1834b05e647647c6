//! Was this token used before?
//!
//! A `jti` is accepted once per issuer until it expires (CDS Hooks, best practices): in this process
//! always, and over restarts and replicas where a store is configured. A store that is down: this
//! process goes on by itself, or lets nobody in (`store.strict`).

use super::seen::Seen;
use crate::config::Config;
use crate::store::Shelf;
use metrics::{counter, gauge};
use std::sync::Arc;

/// The tokens that were used.
#[derive(Debug)]
pub struct Replay {
    seen: Seen,
    store: Option<Arc<Shelf>>,
    strict: bool,
}

/// Whether the token was used before cannot be told now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CannotTell;

impl Replay {
    /// As the settings say, with the store when there is one.
    pub fn new(config: &Config, store: Option<Arc<Shelf>>) -> Replay {
        let seen = Seen::new(config.auth.replay_entries);
        Replay { seen, store, strict: config.store.strict }
    }

    /// Whether the token is used for the first time; remembered until then (seconds since 1970).
    ///
    /// # Errors
    /// The memory is full, or the store is down and must not be.
    pub async fn first_use(
        &self,
        issuer: &str,
        jti: &str,
        until: i64,
        now: i64,
    ) -> Result<bool, CannotTell> {
        let here = self.seen.first_use(issuer, jti, until, now).map_err(|_| CannotTell)?;
        gauge!("jakcard_tokens_remembered").set(self.seen.remembered() as f64);
        let Some(shelf) = self.store.as_ref().filter(|_| here) else { return Ok(here) };
        let asked = match shelf.for_answers().await {
            Ok(store) => store.first_use(issuer, jti, until).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(first) => Ok(first),
            Err(error) => {
                counter!("jakcard_store_failures_total").increment(1);
                let error = error.to_string();
                tracing::warn!(error, strict = self.strict, "the store did not answer");
                if self.strict { Err(CannotTell) } else { Ok(true) }
            }
        }
    }

    /// Forgets what has expired, in the store; the memory does so by itself.
    pub async fn forget_expired(&self, now: i64) {
        let Some(shelf) = &self.store else { return };
        let forgotten = match shelf.for_answers().await {
            Ok(store) => store.forget_expired(now).await,
            Err(error) => Err(error),
        };
        if let Err(error) = forgotten {
            counter!("jakcard_store_failures_total").increment(1);
            tracing::warn!(error = error.to_string(), "expired tokens stay in the store for now");
        }
    }
}
