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
    Applies, BoxedWarning, Cite, Component, Confidence, Drug, Exception, Jurisdiction, Label,
    Limit, NoLabel, Phase, RenalMeasure, ScreeningTest,
};
pub use kinds::{
    Baseline, BaselineTopic, ChildPugh, Combination, Hepatic, Interaction, LabLimit, MaxDose,
    Monitoring, Phenotype, PregnancyRow, PregnancyState, RenalDose, RiskRow, Screening,
    VaccineKind, VaccineRow, When,
};
pub use policy::{Action, Level, Policy, RiskGroup, ScreeningState};
pub use rows::{Row, Topic};
pub use statements::{Disposition, Statement, Statements};

use crate::terminology::medicines::Substance;
use crate::terminology::{Medicines, Terminology};
use std::collections::HashSet;

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
    /// What a row names beside JAK inhibitors.
    pub named: Named,
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

/// What a row names beside JAK inhibitors: told once for all orders.
#[derive(Debug, Default)]
pub struct Named {
    /// Ids of `medicines.toml`.
    pub medicines: HashSet<String>,
    /// Live vaccines.
    pub live_vaccines: bool,
}

impl Named {
    /// Goes through all rows.
    pub fn of(drugs: &[Drug], medicines: &Medicines) -> Named {
        let rows = || drugs.iter().flat_map(|drug| &drug.interaction);
        let words: HashSet<&str> = rows()
            .flat_map(|row| row.with.iter().chain(&row.and_with))
            .map(|word| word.get_ref().as_str())
            .collect();
        let named = |m: &&Substance| words.iter().any(|word| m.is(word));
        let live = |row: &VaccineRow| row.vaccine == VaccineKind::Live;
        Named {
            medicines: medicines.rows().iter().filter(named).map(|m| m.id.clone()).collect(),
            live_vaccines: drugs.iter().flat_map(|drug| &drug.vaccine).any(live),
        }
    }
}

impl Knowledge {
    /// Does a row name one of these medicines or vaccines? Orders of others are never looked at.
    pub fn names(&self, medicines: &[String], vaccines: &[String]) -> bool {
        let live = |id: &String| self.terminology.vaccines.get(id).is_some_and(|v| v.live);
        medicines.iter().any(|id| self.named.medicines.contains(id))
            || (self.named.live_vaccines && vaccines.iter().any(live))
    }

    /// The drug file with this name.
    pub fn drug(&self, id: &str) -> Option<&Drug> {
        self.drugs.iter().find(|d| d.drug == id)
    }
}
