//! Is the result there that the label wants before the start and sets no limit for?

use super::scope::Scope;
use super::{Because, Change, Outcome, Question};
use crate::facts::Known;
use crate::facts::renal::within_months;
use crate::knowledge::{Baseline, BaselineTopic};

/// One outcome for every baseline of the drug.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.baseline);
    rows.map(|row| check_row(question, row)).collect()
}

fn check_row<'k>(question: Question<'k>, row: &'k Baseline) -> Outcome<'k> {
    let mut scope = Scope { excluded: question.continuing(), ..Scope::default() };
    scope.applies(question, &row.applies);
    let windows = &question.knowledge.policy.windows;
    let months = match row.topic {
        BaselineTopic::Lipids => windows.lipids_months,
        BaselineTopic::Cytopenia | BaselineTopic::Hepatic => windows.blood_months,
    };
    let mut why_open = None;
    let mut there = false;
    let mut titles = Vec::new();
    for id in &row.labs {
        let Some(lab) = question.knowledge.terminology.labs.get(id.get_ref()) else { continue };
        match question.facts.labs.newest(lab) {
            Known::Is(result) => {
                scope.found.push(result.evidence(lab));
                there |= within_months(result.date, months, question.facts.today);
            }
            Known::NotAvailable { why } => why_open = Some(why),
            Known::NoneOnRecord => titles.push(lab.title.clone()),
        }
    }
    scope.excluded |= there;
    match why_open {
        Some(why) => {
            let order = question.knowledge.terminology.labs.get(row.order.get_ref());
            scope.open(order.map_or("baseline", |lab| &lab.title), why);
        }
        None => scope.not_found = titles,
    }
    // Any one of them is enough.
    let labs = row.labs.iter().take(1).map(|l| l.get_ref().clone());
    scope.tests = match scope.missing.is_empty() {
        true => vec![row.order.get_ref().clone()],
        false => Vec::new(),
    };
    scope.clears.push(Change::Recorded(labs.collect()));
    question.weighed(row, scope, row.missing, Because::Baseline)
}
