//! What would clear a finding, in words.

use super::super::kind::capitalised;
use super::{listed, values};
use crate::facts::unique;
use crate::knowledge::{ChildPugh, Knowledge, Topic, VaccineKind};
use crate::rules::{Change, Outcome};
use crate::terminology::decimal::Range;

/// What would clear a group of outcomes that make one finding: all that each of them needs.
pub fn of_group(group: &[&Outcome<'_>], knowledge: &Knowledge) -> Option<String> {
    if let [one] = group {
        return words(&one.clears, knowledge);
    }
    // Several limits that wait for one fact are told by that fact; several counts are all needed.
    if group[0].row.topic() != Topic::Cytopenia {
        return None;
    }
    let parts: Vec<String> =
        group.iter().filter_map(|o| Some(one(o.clears.first()?, knowledge))).collect();
    (parts.len() == group.len()).then(|| capitalised(&listed(&unique(parts))))
}

/// One sentence of alternatives; none where nothing can clear the finding.
fn words(changes: &[Change], knowledge: &Knowledge) -> Option<String> {
    let parts: Vec<String> = changes.iter().map(|c| one(c, knowledge)).collect();
    let parts: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    (!parts.is_empty()).then(|| capitalised(&parts.join(", or ")))
}

fn one(change: &Change, knowledge: &Knowledge) -> String {
    let titles = |ids: &[String]| -> String {
        let labs = &knowledge.terminology.labs;
        let title = |id: &String| labs.get(id).map_or_else(|| id.clone(), |l| l.title.clone());
        listed(&ids.iter().map(title).collect::<Vec<_>>())
    };
    let titles_of = |id: &String| titles(std::slice::from_ref(id));
    match change {
        // A share of the dose otherwise given is no dose of its own.
        Change::Dose { words, relative: true, .. } => words.clone(),
        Change::Dose { words, .. } => format!("a dose of {words}"),
        Change::RenalFunction { measure, band } => {
            format!("{} {}", values::measure(*measure), better(band, values::unit(*measure)))
        }
        Change::LiverClass(classes) => format!("Child-Pugh class {}", others(classes)),
        Change::Result { lab, band, times_upper_limit } => {
            let unit = match times_upper_limit {
                true => "times the upper limit of normal",
                false => unit(lab, knowledge),
            };
            format!("{} {}", titles_of(lab), outside(band, unit))
        }
        Change::Fall { lab, band } => {
            let lab_title = titles_of(lab);
            format!("{lab_title} that has fallen by {}", less(band, unit(lab, knowledge)))
        }
        Change::Phenotype { lab, not } => {
            let table = &knowledge.terminology.conditions;
            let titles = not.iter().filter_map(|id| table.get(id).map(|c| c.title.clone()));
            let lab = titles_of(lab);
            format!("{lab} on record that is not: {}", listed(&titles.collect::<Vec<_>>()))
        }
        Change::Recorded(ids) => format!("a current result of {}", titles(ids)),
        Change::Negative(ids) if ids.iter().any(|id| id == "hcv-rna") => {
            format!("{} not detected", titles(ids))
        }
        Change::Negative(ids) => format!("negative {}", titles(ids)),
        Change::NegativeTuberculosisTest(months) => {
            format!("a negative TB test of the last {months} months")
        }
        Change::TuberculosisTreated(days) => {
            format!("{days} days of preventive treatment on record")
        }
        Change::Stopped(names) => {
            let plain = |n: &String| n.trim_end_matches(", ordered with it").to_owned();
            format!("without {}", listed(&unique(names.iter().map(plain).collect())))
        }
        Change::Resolved(concepts) => {
            let table = &knowledge.terminology.conditions;
            let title = |id: &String| table.get(id).map(|c| c.title.clone());
            let titles: Vec<String> = concepts.iter().filter_map(title).collect();
            match titles.len() {
                0 => String::new(),
                1 => format!("{} resolved", titles[0]),
                _ => "the infection resolved on the problem list".to_owned(),
            }
        }
        Change::NotPregnant => "a later negative pregnancy test".to_owned(),
        Change::PregnancyKnown => "a pregnancy test or status on record".to_owned(),
        Change::NotBreastFeeding => "a later answer that she is not breast-feeding".to_owned(),
        Change::Vaccinated(VaccineKind::Zoster, doses) => {
            format!("{doses} doses of recombinant zoster vaccine on record")
        }
        Change::Vaccinated(VaccineKind::Live, _) => String::new(),
        Change::Waited(day) => format!("a start on {day} or later"),
    }
}

fn unit<'k>(lab: &str, knowledge: &'k Knowledge) -> &'k str {
    let lab = knowledge.terminology.labs.get(lab);
    lab.and_then(|l| l.unit_text.as_deref().or(l.unit.as_deref())).unwrap_or_default()
}

/// A better renal function, just across the upper end of the band.
fn better(band: &Range, unit: &str) -> String {
    match (band.to, band.below) {
        (Some(to), _) => format!("above {} {unit}", to.0.normalize()),
        (None, Some(below)) => format!("of {} {unit} or more", below.0.normalize()),
        (None, None) => format!("outside {}", values::band(band, unit)),
    }
}

/// Across the end of the band that is on the way to normal: a floor is left upwards, a ceiling
/// downwards.
fn outside(band: &Range, unit: &str) -> String {
    match (band.from, band.above) {
        _ if band.to.is_some() || band.below.is_some() => better(band, unit),
        (Some(from), _) => format!("below {} {unit}", from.0.normalize()),
        (None, Some(above)) => format!("of {} {unit} or less", above.0.normalize()),
        (None, None) => format!("outside {}", values::band(band, unit)),
    }
}

fn less(band: &Range, unit: &str) -> String {
    match (band.from, band.above) {
        (Some(from), _) => format!("less than {} {unit}", from.0.normalize()),
        (None, Some(above)) => format!("no more than {} {unit}", above.0.normalize()),
        (None, None) => format!("less than {}", values::band(band, unit)),
    }
}

/// The classes that are better than all of these.
fn others(classes: &[ChildPugh]) -> String {
    let all = [(ChildPugh::A, "A"), (ChildPugh::B, "B"), (ChildPugh::C, "C")];
    let better = all.iter().filter(|(c, _)| classes.iter().all(|worse| c < worse));
    let better: Vec<&str> = better.map(|(_, name)| *name).collect();
    match better.is_empty() {
        true => "that no longer applies: no liver disease on record".to_owned(),
        false => better.join(" or "),
    }
}
