//! The words of findings that need no more than the row and what was found: values first, then what
//! the label says, then what is ordered.

use super::limits::{brief, short_verb, verb, whom};
use super::{ORDER, Words, listed, values};
use crate::facts::{Evidence, Facts, LiverFunction, Role};
use crate::knowledge::{Action, ChildPugh, Knowledge, LabLimit, Topic};
use crate::rules::{Because, Gap, Missing, Outcome, Verdict};
use crate::terminology::Range;

/// The words of one finding; a group shares what it lacks.
pub fn words(
    group: &[&Outcome<'_>],
    missing: &[Missing],
    facts: &Facts,
    knowledge: &Knowledge,
) -> Words {
    let outcome = group[0];
    let order = &facts.orders[outcome.order];
    let given = match (values::dose(&order.dose), &order.role) {
        (None, _) => None,
        (Some(dose), Role::Ordered) => Some(format!("ordered {dose}")),
        (Some(dose), Role::Beside | Role::Taken) => Some(format!("the patient takes {dose}")),
    };
    let ordered = given;
    let mut words = match (missing.is_empty(), &outcome.verdict) {
        (true, Verdict::Fires(action)) => fires(outcome, *action, ordered.as_deref(), knowledge),
        (false, Verdict::CannotTell(action, _)) => {
            open(group, missing, *action, ordered.as_deref(), knowledge)
        }
        _ => Words::default(),
    };
    if order.role == Role::Beside {
        let said = super::capitalised(&words.text);
        words.text = format!("The patient takes {}. {said}", outcome.drug.name);
        words.text = words.text.replace(", ordered with it", "");
        words.short = words.short.replace("the patient takes", "on the list:");
    }
    // A test that could not be looked for is not ordered.
    let seen = missing.iter().all(|m| m.gap != Gap::Chart);
    words.tests = group.iter().filter(|_| seen).flat_map(|o| o.tests.clone()).collect();
    words.tests.dedup();
    words
}

fn fires(
    outcome: &Outcome<'_>,
    action: Action,
    ordered: Option<&str>,
    knowledge: &Knowledge,
) -> Words {
    let drug = &outcome.drug.name;
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
                |d| format!("last on {}", d.text()),
            );
            (
                format!("{test}: {last}, due by {due}. {advice}"),
                format!("{} due since {due}", brief_test(&test)),
            )
        }
        (Because::Hepatic(_), _, None) => (
            format!("{what}: {}. {advice}", verb(action, drug)),
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
            format!("{what}: older than {months} months; the label asks for it before the start."),
            format!("{} is old", panel(outcome, knowledge)),
        ),
        (_, Topic::ZosterVaccine, _) => {
            let doses = match outcome.found.len() {
                0 => "no dose on record".to_owned(),
                n => format!("{n} dose on record"),
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
        ) if knowledge.policy.level(action) < crate::knowledge::Level::Critical
            && !outcome.drug.boxed_warning.is_empty() =>
        {
            (format!("{what}: {advice}"), String::new())
        }
        _ => {
            let brief = brief_seen(outcome, knowledge);
            let whom = outcome.row.applies().map(|a| whom(a, knowledge)).unwrap_or_default();
            // A row without evidence of its own is about whom it is for.
            let lead = if what.is_empty() { String::new() } else { format!("{what}: ") };
            let brief = if brief.is_empty() { whom } else { brief };
            let verb = short_verb(action);
            (format!("{lead}{advice}"), format!("{brief}, {verb}").trim_matches([',', ' ']).to_owned())
        }
    };
    Words { text, short, ..Words::default() }
}

/// Something is not known.
fn open(
    group: &[&Outcome<'_>],
    missing: &[Missing],
    action: Action,
    ordered: Option<&str>,
    knowledge: &Knowledge,
) -> Words {
    let outcome = group[0];
    let topic = outcome.row.topic();
    let whats: Vec<String> = missing.iter().map(|m| m.what.clone()).collect();
    let whats = listed(&whats);
    let why = missing.first().map_or("", |m| m.reason.as_str());
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
            unread: Some((title, gap.reason.clone())),
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
            true => format!("dose limit depends on {whats}"),
            false => format!("{brief}, dose depends on {whats}"),
        };
        return Words { text, short, ..Words::default() };
    }
    let text = format!("{seen}: {advice} Not known: {whats} ({why}).");
    Words { text, short: format!("{brief}, {}", short_verb(action)), ..Words::default() }
}

