//! Is there a label to go by where we are?

use super::{Because, Outcome, Question, Verdict};

/// One outcome for every row that says there is none.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.drug.no_label.iter();
    let here = rows.filter(|row| row.jurisdiction == question.facts.jurisdiction);
    here.filter(|row| crate::knowledge::Row::speaks(*row))
        .map(|row| question.outcome(row, Verdict::Fires(row.action), Because::NoLabel))
        .collect()
}
