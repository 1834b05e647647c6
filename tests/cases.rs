//! The ward-language cases of `fixtures/cases/`: every row fires once, stays silent once and cannot
//! tell once, and every limit is tried at, just under and just over.
//!
//! A case becomes a FHIR R4 order-sign request and walks through the whole house.

mod support;

use jakcard::knowledge::{Drug, Jurisdiction, RenalMeasure, Row, Topic};
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
    let mut wrong = Vec::new();
    for (file, case) in cases().into_iter().filter(|(_, c)| !c.loud.is_empty()) {
        let verdicts = verdicts(&case, knowledge());
        for (id, wanted) in &case.loud {
            let found = match verdicts.get(id) {
                Some(Verdict::Fires(action) | Verdict::CannotTell(action, _)) => {
                    jakcard::cards::indicator(knowledge().policy.level(*action)).word()
                }
                _ => "silent",
            };
            if found != wanted {
                wrong.push(format!(
                    "{file}: {}\n    {id}: wanted {wanted}, found {found}",
                    case.name
                ));
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
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
    let words = |row: &dyn Row| -> &'static [&'static str] {
        match row.topic() {
            Topic::BoxedWarning => &["fires", "cannot tell"],
            Topic::NoLabel => &["fires"],
            _ => &["fires", "silent", "cannot tell"],
        }
    };
    drug.rows().filter(|row| row.speaks()).map(|row| (row, words(row))).collect()
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

#[test]
fn every_count_and_age_limit_is_tried_at_just_under_and_just_over() {
    // Counts are printed with one decimal or two, ages in years.
    let near = |lab: &str| match lab {
        "age" | "platelets" | "weight" => Decimal::ONE,
        "hemoglobin" => Decimal::ONE,
        _ => Decimal::new(15, 2),
    };
    let mut tried: BTreeMap<(String, String), Vec<Decimal>> = BTreeMap::new();
    for (_, case) in cases() {
        for (id, _) in expected(&case) {
            for lab in case.labs.keys() {
                let values = case.numbers(lab);
                tried.entry((id.clone(), lab.clone())).or_default().extend(values);
            }
            tried.entry((id.clone(), "age".to_owned())).or_default().extend(case.age());
        }
    }
    let mut missing = Vec::new();
    for drug in &knowledge().drugs {
        let counts = drug.lab_limit.iter().filter(|r| r.speaks() && !r.times_upper_limit);
        let counts = counts.filter_map(|r| Some((&r.id, r.lab.get_ref().as_str(), r.value?)));
        let ages = drug.max_dose.iter().filter(|r| r.speaks());
        let ages = ages.filter_map(|r| Some((&r.id, "age", r.applies.age?)));
        let weights = drug.max_dose.iter().filter(|r| r.speaks());
        let weights = weights.filter_map(|r| Some((&r.id, "weight", r.applies.weight?)));
        for (id, lab, band) in counts.chain(ages).chain(weights) {
            let values = tried.get(&(id.get_ref().clone(), lab.to_owned()));
            let values = values.cloned().unwrap_or_default();
            for end in range_ends(&band) {
                let step = near(lab);
                let under = values.iter().any(|v| *v < end && *v >= end - step);
                let over = values.iter().any(|v| *v > end && *v <= end + step);
                for (there, what) in
                    [(values.contains(&end), "at"), (under, "just under"), (over, "just over")]
                {
                    if !there {
                        missing.push(format!("{}: no case {what} {lab} {end}", id.get_ref()));
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
