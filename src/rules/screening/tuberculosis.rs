//! Tuberculosis: active, latent and treated, or tested within the window?
//!
//! Active disease outweighs all. A positive or latent finding asks for treatment on record; only
//! then for a negative test that is new enough.

use super::super::Question;
use super::reading::{Told, current, evidence, gap, lab, newest, title};
use super::{Reading, Standing};
use crate::facts::renal::within_months;
use crate::facts::{Evidence, LabResult, Shown};
use crate::fhir::FhirDate;
use crate::knowledge::ScreeningState;
use crate::terminology::results::Meaning;
use jiff::civil::Date;

/// Tests for tuberculosis, the ones that settle the question first.
const TESTS: &[&str] =
    &["igra", "igra-tb1", "igra-tb2", "tspot-esat6", "tspot-cfp10", "tst", "tst-status"];

/// Where the screening stands.
pub(super) fn read(question: Question<'_>) -> Reading {
    if let Some((_, active)) = current(question, &["tuberculosis.active"]) {
        return Reading::new(Standing::Found(ScreeningState::Active)).with(vec![active]);
    }
    let results = results(question);
    let latent = current(question, &["tuberculosis.latent"]);
    let history = past(question);
    let treatment = treatment(question);
    let newest_day = results.iter().filter_map(|r| r.date).max();
    let today_says = |meaning| {
        results
            .iter()
            .find(|r| r.meaning == meaning && r.date.is_none_or(|d| Some(d) == newest_day))
    };
    // A positive result of any day stays positive: the tests do not turn back.
    let positive_test = results.iter().find(|r| r.meaning == Meaning::Positive);
    if latent.is_some() || positive_test.is_some() || !history.is_empty() {
        let mut found: Vec<Evidence> = Vec::new();
        found.extend(positive_test.map(|r| r.evidence.clone()));
        found.extend(history);
        let standing = match treatment {
            Treatment::Enough(evidence) => {
                found.push(evidence);
                Standing::Complete
            }
            Treatment::Short(evidence) => {
                found.push(evidence);
                Standing::Found(ScreeningState::LatentUntreated)
            }
            Treatment::None if latent.is_some() => Standing::Found(ScreeningState::LatentUntreated),
            Treatment::None => Standing::Found(ScreeningState::Positive),
        };
        let mut reading = Reading::new(standing).with(found);
        let list = question.facts.medicines.state.why_open();
        if let (Standing::Found(_), Some(why)) = (&reading.standing, list) {
            reading.missing.push(gap("treatment on the medication list".to_owned(), why));
        }
        return reading;
    }
    if let Some(unread) = newer_unreadable(question, &results) {
        return unread;
    }
    let months = question.knowledge.policy.windows.tuberculosis_test_months;
    let today = question.facts.today;
    // Two tubes of one day: an indeterminate one leaves the sample open. An indeterminate result of
    // another day takes no negative one away.
    let unequivocal = |r: &&Result| {
        let same_day = |other: &&Result| other.date == r.date;
        !results.iter().filter(same_day).any(|other| other.meaning == Meaning::Indeterminate)
    };
    let negative = |r: &&Result| r.meaning == Meaning::Negative;
    let current = |r: &&Result| within_months(r.date, months, today);
    if let Some(negative) = results.iter().filter(negative).filter(unequivocal).find(current) {
        return Reading::new(Standing::Complete).with(vec![negative.evidence.clone()]);
    }
    if let Some(indeterminate) = today_says(Meaning::Indeterminate) {
        return Reading::new(Standing::Indeterminate).with(vec![indeterminate.evidence.clone()]);
    }
    if let Some(old) = results.iter().find(|r| r.meaning == Meaning::Negative) {
        let found = vec![old.evidence.clone()];
        return match question.continuing() {
            // Screening that was complete is not asked for again.
            true => Reading::new(Standing::Complete).with(found),
            false => Reading::new(Standing::TooOld(months)).with(found),
        };
    }
    nothing(question)
}

