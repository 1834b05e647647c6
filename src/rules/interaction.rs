//! Does the patient take, or is about to take, a medicine that the label names?

use super::scope::{Limits, Scope};
use super::{Because, Change, Gap, Outcome, Question};
use crate::facts::{Medicine, Role, Since, unique};
use crate::knowledge::{Interaction, When};
use crate::terminology::medicines::Substance;
use toml::Spanned;

/// One outcome for every interaction of the drug.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let facts = question.facts;
    let beside = question.order.role == Role::Beside;
    // Another draft of something else is that draft's own matter.
    let current = facts.medicines.current(facts.today);
    let current = current.filter(|m| !beside || !m.draft || is_ordered(question, m));
    let current: Vec<&Medicine> = current.collect();
    let rows = question.rows(&question.drug.interaction);
    rows.map(|row| check_row(question, row, &current)).collect()
}

/// Is the medicine the draft that is asked about?
fn is_ordered(question: Question<'_>, medicine: &Medicine) -> bool {
    medicine.reference.as_ref() == Some(&question.order.reference)
}

fn check_row<'k>(
    question: Question<'k>,
    row: &'k Interaction,
    current: &[&'k Medicine],
) -> Outcome<'k> {
    let facts = question.facts;
    let mut scope = Scope::default();
    if let Some(when) = row.when {
        scope.excluded = question.continuing() != (when == When::Continuing);
    }
    if let Some(days) = row.first_days {
        scope.excluded |= past_first_days(question, days);
    }
    let beside = question.order.role == Role::Beside;
    let ours = |m: &&Medicine| is_ordered(question, m);
    let first: Vec<&Medicine> =
        current.iter().copied().filter(|m| counts(question, row, m, &row.with)).collect();
    let second: Vec<&Medicine> =
        current.iter().copied().filter(|m| counts(question, row, m, &row.and_with)).collect();
    let complete = !first.is_empty() && (row.and_with.is_empty() || !second.is_empty());
    let both = first.iter().chain(second.iter().filter(|m| !is_in(m, &first)));
    let named: Vec<&Medicine> = both.copied().collect();
    // In the other direction the order must be one of them.
    if complete && (!beside || named.iter().any(ours)) {
        scope.found.extend(named.iter().map(|m| m.evidence()));
        if let Some(unsure) = named.iter().find(|m| unsure(question, row, m)) {
            let what = format!("dose of {}", unsure.title);
            scope.gap(Gap::Value, &what, "it cannot be read");
        }
    } else {
        match facts.medicines.state.why_open() {
            Some(why) if !beside => scope.open("medicines on record", why),
            _ => scope.excluded = true,
        }
    }
    scope.applies(question, &row.applies);
    let limits = Limits {
        first: row.limit.as_ref(),
        continuing: row.continuing_limit.as_ref(),
        continuing_days: row.continuing_days,
        relative: row.relative,
        already: row.already.as_ref(),
    };
    scope.dose(question, limits, row.labelled_dose.as_ref());
    // Of a pair one is enough: the group that holds fewer.
    let fewer = if second.is_empty() || first.len() <= second.len() { &first } else { &second };
    let titles = || unique(fewer.iter().map(|m| m.title.clone()).collect());
    scope.cleared_by(|| Change::Stopped(titles()));
    question.weighed(row, scope, row.action, Because::Row)
}

fn is_in(medicine: &Medicine, list: &[&Medicine]) -> bool {
    list.iter().any(|m| std::ptr::eq(*m, medicine))
}

/// Does the medicine count as one of these words?
fn counts(
    question: Question<'_>,
    row: &Interaction,
    medicine: &Medicine,
    words: &[Spanned<String>],
) -> bool {
    let table = &question.knowledge.terminology.medicines;
    let is = |m: &Substance, words: &[Spanned<String>]| words.iter().any(|w| m.is(w.get_ref()));
    let named = |id: &&String| table.get(id).is_some_and(|m| is(m, words) && !is(m, &row.without));
    medicine.substances.iter().filter(named).any(|id| {
        // Up to a dose that the label allows, it does not count; with a dose that cannot be read, it
        // does.
        let allowed = row.except.iter().find(|e| e.medicine.get_ref() == id);
        let within = allowed.and_then(|e| Some(medicine.dose.most_per_day()? <= e.mg_per_day.0));
        let outside =
            row.mg_per_day.and_then(|band| Some(!band.contains(medicine.dose.most_per_day()?)));
        within != Some(true) && outside != Some(true)
    })
}

/// The row asks for the dose of the other medicine, and it cannot be read.
fn unsure(question: Question<'_>, row: &Interaction, medicine: &Medicine) -> bool {
    let excepted = |id: &String| row.except.iter().any(|e| e.medicine.get_ref() == id);
    let table = &question.knowledge.terminology.medicines;
    let other = |id: &String| {
        let named = |m: &Substance| row.with.iter().any(|w| m.is(w.get_ref()));
        !excepted(id) && table.get(id).is_some_and(named)
    };
    let asked = row.mg_per_day.is_some()
        || (medicine.substances.iter().any(excepted) && !medicine.substances.iter().any(other));
    asked && medicine.dose.most_per_day().is_none()
}

/// The patient has been on the drug for longer than the row's first days.
fn past_first_days(question: Question<'_>, days: u16) -> bool {
    let facts = question.facts;
    let since =
        question.order.since(question.drug, &facts.medicines, question.knowledge, facts.today);
    let Since::Continuing(start) = since else { return false };
    let span = start.latest.until((jiff::Unit::Day, facts.today));
    span.is_ok_and(|s| s.get_days() > i32::from(days))
}
