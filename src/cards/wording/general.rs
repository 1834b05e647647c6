//! The words of findings that need no more than the row and what was found: values first, then what
//! the label says, then what is ordered.

use super::limits::{brief, short_verb, whom};
use super::shown::{brief_seen, brief_test, panel, seen, spaced};
use super::{DUE, ORDER, Words, open, values};
use crate::facts::{Facts, Role};
use crate::knowledge::{Action, Knowledge, Level, Topic};
use crate::rules::{Because, Change, Gap, Missing, Outcome, Verdict};

/// The words of one finding; a group shares what it lacks.
pub fn words<'a>(
    group: &[&'a Outcome<'a>],
    missing: &[&'a Missing],
    facts: &Facts,
    knowledge: &Knowledge,
) -> Words<'a> {
    let outcome = group[0];
    let order = &facts.orders[outcome.order];
    let ordered = values::given(order);
    let mut words = match (missing.is_empty(), &outcome.verdict) {
        (true, Verdict::Fires(action)) => fires(outcome, *action, ordered.as_deref(), knowledge),
        (false, Verdict::CannotTell(action, _)) => {
            open::words(group, missing, *action, ordered.as_deref(), knowledge)
        }
        _ => Words::default(),
    };
    // In an open chart there is no box whose summary names the risk.
    if order.role == Role::Taken && words.short.is_empty() {
        words.short = format!("{}, since the start", brief_seen(outcome, knowledge));
    }
    if order.role == Role::Beside {
        let said = super::capitalised(&words.text);
        words.text = format!("The patient takes {}. {said}", outcome.drug.name);
        words.text = words.text.replace(", ordered with it", "");
        words.short = words.short.replace("the patient takes", "on the list:");
    }
    // A test that could not be looked for is not ordered.
    let seen = missing.iter().all(|m| m.gap != Gap::Chart);
    words.tests =
        group.iter().filter(|_| seen).flat_map(|o| o.tests.iter().map(|t| &**t)).collect();
    words.tests.dedup();
    words
}

fn fires(
    outcome: &Outcome<'_>,
    action: Action,
    ordered: Option<&str>,
    knowledge: &Knowledge,
) -> Words<'static> {
    let advice = outcome.row.advice();
    let what = seen(outcome, knowledge);
    let (text, short) = match (&outcome.because, outcome.row.topic(), &outcome.labelled_dose) {
        (_, Topic::MaxDose, Some(dose)) => {
            let ordered = ordered.unwrap_or("the ordered dose");
            let for_whom = outcome.row.applies().map(|a| whom(a, knowledge)).unwrap_or_default();
            let for_whom = spaced(&for_whom);
            (
                format!("{ordered}, above the label's maximum{for_whom}: {dose}. {advice}"),
                format!("{ordered}, label's maximum {}", brief(dose)),
            )
        }
        (_, _, Some(dose)) => {
            let given = ordered.map(super::capitalised).map(|o| format!(" {o}."));
            let short = ordered.map(|o| format!("; {o}")).unwrap_or_default();
            (
                format!("{what}: {advice}{}", given.unwrap_or_default()),
                format!("{}, label gives {}{short}", brief_seen(outcome, knowledge), brief(dose)),
            )
        }
        (Because::Check { last, due }, _, _) => {
            let test = panel(outcome, knowledge);
            let last = last.map_or_else(
                || "none on record since the start".to_owned(),
                |d| format!("last on {d}"),
            );
            (
                format!("{test}: {last}, due by {due}. {advice}"),
                format!("{}{DUE}{due}", brief_test(&test)),
            )
        }
        (Because::Hepatic(_), _, None) => (
            format!("{what}: {advice}"),
            format!("{}, {}", brief_seen(outcome, knowledge), short_verb(action)),
        ),
        (Because::Baseline, _, _) => {
            let test = panel(outcome, knowledge);
            (
                format!("{test}: no current result on record. {advice}"),
                format!("{ORDER}{}", brief_test(&test)),
            )
        }
        (Because::Stale(months), _, _) => (
            format!(
                "{what}: not of the last {months} months; the label's limits are held against it."
            ),
            format!("{} is old", panel(outcome, knowledge)),
        ),
        (Because::Doses(doses), ..) => {
            let doses = match doses {
                0 => "no dose on record".to_owned(),
                1 => "1 dose on record".to_owned(),
                n => format!("{n} doses on record"),
            };
            (
                format!("Recombinant zoster vaccine: {doses}. {advice}"),
                "zoster vaccine not complete".to_owned(),
            )
        }
        (_, Topic::Pregnancy, _) if outcome.found.is_empty() => (
            format!("Pregnancy status: none on record. {advice}"),
            format!("{ORDER}pregnancy test"),
        ),
        (_, Topic::Pregnancy, _) if knowledge.policy.level(action) < Level::Critical => (
            format!("{what}: {advice}"),
            format!("{}, not during treatment", brief_seen(outcome, knowledge)),
        ),
        (_, Topic::LiveVaccine, _) => (
            format!("{what}: {advice}"),
            format!("{}{}", brief_seen(outcome, knowledge), wait(outcome)),
        ),
        (_, Topic::DuplicateTherapy, _) => (
            format!("Second JAK inhibitor: {what}. {advice}"),
            format!("second JAK inhibitor: {}", brief_seen(outcome, knowledge)),
        ),
        // The summary of the box names its risks already.
        (
            _,
            Topic::Age65
            | Topic::Cardiovascular
            | Topic::Malignancy
            | Topic::Thrombosis
            | Topic::ActiveInfection,
            _,
        ) if knowledge.policy.level(action) < Level::Critical
            && !outcome.drug.boxed_warning.is_empty() =>
        {
            (format!("{what}: {advice}"), String::new())
        }
        _ => {
            let brief = brief_seen(outcome, knowledge);
            let whom = outcome.row.applies().map(|a| whom(a, knowledge)).unwrap_or_default();
            // A row without evidence of its own is about whom it is for.
            let lead = if what.is_empty() { String::new() } else { format!("{what}: ") };
            let brief =
                if brief.is_empty() { whom.trim_matches(['(', ')']).to_owned() } else { brief };
            let verb = short_verb(action);
            (
                format!("{lead}{advice}"),
                format!("{brief}, {verb}").trim_matches([',', ' ']).to_owned(),
            )
        }
    };
    Words { text, short, ..Words::default() }
}

/// Until when a live vaccine has the start wait; one that is ordered is not for this patient.
fn wait(outcome: &Outcome<'_>) -> String {
    let day = outcome.clears.iter().find_map(|change| match change {
        Change::Waited(day) => Some(day),
        _ => None,
    });
    day.map_or_else(|| ", label says avoid".to_owned(), |day| format!(", wait until {day}"))
}
