//! What does one result say: a number in the unit of the table, positive or negative, a concept?

use super::lab::Value;
use super::qualitative;
use crate::ehr::lab_of;
use crate::fhir::Json;
use crate::fhir::types::{CodeableConcept, Quantity};
use crate::fhir::views::RangeView;
use crate::terminology::Terminology;
use crate::terminology::decimal::{self, Number, Range};
use crate::terminology::labs::{Answer, Lab, ResultKind};
use crate::terminology::results::Meaning;
use rust_decimal::Decimal;

/// An Observation or one of its components.
pub(super) struct Part<'a> {
    pub code: Option<Json<'a>>,
    pub quantity: Option<Json<'a>>,
    pub concept: Option<Json<'a>>,
    pub string: Option<Json<'a>>,
    pub integer: Option<Json<'a>>,
    pub boolean: Option<Json<'a>>,
    pub interpretation: Option<Json<'a>>,
    pub absent: Option<Json<'a>>,
    /// A kind of value that nobody reads.
    pub other: Option<Json<'a>>,
    pub reference_range: Option<Json<'a>>,
}

impl<'a> Part<'a> {
    /// The test that it is a result of, and the code that told it.
    pub fn lab<'t>(&self, terminology: &'t Terminology) -> Option<(&'t Lab, String)> {
        lab_of(self.code?, &terminology.labs)
    }

    /// What the part says, and how it was printed; `None` when it says nothing at all.
    pub fn value(&self, lab: &Lab, terminology: &Terminology) -> Option<(Value, String)> {
        if self.other.is_some() {
            let printed = "a kind of value that is not read".to_owned();
            return Some((Value::Unreadable("its kind of value is not read"), printed));
        }
        match lab.result {
            ResultKind::Quantity => self.number(lab, terminology),
            ResultKind::Coded => self.concepts(lab, terminology),
            ResultKind::Qualitative | ResultKind::Thresholded | ResultKind::ViralLoad => {
                self.meaning(lab, terminology)
            }
        }
    }

    /// The one upper limit of the reference ranges; several that differ tell none. Read only of a test whose
    /// limits are in the table: no row asks for those of another (`knowledge/words.rs`).
    pub fn upper_limit(&self, lab: &Lab, terminology: &Terminology) -> Option<Decimal> {
        lab.upper_limit?;
        let ranges = self.reference_range.map(Json::items).unwrap_or_default();
        // A range for treatment, or for a group of people, is not that of the healthy.
        let normal = |range: &RangeView<'_>| {
            range.kind().map(CodeableConcept::read).is_none_or(|kind| kind.has_code(&["normal"]))
        };
        let ranges = ranges.into_iter().filter_map(RangeView::read).filter(normal);
        let mut highs = ranges.filter_map(|range| {
            let high = Quantity::read(range.high()?)?;
            let mut units: Vec<&str> = high.units().collect();
            let own = if units.is_empty() { self.quantity.and_then(Quantity::read) } else { None };
            units.extend(own.iter().flat_map(Quantity::units));
            match in_unit(Range::exactly(high.value?), &units, lab, terminology) {
                Value::Number(range) => range.exact(),
                _ => None,
            }
        });
        let first = highs.next().filter(|high| *high > Decimal::ZERO)?;
        highs.all(|high| high == first).then_some(first)
    }

    fn number(&self, lab: &Lab, terminology: &Terminology) -> Option<(Value, String)> {
        if let Some(quantity) = self.quantity.and_then(Quantity::read) {
            let Some(value) = quantity.value else {
                let given = self.absent.is_none();
                return given
                    .then(|| (Value::Unreadable("its number cannot be read"), "no number".into()));
            };
            let comparator = quantity.comparator.as_deref();
            let unit = quantity.units().last().unwrap_or_default();
            let printed = print(comparator, value, unit);
            let Some(range) = compared(comparator, value) else {
                return Some((Value::Unreadable("its comparator cannot be used"), printed));
            };
            let mut units: Vec<&str> = quantity.units().collect();
            units.dedup();
            return Some((in_unit(range, &units, lab, terminology), printed));
        }
        let text = match (self.string, self.integer) {
            (Some(string), _) => string.string()?.into_owned(),
            (None, Some(integer)) => integer.text().to_owned(),
            _ => return None,
        };
        let Some((comparator, value, unit)) = written_number(&text) else {
            return Some((Value::Unreadable("it is not a number"), text));
        };
        let range = compared(comparator, value)?;
        Some((in_unit(range, &[unit], lab, terminology), text))
    }

    /// Codes first, then whole answers in words, then yes and no.
    fn concepts(&self, lab: &Lab, terminology: &Terminology) -> Option<(Value, String)> {
        let string = self.string.and_then(Json::string);
        let concept = self
            .concept
            .map(CodeableConcept::read)
            .unwrap_or_else(|| CodeableConcept { text: string, ..CodeableConcept::default() });
        let flag = self.boolean.and_then(Json::boolean);
        let table = &terminology.conditions;
        let found = super::condition::concepts(&concept, table);
        // A bare code is shown by its name in the table.
        let named = || found.first().and_then(|(id, _)| table.get(id)).map(|c| c.title.clone());
        let written = concept.words().find(|w| !w.trim().is_empty()).map(str::to_owned);
        let printed = written
            .or_else(named)
            .or_else(|| concept.label().map(str::to_owned))
            .or(flag.map(|f| f.to_string()))?;
        let mut ids: Vec<String> = found.into_iter().map(|(id, _)| id).collect();
        if ids.is_empty() {
            let said = |answer: &&Answer| {
                let words = concept.words().map(|w| w.trim().trim_end_matches('.').to_lowercase());
                flag.is_some_and(|f| answer.boolean == Some(f))
                    || words.into_iter().any(|w| answer.words.contains(&w))
            };
            ids.extend(lab.answers.iter().find(said).map(|answer| answer.concept.clone()));
        }
        let value = match ids.is_empty() {
            true => Value::Unreadable("its answer is in no table"),
            false => Value::Concepts(ids),
        };
        Some((value, printed))
    }

    /// Codes first, then the interpretation, then numbers, then words.
    fn meaning(&self, lab: &Lab, terminology: &Terminology) -> Option<(Value, String)> {
        let answer = self.concept.map(CodeableConcept::read).unwrap_or_default();
        let interpretation = self.interpretation.map(CodeableConcept::read).unwrap_or_default();
        let string = self.string.and_then(Json::string);
        let number = self.quantity.and_then(Quantity::read).filter(|q| q.value.is_some());
        let printed = answer
            .label()
            .map(str::to_owned)
            .or_else(|| string.as_deref().map(str::to_owned))
            .or_else(|| {
                let q = number.as_ref()?;
                Some(print(q.comparator.as_deref(), q.value?, q.units().last().unwrap_or_default()))
            })
            .or_else(|| self.integer.map(|i| i.text().to_owned()))
            .or_else(|| self.boolean.map(|b| b.text().to_owned()))
            .or_else(|| interpretation.label().map(str::to_owned));
        let Some(printed) = printed else {
            let given = self.absent.is_some();
            return given.then(|| (Value::Unreadable("no value was given"), String::new()));
        };
        let load = lab.result == ResultKind::ViralLoad;
        let results = &terminology.results;
        let said: Vec<Meaning> = [
            qualitative::coded(&answer, results),
            answer.words().find_map(|w| results.by_text(w, load)),
            qualitative::coded_interpretation(&interpretation, lab, results),
            self.boolean.and_then(Json::boolean).map(Meaning::of),
            qualitative::by_number(number.as_ref(), self.integer, lab, terminology),
            string.as_deref().and_then(|s| qualitative::by_string(s, lab, terminology)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if said.contains(&Meaning::Positive) && said.contains(&Meaning::Negative) {
            return Some((Value::Unreadable("it says positive and negative at once"), printed));
        }
        let meaning = said.first().copied();
        Some(match meaning {
            Some(Meaning::Invalid) => (Value::NoResult, printed),
            Some(meaning) => (Value::Meaning(meaning), printed),
            None if number.is_some() || self.integer.is_some() => {
                (Value::Unreadable("it is a number without a verdict"), printed)
            }
            None => (Value::Unreadable("its words are in no table"), printed),
        })
    }
}

/// The band that a comparator and a number leave; `None` for a comparator without one.
pub fn compared(comparator: Option<&str>, value: Decimal) -> Option<Range> {
    let number = Some(Number(value));
    Some(match comparator.map(str::trim).unwrap_or_default() {
        "" => Range::exactly(value),
        "<" => Range { below: number, ..Range::default() },
        "<=" | "≤" => Range { to: number, ..Range::default() },
        ">" => Range { above: number, ..Range::default() },
        ">=" | "≥" => Range { from: number, ..Range::default() },
        _ => return None,
    })
}

/// The number of a text such as `1.6 mg/dL` or `>60`: comparator, number, unit.
pub fn written_number(text: &str) -> Option<(Option<&str>, Decimal, &str)> {
    let text = text.trim();
    let at = text.find(|c: char| c.is_ascii_digit())?;
    let comparator = text[..at].trim();
    if !["", "<", ">", "<=", ">=", "≤", "≥"].contains(&comparator) {
        return None;
    }
    let rest = &text[at..];
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let value = decimal::parse(&rest[..end])?;
    Some(((!comparator.is_empty()).then_some(comparator), value, rest[end..].trim()))
}

/// A band in the unit of the test.
fn in_unit(range: Range, units: &[&str], lab: &Lab, terminology: &Terminology) -> Value {
    let (Some(analyte), Some(to)) = (&lab.analyte, &lab.unit) else {
        return Value::Number(range);
    };
    let convert = |unit: &&str| {
        let one = |n: Option<Number>| match n {
            None => Some(None),
            Some(n) => terminology.units.convert(analyte, n.0, unit, to).map(|v| Some(Number(v))),
        };
        Some(Range {
            from: one(range.from)?,
            above: one(range.above)?,
            to: one(range.to)?,
            below: one(range.below)?,
        })
    };
    let mut converted: Vec<Range> = units.iter().filter_map(convert).collect();
    converted.dedup();
    match converted.first() {
        Some(_) if converted.len() > 1 => Value::Unreadable("its unit and its unit code disagree"),
        Some(range) if !possible(range, lab) => {
            Value::Unreadable("it is a number that nobody can have, in this unit")
        }
        Some(range) => Value::Number(*range),
        None if units.iter().all(|u| u.is_empty()) => Value::Unreadable("it has no unit"),
        None => Value::Unreadable("its unit does not convert"),
    }
}

/// Can a living patient have it?
fn possible(range: &Range, lab: &Lab) -> bool {
    match (range.exact(), lab.plausible) {
        (Some(value), Some(plausible)) => plausible.contains(value),
        _ => true,
    }
}

fn print(comparator: Option<&str>, value: Decimal, unit: &str) -> String {
    // An annotation is no unit: `{INR}`.
    let unit = if unit.starts_with('{') && unit.ends_with('}') { "" } else { unit };
    let text = format!("{}{value} {unit}", comparator.unwrap_or_default());
    match text.trim() {
        trimmed if trimmed.len() < text.len() => trimmed.to_owned(),
        _ => text,
    }
}
