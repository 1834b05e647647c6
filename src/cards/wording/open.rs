//! The words of findings that lack something: what is not known, why, and what waits for it.

use super::limits::{short_verb, whom};
use super::shown::{brief_seen, brief_test, class_names, limit_of, seen, title};
use super::{ORDER, Words, listed, values};
use crate::knowledge::{Action, ChildPugh, Knowledge, Topic};
use crate::rules::{Gap, Missing, Outcome, Verdict};

/// Something is not known.
pub fn words<'a>(
    group: &[&'a Outcome<'a>],
    missing: &[&'a Missing],
    action: Action,
    ordered: Option<&str>,
    knowledge: &Knowledge,
) -> Words<'a> {
    let outcome = group[0];
    let topic = outcome.row.topic();
    let whats: Vec<String> = missing.iter().map(|m| m.what.clone()).collect();
    let whats = listed(&whats);
    let why = missing.first().map_or("", |m| &*m.reason);
    let advice = outcome.row.advice();
    let of_chart = missing.iter().find(|m| m.gap == Gap::Chart);
    if topic == Topic::Cytopenia {
        return counts(group, missing, &whats, why, knowledge);
    }
    if let Some(gap) = of_chart {
        let title = title(topic);
        let lead = if outcome.tests.is_empty() { String::new() } else { format!(" {advice}") };
        return Words {
            text: format!(
                "{}: {} could not be checked ({}).{lead}",
                super::capitalised(title),
                gap.what,
                gap.reason
            ),
            short: format!("{title} not checked"),
            unread: Some((title, &*gap.reason)),
            ..Words::default()
        };
    }
    let none = missing.iter().all(|m| m.gap == Gap::NoneOnRecord);
    if let (true, Some(test)) = (none, outcome.tests.first()) {
        let test = knowledge.terminology.labs.get(test).map(|l| l.title.clone());
        let test = test.unwrap_or_else(|| whats.clone());
        let text = format!("{}: none on record. {advice}", super::capitalised(&whats));
        return Words { text, short: format!("{ORDER}{test}"), ..Words::default() };
    }
    let seen = seen(outcome, knowledge);
    let brief = brief_seen(outcome, knowledge);
    if group.iter().any(|o| o.labelled_dose.is_some()) || topic == Topic::Hepatic {
        let lead = if brief.is_empty() { String::new() } else { format!("{seen}: ") };
        let ordered = ordered.map(super::capitalised).map(|o| format!(" {o}."));
        let ordered = ordered.unwrap_or_default();
        let limits = limits(group, knowledge).join("; ");
        let text =
            format!("{lead}what the label gives depends on {whats} ({why}): {limits}.{ordered}");
        let short = match brief.is_empty() {
            true => format!("dose depends on {whats}"),
            false => format!("{brief}, dose depends on {whats}"),
        };
        return Words { text, short, ..Words::default() };
    }
    if let Some(gap) = missing.iter().find(|m| m.gap == Gap::Value) {
        let text = format!("{seen}: not known is {} ({}). {advice}", gap.what, gap.reason);
        let short = match brief.starts_with(&gap.what) {
            true => format!("{brief}, {}", gap.reason),
            false => format!("{brief}, {} not known", gap.what),
        };
        return Words { text, short, ..Words::default() };
    }
    let lead = if seen.is_empty() { String::new() } else { format!("{seen}: ") };
    let text = format!("{lead}{advice} Not known: {whats} ({why}).");
    let brief = if brief.is_empty() { title(topic).to_owned() } else { brief };
    Words { text, short: format!("{brief}, {}", short_verb(action)), ..Words::default() }
}

/// Blood counts that are missing: the limits that wait for them.
fn counts(
    group: &[&Outcome<'_>],
    missing: &[&Missing],
    whats: &str,
    why: &str,
    knowledge: &Knowledge,
) -> Words<'static> {
    let drug = &group[0].drug.name;
    let limit = |o: &&Outcome<'_>| {
        let row = limit_of(o)?;
        let lab = knowledge.terminology.labs.get(row.lab.get_ref())?;
        let unit = lab.unit_text.as_deref().or(lab.unit.as_deref()).unwrap_or_default();
        Some(format!("{} {}", lab.title, values::band(row.value.as_ref()?, unit)))
    };
    let limits: Vec<String> = group.iter().filter_map(limit).collect();
    let limits = match limits.is_empty() {
        true => String::new(),
        false => format!(" The label's limits for {drug}: {}.", limits.join("; ")),
    };
    let none = missing.iter().all(|m| m.gap == Gap::NoneOnRecord);
    let test = group.iter().flat_map(|o| &o.tests).next();
    let test = test.and_then(|id| knowledge.terminology.labs.get(id)).filter(|_| none);
    match test {
        Some(test) => Words {
            text: format!("{}: none on record.{limits}", super::capitalised(whats)),
            short: format!("{ORDER}{}", brief_test(&test.title)),
            ..Words::default()
        },
        None => Words {
            text: match seen(group[0], knowledge) {
                shown if shown.is_empty() => {
                    format!("{} could not be checked ({why}).{limits}", super::capitalised(whats))
                }
                shown => format!("{shown}: {whats} could not be checked ({why}).{limits}"),
            },
            short: "blood counts not checked".to_owned(),
            ..Words::default()
        },
    }
}

/// What each row of a group allows, each limit once.
fn limits(group: &[&Outcome<'_>], knowledge: &Knowledge) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for outcome in group {
        let Verdict::CannotTell(action, _) = &outcome.verdict else { continue };
        let for_whom = outcome.row.applies().map(|a| whom(a, knowledge)).unwrap_or_default();
        let class = match hepatic_classes(outcome) {
            Some(classes) => format!("in Child-Pugh class {}", class_names(&classes, " or ")),
            None => String::new(),
        };
        let given = outcome.labelled_dose.clone().unwrap_or_else(|| short_verb(*action).to_owned());
        let parts: Vec<String> =
            [for_whom, class, given].into_iter().filter(|p| !p.is_empty()).collect();
        let line = parts.join(", ");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn hepatic_classes(outcome: &Outcome<'_>) -> Option<Vec<ChildPugh>> {
    let row = outcome.drug.hepatic.iter().find(|r| &r.id == outcome.row.id())?;
    Some(row.class.clone())
}
