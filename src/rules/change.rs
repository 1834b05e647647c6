//! What would make a finding go? Computed from the row, so that it holds when the question is asked
//! again.

use crate::knowledge::{ChildPugh, Limit, RenalMeasure, VaccineKind};
use crate::terminology::decimal::Range;
use jiff::civil::Date;

/// One change of the facts after which the row is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An order for no more than this.
    Dose {
        /// The most that the label gives.
        limit: Limit,
        /// The same in words.
        words: String,
        /// A share of the dose otherwise given, which nobody but the prescriber knows.
        relative: bool,
    },
    /// A renal function better than the band.
    RenalFunction {
        /// The measure.
        measure: RenalMeasure,
        /// The band of the row.
        band: Range,
    },
    /// A Child-Pugh class that is none of these.
    LiverClass(Vec<ChildPugh>),
    /// A result outside the band.
    Result {
        /// Id of `labs.toml`.
        lab: String,
        /// The band of the row.
        band: Range,
        /// The band is in multiples of the upper limit of normal.
        times_upper_limit: bool,
    },
    /// A gene that is none of these.
    Phenotype {
        /// Id of `labs.toml`.
        lab: String,
        /// Concepts of the row.
        not: Vec<String>,
    },
    /// A result that has fallen by less.
    Fall {
        /// Id of `labs.toml`.
        lab: String,
        /// The band of the row.
        band: Range,
    },
    /// Any current result of one of these.
    Recorded(Vec<String>),
    /// Negative results of these tests.
    Negative(Vec<String>),
    /// A negative tuberculosis test of the last months.
    NegativeTuberculosisTest(u16),
    /// So many days of preventive treatment on record.
    TuberculosisTreated(u16),
    /// These medicines stopped, or taken off the list.
    Stopped(Vec<String>),
    /// These diagnoses resolved.
    Resolved(Vec<String>),
    /// Somebody who is not pregnant.
    NotPregnant,
    /// A pregnancy status on record.
    PregnancyKnown,
    /// Somebody who is not breast-feeding.
    NotBreastFeeding,
    /// A vaccine given so often.
    Vaccinated(VaccineKind, u16),
    /// A later day.
    Waited(Date),
}