/// Every diagnosis that tells of an infection, now or ever. The tests stay positive after it, so that
/// treatment on record is asked for, and not another test.
fn past(question: Question<'_>) -> Vec<Evidence> {
    let concepts = [
        "tuberculosis.latent",
        "tuberculosis.positive-test",
        "tuberculosis.history",
        "tuberculosis.active",
    ];
    let conditions = &question.facts.conditions;
    let newest = |concept: &&'static str| {
        conditions.all(concept).max_by_key(|c| c.date).map(|c| c.evidence(concept))
    };
    concepts.iter().filter_map(newest).collect()
}

/// A newer result that cannot be read does not leave the floor to an older one.
fn newer_unreadable(question: Question<'_>, results: &[Result]) -> Option<Reading> {
    let readable = results.iter().filter_map(|r| r.date).map(|d| d.latest).max()?;
    TESTS.iter().find_map(|id| {
        let lab = lab(question, id)?;
        let result = question.facts.labs.decisive(id)?;
        let crate::facts::Value::Unreadable(why) = result.value else { return None };
        if result.date.is_none_or(|d| d.earliest <= readable) {
            return None;
        }
        let mut reading = Reading::new(Standing::Unknown).with(vec![result.evidence(lab)]);
        reading.missing.push(gap(lab.title.clone(), why));
        Some(reading)
    })
}

struct Result {
    meaning: Meaning,
    date: Option<FhirDate>,
    evidence: Evidence,
}

/// Every readable result of every test, newest first.
fn results(question: Question<'_>) -> Vec<Result> {
    let labs = &question.facts.labs.results;
    let mut all: Vec<Result> = Vec::new();
    for id in TESTS {
        let Some(lab) = lab(question, id) else { continue };
        let read = |result: &LabResult| match result.value {
            crate::facts::Value::Meaning(meaning) => {
                Some(Result { meaning, date: result.date, evidence: result.evidence(lab) })
            }
            _ => None,
        };
        all.extend(labs.get(*id).into_iter().flatten().filter_map(read));
    }
    all.sort_by_key(|r| std::cmp::Reverse(r.date.map(|d| d.latest)));
    all
}

enum Treatment {
    Enough(Evidence),
    Short(Evidence),
    None,
}

/// The longest preventive treatment on record.
fn treatment(question: Question<'_>) -> Treatment {
    let facts = question.facts;
    let days = i32::from(question.knowledge.policy.windows.tuberculosis_treatment_days);
    let mut short = None;
    let table = &question.knowledge.terminology.medicines;
    for medicine in facts.medicines.list.iter().filter(|m| m.sure) {
        let Some(substance) = medicine
            .substances
            .iter()
            .find(|id| table.get(id).is_some_and(|row| row.is("tuberculosis-treatment")))
        else {
            continue;
        };
        let shown = Evidence::from(Shown {
            what: substance.clone(),
            value: None,
            date: medicine.start,
            reference: medicine.reference.clone(),
            code: None,
        });
        // A course that goes on runs until today; one that was stopped, until a day that is told.
        let ended = medicine.end.map(|e| e.earliest.min(facts.today));
        let end = ended.or(medicine.active.then_some(facts.today));
        let length = medicine.start.zip(end).map(|(start, end)| length(start.latest, end));
        let enough = match length {
            Some(length) => length >= days,
            None => medicine.completed,
        };
        if enough {
            return Treatment::Enough(shown);
        }
        short = Some(shown);
    }
    short.map_or(Treatment::None, Treatment::Short)
}

fn length(from: Date, to: Date) -> i32 {
    from.until((jiff::Unit::Day, to)).map_or(0, |span| span.get_days())
}

/// No result: none on record, none readable, or not to be told.
fn nothing(question: Question<'_>) -> Reading {
    let mut reading = Reading::new(Standing::Missing(vec!["igra".to_owned()]));
    for id in TESTS {
        match newest(question, id) {
            Told::Unreadable(why, result) => {
                reading.standing = Standing::Unknown;
                reading.found.extend(evidence(question, id, result));
                reading.missing.push(gap(title(question, id), why));
            }
            Told::NotAvailable(why) if reading.missing.is_empty() => {
                reading.standing = Standing::Unknown;
                reading.missing.push(gap("tuberculosis tests".to_owned(), why));
            }
            _ => {}
        }
    }
    if reading.missing.is_empty() {
        reading.not_found.push("tuberculosis test".to_owned());
    }
    reading
}
