//! How many calls are answered at once? One more is told so before its body is read.

use super::error::ServiceError;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for calls.
#[derive(Debug)]
pub struct InFlight(Arc<Semaphore>);

impl InFlight {
    /// So many places.
    pub fn new(most: usize) -> InFlight {
        InFlight(Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))))
    }

    /// Is there a place? Asked before a token is used up: a client that is told to come again may
    /// bring the same one.
    ///
    /// # Errors
    /// 503
    pub fn ask(&self) -> Result<(), ServiceError> {
        if self.0.available_permits() == 0 { Err(ServiceError::Full) } else { Ok(()) }
    }

    /// Takes a place until it is dropped. Only whom the gate let in takes one.
    ///
    /// # Errors
    /// 503
    pub fn take(&self) -> Result<OwnedSemaphorePermit, ServiceError> {
        self.0.clone().try_acquire_owned().map_err(|_| ServiceError::Full)
    }
}
