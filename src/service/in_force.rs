//! Which knowledge is in force, and how does the next one take its place?
//!
//! A call takes its service out of here once, and with it the whole knowledge: it keeps both to its
//! end, whatever is loaded meanwhile.

use super::self_test::Verdict;
use crate::cards::mute::Mute;
use crate::knowledge::{Knowledge, LoadError, ServiceFile, embedded, read};
use arc_swap::ArcSwap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The knowledge in force: replaced as a whole, never changed.
#[derive(Debug)]
pub struct InForce {
    now: ArcSwap<Edition>,
    folder: Option<PathBuf>,
    refused: AtomicBool,
}

/// A knowledge, and what the self-test found out about it.
#[derive(Clone, Debug)]
struct Edition {
    knowledge: Arc<Knowledge>,
    verdict: Verdict,
}

/// A service, and the knowledge that it belongs to.
#[derive(Clone, Debug)]
pub struct Served {
    /// What its answers rest on.
    pub knowledge: Arc<Knowledge>,
    /// Rows of it that do not fire where they must.
    pub mutes: Arc<[Mute]>,
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
        InForce { folder, ..InForce::of(Arc::new(knowledge)) }
    }

    /// This knowledge, for good.
    pub fn of(knowledge: Arc<Knowledge>) -> InForce {
        let edition = Edition { knowledge, verdict: Verdict::default() };
        let refused = AtomicBool::new(false);
        InForce { now: ArcSwap::from_pointee(edition), folder: None, refused }
    }

    /// The knowledge of this moment.
    pub fn now(&self) -> Arc<Knowledge> {
        self.now.load().knowledge.clone()
    }

    /// What the self-test found out about it.
    pub fn verdict(&self) -> Verdict {
        self.now.load().verdict.clone()
    }

    /// The service with this id.
    pub fn service(&self, id: &str) -> Option<Served> {
        self.find(|service| service.id == id)
    }

    /// The first service that this is true of.
    pub fn find(&self, wanted: impl Fn(&ServiceFile) -> bool) -> Option<Served> {
        let edition = self.now.load();
        let index = edition.knowledge.services.iter().position(wanted)?;
        let (knowledge, mutes) = (edition.knowledge.clone(), edition.verdict.mutes.clone());
        Some(Served { knowledge, mutes, index })
    }

    /// Where the next knowledge comes from; the files in the binary never change.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Are the files in the folder others than those in force, because they were refused?
    pub fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Reads the folder anew: what can take the place of the knowledge; `None` when it is the same.
    ///
    /// # Errors
    /// Every complaint about the files; the knowledge stays what it was.
    pub fn next(&self) -> Result<Option<Arc<Knowledge>>, LoadError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let next = embedded::folder(folder).and_then(|files| read::read(&files));
        self.refused.store(next.is_err(), Ordering::Relaxed);
        let next = next?;
        Ok((next.digest != self.now().digest).then(|| Arc::new(next)))
    }

    /// Puts a knowledge in force, with what the self-test found out about it.
    pub fn put(&self, knowledge: Arc<Knowledge>, verdict: Verdict) {
        self.now.store(Arc::new(Edition { knowledge, verdict }));
    }

    /// What the self-test found out about this knowledge, if it is still in force.
    pub fn judge(&self, knowledge: &Arc<Knowledge>, verdict: Verdict) {
        self.now.rcu(|now| {
            if Arc::ptr_eq(&now.knowledge, knowledge) {
                Edition { knowledge: knowledge.clone(), verdict: verdict.clone() }
            } else {
                Edition::clone(now)
            }
        });
    }
}
