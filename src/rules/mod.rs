//! What do the labels say of this patient? Every rule, in one list.
//!
//! A rule takes the rows of one kind and answers each: fires, silent, or cannot tell. Rules hold no
//! number, no drug name and no sentence; they cannot fail and they know no clock.

pub mod boxed_warning;
pub mod no_label;
pub mod renal_dose;
pub mod screening;

use crate::facts::{Evidence, Facts, Order};
use crate::knowledge::{Action, Drug, Knowledge, Row};

pub use boxed_warning::Risk;
pub use renal_dose::RenalVerdict;
pub use screening::Standing;

/// The question that a rule is asked: one drug of one order.
#[derive(Clone, Copy)]
pub struct Question<'k> {
    /// The patient.
    pub facts: &'k Facts,
    /// What labels say.
    pub knowledge: &'k Knowledge,
    /// The drug whose rows are asked.
    pub drug: &'k Drug,
    /// The order.
    pub order: &'k Order,
    /// Its place among the orders.
    pub index: usize,
}

/// What one row says of this patient.
pub struct Outcome<'k> {
    /// Place of the order.
    pub order: usize,
    /// The drug.
    pub drug: &'k Drug,
    /// The row.
    pub row: &'k dyn Row,
    /// Its answer.
    pub verdict: Verdict,
    /// What was looked at.
    pub because: Because,
    /// What was found on the way, whether it fires or not.
    pub found: Vec<Evidence>,
    /// What was searched to the end and is not there.
    pub not_found: Vec<String>,
}

/// The answer of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It applies.
    Fires(Action),
    /// It does not apply.
    Silent,
    /// It may apply, as loud as this; what is missing stands with its reason.
    CannotTell(Action, Vec<Missing>),
}

/// Something that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub what: String,
    /// Why.
    pub reason: String,
    /// The chart was searched to the end and holds none: a gap of the chart, not of the request.
    pub none_on_record: bool,
}

/// What a verdict rests on, by kind of row.
pub enum Because {
    /// Risks of the boxed warning.
    Boxed(Vec<Risk>),
    /// Where the screening stands.
    Screening(Standing),
    /// Dose and renal function.
    Renal(Box<RenalVerdict>),
    /// No label.
    NoLabel,
}

/// Every rule, in the order in which a reader meets its findings on the cards.
pub const RULES: &[fn(Question<'_>) -> Vec<Outcome<'_>>] =
    &[boxed_warning::check, screening::check, renal_dose::check, no_label::check];

/// Asks every rule about every drug of every order.
pub fn evaluate<'k>(facts: &'k Facts, knowledge: &'k Knowledge) -> Vec<Outcome<'k>> {
    let mut outcomes = Vec::new();
    for (index, order) in facts.orders.iter().enumerate() {
        for drug in order.drug.drugs.iter().filter_map(|id| knowledge.drug(id)) {
            let question = Question { facts, knowledge, drug, order, index };
            outcomes.extend(RULES.iter().flat_map(|rule| rule(question)));
        }
    }
    outcomes
}

impl<'k> Question<'k> {
    /// The rows of one kind that hold here and speak.
    fn rows<R: Row>(self, rows: &'k [R]) -> impl Iterator<Item = &'k R> {
        rows.iter().filter(move |row| {
            row.speaks() && row.jurisdiction(self.drug) == Some(self.facts.jurisdiction)
        })
    }

    fn outcome(self, row: &'k dyn Row, verdict: Verdict, because: Because) -> Outcome<'k> {
        Outcome {
            order: self.index,
            drug: self.drug,
            row,
            verdict,
            because,
            found: Vec::new(),
            not_found: Vec::new(),
        }
    }
}
