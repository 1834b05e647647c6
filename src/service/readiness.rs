//! Should calls be sent here now? What `/readyz` answers.

use std::sync::atomic::{AtomicBool, Ordering};

/// Why no calls should be sent here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unready {
    /// It has begun, and is not done with looking at itself.
    Starting,
    /// It will end.
    Stopping,
    /// Nothing tells a drug any more: its orders would pass in silence.
    Unidentified,
}

impl Unready {
    /// The reason in one word.
    pub fn word(self) -> &'static str {
        match self {
            Unready::Starting => "starting",
            Unready::Stopping => "stopping",
            Unready::Unidentified => "a drug can no longer be identified",
        }
    }
}

/// What is known of this process.
#[derive(Debug, Default)]
pub struct Readiness {
    started: AtomicBool,
    stopping: AtomicBool,
    unidentified: AtomicBool,
}

impl Readiness {
    /// It has looked at itself: whether every drug is identified.
    pub fn looked(&self, identifies: bool) {
        self.unidentified.store(!identifies, Ordering::Release);
        self.started.store(true, Ordering::Release);
    }

    /// It will end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Will it end?
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Why no calls should be sent here.
    ///
    /// # Errors
    /// The reason.
    pub fn ready(&self) -> Result<(), Unready> {
        if self.stopping() {
            Err(Unready::Stopping)
        } else if !self.started.load(Ordering::Acquire) {
            Err(Unready::Starting)
        } else if self.unidentified.load(Ordering::Acquire) {
            Err(Unready::Unidentified)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_between_its_first_look_and_its_end() {
        let readiness = Readiness::default();
        assert_eq!(readiness.ready(), Err(Unready::Starting));
        readiness.looked(true);
        assert_eq!(readiness.ready(), Ok(()));
        readiness.looked(false);
        assert_eq!(readiness.ready(), Err(Unready::Unidentified));
        readiness.looked(true);
        assert_eq!(readiness.ready(), Ok(()));
        readiness.stop();
        assert_eq!(readiness.ready(), Err(Unready::Stopping));
        readiness.looked(true);
        assert_eq!(readiness.ready(), Err(Unready::Stopping), "there is no way back");
    }
}
