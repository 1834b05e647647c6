//! The draft, changed: the labelled dose of the same product, or the draft taken back.
//!
//! The resource is returned whole. What is changed is read again as any order is read; unless it
//! then says exactly the new dose, there is no suggestion and the advice stays in words.

use super::finding::Finding;
use super::ids::Ids;
use super::wording::values;
use crate::cds_hooks::{Action, ActionType, Suggestion};
use crate::facts::dose::{Dose, Regimen};
use crate::facts::{Order, sig};
use crate::fhir::Document;
use crate::fhir::views::MedicationOrder;
use crate::knowledge::{Level, Limit};
use regex::Regex;
use rust_decimal::Decimal;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// What would become of the draft, and the rule that asks for it.
pub struct Change<'a> {
    /// Id of the row.
    pub rule: &'a str,
    kind: ActionType,
    words: String,
    resource: Option<Box<RawValue>>,
    reference: Option<String>,
}

impl Change<'_> {
    /// As a suggestion.
    pub fn suggestion(&self, ids: &Ids) -> Suggestion {
        let name = match self.kind {
            ActionType::Delete => "delete",
            _ => "update",
        };
        Suggestion {
            label: self.words.clone(),
            uuid: ids.suggestion(name),
            actions: vec![Action {
                kind: self.kind,
                description: self.words.clone(),
                resource: self.resource.clone(),
                resource_id: self.reference.clone(),
            }],
        }
    }
}

/// The one change of an order: taken back where the label says do not use, else the strictest of all
/// its dose limits.
pub fn change<'a>(findings: &[Finding<'a>], order: &Order, continuing: bool) -> Option<Change<'a>> {
    let draft = order.draft.as_deref()?;
    if let Some(stop) = findings.iter().find(|f| f.stops) {
        // Who is on the drug is not taken off it by one click.
        if continuing {
            return None;
        }
        let reference = order.reference.clone();
        // A draft without an id cannot be named.
        return (!reference.contains('#')).then(|| Change {
            rule: stop.rule,
            kind: ActionType::Delete,
            words: format!("Remove the {} order", stop.drug_name),
            resource: None,
            reference: Some(reference),
        });
    }
    // Where something else stops the drug, no dose of it is offered; a draft without an id cannot be
    // named.
    let critical = findings.iter().any(|f| f.level == Level::Critical);
    if critical || order.reference.contains('#') {
        return None;
    }
    let ordered = only(&order.dose)?;
    let limited = findings.iter().filter_map(|f| Some((f, within(f.limit?, ordered)?)));
    let daily = |(_, regimen): &(&Finding<'_>, Regimen)| regimen.mg * regimen.times_per_day;
    let (finding, new) = limited.min_by_key(daily)?;
    // Of several limits, an order that meets one may still be above another's number of doses.
    let resource = changed(draft, order, ordered, new)?;
    let words = values::regimen(&new);
    Some(Change {
        rule: finding.rule,
        kind: ActionType::Update,
        words: format!("Change the {} order to {words}", finding.drug_name),
        resource: Some(resource),
        reference: None,
    })
}

