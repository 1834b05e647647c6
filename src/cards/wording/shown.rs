//! What was found, as findings print it: with values and dates in the text, in a few words in the
//! summary.

use super::{listed, values};
use crate::facts::{Evidence, LiverFunction};
use crate::knowledge::{Action, ChildPugh, Knowledge, LabLimit, Topic};
use crate::rules::{Because, Outcome, Verdict};
use crate::terminology::Range;

/// What was found, with values and dates.
pub fn seen(outcome: &Outcome<'_>, knowledge: &Knowledge) -> String {
    if let Because::Hepatic(Some(liver)) = &outcome.because {
        return liver_words(liver);
    }
    let found = own(outcome, knowledge).map(values::evidence).collect();
    let mut found: Vec<String> = crate::facts::unique(found);
    found.truncate(MOST_SHOWN);
    let beyond = matches!(outcome.verdict, Verdict::Fires(_))
        && !matches!(outcome.because, Because::Stale(_));
    let watched = matches!(outcome.verdict, Verdict::Fires(Action::Monitor));
    if let Some(limit) = limit_of(outcome).filter(|_| beyond && !watched) {
        let limit = limit_words(limit, knowledge);
        return format!("{}, {limit}", listed(&found));
    }
    listed(&found)
}

/// Items that one sentence can hold.
const MOST_SHOWN: usize = 4;

/// The same in a few words.
pub fn brief_seen(outcome: &Outcome<'_>, knowledge: &Knowledge) -> String {
    if let Because::Hepatic(Some(liver)) = &outcome.because {
        return format!("Child-Pugh {}", class_names(&liver.classes, " or "));
    }
    if let Some(limit) = limit_of(outcome) {
        let first = own(outcome, knowledge).next();
        let second = own(outcome, knowledge).nth(1).filter(|_| limit.fall.is_some());
        if let (Some(now), Some(before)) = (first, second) {
            let plain = |text: &String| super::super::markdown::plain(text).into_owned();
            let value = |e: &Evidence| e.value.as_ref().map(plain);
            let (now, before, what) = (value(now), value(before), &now.what);
            return format!(
                "{what} fallen from {} to {}",
                before.unwrap_or_default(),
                now.unwrap_or_default()
            );
        }
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
pub fn own<'o>(
    outcome: &'o Outcome<'_>,
    knowledge: &'o Knowledge,
) -> impl Iterator<Item = &'o Evidence> {
    let indications = outcome.row.applies().map(|a| a.indication.as_slice()).unwrap_or_default();
    let table = &knowledge.terminology.conditions;
    let titles: Vec<&str> = indications
        .iter()
        .filter_map(|i| table.get(i.get_ref()).map(|c| c.title.as_str()))
        .collect();
    let tells_indication =
        move |what: &str| what.starts_with("ordered for ") || titles.contains(&what);
    outcome.found.iter().filter(move |e| !tells_indication(&e.what))
}

pub fn liver_words(liver: &LiverFunction) -> String {
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

pub fn class_names(classes: &[ChildPugh], with: &str) -> String {
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

pub fn limit_of<'k>(outcome: &Outcome<'k>) -> Option<&'k LabLimit> {
    outcome.drug.lab_limit.iter().find(|r| &r.id == outcome.row.id())
}

/// `below the label's limit of 0.5 ×10⁹/L`.
pub fn limit_words(limit: &LabLimit, knowledge: &Knowledge) -> String {
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
pub fn brief_test(title: &str) -> &str {
    title.split(" with ").next().unwrap_or(title)
}

/// The test to order, by its name.
pub fn panel(outcome: &Outcome<'_>, knowledge: &Knowledge) -> String {
    let test = outcome.tests.first().and_then(|id| knowledge.terminology.labs.get(id));
    test.map_or_else(|| "check".to_owned(), |lab| lab.title.clone())
}

pub fn spaced(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" {text}") }
}

/// A topic, inside a sentence.
pub fn title(topic: Topic) -> &'static str {
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
