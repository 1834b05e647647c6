//! The ward-language cases of `fixtures/cases/`: every row fires once, stays silent once and cannot
//! tell once, and every limit is tried at, just under and just over.
//!
//! A case becomes a FHIR R4 order-sign request and walks through the whole house.

mod support;

use jakcard::knowledge::{Confidence, Drug, Jurisdiction, RenalMeasure, Row};
use jakcard::rules::Verdict;
use jakcard::terminology::decimal::Range;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use support::cases::{Case, cases, verdicts};
use support::knowledge;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Fires,
    Silent,
    CannotTell,
}

impl From<&Verdict> for Answer {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Fires(_) => Answer::Fires,
            Verdict::Silent => Answer::Silent,
            Verdict::CannotTell(..) => Answer::CannotTell,
        }
    }
}

fn expected(case: &Case) -> impl Iterator<Item = (&String, Answer)> {
    let fires = case.fires.iter().map(|id| (id, Answer::Fires));
    let silent = case.silent.iter().map(|id| (id, Answer::Silent));
    let open = case.cannot_tell.iter().map(|id| (id, Answer::CannotTell));
    fires.chain(silent).chain(open)
}

#[test]
fn every_case_comes_out_as_it_is_written() {
    let mut wrong = Vec::new();
    for (file, case) in cases() {
        let verdicts = verdicts(&case, knowledge());
        for (id, wanted) in expected(&case) {
            let found = verdicts.get(id).map(Answer::from);
            if found != Some(wanted) {
                let detail = verdicts.get(id);
                wrong.push(format!(
                    "{file}: {}\n    {id}: wanted {wanted:?}, found {detail:?}",
                    case.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_case_is_as_loud_as_it_is_written() {
    let mut checked = 0;
    for (file, case) in cases().into_iter().filter(|(_, c)| !c.loud.is_empty()) {
        let verdicts = verdicts(&case, knowledge());
        for (id, wanted) in &case.loud {
            let action = match verdicts.get(id) {
                Some(Verdict::Fires(action) | Verdict::CannotTell(action, _)) => *action,
                other => panic!("{file}: {}: {id} is {other:?}", case.name),
            };
            let found = jakcard::cards::indicator(knowledge().policy.level(action));
            assert_eq!(found.word(), wanted, "{file}: {}: {id}", case.name);
            checked += 1;
        }
    }
    assert!(checked > 15, "only {checked} are written");
}

#[test]
fn every_row_fires_once_stays_silent_once_and_cannot_tell_once() {
    let mut seen: BTreeSet<(String, &str)> = BTreeSet::new();
    for (_, case) in cases() {
        for (id, answer) in expected(&case) {
            let word = match answer {
                Answer::Fires => "fires",
                Answer::Silent => "silent",
                Answer::CannotTell => "cannot tell",
            };
            seen.insert((id.clone(), word));
        }
    }
    let mut missing = Vec::new();
    for drug in &knowledge().drugs {
        for (row, words) in rows_and_words(drug) {
            let id = row.id().get_ref();
            for word in words {
                if !seen.contains(&(id.clone(), *word)) {
                    missing.push(format!("{id}: no case in which it {word}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{} missing:\n{}", missing.len(), missing.join("\n"));
}

/// The warning and the missing label need no patient data: there is nothing that silences them.
fn rows_and_words(drug: &Drug) -> Vec<(&dyn Row, &'static [&'static str])> {
    let mut all: Vec<(&dyn Row, &'static [&'static str])> = Vec::new();
    all.extend(drug.boxed_warning.iter().map(|r| (r as &dyn Row, &["fires", "cannot tell"][..])));
    let three: &[&str] = &["fires", "silent", "cannot tell"];
    all.extend(drug.screening.iter().map(|r| (r as &dyn Row, three)));
    all.extend(drug.renal_dose.iter().map(|r| (r as &dyn Row, three)));
    all.extend(drug.no_label.iter().map(|r| (r as &dyn Row, &["fires"][..])));
    all.retain(|(row, _)| row.cite().confidence != Confidence::C && row.withdrawn().is_none());
    all
}

#[test]
fn every_renal_and_platelet_limit_is_tried_at_just_under_and_just_over() {
    let mut tried: BTreeMap<(String, &str), Vec<Decimal>> = BTreeMap::new();
    for (_, case) in cases() {
        for (id, _) in expected(&case) {
            for lab in ["egfr", "creatinine-clearance", "platelets"] {
                let values = case.numbers(lab);
                tried.entry((id.clone(), lab)).or_default().extend(values);
            }
        }
    }
    let mut missing = Vec::new();
    for drug in &knowledge().drugs {
        for row in drug.renal_dose.iter().filter(|r| r.speaks()) {
            let measure = match row.measure {
                RenalMeasure::Egfr => "egfr",
                RenalMeasure::CreatinineClearance => "creatinine-clearance",
            };
            let mut ends: Vec<(&str, Decimal)> =
                range_ends(&row.value).map(|end| (measure, end)).collect();
            if let Some(platelets) = &row.applies.platelets {
                ends.extend(range_ends(platelets).map(|end| ("platelets", end)));
            }
            for (lab, end) in ends {
                let id = row.id.get_ref().clone();
                let values = tried.get(&(id.clone(), lab)).cloned().unwrap_or_default();
                let one = Decimal::ONE;
                let under = values.iter().any(|v| *v < end && *v > end - one);
                let over = values.iter().any(|v| *v > end && *v < end + one);
                for (there, what) in
                    [(values.contains(&end), "at"), (under, "just under"), (over, "just over")]
                {
                    if !there {
                        missing.push(format!("{id}: no case {what} {lab} {end}"));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "{} missing:\n{}", missing.len(), missing.join("\n"));
}

fn range_ends(range: &Range) -> impl Iterator<Item = Decimal> {
    [range.from, range.above, range.to, range.below].into_iter().flatten().map(|n| n.0)
}

#[test]
fn every_case_file_is_about_a_drug_and_names_its_rows() {
    let known: BTreeSet<String> = knowledge()
        .drugs
        .iter()
        .flat_map(|d| d.rows().map(|r| r.id().get_ref().clone()).collect::<Vec<_>>())
        .collect();
    for (file, case) in cases() {
        for (id, _) in expected(&case) {
            assert!(known.contains(id), "{file}: {}: `{id}` is no row", case.name);
        }
        assert!(expected(&case).count() > 0, "{file}: {}: the case expects nothing", case.name);
    }
    let files: BTreeSet<String> = cases().into_iter().map(|(f, _)| f).collect();
    for drug in &knowledge().drugs {
        assert!(files.contains(&format!("{}.toml", drug.drug)), "{} has no case file", drug.drug);
    }
}

#[test]
fn a_worse_kidney_never_weakens_a_finding() {
    // Threats D14: every unit of clearance from 120 down to 0, for every indication and jurisdiction.
    for drug in &knowledge().drugs {
        for jurisdiction in [Jurisdiction::Us, Jurisdiction::Eu] {
            for indication in &drug.indications {
                let mut worst = None;
                for value in (0..=120).rev() {
                    let level = support::cases::renal_level(
                        drug,
                        indication.get_ref(),
                        jurisdiction,
                        Decimal::from(value),
                        knowledge(),
                    );
                    assert!(
                        level >= worst,
                        "{} for {} in {jurisdiction:?}: {level:?} at {value}, {worst:?} above it",
                        drug.drug,
                        indication.get_ref()
                    );
                    worst = level;
                }
            }
        }
    }
}
