//! What do the labels say of this patient? Every rule, in one list.
//!
//! A rule takes the rows of one kind and answers each: fires, silent, or cannot tell. Rules hold no
//! number, no drug name and no sentence; they cannot fail and they know no clock.

pub mod baseline;
pub mod boxed_warning;
pub mod change;
pub mod combination;
pub mod hepatic;
pub mod interaction;
pub mod lab_limit;
pub mod max_dose;
pub mod monitoring;
pub mod no_label;
pub mod phenotype;
pub mod pregnancy;
pub mod renal_dose;
pub mod risk_group;
mod scope;
pub mod screening;
pub mod vaccine;

use crate::facts::{Evidence, Facts, LiverFunction, Order, Role, Since};
use crate::fhir::FhirDate;
use crate::knowledge::{Action, Drug, Knowledge, Row};
use jiff::civil::Date;
use scope::Scope;
use std::borrow::Cow;

pub use boxed_warning::Risk;
pub use change::Change;
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
    /// What would silence the row; any one of them.
    pub clears: Vec<Change>,
    /// Tests (ids of `labs.toml`) whose order would settle it.
    pub tests: Vec<String>,
    /// The labelled dose in words, for rows that give one.
    pub labelled_dose: Option<String>,
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
    pub reason: Cow<'static, str>,
    /// Where the answer is wanting.
    pub gap: Gap,
}

/// Where an answer is wanting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// A part of the chart was not sent, or could not be read: nobody could look.
    Chart,
    /// The chart was searched to the end and holds none.
    NoneOnRecord,
    /// What is there leaves the question open.
    Value,
    /// The order does not say.
    Order,
    /// The ordered dose cannot be read.
    Dose,
}

/// What a verdict rests on, by kind of row.
pub enum Because {
    /// Risks of the boxed warning.
    Boxed(Vec<Risk>),
    /// Where the screening stands.
    Screening(Standing),
    /// Dose and renal function.
    Renal(Box<RenalVerdict>),
    /// Liver function, when it is known.
    Hepatic(Option<LiverFunction>),
    /// When a check was made last, and when the next was due.
    Check {
        /// The oldest of the newest results.
        last: Option<FhirDate>,
        /// The day by which the next one was due.
        due: Date,
    },
    /// So many doses of a vaccine are on record.
    Doses(usize),
    /// A result that the label wants is not there.
    Baseline,
    /// The result is older than this many months.
    Stale(u16),
    /// The row and what was found.
    Row,
    /// No label.
    NoLabel,
}

/// A rule, and why its rows may be asked.
pub struct Rule {
    /// Asks every row of its kind.
    pub check: fn(Question<'_>) -> Vec<Outcome<'_>>,
    /// The reasons.
    pub roles: &'static [Role],
}

const ORDERED: &[Role] = &[Role::Ordered];
const ORDERED_OR_TAKEN: &[Role] = &[Role::Ordered, Role::Taken];
const ORDERED_OR_BESIDE: &[Role] = &[Role::Ordered, Role::Beside];
const ALWAYS: &[Role] = &[Role::Ordered, Role::Beside, Role::Taken];
const TAKEN: &[Role] = &[Role::Taken];

/// Every rule, in the order in which a reader meets its findings on the cards.
pub const RULES: &[Rule] = &[
    Rule { check: boxed_warning::check, roles: ORDERED },
    Rule { check: risk_group::check, roles: ORDERED_OR_TAKEN },
    Rule { check: screening::check, roles: ORDERED_OR_TAKEN },
    Rule { check: renal_dose::check, roles: ORDERED_OR_TAKEN },
    Rule { check: hepatic::check, roles: ORDERED_OR_TAKEN },
    Rule { check: max_dose::check, roles: ORDERED },
    Rule { check: lab_limit::check, roles: ORDERED_OR_TAKEN },
    Rule { check: interaction::check, roles: ALWAYS },
    Rule { check: phenotype::check, roles: ORDERED_OR_TAKEN },
    Rule { check: combination::check, roles: ORDERED_OR_TAKEN },
    Rule { check: pregnancy::check, roles: ORDERED_OR_TAKEN },
    Rule { check: vaccine::check, roles: ORDERED_OR_BESIDE },
    Rule { check: baseline::check, roles: ORDERED },
    Rule { check: monitoring::check, roles: TAKEN },
    Rule { check: no_label::check, roles: ORDERED },
];

/// Asks every rule about every drug of every order.
pub fn evaluate<'k>(facts: &'k Facts, knowledge: &'k Knowledge) -> Vec<Outcome<'k>> {
    let mut outcomes = Vec::new();
    for (index, order) in facts.orders.iter().enumerate() {
        for drug in order.drug.drugs.iter().filter_map(|id| knowledge.drug(id)) {
            let question = Question { facts, knowledge, drug, order, index };
            let rules = RULES.iter().filter(|rule| rule.roles.contains(&order.role));
            outcomes.reserve(drug.rows().count());
            outcomes.extend(rules.flat_map(|rule| (rule.check)(question)));
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
            clears: Vec::new(),
            tests: Vec::new(),
            labelled_dose: None,
        }
    }

    /// The outcome of a row whose conditions were gone through.
    fn weighed(
        self,
        row: &'k dyn Row,
        mut scope: Scope,
        action: Action,
        because: Because,
    ) -> Outcome<'k> {
        let verdict = scope.verdict(action);
        let clears = match &verdict {
            Verdict::Fires(_) => scope.clears,
            // A result that is not there can come, and say that nothing is wrong.
            Verdict::CannotTell(_, missing)
                if missing.iter().all(|m| m.gap == Gap::NoneOnRecord) =>
            {
                let of_result = |change: &Change| !matches!(change, Change::Dose { .. });
                scope.clears.into_iter().filter(of_result).collect()
            }
            _ => Vec::new(),
        };
        let (found, not_found) = (scope.found, scope.not_found);
        let (tests, labelled_dose) = (scope.tests, scope.labelled_dose);
        let outcome = self.outcome(row, verdict, because);
        Outcome { found, not_found, clears, tests, labelled_dose, ..outcome }
    }

    /// The first known day of the course that goes on.
    fn first_day(self) -> Option<FhirDate> {
        let facts = self.facts;
        self.order.first_day(self.drug, &facts.medicines, self.knowledge, facts.today)
    }

    /// On the drug already, for the limits that hold for those who are.
    fn continuing(self) -> bool {
        let facts = self.facts;
        let since = || self.order.since(self.drug, &facts.medicines, self.knowledge, facts.today);
        self.order.role != Role::Ordered || matches!(since(), Since::Continuing(_))
    }
}
