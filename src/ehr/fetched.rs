//! What the house asked itself: the answer to one question, with its pages.

use crate::fhir::Json;
use serde_json::value::RawValue;

/// The answer to one question.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Prefetch keys that it answers; none for a Medication.
    pub keys: Vec<String>,
    /// Its pages, each one JSON value.
    pub pages: Vec<String>,
    /// Why it is not the whole answer.
    pub open: Option<&'static str>,
}

impl Fetched {
    /// The pages as JSON.
    pub fn values(&self) -> impl Iterator<Item = Json<'_>> {
        self.pages.iter().filter_map(|page| value(page))
    }
}

fn value(page: &str) -> Option<Json<'_>> {
    let raw: &RawValue = serde_json::from_str(page).ok()?;
    Some(Json::from(raw))
}
