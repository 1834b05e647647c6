//! Does a gene of the patient make the drug stay longer, and was it tested where the label asks?

use super::scope::{Limits, Scope};
use super::{Because, Change, Gap, Outcome, Question};
use crate::facts::{Known, Value};
use crate::knowledge::Phenotype;

/// One outcome for every gene that the label names.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.phenotype);
    rows.filter_map(|row| check_row(question, row)).collect()
}

fn check_row<'k>(question: Question<'k>, row: &'k Phenotype) -> Option<Outcome<'k>> {
    let lab = question.knowledge.terminology.labs.get(row.lab.get_ref())?;
    let mut scope = Scope::default();
    scope.applies(question, &row.applies);
    match question.facts.labs.newest(lab) {
        Known::Is(result) => {
            scope.found.push(result.evidence(lab));
            match &result.value {
                Value::Concepts(ids) => {
                    let ours = |id: &String| row.concepts.iter().any(|c| c.get_ref() == id);
                    scope.excluded |= !ids.iter().any(ours);
                }
                Value::Unreadable(why) => scope.gap(Gap::Value, &lab.title, *why),
                _ => scope.gap(Gap::Value, &lab.title, "it tells no phenotype"),
            }
        }
        Known::NoneOnRecord => {
            scope.not_found.push(lab.title.clone());
            match row.missing {
                Some(_) => {
                    scope.lacks(&lab.title);
                    scope.tests.push(lab.id.clone());
                    let not = row.concepts.iter().map(|c| c.get_ref().clone()).collect();
                    scope.clears.push(Change::Phenotype { lab: lab.id.clone(), not });
                }
                None => scope.excluded = true,
            }
        }
        Known::NotAvailable { why } => scope.open(&lab.title, why),
    }
    let limits = Limits {
        first: row.limit.as_ref(),
        continuing: row.continuing_limit.as_ref(),
        continuing_days: row.continuing_days,
        relative: row.relative,
        ..Limits::default()
    };
    scope.dose(question, limits, row.labelled_dose.as_ref());
    let action = match (scope.missing.is_empty(), row.missing) {
        (false, Some(missing)) => missing,
        _ => row.action,
    };
    Some(question.weighed(row, scope, action, Because::Row))
}