/// The one regimen of a dose; several are changed by hand.
fn only(dose: &Dose) -> Option<Regimen> {
    match dose.regimens()?.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// The regimen that the label gives in place of the ordered one.
fn within(limit: Limit, ordered: Regimen) -> Option<Regimen> {
    let new = Regimen {
        mg: limit.mg.map_or(ordered.mg, |mg| mg.0),
        times_per_day: limit.times_per_day.0,
    };
    (new.mg * new.times_per_day < ordered.mg * ordered.times_per_day).then_some(new)
}

fn changed(draft: &str, order: &Order, old: Regimen, new: Regimen) -> Option<Box<RawValue>> {
    let strength = order.drug.strength?;
    // The same product: whole tablets, or any amount of a solution.
    let rest = new.mg.checked_rem(strength.mg.0)?;
    if strength.per.is_none() && !rest.is_zero() {
        return None;
    }
    let mut resource: Value = serde_json::from_str(draft).ok()?;
    if tells_the_dose_elsewhere(&resource) {
        return None;
    }
    let [dosage] = resource.get_mut("dosageInstruction")?.as_array_mut()?.as_mut_slice() else {
        return None;
    };
    let dosage = dosage.as_object_mut()?;
    let unreadable = [
        "patientInstruction",
        "additionalInstruction",
        "maxDosePerPeriod",
        "extension",
        "modifierExtension",
    ];
    let beside = |member: &String| unreadable.contains(&member.as_str()) || member.starts_with('_');
    if dosage.keys().any(beside) {
        return None;
    }
    if let Some(timing) = dosage.get_mut("timing") {
        retime(timing, old, new)?;
    }
    if old.mg != new.mg {
        redose(dosage, old, new)?;
    }
    if let Some(text) = dosage.get_mut("text") {
        *text = json!(rewrite(text.as_str()?, order, old, new)?);
    }
    redispense(&mut resource, old, new)?;
    let resource = to_raw_value(&resource).ok()?;
    says(&resource, order, new).then_some(resource)
}

/// Does the changed draft say just the new dose, in its structure and in its words?
fn says(resource: &RawValue, order: &Order, new: Regimen) -> bool {
    let Ok(document) = Document::read(resource.get()) else { return false };
    let view = MedicationOrder::read(document.root());
    view.is_some_and(|view| only(&Dose::read(&view, order.drug.strength)) == Some(new))
}

/// Doses per day.
fn retime(timing: &mut Value, old: Regimen, new: Regimen) -> Option<()> {
    if old.times_per_day == new.times_per_day {
        return Some(());
    }
    let timing = timing.as_object_mut()?;
    if timing.contains_key("code") || timing.contains_key("event") {
        return None;
    }
    let repeat = timing.get_mut("repeat")?.as_object_mut()?;
    let listed = [
        "when",
        "timeOfDay",
        "dayOfWeek",
        "offset",
        "frequencyMax",
        "periodMax",
        "count",
        "countMax",
    ];
    let beside = |member: &String| listed.contains(&member.as_str()) || member.starts_with('_');
    if repeat.keys().any(beside) {
        return None;
    }
    let times = u32::try_from(new.times_per_day).ok()?;
    if Decimal::from(times) != new.times_per_day {
        return None;
    }
    let unit = match repeat.contains_key("periodUnits") {
        true => "periodUnits",
        false => "periodUnit",
    };
    repeat.insert("frequency".to_owned(), json!(times));
    repeat.insert("period".to_owned(), json!(1));
    repeat.insert(unit.to_owned(), json!("d"));
    Some(())
}

/// The amount of one dose, wherever it stands.
fn redose(dosage: &mut serde_json::Map<String, Value>, old: Regimen, new: Regimen) -> Option<()> {
    let factor = new.mg.checked_div(old.mg)?;
    if let Some(rates) = dosage.get_mut("doseAndRate") {
        for rate in rates.as_array_mut()? {
            let rate = rate.as_object_mut()?;
            if rate.contains_key("doseRange") {
                return None;
            }
            scale(rate.get_mut("doseQuantity")?, factor)?;
        }
    }
    if dosage.contains_key("doseRange") {
        return None;
    }
    for member in ["doseQuantity", "doseSimpleQuantity"] {
        if let Some(quantity) = dosage.get_mut(member) {
            scale(quantity, factor)?;
        }
    }
    Some(())
}

/// What is dispensed lasts as long as before.
fn redispense(resource: &mut Value, old: Regimen, new: Regimen) -> Option<()> {
    let factor = (new.mg * new.times_per_day).checked_div(old.mg * old.times_per_day)?;
    let Some(request) = resource.get_mut("dispenseRequest") else { return Some(()) };
    if request.get("initialFill").is_some() {
        return None;
    }
    match request.get_mut("quantity") {
        Some(quantity) => {
            let value = scale(quantity, factor)?;
            value.fract().is_zero().then_some(())
        }
        None => Some(()),
    }
}

/// Multiplies the value of a Quantity, and tells the new one.
fn scale(quantity: &mut Value, factor: Decimal) -> Option<Decimal> {
    let value = quantity.get("value")?;
    let value: Decimal = value.as_number()?.to_string().parse().ok()?;
    let scaled = value.checked_mul(factor)?.normalize();
    let number: serde_json::Number = scaled.to_string().parse().ok()?;
    quantity.as_object_mut()?.insert("value".to_owned(), Value::Number(number));
    Some(scaled)
}

/// The narrative, a note with a number in it and a rendered instruction would go on telling the old
/// dose.
fn tells_the_dose_elsewhere(resource: &Value) -> bool {
    let digits = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    let notes = resource["note"].as_array().into_iter().flatten();
    let mut notes = notes.filter_map(|note| note["text"].as_str()).chain(resource["note"].as_str());
    resource.get("text").is_some()
        || resource.get("renderedDosageInstruction").is_some()
        || notes.any(digits)
}

/// Words that hold to the old number of doses: the times of the day, a course, a count of tablets.
static HOLDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:morning|evening|noon|midday|night|bedtime|breakfast|lunch|dinner|supper|am|pm|a\.m|p\.m|days?|weeks?|months?|dispense|disp|qty|quantity|then|hours)\b|#\s*\d|;",
    )
    .expect("a constant pattern")
});
static TIMES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:once|twice|one time|two times|2 times|three times)\s+(?:daily|a day|per day|each day|every day)\b|\b(?:bid|b\.i\.d\.?|qd|q\.d\.?|every 12 hours|q12h|every day|daily)\b",
    )
    .expect("a constant pattern")
});
static MILLIGRAMS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)(\d+(?:\.\d+)?)(\s*mg\b)").expect("a constant pattern"));

/// The words of the instruction with the new dose in place of the old; whatever else they say stays.
fn rewrite(text: &str, order: &Order, old: Regimen, new: Regimen) -> Option<String> {
    let mut text = text.to_owned();
    let without = TIMES.replace_all(&text, "");
    if HOLDS.is_match(&without) {
        return None;
    }
    if old.times_per_day != new.times_per_day {
        let found: Vec<_> = TIMES.find_iter(&text).map(|m| m.range()).collect();
        let [place] = found.as_slice() else { return None };
        text.replace_range(place.clone(), &values::times(new.times_per_day));
    }
    if old.mg != new.mg {
        let found: Vec<_> = MILLIGRAMS.captures_iter(&text).collect();
        let [one] = found.as_slice() else { return None };
        let number = one.get(1)?;
        if number.as_str().parse::<Decimal>().ok()? != old.mg {
            return None;
        }
        let place = number.range();
        text.replace_range(place, &new.mg.normalize().to_string());
    }
    let read = sig::read(&text, order.drug.strength);
    let wanted = |l: &crate::facts::DoseLine| {
        l.mg.is_none_or(|mg| mg == new.mg)
            && l.times_per_day.is_none_or(|times| times == new.times_per_day)
    };
    read.iter().all(wanted).then_some(text)
}
