//! Which risk of this patient does the label name outside its box, or as a part of it?

use super::boxed_warning::Look;
use super::scope::Scope;
use super::{Because, Change, Outcome, Question};
use crate::facts::Medicine;
use crate::knowledge::RiskRow;
use toml::Spanned;

/// One outcome for every risk that the label names.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.risk_group);
    rows.map(|row| check_row(question, row)).collect()
}

fn check_row<'k>(question: Question<'k>, row: &'k RiskRow) -> Outcome<'k> {
    let policy = &question.knowledge.policy;
    let mut scope = Scope::default();
    let mut gaps = Vec::new();
    let mut ends = true;
    let mut concepts = Vec::new();
    for group in row.risk.iter().filter_map(|id| policy.risk(id.get_ref())) {
        let look = Look::at(question, &row.except, group);
        ends &= group.history.is_empty() && group.age_from.is_none();
        concepts.extend(group.active.iter().map(|c| c.get_ref().clone()));
        scope.found.extend(look.evidence);
        gaps.extend(look.missing);
        scope.not_found.extend(look.absent);
    }
    match (scope.found.is_empty(), gaps.is_empty()) {
        // The medicine alone decides.
        _ if row.risk.is_empty() => {}
        (false, _) => {}
        (true, true) => scope.excluded = true,
        (true, false) => scope.missing.extend(gaps),
    }
    taken(&mut scope, question, row);
    scope.applies(question, &row.applies);
    if ends && !concepts.is_empty() {
        scope.clears.push(Change::Resolved(concepts));
    }
    question.weighed(row, scope, row.action, Because::Row)
}

/// A medicine that must be taken too, or must not.
fn taken(scope: &mut Scope, question: Question<'_>, row: &RiskRow) {
    let facts = question.facts;
    let table = &question.knowledge.terminology.medicines;
    let named = |medicine: &Medicine, words: &[Spanned<String>]| {
        medicine
            .substances
            .iter()
            .any(|id| words.iter().any(|w| table.get(id).is_some_and(|m| m.is(w.get_ref()))))
    };
    let find = |words| facts.medicines.current(facts.today).find(|m| named(m, words));
    if find(&row.without).is_some() {
        scope.excluded = true;
    }
    if row.takes.is_empty() {
        return;
    }
    match (find(&row.takes), facts.medicines.state.why_open()) {
        (Some(medicine), _) => {
            scope.found.push(medicine.evidence());
            scope.clears.push(Change::Stopped(vec![medicine.title.clone()]));
        }
        (None, None) => scope.excluded = true,
        (None, Some(why)) => scope.open("medicines on record", why),
    }
}
