//! The words of renal findings: the patient's value, the limit, the labelled dose, what is ordered.

use super::{Words, listed, values};
use crate::facts::Facts;
use crate::knowledge::{Action, Applies, Knowledge, Phase};
use crate::rules::{Because, Missing, Outcome, RenalVerdict, Verdict};

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
                clears: Some(format!("A dose of {dose}, or {}", outside(renal))),
                ..Words::default()
            }
        }
        None => Words {
            text: format!("{value}: {}. Renal function: {how}.{old}", verb(action, drug)),
            short: format!("{value}, {}", short_verb(action)),
            clears: Some(outside(renal)),
            ..Words::default()
        },
    }
}

/// The labelled dose without what follows in parentheses.
fn brief(dose: &str) -> &str {
    dose.split(" (").next().unwrap_or(dose)
}

/// A better renal function, just across the upper end of the band.
fn outside(renal: &RenalVerdict) -> String {
    let (measure, unit) = (values::measure(renal.measure), values::unit(renal.measure));
    match (renal.band.to, renal.band.below) {
        (Some(to), _) => format!("{measure} above {} {unit}", to.0.normalize()),
        (None, Some(below)) => format!("{measure} of {} {unit} or more", below.0.normalize()),
        (None, None) => format!("{measure} outside {}", values::band(&renal.band, unit)),
    }
}

/// What the label says of the drug here.
fn verb(action: Action, drug: &str) -> String {
    match action {
        Action::NotRecommended => format!("the label does not recommend {drug}"),
        Action::Avoid => format!("the label says avoid {drug}"),
        Action::Contraindicated => format!("the label contraindicates {drug}"),
        Action::NotStudied => {
            format!("{drug} has not been studied here and the label gives no dose")
        }
        _ => format!("the label restricts {drug}"),
    }
}

fn short_verb(action: Action) -> &'static str {
    match action {
        Action::NotRecommended => "not recommended by the label",
        Action::Avoid => "label says avoid",
        Action::Contraindicated => "contraindicated",
        Action::NotStudied => "not studied, no labelled dose",
        _ => "restricted by the label",
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
        let tests = if first.none_on_record { vec!["creatinine".to_owned()] } else { Vec::new() };
        let short = if first.none_on_record {
            "order creatinine: renal function unknown, and the dose depends on it".to_owned()
        } else {
            "renal function not checked".to_owned()
        };
        let clears = Some("A creatinine or an eGFR on record".to_owned());
        return Words { text, short, clears, tests, says: Vec::new() };
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

/// Whom a row is for: `for ulcerative colitis (induction)`.
fn whom(applies: &Applies, knowledge: &Knowledge) -> String {
    let titles: Vec<String> = applies
        .indication
        .iter()
        .map(|i| {
            let concept = knowledge.terminology.conditions.get(i.get_ref());
            concept.map_or_else(|| i.get_ref().clone(), |c| c.title.clone())
        })
        .collect();
    let mut notes = Vec::new();
    if let Some(phase) = applies.phase {
        notes.push(match phase {
            Phase::Induction => "induction".to_owned(),
            Phase::Maintenance => "maintenance".to_owned(),
        });
    }
    if let Some(platelets) = &applies.platelets {
        notes.push(format!("platelets {}", values::band(platelets, "×10⁹/L")));
    }
    if let Some(age) = &applies.age {
        notes.push(format!("age {}", values::band(age, "years")));
    }
    if let Some(weight) = &applies.weight {
        notes.push(format!("weight {}", values::band(weight, "kg")));
    }
    match applies.dialysis {
        Some(true) => notes.push("on dialysis".to_owned()),
        Some(false) => notes.push("not on dialysis".to_owned()),
        None => {}
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    match titles.is_empty() {
        true => notes.trim().to_owned(),
        false => format!("for {}{notes}", listed(&titles)),
    }
}
