//! Is a blood count, a liver enzyme or bilirubin beyond the label's limit for starting, or for going
//! on?

use super::scope::Scope;
use super::{Because, Change, Gap, Outcome, Question, Verdict};
use crate::facts::renal::within_months;
use crate::facts::{Known, LabResult, Value};
use crate::knowledge::{Action, LabLimit, When};
use crate::terminology::decimal::{Inside, Number, Range};
use crate::terminology::labs::Lab;
use rust_decimal::Decimal;

/// One outcome for every limit of the drug.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows: Vec<&LabLimit> = question.rows(&question.drug.lab_limit).collect();
    let mut outcomes: Vec<Outcome<'_>> =
        rows.into_iter().filter_map(|row| check_row(question, row)).collect();
    say_stale(question, &mut outcomes);
    outcomes
}

/// An old count that silences its limit is named, once: what is older than the policy lets count as
/// current is used, and never silently.
fn say_stale(question: Question<'_>, outcomes: &mut [Outcome<'_>]) {
    let months = question.knowledge.policy.windows.blood_months;
    let today = question.facts.today;
    let old = |outcome: &&mut Outcome<'_>| {
        let row = question.drug.lab_limit.iter().find(|r| &r.id == outcome.row.id());
        let asked = row.is_some_and(|r| r.missing.is_some() && r.when == When::Start);
        let newest = outcome.found.iter().rev().find(|e| e.value.is_some());
        asked
            && outcome.verdict == Verdict::Silent
            && !question.continuing()
            && newest.is_some_and(|e| !within_months(e.date, months, today))
    };
    if outcomes.iter().any(|o| o.verdict != Verdict::Silent) {
        return;
    }
    if let Some(outcome) = outcomes.iter_mut().find(old) {
        outcome.because = Because::Stale(months);
        outcome.verdict = Verdict::Fires(Action::Monitor);
        let row = question.drug.lab_limit.iter().find(|r| &r.id == outcome.row.id());
        let lab = row.and_then(|r| question.knowledge.terminology.labs.get(r.lab.get_ref()));
        outcome.tests = lab.and_then(|l| l.panel.clone()).into_iter().collect();
        outcome.clears = lab.map(|l| Change::Recorded(vec![l.id.clone()])).into_iter().collect();
    }
}

fn check_row<'k>(question: Question<'k>, row: &'k LabLimit) -> Option<Outcome<'k>> {
    let lab = question.knowledge.terminology.labs.get(row.lab.get_ref())?;
    // What was never done is asked for, also when the drug goes on.
    let never = row.when == When::Start
        && row.missing.is_some()
        && matches!(question.facts.labs.newest(lab), Known::NoneOnRecord);
    let other = question.continuing() != (row.when == When::Continuing) && !never;
    let mut scope = Scope { excluded: other, ..Scope::default() };
    scope.applies(question, &row.applies);
    match question.facts.labs.newest(lab) {
        Known::Is(result) => read(&mut scope, question, row, lab, result),
        Known::NoneOnRecord => {
            scope.lacks(&lab.title);
            scope.not_found.push(lab.title.clone());
            scope.tests.extend(lab.panel.clone());
            let (lab, times_upper_limit) = (lab.id.clone(), row.times_upper_limit);
            let result = |band| Change::Result { lab, band, times_upper_limit };
            scope.clears.extend(row.value.map(result));
        }
        Known::NotAvailable { why } => scope.open(&lab.title, why),
    }
    // Nobody asked for the count: its absence is no finding.
    let nothing = scope.missing.iter().all(|m| m.gap == Gap::NoneOnRecord);
    if row.missing.is_none() && !scope.missing.is_empty() && nothing {
        scope.excluded = true;
    }
    let action = match (scope.missing.is_empty(), row.missing) {
        (false, Some(missing)) => missing,
        _ => row.action,
    };
    Some(question.weighed(row, scope, action, Because::Row))
}

fn read(scope: &mut Scope, question: Question<'_>, row: &LabLimit, lab: &Lab, result: &LabResult) {
    scope.found.push(result.evidence(lab));
    let value = match &result.value {
        Value::Number(value) => *value,
        Value::Unreadable(why) => return scope.gap(Gap::Value, &lab.title, *why),
        _ => return scope.gap(Gap::Value, &lab.title, "it is no number"),
    };
    if let Some(band) = row.value {
        let inside = match row.times_upper_limit {
            true => times_upper_limit(&value, result, lab, &band),
            false => band.holds(&value),
        };
        scope.answer(inside, &lab.title, "the value leaves the limit open");
        let times_upper_limit = row.times_upper_limit;
        scope.cleared_by(|| Change::Result { lab: lab.id.clone(), band, times_upper_limit });
    }
    if let Some(band) = row.fall {
        fall(scope, question, lab, value, band);
    }
}

/// A value in multiples of the upper limit of normal: its own, else of those that laboratories print.
fn times_upper_limit(value: &Range, result: &LabResult, lab: &Lab, band: &Range) -> Inside {
    let limits = result.upper_limit.map(Range::exactly).or(lab.upper_limit);
    let Some(limits) = limits else { return Inside::Perhaps };
    let (Some(low), Some(high)) = (limits.from, limits.to) else { return Inside::Perhaps };
    let over = |n: Option<Number>, limit: Number| {
        Some(Number(n?.0.checked_div(limit.0).unwrap_or(Decimal::MAX)))
    };
    band.holds(&Range {
        from: over(value.from, high),
        above: over(value.above, high),
        to: over(value.to, low),
        below: over(value.below, low),
    })
}

/// How far a result has fallen since the start: from the last one before it, else from the highest
/// since.
fn fall(scope: &mut Scope, question: Question<'_>, lab: &Lab, now: Range, band: Range) {
    let facts = question.facts;
    let first = question.first_day();
    let numbers = facts.labs.results.get(&lab.id).into_iter().flatten().filter_map(|result| {
        match &result.value {
            Value::Number(value) => Some((result, value.exact()?)),
            _ => None,
        }
    });
    let numbers: Vec<(&LabResult, Decimal)> = numbers.collect();
    let before = |r: &LabResult| match (r.date, first) {
        (Some(date), Some(first)) => date.latest <= first.earliest,
        _ => false,
    };
    // Newest first: the first one before the start is the last before it.
    let baseline = numbers.iter().find(|(r, _)| before(r));
    let highest = || numbers.iter().max_by_key(|(_, value)| *value);
    let Some((result, from)) = baseline.or_else(highest) else {
        scope.excluded = true;
        return;
    };
    scope.found.push(result.evidence(lab));
    let from = *from;
    let by = |n: Option<Number>| n.map(|n| Number(from - n.0));
    let fallen =
        Range { from: by(now.to), above: by(now.below), to: by(now.from), below: by(now.above) };
    scope.answer(band.holds(&fallen), &lab.title, "the fall cannot be told");
    scope.cleared_by(|| Change::Fall { lab: lab.id.clone(), band });
}