/// Blood counts that are missing: the limits that wait for them.
fn counts(
    group: &[&Outcome<'_>],
    missing: &[Missing],
    whats: &str,
    why: &str,
    knowledge: &Knowledge,
) -> Words {
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
            text: format!("{} could not be checked ({why}).{limits}", super::capitalised(whats)),
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

/// What was found, with values and dates.
fn seen(outcome: &Outcome<'_>, knowledge: &Knowledge) -> String {
    if let Because::Hepatic(Some(liver)) = &outcome.because {
        return liver_words(liver);
    }
    let mut found: Vec<String> = own(outcome, knowledge).map(values::evidence).collect();
    found.truncate(MOST_SHOWN);
    if let Some(limit) = limit_of(outcome) {
        let limit = limit_words(limit, knowledge);
        return format!("{}, {limit}", listed(&found));
    }
    listed(&found)
}

/// Items that one sentence can hold.
const MOST_SHOWN: usize = 4;

/// The same in a few words.
fn brief_seen(outcome: &Outcome<'_>, knowledge: &Knowledge) -> String {
    if let Because::Hepatic(Some(liver)) = &outcome.because {
        return format!("Child-Pugh {}", class_names(&liver.classes, " or "));
    }
    if limit_of(outcome).is_some() {
        let first = own(outcome, knowledge).next();
        return first.map_or_else(String::new, |e| {
            format!(
                "{} {}",
                e.what,
                e.value.as_deref().map(super::super::markdown::plain).unwrap_or_default()
            )
        });
    }
    let names = own(outcome, knowledge).map(|e| {
        let what = e.what.trim_end_matches(", ordered with it");
        match &e.value {
            Some(value) => format!("{what} {}", super::super::markdown::plain(value)),
            None => what.to_owned(),
        }
    });
    let mut names = crate::facts::unique(names.collect());
    names.truncate(2);
    listed(&names)
}

/// What was found, without what only tells the indication.
fn own<'o>(
    outcome: &'o Outcome<'_>,
    knowledge: &'o Knowledge,
) -> impl Iterator<Item = &'o Evidence> {
    let indications = outcome.row.applies().map(|a| a.indication.clone()).unwrap_or_default();
    let table = &knowledge.terminology.conditions;
    let titles: Vec<&str> = indications
        .iter()
        .filter_map(|i| table.get(i.get_ref()).map(|c| c.title.as_str()))
        .collect();
    let tells_indication =
        move |what: &str| what.starts_with("ordered for ") || titles.contains(&what);
    outcome.found.iter().filter(move |e| !tells_indication(&e.what))
}

fn liver_words(liver: &LiverFunction) -> String {
    let names = class_names(&liver.classes, " or ");
    let basis: Vec<String> = liver.basis.iter().map(values::evidence).collect();
    let basis = listed(&basis);
    match liver.points {
        None => format!("Child-Pugh {names} on record ({basis})"),
        Some((least, most)) if least == most => {
            format!("Child-Pugh {names}, added up to {least} points from {basis}")
        }
        Some((least, most)) => {
            format!("Child-Pugh {names}, added up to {least} to {most} points from {basis}")
        }
    }
}

fn class_names(classes: &[ChildPugh], with: &str) -> String {
    let names: Vec<&str> = classes
        .iter()
        .map(|class| match class {
            ChildPugh::A => "A",
            ChildPugh::B => "B",
            ChildPugh::C => "C",
        })
        .collect();
    names.join(with)
}

fn limit_of<'k>(outcome: &Outcome<'k>) -> Option<&'k LabLimit> {
    outcome.drug.lab_limit.iter().find(|r| &r.id == outcome.row.id())
}

/// `below the label's limit of 0.5 ×10⁹/L`.
fn limit_words(limit: &LabLimit, knowledge: &Knowledge) -> String {
    let lab = knowledge.terminology.labs.get(limit.lab.get_ref());
    let unit = match limit.times_upper_limit {
        true => "times the upper limit of normal",
        false => lab.and_then(|l| l.unit_text.as_deref().or(l.unit.as_deref())).unwrap_or_default(),
    };
    if let Some(fall) = &limit.fall {
        let by = fall.above.or(fall.from).map(|n| n.0.normalize().to_string());
        return format!("a fall of more than {} {unit}", by.unwrap_or_default());
    }
    match limit.value {
        Some(Range { below: Some(below), from: None, above: None, to: None }) => {
            format!("below the label's limit of {} {unit}", below.0.normalize())
        }
        Some(Range { above: Some(above), from: None, to: None, below: None }) => {
            format!("above the label's limit of {} {unit}", above.0.normalize())
        }
        Some(value) => format!("in the label's range of {}", values::band(&value, unit)),
        None => String::new(),
    }
}

/// `complete blood count with differential` in short.
fn brief_test(title: &str) -> &str {
    title.split(" with ").next().unwrap_or(title)
}

/// The test to order, by its name.
fn panel(outcome: &Outcome<'_>, knowledge: &Knowledge) -> String {
    let test = outcome.tests.first().and_then(|id| knowledge.terminology.labs.get(id));
    test.map_or_else(|| "check".to_owned(), |lab| lab.title.clone())
}

fn spaced(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" {text}") }
}

/// A topic, inside a sentence.
fn title(topic: Topic) -> &'static str {
    match topic {
        Topic::Hepatic => "liver function",
        Topic::Cytopenia => "blood counts",
        Topic::Interaction => "interactions",
        Topic::DuplicateTherapy => "a second JAK inhibitor",
        Topic::Pregnancy => "pregnancy and breast-feeding",
        Topic::LiveVaccine => "live vaccines",
        Topic::ZosterVaccine => "zoster vaccine",
        Topic::ActiveInfection => "active infection",
        Topic::Malignancy => "malignancy",
        Topic::Cardiovascular => "cardiovascular risk",
        Topic::Thrombosis => "thrombosis",
        Topic::Age65 => "age",
        Topic::Hypoglycemia => "hypoglycaemia",
        Topic::Lipids => "lipids",
        Topic::MaxDose => "the maximum dose",
        Topic::Monitoring => "monitoring",
        _ => "a check",
    }
}
