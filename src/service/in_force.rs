//! Which knowledge is in force, and how does the next one take its place?
//!
//! A call takes its service out of here once, and with it the whole knowledge: it keeps both to its
//! end, whatever is loaded meanwhile.

use crate::knowledge::{Knowledge, LoadError, ServiceFile, embedded, read};
use arc_swap::ArcSwap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The knowledge in force: replaced as a whole, never changed.
#[derive(Debug)]
pub struct InForce {
    now: ArcSwap<Knowledge>,
    folder: Option<PathBuf>,
    refused: AtomicBool,
}

/// A service, and the knowledge that it belongs to.
#[derive(Clone, Debug)]
pub struct Served {
    /// What its answers rest on.
    pub knowledge: Arc<Knowledge>,
    index: usize,
}

impl Deref for Served {
    type Target = ServiceFile;

    fn deref(&self) -> &ServiceFile {
        &self.knowledge.services[self.index]
    }
}

impl InForce {
    /// This knowledge; what is in the folder can take its place.
    pub fn new(knowledge: Knowledge, folder: Option<PathBuf>) -> InForce {
        let (now, refused) = (ArcSwap::from_pointee(knowledge), AtomicBool::new(false));
        InForce { now, folder, refused }
    }

    /// The knowledge of this moment.
    pub fn now(&self) -> Arc<Knowledge> {
        self.now.load_full()
    }

    /// The service with this id.
    pub fn service(&self, id: &str) -> Option<Served> {
        self.find(|service| service.id == id)
    }

    /// The first service that this is true of.
    pub fn find(&self, wanted: impl Fn(&ServiceFile) -> bool) -> Option<Served> {
        let knowledge = self.now();
        let index = knowledge.services.iter().position(wanted)?;
        Some(Served { knowledge, index })
    }

    /// Where the next knowledge comes from; the files in the binary never change.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Are the files in the folder others than those in force, because they were refused?
    pub fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Reads the folder anew. Whether the knowledge is another now.
    ///
    /// # Errors
    /// Every complaint about the files; the knowledge stays what it was.
    pub fn reload(&self) -> Result<bool, LoadError> {
        let Some(folder) = &self.folder else { return Ok(false) };
        let next = embedded::folder(folder).and_then(|files| read::read(&files));
        self.refused.store(next.is_err(), Ordering::Relaxed);
        let next = next?;
        if next.digest == self.now().digest {
            return Ok(false);
        }
        self.now.store(Arc::new(next));
        Ok(true)
    }
}
