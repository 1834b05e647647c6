//! What the house asked itself: the answer to one question, with its pages.

use crate::fhir::{Document, Json};

/// The answer to one question.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Prefetch keys that it answers; none for a Medication.
    pub keys: Vec<String>,
    /// Its pages.
    pub pages: Vec<Document<'static>>,
    /// Why it is not the whole answer.
    pub open: Option<&'static str>,
}

impl Fetched {
    /// The pages as JSON.
    pub fn values(&self) -> impl Iterator<Item = Json<'_>> {
        self.pages.iter().map(Document::root)
    }
}
