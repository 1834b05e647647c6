//! What does a test on record say? Shared by the readers of all diseases.

use super::super::{Gap, Missing, Question};
use super::{Reading, Standing};
use crate::facts::{Condition, Evidence, Known, LabResult, Value};
use crate::terminology::labs::Lab;
use crate::terminology::results::Meaning;
use std::borrow::Cow;

/// What the newest result of a test says.
pub(super) enum Told<'k> {
    /// Positive, negative or indeterminate.
    Meaning(Meaning, &'k LabResult),
    /// A result is there and says nothing.
    Unreadable(&'static str, &'k LabResult),
    /// Searched to the end, and there is none.
    None,
    /// Could not be told.
    NotAvailable(Cow<'static, str>),
}

/// The row of the test; the knowledge check makes sure that it is there.
pub(super) fn lab<'k>(question: Question<'k>, id: &str) -> Option<&'k Lab> {
    question.knowledge.terminology.labs.get(id)
}

/// What the newest result says.
pub(super) fn newest<'k>(question: Question<'k>, id: &str) -> Told<'k> {
    let Some(lab) = lab(question, id) else { return Told::NotAvailable("in no table".into()) };
    if let Some(result) = question.facts.labs.decisive(id) {
        return match result.value {
            Value::Meaning(meaning) => Told::Meaning(meaning, result),
            Value::Unreadable(why) => Told::Unreadable(why, result),
            _ => Told::Unreadable("it is neither positive nor negative", result),
        };
    }
    match question.facts.labs.absent::<()>(lab) {
        Known::NotAvailable { why } => Told::NotAvailable(why),
        _ => Told::None,
    }
}

/// The newest positive result of a test, however old.
pub(super) fn once_positive(question: Question<'_>, id: &str) -> Option<Evidence> {
    let results = question.facts.labs.results.get(id)?;
    let result = results.iter().find(|r| r.value == Value::Meaning(Meaning::Positive))?;
    evidence(question, id, result)
}

/// Was a nucleic acid test made before the other test first turned positive? Then it does not answer
/// it.
pub(super) fn before_positive(question: Question<'_>, other: &str, nucleic: &LabResult) -> bool {
    let results = question.facts.labs.results.get(other);
    let positive = |r: &&LabResult| r.value == Value::Meaning(Meaning::Positive);
    let first = results.into_iter().flatten().filter(positive).filter_map(|r| r.date).min();
    matches!((first, nucleic.date), (Some(first), Some(date)) if date.latest < first.earliest)
}

/// What a finding shows of a result.
pub(super) fn evidence(question: Question<'_>, id: &str, result: &LabResult) -> Option<Evidence> {
    lab(question, id).map(|lab| result.evidence(lab))
}

/// The first condition on the list that names one of the concepts and is not over.
pub(super) fn current<'k>(
    question: Question<'k>,
    concepts: &[&str],
) -> Option<(&'k Condition, Evidence)> {
    let conditions = &question.facts.conditions;
    concepts.iter().find_map(|concept| {
        let condition = conditions
            .list
            .iter()
            .find(|c| c.is(concept) && c.standing != crate::facts::Standing::Past)?;
        Some((condition, condition.evidence(concept)))
    })
}

/// The title of a test.
pub(super) fn title(question: Question<'_>, id: &str) -> String {
    lab(question, id).map_or_else(|| id.to_owned(), |l| l.title.clone())
}

impl Reading {
    pub(super) fn new(standing: Standing) -> Reading {
        Reading { standing, found: Vec::new(), not_found: Vec::new(), missing: Vec::new() }
    }

    pub(super) fn with(mut self, found: Vec<Evidence>) -> Reading {
        self.found = found;
        self
    }
}

/// Adds a gap.
pub(super) fn gap(what: String, reason: impl Into<Cow<'static, str>>) -> Missing {
    Missing { what, reason: reason.into(), gap: Gap::Chart }
}
