//! How much of the drug is ordered, how often?
//!
//! Structured first, the words of the sig last. What cannot be read is unknown, never once a day.

use super::sig;
use crate::fhir::Json;
use crate::fhir::types::{CodeableConcept, Quantity};
use crate::fhir::views::{Dosage, DoseAndRate, MedicationOrder, RangeView, Repeat, Timing};
use crate::knowledge::Phase;
use crate::terminology::products::{PerVolume, Strength};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// One instruction of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoseLine {
    /// Milligrams per dose; the higher of a range.
    pub mg: Option<Decimal>,
    /// Doses per day; the higher of a range.
    pub times_per_day: Option<Decimal>,
    /// Part of the course, where the words say it.
    pub phase: Option<Phase>,
    /// Instructions of one step run at the same time.
    pub step: Option<i64>,
    /// The words say that it is given after dialysis.
    pub after_dialysis: bool,
}

/// The dose of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dose {
    /// Its instructions; none when the order has none.
    pub lines: Vec<DoseLine>,
}

/// A dose and its frequency, both known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regimen {
    /// Milligrams per dose.
    pub mg: Decimal,
    /// Doses per day.
    pub times_per_day: Decimal,
}

impl Dose {
    /// Reads the dosage of an order.
    pub fn read(order: &MedicationOrder<'_>, strength: Option<Strength>) -> Dose {
        Dose { lines: order.dosages().flat_map(|d| lines(&d, strength)).collect() }
    }

    /// The regimens that are fully known; `None` when a part of the order cannot be read.
    pub fn regimens(&self) -> Option<Vec<Regimen>> {
        if self.lines.is_empty() {
            return None;
        }
        self.lines
            .iter()
            .map(|l| Some(Regimen { mg: l.mg?, times_per_day: l.times_per_day? }))
            .collect()
    }

    /// The most that is given in a day: instructions of one step are added.
    pub fn most_per_day(&self) -> Option<Decimal> {
        let of_line = |line: &DoseLine| line.mg?.checked_mul(line.times_per_day?);
        // Nearly every order is one line, and every limit asks.
        if let [line] = self.lines.as_slice() {
            return of_line(line);
        }
        let mut steps: BTreeMap<Option<i64>, Decimal> = BTreeMap::new();
        for line in &self.lines {
            let sum = steps.entry(line.step).or_insert(Decimal::ZERO);
            *sum = sum.checked_add(of_line(line)?)?;
        }
        steps.into_values().max()
    }

    /// The most doses that are given in a day.
    pub fn most_times(&self) -> Option<Decimal> {
        let mut times = self.lines.iter().map(|line| line.times_per_day);
        let first = times.next()??;
        times.try_fold(first, |most, times| Some(most.max(times?)))
    }

    /// Do the instructions say that every dose is given after dialysis? `None` without instructions.
    pub fn after_dialysis(&self) -> Option<bool> {
        (!self.lines.is_empty()).then(|| self.lines.iter().all(|l| l.after_dialysis))
    }

    /// The part of the course, when the instructions name one.
    pub fn phase(&self) -> Option<Phase> {
        let mut phases = self.lines.iter().filter_map(|l| l.phase);
        let first = phases.next()?;
        phases.all(|p| p == first).then_some(first)
    }
}

fn lines(dosage: &Dosage<'_>, strength: Option<Strength>) -> Vec<DoseLine> {
    let text = dosage.text().and_then(Json::string);
    let patient = dosage.patient_instruction().and_then(Json::string);
    let words = text.or(patient).unwrap_or_default();
    let mg = quantity(dosage).and_then(|q| milligrams(&q, strength));
    let times_per_day = dosage.timing().and_then(frequency);
    let step = dosage.sequence().and_then(Json::decimal).and_then(|d| i64::try_from(d).ok());
    let written = sig::read(&words, strength);
    let phase = sig::phase(&words);
    let after_dialysis = sig::after_dialysis(&words);
    if mg.is_some() || times_per_day.is_some() {
        // The words complete what the structure leaves out, when they are one instruction.
        let single = written.first().filter(|_| written.len() == 1);
        return vec![DoseLine {
            mg: agreed(mg, single.and_then(|l| l.mg)),
            times_per_day: agreed(times_per_day, single.and_then(|l| l.times_per_day)),
            phase,
            step,
            after_dialysis,
        }];
    }
    if written.is_empty() {
        return vec![DoseLine { phase, step, after_dialysis, ..DoseLine::default() }];
    }
    written
}

/// What structure and words say together: one completes the other, and a contradiction is unknown.
fn agreed(structured: Option<Decimal>, written: Option<Decimal>) -> Option<Decimal> {
    match (structured, written) {
        (Some(a), Some(b)) => (a == b).then_some(a),
        (one, other) => one.or(other),
    }
}

