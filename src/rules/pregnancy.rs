//! Is the patient pregnant or breast-feeding, or does the label ask first and nobody has?

use super::scope::Scope;
use super::{Because, Change, Outcome, Question};
use crate::facts::Pregnancy;
use crate::knowledge::{PregnancyRow, PregnancyState};

/// The test that tells, and the question.
const TEST: &str = "pregnancy-test";
const ANSWER: &str = "pregnancy-status";

/// One outcome for every row on pregnancy and breast-feeding.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.pregnancy);
    rows.map(|row| check_row(question, row)).collect()
}

fn check_row<'k>(question: Question<'k>, row: &'k PregnancyRow) -> Outcome<'k> {
    let mut scope = Scope::default();
    scope.applies(question, &row.applies);
    let told = match row.state {
        PregnancyState::BreastFeeding => question.facts.breast_feeding(question.knowledge),
        _ => question.facts.pregnancy(question.knowledge),
    };
    let asks = row.state == PregnancyState::Unknown;
    match told {
        Pregnancy::Yes(evidence) => {
            scope.found.extend(evidence);
            scope.excluded |= asks;
        }
        Pregnancy::No(evidence) => {
            scope.found.extend(evidence);
            scope.excluded = true;
        }
        Pregnancy::Impossible => scope.excluded = true,
        // What was asked once is not asked at every refill.
        Pregnancy::NoneOnRecord if asks && question.continuing() && ever_asked(question) => {
            scope.excluded = true;
        }
        Pregnancy::NoneOnRecord if asks => scope.tests.push(TEST.to_owned()),
        Pregnancy::NoneOnRecord => scope.excluded = true,
        Pregnancy::NotAvailable(why) => scope.open(what(row.state), why),
    }
    // What has no date is not overruled by a later answer: the problem list must say so.
    let undated = scope.found.iter().any(|e| e.date.is_none());
    let concept = |id: &str| Change::Resolved(vec![id.to_owned()]);
    scope.clears.push(match row.state {
        PregnancyState::Pregnant if undated => concept("pregnancy"),
        PregnancyState::Pregnant => Change::NotPregnant,
        PregnancyState::BreastFeeding if undated => concept("breast-feeding"),
        PregnancyState::BreastFeeding => Change::NotBreastFeeding,
        PregnancyState::Unknown => Change::PregnancyKnown,
    });
    question.weighed(row, scope, row.action, Because::Row)
}

/// Is there any test or answer on record, however old?
fn ever_asked(question: Question<'_>) -> bool {
    [TEST, ANSWER].iter().any(|id| question.facts.labs.results.contains_key(*id))
}

fn what(state: PregnancyState) -> &'static str {
    match state {
        PregnancyState::BreastFeeding => "breast-feeding",
        _ => "pregnancy status",
    }
}
