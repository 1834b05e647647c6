//! Is the ordered dose above what the label allows at this renal function?
//!
//! A row applies when its indication, phase, form, age, weight, platelets and dialysis do, the renal
//! function is in its band, and the order exceeds its limit. One "no" silences it, however much else
//! is unknown; otherwise what is unknown leaves the row open.

use super::scope::{Limits, Scope};
use super::{Because, Change, Outcome, Question, Verdict};
use crate::facts::{Known, RenalFunction};
use crate::knowledge::{Action, RenalDose, RenalMeasure};
use crate::terminology::decimal::Range;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the verdict of a row rests on.
#[derive(Clone, Debug)]
pub struct RenalVerdict {
    /// The measure of the row.
    pub measure: RenalMeasure,
    /// The band of the row.
    pub band: Range,
    /// The patient's renal function, when it is known; one for all rows.
    pub function: Option<Arc<RenalFunction>>,
    /// The labelled dose in words; absent when the label gives none.
    pub labelled_dose: Option<String>,
    /// Only the age of the result is worth a word.
    pub only_stale: bool,
    /// All ends of all bands of the drug: a printed value must not seem to lie across one of them.
    pub ends: Arc<[Decimal]>,
}

/// One outcome for every renal row of the drug.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows: Vec<&RenalDose> = question.rows(&question.drug.renal_dose).collect();
    let mut functions = BTreeMap::new();
    for row in &rows {
        functions.entry(row.measure).or_insert_with(|| {
            shared(question.facts.renal_function(row.measure, question.knowledge))
        });
    }
    let ends: Arc<[Decimal]> = rows.iter().flat_map(|r| ends(&r.value)).collect();
    let mut outcomes: Vec<Outcome<'_>> =
        rows.iter().map(|row| check_row(question, row, &functions[&row.measure], &ends)).collect();
    say_stale(&mut outcomes);
    outcomes
}

fn check_row<'k>(
    question: Question<'k>,
    row: &'k RenalDose,
    function: &Known<Arc<RenalFunction>>,
    ends: &Arc<[Decimal]>,
) -> Outcome<'k> {
    let mut scope = Scope::default();
    renal(&mut scope, row, function);
    scope.applies(question, &row.applies);
    dose(&mut scope, question, row);
    scope.cleared_by(|| Change::RenalFunction { measure: row.measure, band: row.value });
    let because = Because::Renal(Box::new(RenalVerdict {
        measure: row.measure,
        band: row.value,
        function: function.known().cloned(),
        labelled_dose: row.labelled_dose.clone(),
        only_stale: false,
        ends: ends.clone(),
    }));
    if matches!(function, Known::NoneOnRecord) {
        scope.not_found.push("creatinine and eGFR".to_owned());
    }
    question.weighed(row, scope, row.action, because)
}

/// An old result that silences every row is named, once.
fn say_stale(outcomes: &mut [Outcome<'_>]) {
    if outcomes.iter().any(|o| o.verdict != Verdict::Silent) {
        return;
    }
    for outcome in outcomes {
        let Because::Renal(renal) = &mut outcome.because else { continue };
        if renal.function.as_ref().is_some_and(|f| f.stale) {
            renal.only_stale = true;
            outcome.verdict = Verdict::Fires(Action::Monitor);
            outcome.clears = Vec::new();
            return;
        }
    }
}

fn renal(scope: &mut Scope, row: &RenalDose, function: &Known<Arc<RenalFunction>>) {
    match function {
        Known::Is(function) => {
            scope.found.extend(function.basis.iter().cloned());
            let inside = row.value.holds(&function.value);
            scope.answer(inside, RENAL_FUNCTION, "the value on record leaves the band open");
        }
        Known::NoneOnRecord => scope.lacks(RENAL_FUNCTION),
        Known::NotAvailable { why } => scope.open(RENAL_FUNCTION, why.clone()),
    }
}

fn shared(function: Known<RenalFunction>) -> Known<Arc<RenalFunction>> {
    match function {
        Known::Is(function) => Known::Is(Arc::new(function)),
        Known::NoneOnRecord => Known::NoneOnRecord,
        Known::NotAvailable { why } => Known::NotAvailable { why },
    }
}

/// What is missing when the renal function is not known.
pub const RENAL_FUNCTION: &str = "renal function";

/// A daily dose is above a dose that is given after dialysis, however small.
fn dose(scope: &mut Scope, question: Question<'_>, row: &RenalDose) {
    if row.after_dialysis && question.order.dose.after_dialysis() == Some(false) {
        return;
    }
    let limits = Limits {
        first: row.limit.as_ref(),
        continuing: row.continuing_limit.as_ref(),
        continuing_days: row.continuing_days,
        relative: row.relative,
        already: row.already.as_ref(),
    };
    scope.dose(question, limits, row.labelled_dose.as_ref());
}

fn ends(range: &Range) -> impl Iterator<Item = Decimal> {
    [range.from, range.above, range.to, range.below].into_iter().flatten().map(|n| n.0)
}
