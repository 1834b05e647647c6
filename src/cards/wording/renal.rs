//! The words of renal findings: the patient's value, the limit, the labelled dose, what is ordered.

use super::limits::{brief, short_verb, verb, whom};
use super::{Words, listed, values};
use crate::facts::Facts;
use crate::knowledge::{Action, Knowledge};
use crate::rules::{Because, Gap, Missing, Outcome, RenalVerdict, Verdict};

/// The words of one renal finding; a group shares what it lacks.
pub fn words(
    group: &[&Outcome<'_>],
    missing: &[Missing],
    facts: &Facts,
    knowledge: &Knowledge,
) -> Words {
    let outcome = group[0];
    let Because::Renal(renal) = &outcome.because else { return Words::default() };
    let ordered = values::dose(&facts.orders[outcome.order].dose);
    if renal.only_stale {
        return stale(outcome, renal, knowledge);
    }
    match (missing.first(), &outcome.verdict) {
        (None, Verdict::Fires(action)) => fires(outcome, renal, *action, ordered.as_deref()),
        (Some(first), _) => open(group, renal, first, missing, ordered.as_deref(), knowledge),
        _ => Words::default(),
    }
}

fn fires(
    outcome: &Outcome<'_>,
    renal: &RenalVerdict,
    action: Action,
    ordered: Option<&str>,
) -> Words {
    let Some(function) = &renal.function else { return Words::default() };
    let value = values::function(function, &renal.ends);
    let how = values::derivation(function);
    let drug = &outcome.drug.name;
    let old = if function.stale { " This result is old." } else { "" };
    match &renal.labelled_dose {
        Some(dose) => {
            let given = ordered.map(|o| format!("; ordered {o}")).unwrap_or_default();
            Words {
                text: format!(
                    "{value}: the label recommends {drug} {dose}{given}. Renal function: {how}.{old}"
                ),
                short: format!("{value}, label gives {}{given}", brief(dose)),
                ..Words::default()
            }
        }
        None => Words {
            text: format!("{value}: {}. Renal function: {how}.{old}", verb(action, drug)),
            short: format!("{value}, {}", short_verb(action)),
            ..Words::default()
        },
    }
}

fn stale(outcome: &Outcome<'_>, renal: &RenalVerdict, knowledge: &Knowledge) -> Words {
    let Some(function) = &renal.function else { return Words::default() };
    let months = knowledge.policy.windows.renal_months;
    let value = values::function(function, &renal.ends);
    let when = function.date.map_or_else(|| "undated".to_owned(), |d| d.text());
    Words {
        text: format!(
            "{value} is from a result older than {months} months ({when}); the dose of {} depends on it.",
            outcome.drug.name
        ),
        short: format!("renal function is from {when}"),
        clears: Some(format!("A creatinine of the last {months} months")),
        tests: vec!["creatinine".to_owned()],
        ..Words::default()
    }
}

/// Something is not known: the finding states the limits instead of a verdict.
fn open(
    group: &[&Outcome<'_>],
    renal: &RenalVerdict,
    first: &Missing,
    missing: &[Missing],
    ordered: Option<&str>,
    knowledge: &Knowledge,
) -> Words {
    let drug = &group[0].drug.name;
    let limits: Vec<String> = limits(group, renal, knowledge);
    let limits = limits.join("; ");
    let ordered = ordered.map(|o| format!(" Ordered: {o}.")).unwrap_or_default();
    if first.what == "renal function" {
        let text = format!(
            "Renal function is not known ({}). The label limits {drug}: {limits}.{ordered}",
            first.reason
        );
        let none = first.gap == Gap::NoneOnRecord;
        let tests = if none { vec!["creatinine".to_owned()] } else { Vec::new() };
        let short = if none {
            "order creatinine: renal function unknown, and the dose depends on it".to_owned()
        } else {
            "renal function not checked".to_owned()
        };
        let clears = Some("A creatinine or an eGFR on record".to_owned());
        return Words { text, short, clears, tests, ..Words::default() };
    }
    let what: Vec<String> = missing.iter().map(|m| m.what.clone()).collect();
    let what = listed(&what);
    let value = renal.function.as_ref().map(|f| values::function(f, &renal.ends));
    let value = value.unwrap_or_else(|| "renal function".to_owned());
    let how = renal.function.as_ref().map(values::derivation).unwrap_or_default();
    Words {
        text: format!(
            "{value}: the label limits {drug}: {limits}.{ordered} Not known: {what} ({}). Renal function: {how}.",
            first.reason
        ),
        short: format!("{value}, dose limit depends on {what}"),
        ..Words::default()
    }
}

/// What each row of a group allows, each limit once.
fn limits(group: &[&Outcome<'_>], lead: &RenalVerdict, knowledge: &Knowledge) -> Vec<String> {
    let known = lead.function.is_some();
    let mut lines: Vec<String> = Vec::new();
    for outcome in group {
        let (Because::Renal(renal), Verdict::CannotTell(action, _)) =
            (&outcome.because, &outcome.verdict)
        else {
            continue;
        };
        let whom = whom(&renal.applies, knowledge);
        let band = match known {
            true => String::new(),
            false => format!(
                "at {} {}",
                values::measure(renal.measure),
                values::band(&renal.band, values::unit(renal.measure))
            ),
        };
        let given = match &renal.labelled_dose {
            Some(dose) => dose.clone(),
            None => short_verb(*action).to_owned(),
        };
        let parts: Vec<String> =
            [whom, band, given].into_iter().filter(|p| !p.is_empty()).collect();
        let line = parts.join(", ");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
