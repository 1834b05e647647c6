//! Does a result mean positive, negative or neither?

use super::lab::{LabResult, Labs, Value};
use super::result::{compared, written_number};
use crate::fhir::Json;
use crate::fhir::types::{CodeableConcept, Quantity};
use crate::terminology::decimal::{Inside, Number, Range};
use crate::terminology::labs::{Control, Lab, ResultKind};
use crate::terminology::results::Meaning;
use crate::terminology::{Results, System, Terminology};
use rust_decimal::Decimal;

/// The meaning of a coded answer.
pub fn coded(answer: &CodeableConcept<'_>, results: &Results) -> Option<Meaning> {
    answer
        .codings
        .iter()
        .find_map(|c| results.by_code(System::of(c.system.as_deref()?)?, c.code.as_deref()?))
}

/// The meaning of an interpretation. High and abnormal mean positive on a yes-or-no test, whose number
/// is a signal of the machine; beside a number with a limit of its own, or a load, they say nothing.
/// Codes without a system are v2 codes.
pub fn coded_interpretation(
    interpretation: &CodeableConcept<'_>,
    lab: &Lab,
    results: &Results,
) -> Option<Meaning> {
    if lab.result == ResultKind::Thresholded {
        return None;
    }
    interpretation.codings.iter().find_map(|c| {
        let system = match c.system.as_deref() {
            None => System::Interpretation,
            Some(system) => System::of(system)?,
        };
        results.by_code(system, c.code.as_deref()?)
    })
}

/// The meaning of a number.
pub fn by_number(
    quantity: Option<&Quantity<'_>>,
    integer: Option<Json<'_>>,
    lab: &Lab,
    terminology: &Terminology,
) -> Option<Meaning> {
    let (comparator, value, units) = match (quantity, integer) {
        (Some(q), _) => (q.comparator.as_deref(), q.value?, q.units().collect::<Vec<_>>()),
        (None, Some(i)) => (None, i.decimal()?, vec![lab.unit.as_deref().unwrap_or_default()]),
        _ => return None,
    };
    number(comparator, value, &units, lab, terminology)
}

/// The meaning of words, or of a number written as words.
pub fn by_string(text: &str, lab: &Lab, terminology: &Terminology) -> Option<Meaning> {
    let by_words = terminology.results.by_text(text, lab.result == ResultKind::ViralLoad);
    let by_number = || {
        let (comparator, value, unit) = written_number(text)?;
        let unit = if unit.is_empty() { lab.unit.as_deref().unwrap_or_default() } else { unit };
        number(comparator, value, &[unit], lab, terminology)
    };
    match lab.result {
        ResultKind::Thresholded => by_number().or(by_words),
        _ => by_words.or_else(by_number),
    }
}

fn number(
    comparator: Option<&str>,
    value: Decimal,
    units: &[&str],
    lab: &Lab,
    terminology: &Terminology,
) -> Option<Meaning> {
    let range = compared(comparator, value)?;
    match lab.result {
        ResultKind::ViralLoad => match range.exact() {
            // Zero copies, or zero log units below the limit: nothing was found.
            Some(value) if value.is_zero() => Some(Meaning::Negative),
            Some(_) => Some(Meaning::Positive),
            None if range.below.or(range.to).is_some() => Some(Meaning::Negative),
            None => Some(Meaning::Positive),
        },
        ResultKind::Thresholded => {
            let (analyte, to) = (lab.analyte.as_deref()?, lab.unit.as_deref()?);
            let factor = units
                .iter()
                .find_map(|u| terminology.units.convert(analyte, Decimal::ONE, u, to))?;
            let scaled = |n: Option<Number>| match n {
                None => Some(None),
                Some(n) => n.0.checked_mul(factor).map(|v| Some(Number(v))),
            };
            let range = Range {
                from: scaled(range.from)?,
                above: scaled(range.above)?,
                to: scaled(range.to)?,
                below: scaled(range.below)?,
            };
            let borderline = lab.borderline.map_or(Inside::No, |b| b.holds(&range));
            match (lab.positive?.holds(&range), borderline) {
                (Inside::Yes, _) => Some(Meaning::Positive),
                (Inside::No, Inside::No) => Some(Meaning::Negative),
                _ => Some(Meaning::Indeterminate),
            }
        }
        _ => None,
    }
}

/// Lets the controls of the same day speak: a negative without a mitogen control proves nothing, a
/// positive that is small against its nil control neither.
pub fn apply_controls(labs: &mut Labs, terminology: &Terminology) {
    for lab in terminology.labs.rows().iter().filter(|l| !l.controls.is_empty()) {
        let Some(mut results) = labs.results.remove(&lab.id) else { continue };
        for result in &mut results {
            for control in &lab.controls {
                apply(result, control, labs);
            }
        }
        labs.results.insert(lab.id.clone(), results);
    }
}

fn apply(result: &mut LabResult, control: &Control, labs: &Labs) {
    let Value::Meaning(meaning) = result.value else { return };
    let same_day = labs
        .results
        .get(&control.lab)
        .and_then(|controls| controls.iter().find(|c| c.date.is_some() && c.date == result.date));
    let Some(Value::Number(level)) = same_day.map(|c| &c.value) else {
        if control.needed_for_negative && meaning == Meaning::Negative {
            result.value = Value::Meaning(Meaning::Indeterminate);
        }
        return;
    };
    let too_small = || {
        let share = control.positive_share?.0 / Decimal::ONE_HUNDRED;
        let least = level.exact()?.checked_mul(share)?;
        let value = written_number(&result.printed).filter(|(c, _, _)| c.is_none())?.1;
        Some(value < least)
    };
    match control.adequate.holds(level) {
        Inside::Yes if meaning == Meaning::Positive && too_small() == Some(true) => {
            result.value = Value::Meaning(Meaning::Negative);
        }
        Inside::Yes => {}
        // An inadequate mitogen control matters only for a negative, a high nil for both.
        _ if meaning == Meaning::Negative || control.positive_share.is_some() => {
            result.value = Value::Meaning(Meaning::Indeterminate);
        }
        _ => {}
    }
}
