//! What do the labels say? The rows of `hooks/`, read, checked and kept for the life of the house.
//!
//! [`drug`] and [`policy`] give the shapes, [`read`] reads files and reports complaints, [`check`]
//! looks at what a shape cannot say (a source that is not listed, an id used twice).

pub mod check;
pub mod complaint;
pub mod drug;
pub mod embedded;
pub mod policy;
pub mod read;
pub mod rows;

pub use complaint::{Complaint, LoadError};
pub use drug::{
    Applies, BoxedWarning, Cite, Confidence, Drug, Jurisdiction, Label, Limit, NoLabel, Phase,
    RenalDose, RenalMeasure, Screening, ScreeningTest,
};
pub use policy::{Action, Level, Policy, RiskGroup, ScreeningState};
pub use rows::{Row, Topic};

use crate::terminology::Terminology;

/// Everything that `hooks/` says.
#[derive(Debug)]
pub struct Knowledge {
    /// The drug files, in alphabetical order of their names.
    pub drugs: Vec<Drug>,
    /// Codes, names and units.
    pub terminology: Terminology,
    /// How loud, how old, which risks.
    pub policy: Policy,
    /// The discovery documents, one per service, as they stand in the files.
    pub services: Vec<ServiceFile>,
    /// SHA-256 over all files, hexadecimal: two houses with one digest know the same.
    pub digest: String,
}

/// One file of `hooks/services/`.
#[derive(Clone, Debug)]
pub struct ServiceFile {
    /// `id` of the service, the last part of its URL.
    pub id: String,
    /// The hook that it answers.
    pub hook: String,
    /// The file's JSON, byte for byte.
    pub json: Box<serde_json::value::RawValue>,
}

impl Knowledge {
    /// The drug file with this name.
    pub fn drug(&self, id: &str) -> Option<&Drug> {
        self.drugs.iter().find(|d| d.drug == id)
    }
}