/// The dose of one instruction; of Epic's three, what was ordered.
fn quantity<'a>(dosage: &Dosage<'a>) -> Option<Quantity<'a>> {
    let rates = dosage.dose_and_rate().map(Json::items).unwrap_or_default();
    let mut rates: Vec<DoseAndRate<'a>> = rates.into_iter().filter_map(DoseAndRate::read).collect();
    rates.sort_by_key(|rate| {
        let kind = rate.kind().map(CodeableConcept::read).unwrap_or_default();
        match kind.codings.iter().find_map(|c| c.code.as_deref()).or(kind.text.as_deref()) {
            Some("ordered") => 0,
            Some("calculated") => 1,
            None => 2,
            Some(_) => 3,
        }
    });
    let in_rates = rates.into_iter().find_map(|rate| {
        rate.dose_quantity().and_then(Quantity::read).or_else(|| high(rate.dose_range()?))
    });
    in_rates
        .or_else(|| Quantity::read(dosage.dose_quantity().or(dosage.dose_simple_quantity())?))
        .or_else(|| high(dosage.dose_range()?))
}

fn high(range: Json<'_>) -> Option<Quantity<'_>> {
    let range = RangeView::read(range)?;
    range.high().or(range.low()).and_then(Quantity::read)
}

/// What one dose counts as.
enum DoseUnit {
    Milligrams(Decimal),
    Pieces,
    Millilitres,
}

fn dose_unit(unit: &str) -> Option<DoseUnit> {
    let unit = unit.trim().trim_matches(['{', '}']).to_lowercase();
    Some(match unit.as_str() {
        "mg" | "milligram" | "milligrams" => DoseUnit::Milligrams(Decimal::ONE),
        "g" | "gram" => DoseUnit::Milligrams(Decimal::ONE_THOUSAND),
        "ug" | "mcg" | "µg" | "microgram" => DoseUnit::Milligrams(Decimal::new(1, 3)),
        "tbl" | "tab" | "tabs" | "tablet" | "tablets" | "pill" | "cap" | "caps" | "capsule"
        | "capsules" | "1" | "each" | "tablet(s)" | "capsule(s)" => DoseUnit::Pieces,
        "ml" | "milliliter" | "millilitre" => DoseUnit::Millilitres,
        _ => return None,
    })
}

fn milligrams(quantity: &Quantity<'_>, strength: Option<Strength>) -> Option<Decimal> {
    let value = quantity.value.filter(|v| *v > Decimal::ZERO)?;
    if quantity.comparator.is_some() {
        return None;
    }
    match quantity.units().find_map(dose_unit)? {
        DoseUnit::Milligrams(factor) => value.checked_mul(factor),
        DoseUnit::Pieces => {
            strength.filter(|s| s.per.is_none()).and_then(|s| value.checked_mul(s.mg.0))
        }
        DoseUnit::Millilitres => strength
            .filter(|s| s.per == Some(PerVolume::Ml))
            .and_then(|s| value.checked_mul(s.mg.0)),
    }
}

/// Doses per day of a Timing, all releases.
fn frequency(timing: Json<'_>) -> Option<Decimal> {
    let timing = Timing::read(timing)?;
    let repeat = timing.repeat().and_then(Repeat::read);
    repeat.and_then(|r| repeated(&r)).or_else(|| {
        let code = CodeableConcept::read(timing.code()?);
        let codes = code.codings.iter().filter_map(|c| c.code.as_deref());
        codes.chain(code.words()).find_map(sig::times_per_day)
    })
}

fn repeated(repeat: &Repeat<'_>) -> Option<Decimal> {
    let number = |json: Option<Json<'_>>| json.and_then(Json::decimal);
    if repeat.day_of_week().is_some() {
        return None;
    }
    let counted = |json: Option<Json<'_>>| {
        json.map(|list| list.items().count()).filter(|n| *n > 0).map(Decimal::from)
    };
    let times = number(repeat.frequency_max()).or_else(|| number(repeat.frequency()));
    if let (None, None) = (times, repeat.period()) {
        return counted(repeat.time_of_day()).or_else(|| counted(repeat.when()));
    }
    let times = times.unwrap_or(Decimal::ONE);
    let period = number(repeat.period())?;
    if times <= Decimal::ZERO || period <= Decimal::ZERO {
        return None;
    }
    let unit = [repeat.period_unit(), repeat.period_units(), repeat.code(), repeat.unit()];
    let unit = unit.into_iter().flatten().find_map(Json::string)?;
    let days = match &*unit {
        "min" => period / Decimal::from(1440),
        "h" => period / Decimal::from(24),
        "d" | "day" | "days" => period,
        "wk" => period * Decimal::from(7),
        "mo" => period * Decimal::from(30),
        _ => return None,
    };
    let per_day = times.checked_div(days)?;
    // Times of the day that are listed and not counted: the order contradicts itself.
    let listed = counted(repeat.time_of_day()).or_else(|| counted(repeat.when()));
    listed.is_none_or(|n| n == per_day).then_some(per_day)
}
