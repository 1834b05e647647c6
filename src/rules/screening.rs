//! Has the patient been screened for what the label asks, and with what result?
//!
//! Every test has its own small reader below; this file puts the question and weighs the answer.

mod hepatitis_b;
mod hepatitis_c;
mod hiv;
mod reading;
mod tuberculosis;

use super::{Because, Change, Missing, Outcome, Question, Verdict};
use crate::facts::{Evidence, Indication};
use crate::knowledge::{Action, Screening, ScreeningState, ScreeningTest};

/// Where the screening for one disease stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Done, and nothing found.
    Complete,
    /// A finding.
    Found(ScreeningState),
    /// These tests (ids of `labs.toml`) are missing.
    Missing(Vec<String>),
    /// The newest test is older than the policy allows, in months.
    TooOld(u16),
    /// The newest test gave no verdict.
    Indeterminate,
    /// The label does not ask: ordered for an exempt indication.
    Exempt(String),
    /// Not to be told.
    Unknown,
}

/// The answer of one reader.
pub(super) struct Reading {
    standing: Standing,
    found: Vec<Evidence>,
    not_found: Vec<String>,
    missing: Vec<Missing>,
}

/// One outcome for every test that the label asks for.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.screening);
    rows.map(|row| check_row(question, row)).collect()
}

fn check_row<'k>(question: Question<'k>, row: &'k Screening) -> Outcome<'k> {
    let reading = match row.test {
        ScreeningTest::Tuberculosis => tuberculosis::read(question),
        ScreeningTest::HepatitisB => hepatitis_b::read(question),
        ScreeningTest::HepatitisC => hepatitis_c::read(question),
        ScreeningTest::Hiv => hiv::read(question),
    };
    if let Some(exempt) = exempt(question, row).filter(|_| reading.standing.asks_for_a_test()) {
        return exempt;
    }
    let verdict = verdict(question, row, &reading);
    let clears = match &verdict {
        Verdict::Fires(_) => clears(question, row, &reading.standing),
        _ => Vec::new(),
    };
    let because = Because::Screening(reading.standing);
    Outcome {
        clears,
        found: reading.found,
        not_found: reading.not_found,
        ..question.outcome(row, verdict, because)
    }
}

/// The label does not ask for the test in this indication; what was found counts all the same.
fn exempt<'k>(question: Question<'k>, row: &'k Screening) -> Option<Outcome<'k>> {
    let Indication::Is(id, found) = question.order.indication(question.drug) else {
        return None;
    };
    if !row.except_indication.iter().any(|e| e.get_ref() == id) {
        return None;
    }
    let because = Because::Screening(Standing::Exempt(id.clone()));
    Some(Outcome { found: found.clone(), ..question.outcome(row, Verdict::Silent, because) })
}

impl Standing {
    /// Nothing was found that speaks; only a test is wanting.
    fn asks_for_a_test(&self) -> bool {
        !matches!(self, Standing::Complete | Standing::Found(_))
    }
}

fn verdict(question: Question<'_>, row: &Screening, reading: &Reading) -> Verdict {
    let policy = &question.knowledge.policy;
    let action = match &reading.standing {
        Standing::Complete | Standing::Exempt(_) => return Verdict::Silent,
        Standing::Unknown => {
            return Verdict::CannotTell(row.missing, reading.missing.clone());
        }
        Standing::Missing(_) | Standing::TooOld(_) | Standing::Indeterminate => row.missing,
        Standing::Found(state) => match policy.state(row.test, *state) {
            Some(action) if !reading.missing.is_empty() => {
                let action = capped(question, row, action);
                return Verdict::CannotTell(action, reading.missing.clone());
            }
            Some(action) => capped(question, row, action),
            None => return Verdict::Silent,
        },
    };
    Verdict::Fires(action)
}

/// What would settle it. Of an infection that is there, only what makes it another state.
fn clears(question: Question<'_>, row: &Screening, standing: &Standing) -> Vec<Change> {
    let windows = &question.knowledge.policy.windows;
    let tuberculosis = row.test == ScreeningTest::Tuberculosis;
    let change = match standing {
        Standing::Missing(_) | Standing::TooOld(_) | Standing::Indeterminate if tuberculosis => {
            Change::NegativeTuberculosisTest(windows.tuberculosis_test_months)
        }
        Standing::Missing(ids) => Change::Negative(ids.clone()),
        Standing::Indeterminate => {
            Change::Negative(row.test.labs().iter().map(|id| (*id).to_owned()).collect())
        }
        Standing::Found(ScreeningState::LatentUntreated | ScreeningState::Positive)
            if tuberculosis =>
        {
            Change::TuberculosisTreated(windows.tuberculosis_treatment_days)
        }
        Standing::Found(ScreeningState::AntibodyPositiveUntested | ScreeningState::Known)
            if row.test == ScreeningTest::HepatitisC =>
        {
            Change::Negative(vec!["hcv-rna".to_owned()])
        }
        _ => return Vec::new(),
    };
    vec![change]
}

impl ScreeningTest {
    /// The tests (ids of `labs.toml`) that settle it.
    pub fn labs(self) -> &'static [&'static str] {
        match self {
            ScreeningTest::Tuberculosis => &["igra"],
            ScreeningTest::HepatitisB => &["hbsag", "anti-hbc"],
            ScreeningTest::HepatitisC => &["anti-hcv"],
            ScreeningTest::Hiv => &["hiv"],
        }
    }
}

/// No louder and no quieter than the row allows.
fn capped(question: Question<'_>, row: &Screening, action: Action) -> Action {
    let level = |a| question.knowledge.policy.level(a);
    match (row.at_most, row.at_least) {
        (Some(most), _) if level(action) > level(most) => most,
        (_, Some(least)) if level(action) < level(least) => least,
        _ => action,
    }
}
