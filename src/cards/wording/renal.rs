//! The words of renal findings: the patient's value, the limit, the labelled dose, what is ordered.

use super::limits::{brief, short_verb, whom};
use super::{ORDER, Words, capitalised, listed, values};
use crate::facts::{Facts, Known, RenalSource};
use crate::knowledge::{Action, Knowledge};
use crate::rules::renal_dose::RENAL_FUNCTION;
use crate::rules::{Because, Gap, Missing, Outcome, RenalVerdict, Verdict};

/// The words of one renal finding; a group shares what it lacks.
pub fn words<'a>(
    group: &[&'a Outcome<'a>],
    missing: &[&'a Missing],
    facts: &Facts,
    knowledge: &Knowledge,
) -> Words<'a> {
    let outcome = group[0];
    let Because::Renal(renal) = &outcome.because else { return Words::default() };
    let ordered = values::given(&facts.orders[outcome.order]);
    // On dialysis the time of the dose matters, too.
    let dialysis = matches!(facts.dialysis(), Known::Is(true));
    if renal.only_stale {
        return stale(outcome, renal, knowledge);
    }
    match (missing.first(), &outcome.verdict) {
        (None, Verdict::Fires(action)) => {
            fires(outcome, renal, *action, ordered.as_deref(), dialysis)
        }
        (Some(first), _) => open(group, renal, first, missing, ordered.as_deref(), knowledge),
        _ => Words::default(),
    }
}

fn fires(
    outcome: &Outcome<'_>,
    renal: &RenalVerdict,
    action: Action,
    ordered: Option<&str>,
    dialysis: bool,
) -> Words<'static> {
    let Some(function) = &renal.function else { return Words::default() };
    let value = values::function(function, &renal.ends);
    let how = values::derivation(function);
    let drug = &outcome.drug.name;
    let advice = outcome.row.advice();
    let relative = outcome.drug.renal_dose.iter().any(|r| &r.id == outcome.row.id() && r.relative);
    let old = if function.stale { " This result is old." } else { "" };
    match &renal.labelled_dose {
        Some(dose) => {
            let given = ordered.map(|o| format!("; {o}")).unwrap_or_default();
            let more = if relative || dialysis { format!(" {advice}") } else { String::new() };
            Words {
                text: format!(
                    "{value}: the label recommends {drug} {dose}{given}.{more} Renal function: {how}.{old}"
                ),
                short: format!("{value}, label gives {}{given}", brief(dose)),
                ..Words::default()
            }
        }
        None => Words {
            text: format!("{value}: {advice} Renal function: {how}.{old}"),
            short: format!("{value}, {}", short_verb(action)),
            ..Words::default()
        },
    }
}

fn stale(outcome: &Outcome<'_>, renal: &RenalVerdict, knowledge: &Knowledge) -> Words<'static> {
    let Some(function) = &renal.function else { return Words::default() };
    let months = knowledge.policy.windows.renal_months;
    let value = values::function(function, &renal.ends);
    let when = function.date.map_or_else(|| "undated".to_owned(), |d| d.to_string());
    Words {
        text: format!(
            "{value} is from a result older than {months} months ({when}); the dose of {} depends on it.",
            outcome.drug.name
        ),
        short: format!("renal function is from {when}"),
        clears: Some(format!("A creatinine of the last {months} months")),
        tests: vec!["creatinine"],
        ..Words::default()
    }
}

/// Something is not known: the finding states the limits instead of a verdict.
fn open(
    group: &[&Outcome<'_>],
    renal: &RenalVerdict,
    first: &Missing,
    missing: &[&Missing],
    ordered: Option<&str>,
    knowledge: &Knowledge,
) -> Words<'static> {
    let drug = &group[0].drug.name;
    let limits: Vec<String> = limits(group, renal, knowledge);
    let limits = limits.join("; ");
    let ordered = ordered.map(|o| format!(" {}.", capitalised(o))).unwrap_or_default();
    if let (RENAL_FUNCTION, Some(function)) = (first.what.as_str(), &renal.function) {
        // A stage of the problem list, or a result such as ">30", that lies on both sides of a limit.
        let value = values::function(function, &renal.ends);
        let stage = function.source == RenalSource::ProblemList;
        return Words {
            text: format!(
                "{value}: this leaves open whether a limit is passed. The label limits {drug}: {limits}.{ordered}"
            ),
            short: match stage {
                true => format!("{ORDER}creatinine: {value} leaves the dose open"),
                false => format!("{value} leaves the dose open"),
            },
            clears: Some("A creatinine or an eGFR on record".to_owned()),
            tests: if stage { vec!["creatinine"] } else { Vec::new() },
            ..Words::default()
        };
    }
    if first.what == RENAL_FUNCTION {
        let text = format!(
            "Renal function is not known ({}). The label limits {drug}: {limits}.{ordered}",
            first.reason
        );
        let none = first.gap == Gap::NoneOnRecord;
        let tests = if none { vec!["creatinine"] } else { Vec::new() };
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
    let how = renal.function.as_deref().map(values::derivation).unwrap_or_default();
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
    // With a function that lies on both sides of a limit the band is told.
    let open = |o: &Outcome<'_>| match &o.verdict {
        Verdict::CannotTell(_, missing) => missing.iter().any(|m| m.what == RENAL_FUNCTION),
        _ => false,
    };
    let known = lead.function.is_some() && !group.iter().any(|o| open(o));
    let mut lines: Vec<String> = Vec::new();
    for outcome in group {
        let (Because::Renal(renal), Verdict::CannotTell(action, _)) =
            (&outcome.because, &outcome.verdict)
        else {
            continue;
        };
        let whom = outcome.row.applies().map(|a| whom(a, knowledge)).unwrap_or_default();
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
