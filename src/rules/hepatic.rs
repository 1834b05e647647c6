//! Is the ordered dose above what the label allows at this liver function?

use super::scope::{Limits, Scope};
use super::{Because, Change, Gap, Outcome, Question, Verdict};
use crate::facts::{Known, LiverFunction};
use crate::knowledge::{Action, Hepatic};

/// One outcome for every hepatic row of the drug.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let function = question.facts.liver_function(question.knowledge);
    let rows = question.rows(&question.drug.hepatic);
    let mut outcomes: Vec<Outcome<'_>> =
        rows.map(|row| check_row(question, row, &function)).collect();
    // Old results that silence every row are named, once.
    let stale = function.known().is_some_and(|f| f.stale);
    let silent = outcomes.iter().all(|o| o.verdict == Verdict::Silent);
    if let (true, true, Some(outcome)) = (stale, silent, outcomes.first_mut()) {
        outcome.because = Because::Stale(question.knowledge.policy.windows.blood_months);
        outcome.verdict = Verdict::Fires(Action::Monitor);
        outcome.labelled_dose = None;
    }
    outcomes
}

fn check_row<'k>(
    question: Question<'k>,
    row: &'k Hepatic,
    function: &Known<LiverFunction>,
) -> Outcome<'k> {
    let mut scope = Scope::default();
    match function {
        Known::Is(liver) => {
            scope.found.extend(liver.basis.clone());
            let ours = |class| row.class.contains(class);
            if !liver.classes.iter().any(ours) {
                scope.excluded = true;
            } else if !liver.classes.iter().all(ours) {
                match liver.missing.is_empty() {
                    true => scope.gap(Gap::Value, CLASS, "the points on record leave it open"),
                    false => {
                        let why = format!("not on record: {}", liver.missing.join(", "));
                        scope.gap(Gap::Value, CLASS, why);
                    }
                }
            }
        }
        Known::NoneOnRecord => scope.excluded = true,
        Known::NotAvailable { why } => scope.open(CLASS, why.clone()),
    }
    scope.applies(question, &row.applies);
    let (first, relative) = (row.limit.as_ref(), row.relative);
    let limits = Limits { first, relative, ..Limits::default() };
    scope.dose(question, limits, row.labelled_dose.as_ref());
    scope.cleared_by(|| Change::LiverClass(row.class.clone()));
    let because = Because::Hepatic(function.known().cloned());
    question.weighed(row, scope, row.action, because)
}

const CLASS: &str = "Child-Pugh class";
