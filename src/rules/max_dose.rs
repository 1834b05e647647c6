//! Is the ordered dose above the label's maximum for the indication, whatever the organs do?

use super::scope::{Limits, Scope};
use super::{Because, Outcome, Question};

/// One outcome for every maximum of the drug.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.max_dose);
    rows.map(|row| {
        let mut scope = Scope::default();
        scope.applies(question, &row.applies);
        let limits = Limits {
            first: row.limit.as_ref(),
            continuing: row.continuing_limit.as_ref(),
            continuing_days: row.continuing_days,
            ..Limits::default()
        };
        scope.dose(question, limits, row.labelled_dose.as_ref());
        question.weighed(row, scope, row.action, Because::Row)
    })
    .collect()
}
