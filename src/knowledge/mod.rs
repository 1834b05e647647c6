//! What do the labels say? The rows of `hooks/`, read, checked and kept for the life of the house.
//!
//! [`drug`] and [`policy`] give the shapes, [`read`] reads files and reports complaints, [`check`]
//! looks at what a shape cannot say (a source that is not listed, an id used twice).

pub mod check;
pub mod complaint;
pub mod drug;
pub mod embedded;
pub mod kinds;
pub mod policy;
pub mod read;
pub mod rows;
pub mod statements;
mod words;

pub use complaint::{Complaint, LoadError};
pub use drug::{
    Applies, BoxedWarning, Cite, Confidence, Drug, Exception, Jurisdiction, Label, Limit, NoLabel,
    Phase, RenalMeasure, ScreeningTest,
};
pub use kinds::{
    Baseline, BaselineTopic, ChildPugh, Combination, Hepatic, Interaction, LabLimit, MaxDose,
    Monitoring, Phenotype, PregnancyRow, PregnancyState, RenalDose, RiskRow, Screening,
    VaccineKind, VaccineRow, When,
};
pub use policy::{Action, Level, Policy, RiskGroup, ScreeningState};
pub use rows::{Row, Topic};
pub use statements::{Disposition, Statement, Statements};

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
    /// What became of the source documents' statements.
    pub statements: Statements,
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
    /// Its prefetch templates by key.
    pub prefetch: std::collections::BTreeMap<String, String>,
    /// The file's JSON, byte for byte.
    pub json: Box<serde_json::value::RawValue>,
}

impl Knowledge {
    /// Does a row name one of these medicines or vaccines? Orders of others are never looked at.
    pub fn names(&self, medicines: &[String], vaccines: &[String]) -> bool {
        let table = &self.terminology.medicines;
        let named = |words: &[toml::Spanned<String>]| {
            let is = |id: &String| {
                words.iter().any(|w| table.get(id).is_some_and(|m| m.is(w.get_ref())))
            };
            medicines.iter().any(is)
        };
        let live =
            vaccines.iter().any(|id| self.terminology.vaccines.get(id).is_some_and(|v| v.live));
        self.drugs.iter().any(|drug| {
            drug.interaction.iter().any(|row| named(&row.with) || named(&row.and_with))
                || (live && drug.vaccine.iter().any(|row| row.vaccine == VaccineKind::Live))
        })
    }

    /// The drug file with this name.
    pub fn drug(&self, id: &str) -> Option<&Drug> {
        self.drugs.iter().find(|d| d.drug == id)
    }
}
