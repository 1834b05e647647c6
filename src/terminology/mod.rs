//! What does a code, a unit or a word mean?
//!
//! The tables themselves stand in `hooks/codes/`; this module holds their shape in memory and the
//! lookups. It knows no patient and no rule.

pub mod codes;
pub mod conditions;
pub mod decimal;
pub mod labs;
pub mod medicines;
pub mod names;
pub mod ndc;
pub mod products;
pub mod results;
pub mod systems;
pub mod units;
pub mod vaccines;

pub use codes::Codes;
pub use conditions::Conditions;
pub use decimal::Range;
pub use labs::Labs;
pub use medicines::Medicines;
pub use products::Products;
pub use results::Results;
pub use systems::System;
pub use units::Units;
pub use vaccines::Vaccines;

/// A code in a system, and where we have it from.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The system, as one of the short words of [`System`].
    pub system: System,
    /// The code as the system prints it.
    pub code: String,
    /// `prefix` when every code that starts with this one is meant.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// Where the code was seen.
    pub source: String,
    /// `A` seen in an independent source, `B` partly confirmed.
    pub confidence: CodeConfidence,
    /// What a reader of the table should know.
    #[serde(default)]
    pub note: Option<String>,
}

/// How sure we are of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum CodeConfidence {
    /// Seen in an independent source.
    A,
    /// Partly confirmed.
    B,
}

/// Does a code stand for itself or for all that start with it?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Match {
    /// Only this code.
    #[default]
    Exact,
    /// This code and every longer one.
    Prefix,
}

/// All code tables of the house.
#[derive(Debug, Default)]
pub struct Terminology {
    /// JAK inhibitors: codes and names to drug, strength and form.
    pub products: Products,
    /// Laboratory tests and other observations.
    pub labs: Labs,
    /// Diagnoses and findings.
    pub conditions: Conditions,
    /// Other medicines that a rule asks about.
    pub medicines: Medicines,
    /// Vaccines.
    pub vaccines: Vaccines,
    /// Positive, negative, indeterminate: in codes and in words.
    pub results: Results,
    /// Units as EHRs write them.
    pub units: Units,
}
