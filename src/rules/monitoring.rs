//! Is a check due that the label schedules for somebody who is on the drug?

use super::scope::Scope;
use super::{Because, Change, Outcome, Question};
use crate::facts::Known;
use crate::fhir::FhirDate;
use crate::knowledge::Monitoring;
use jiff::ToSpan;
use jiff::civil::Date;
use std::borrow::Cow;

/// One outcome for every schedule of the drug.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.monitoring);
    rows.map(|row| check_row(question, row)).collect()
}

fn check_row<'k>(question: Question<'k>, row: &'k Monitoring) -> Outcome<'k> {
    let facts = question.facts;
    let mut scope = Scope::default();
    scope.applies(question, &row.applies);
    let start = question.first_day();
    let (last, gap) = last_check(&mut scope, question, row);
    // A result before the start is the baseline and no check.
    let since = |start: FhirDate| last.filter(|d| d.latest > start.latest);
    let weeks = |day: Date, n: u16| day.checked_add(i64::from(n).weeks()).unwrap_or(Date::MAX);
    let due = match (start, start.and_then(since)) {
        (None, _) => None,
        (Some(start), None) => Some(weeks(start.latest, row.first_weeks)),
        (Some(_), Some(last)) => match row.every_weeks {
            Some(every) => Some(weeks(last.latest, every)),
            None => Some(Date::MAX),
        },
    };
    let over =
        |start: FhirDate| row.until_weeks.is_some_and(|n| facts.today > weeks(start.latest, n));
    scope.excluded |= start.is_some_and(over);
    // A start of which only the year is told leaves it open.
    let sooner = start.filter(|s| s.earliest != s.latest).is_some_and(|start| {
        last.is_none() && facts.today > weeks(start.earliest, row.first_weeks)
    });
    match due {
        Some(due) if facts.today <= due && sooner => {
            scope.open("start of treatment", "it is only partly on record");
        }
        None => scope.open("start of treatment", "the medication list gives no date"),
        Some(due) if facts.today <= due => scope.excluded = true,
        Some(_) => {}
    }
    if let Some((what, why)) = gap {
        scope.open(&what, why);
    }
    let needed = if row.any_of { 1 } else { row.labs.len() };
    let labs = row.labs.iter().take(needed).map(|l| l.get_ref().clone()).collect();
    scope.tests = vec![row.order.get_ref().clone()];
    scope.clears.push(Change::Recorded(labs));
    let last = start.and_then(since);
    let because = Because::Check { last, due: due.unwrap_or(Date::MAX) };
    question.weighed(row, scope, row.action, because)
}

/// The oldest of the newest results (of any one, where one is enough), `None` when one of them is not
/// there; and what could not be looked at.
fn last_check(
    scope: &mut Scope,
    question: Question<'_>,
    row: &Monitoring,
) -> (Option<FhirDate>, Option<(String, Cow<'static, str>)>) {
    let mut dates: Vec<FhirDate> = Vec::new();
    let mut absent = false;
    let mut gap = None;
    for id in &row.labs {
        let Some(lab) = question.knowledge.terminology.labs.get(id.get_ref()) else { continue };
        match question.facts.labs.newest(lab) {
            Known::Is(result) => {
                scope.found.push(result.evidence(lab));
                match result.date {
                    Some(date) => dates.push(date),
                    None => absent = true,
                }
            }
            Known::NoneOnRecord => {
                scope.not_found.push(lab.title.clone());
                absent = true;
            }
            Known::NotAvailable { why } => gap = Some((lab.title.clone(), why)),
        }
    }
    if row.any_of {
        let newest = dates.into_iter().max();
        return (newest, gap.filter(|_| newest.is_none()));
    }
    (dates.into_iter().min().filter(|_| !absent), gap)
}
