//! From outcomes to findings: what is said, how loud, and what is merged.
//!
//! Rows that cannot tell for want of the same fact make one finding: a missing creatinine is one
//! thing to know, however many limits hang on it.

use super::finding::{Citation, Finding, Unchecked};
use super::kind::Kind;
use super::wording;
use crate::facts::{Facts, unique};
use crate::knowledge::{Action, Knowledge, Level};
use crate::rules::screening::Standing;
use crate::rules::{Because, Missing, Outcome, Verdict};

/// The findings of one order, in the order of the rules.
pub fn of_order(
    index: usize,
    outcomes: &[Outcome<'_>],
    facts: &Facts,
    knowledge: &Knowledge,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut open: Vec<Vec<&Outcome<'_>>> = Vec::new();
    for outcome in outcomes.iter().filter(|o| o.order == index) {
        match &outcome.verdict {
            Verdict::Silent => {}
            Verdict::Fires(action) => {
                findings.push(finding(&[outcome], *action, &[], facts, knowledge));
            }
            Verdict::CannotTell(action, missing) if !merges(outcome) => {
                findings.push(finding(&[outcome], *action, missing, facts, knowledge));
            }
            Verdict::CannotTell(..) => {
                let same = |group: &&mut Vec<&Outcome<'_>>| key(group[0]) == key(outcome);
                match open.iter_mut().find(same) {
                    Some(group) => group.push(outcome),
                    None => open.push(vec![outcome]),
                }
            }
        }
    }
    for mut group in open {
        group.sort_by_key(|o| std::cmp::Reverse(level(o, knowledge)));
        let Verdict::CannotTell(action, missing) = &group[0].verdict else { continue };
        findings.push(finding(&group, *action, missing, facts, knowledge));
    }
    findings
}

/// Only dose rows ask the same fact many times.
fn merges(outcome: &Outcome<'_>) -> bool {
    matches!(outcome.because, Because::Renal(_))
}

fn key<'o>(outcome: &'o Outcome<'_>) -> (&'o str, &'static str, Option<&'o str>) {
    let missing = match &outcome.verdict {
        Verdict::CannotTell(_, missing) => missing.first().map(|m| m.what.as_str()),
        _ => None,
    };
    (&outcome.drug.drug, outcome.row.topic().word(), missing)
}

fn level(outcome: &Outcome<'_>, knowledge: &Knowledge) -> Level {
    match &outcome.verdict {
        Verdict::Fires(action) | Verdict::CannotTell(action, _) => knowledge.policy.level(*action),
        Verdict::Silent => Level::Info,
    }
}

fn finding(
    group: &[&Outcome<'_>],
    action: Action,
    missing: &[Missing],
    facts: &Facts,
    knowledge: &Knowledge,
) -> Finding {
    let outcome = group[0];
    let order = &facts.orders[outcome.order];
    let row = outcome.row;
    let words = wording::of(group, missing, facts, knowledge);
    let level = open_level(outcome, action, missing, knowledge);
    let kind = Kind::of(row.topic());
    let label = outcome.drug.label(row.cite());
    let basis = unique(group.iter().flat_map(|o| o.found.clone()).collect());
    Finding {
        rule: row.id().get_ref().clone(),
        also: group[1..].iter().map(|o| o.row.id().get_ref().clone()).collect(),
        topic: row.topic(),
        level,
        drug: outcome.drug.drug.clone(),
        drug_name: outcome.drug.name.clone(),
        order: order.reference.clone(),
        text: words.text,
        short: words.short,
        advice: row.advice().to_owned(),
        basis,
        clears: words.clears,
        cite: Citation {
            source: label.map(|l| l.title.clone()).unwrap_or_default(),
            section: row.cite().section.clone(),
            quote: row.cite().quote.clone(),
            url: label.map(|l| l.url.clone()).unwrap_or_default(),
        },
        draft: row.is_draft(),
        unchecked: missing
            .iter()
            .map(|m| Unchecked { what: m.what.clone(), reason: m.reason.clone() })
            .collect(),
        kind,
        opens: opens(outcome, level, missing),
        tests: words.tests,
        says: words.says,
    }
}

/// A row that would stop the order is only a warning while its question is open.
fn open_level(
    outcome: &Outcome<'_>,
    action: Action,
    missing: &[Missing],
    knowledge: &Knowledge,
) -> Level {
    let level = knowledge.policy.level(action);
    let unknown = matches!(outcome.because, Because::Renal(_)) && !missing.is_empty();
    if unknown { level.min(Level::Warning) } else { level }
}

/// The reminder always opens its card, a warning its own; what could not be looked at joins another.
fn opens(outcome: &Outcome<'_>, level: Level, missing: &[Missing]) -> bool {
    // What was found counts, whatever else is open.
    match &outcome.because {
        Because::Boxed(_) => return true,
        Because::Screening(Standing::Found(_)) => return level >= Level::Warning,
        _ => {}
    }
    let looked_at = missing.first().is_none_or(|m| m.none_on_record || m.is_about_the_order());
    level >= Level::Warning && looked_at
}

impl Missing {
    /// The chart could be read; it is the order that leaves the question open.
    fn is_about_the_order(&self) -> bool {
        matches!(
            self.what.as_str(),
            "indication" | "induction or maintenance" | "form of the product" | "ordered dose"
        )
    }
}
