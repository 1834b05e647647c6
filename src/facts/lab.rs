//! Which results are on record, newest first, in the units of the tables?

use super::known::{Evidence, Known};
use super::qualitative;
use crate::ehr::{Chart, State};
use crate::fhir::types::{CodeableConcept, Coding, Quantity, local_reference};
use crate::fhir::views::{Component, Observation, Period, RangeView};
use crate::fhir::{FhirDate, Json};
use crate::terminology::decimal::{self, Number, Range};
use crate::terminology::labs::{Group, Lab, ResultKind};
use crate::terminology::results::Meaning;
use crate::terminology::{System, Terminology};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a result says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number in the unit of the table; a comparator makes it a band.
    Number(Range),
    /// Positive, negative, indeterminate.
    Meaning(Meaning),
    /// Concepts of the condition table (smoking status).
    Concepts(Vec<String>),
    /// It was sent and cannot be read.
    Unreadable(&'static str),
    /// The test was cancelled or the specimen unsuitable: as if it had not been done.
    NoResult,
}

/// One result.
#[derive(Clone, Debug)]
pub struct LabResult {
    /// What it says.
    pub value: Value,
    /// When the specimen was taken, else when the result was issued.
    pub date: Option<FhirDate>,
    /// The moment, where one was written: of one day the later result is the newer.
    pub moment: Option<Timestamp>,
    /// As the EHR wrote it.
    pub printed: String,
    /// LOINC code that told the test.
    pub code: String,
    /// `Observation/id`.
    pub reference: Option<String>,
    /// The upper limit of normal that came with it, in the unit of the table.
    pub upper_limit: Option<Decimal>,
}

impl LabResult {
    /// What a finding shows of it.
    pub fn evidence(&self, lab: &Lab) -> Evidence {
        Evidence {
            what: lab.title.clone(),
            value: Some(self.printed.clone()),
            date: self.date,
            reference: self.reference.clone(),
            code: Some(self.code.clone()),
        }
    }
}

/// A result that was sent and does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Id of the test.
    pub lab: String,
    /// Why.
    pub reason: &'static str,
    /// `Observation/id`.
    pub reference: Option<String>,
}

/// All results that a table knows.
#[derive(Clone, Debug, Default)]
pub struct Labs {
    /// By test, newest first.
    pub results: BTreeMap<String, Vec<LabResult>>,
    /// What the absence of a test means, by group.
    pub states: BTreeMap<Group, State>,
    /// Sent, and not counted.
    pub set_aside: Vec<SetAside>,
}

impl Labs {
    /// Reads the Observations of the chart.
    pub fn read(chart: &Chart<'_>, terminology: &Terminology, today: Date) -> Labs {
        let mut labs = Labs { states: chart.observation_states.clone(), ..Labs::default() };
        for json in &chart.observations {
            labs.observation(*json, terminology, today);
        }
        for results in labs.results.values_mut() {
            results.sort_by(|a, b| {
                let day = |r: &LabResult| (r.date.map(|d| (d.latest, d.earliest)), r.moment);
                let worse = |r: &LabResult| !matches!(r.value, Value::Meaning(Meaning::Positive));
                day(b)
                    .cmp(&day(a))
                    .then_with(|| worse(a).cmp(&worse(b)))
                    .then_with(|| a.reference.cmp(&b.reference))
            });
        }
        qualitative::apply_controls(&mut labs, terminology);
        labs
    }

    /// The newest result of a test.
    pub fn newest(&self, lab: &Lab) -> Known<&LabResult> {
        match self.decisive(&lab.id) {
            Some(result) => Known::Is(result),
            None => self.absent(lab),
        }
    }

    /// The result that decides: the newest, and of one day one that can be read. A newer result that
    /// cannot be read does not leave the floor to an older one, and a positive one that has no date
    /// may be newer than any other.
    pub fn decisive(&self, id: &str) -> Option<&LabResult> {
        let results = self.results.get(id)?;
        let newest = results.first()?;
        let positive = |r: &&LabResult| r.value == Value::Meaning(Meaning::Positive);
        if let Some(undated) = results.iter().filter(positive).find(|r| r.date.is_none()) {
            return Some(if positive(&newest) { newest } else { undated });
        }
        let same_day =
            results.iter().take_while(|r| r.date == newest.date && r.moment == newest.moment);
        let mut readable = same_day.filter(|r| !matches!(r.value, Value::Unreadable(_)));
        readable.next().or(Some(newest))
    }

    /// What it means that a test is not there.
    pub fn absent<T>(&self, lab: &Lab) -> Known<T> {
        match self.states.get(&lab.group).and_then(State::why_open) {
            Some(why) => Known::not_available(why),
            None if self.states.contains_key(&lab.group) => Known::NoneOnRecord,
            None => Known::not_available("not part of the request"),
        }
    }

    fn observation(&mut self, json: Json<'_>, terminology: &Terminology, today: Date) {
        let Some(view) = Observation::read(json) else { return };
        let reference = local_reference("Observation", view.id());
        let written = date_of(&view);
        let date = written.as_deref().and_then(FhirDate::parse);
        let moment = written.as_deref().and_then(FhirDate::instant);
        let status = view.status().and_then(Json::string);
        let reason = why_not(status.as_deref(), date, moment, today);
        let whole = Part {
            code: view.code(),
            quantity: view.value_quantity(),
            concept: view.value_codeable_concept(),
            string: view.value_string(),
            integer: view.value_integer(),
            boolean: view.value_boolean(),
            interpretation: view.interpretation(),
            absent: view.data_absent_reason(),
            other: view.value_ratio().or(view.value_range()).or(view.value_sampled_data()),
            reference_range: view.reference_range(),
        };
        let mut parts = vec![whole];
        for item in view.component().map(Json::items).unwrap_or_default() {
            let Some(c) = Component::read(item) else { continue };
            parts.push(Part {
                code: c.code(),
                quantity: c.value_quantity(),
                concept: c.value_codeable_concept(),
                string: c.value_string(),
                integer: c.value_integer(),
                boolean: c.value_boolean(),
                interpretation: c.interpretation(),
                absent: c.data_absent_reason(),
                other: c.value_ratio().or(c.value_range()),
                reference_range: c.reference_range(),
            });
        }
        for part in parts {
            let Some((lab, code)) = part.lab(terminology) else { continue };
            if let Some(reason) = reason {
                let set_aside =
                    SetAside { lab: lab.id.clone(), reason, reference: reference.clone() };
                self.set_aside.push(set_aside);
                continue;
            }
            let Some((value, printed)) = part.value(lab, terminology) else { continue };
            let reference = reference.clone();
            if value == Value::NoResult {
                let reason = "the test gave no result";
                self.set_aside.push(SetAside { lab: lab.id.clone(), reason, reference });
                continue;
            }
            let upper_limit = part.upper_limit(lab, terminology);
            let result = LabResult { value, date, moment, printed, code, reference, upper_limit };
            self.results.entry(lab.id.clone()).or_default().push(result);
        }
    }
}

/// Why a result does not count, if it does not.
fn why_not(
    status: Option<&str>,
    date: Option<FhirDate>,
    moment: Option<Timestamp>,
    today: Date,
) -> Option<&'static str> {
    match status {
        Some("entered-in-error") => return Some("entered in error"),
        Some("cancelled") => return Some("cancelled"),
        Some("registered" | "preliminary") => return Some("pending: not final yet"),
        _ => {}
    }
    // East of UTC the local day may be tomorrow's while the moment is today's.
    let day = moment.map(|m| m.to_zoned(TimeZone::UTC).date()).or(date.map(|d| d.earliest));
    day.is_some_and(|d| d > today).then_some("dated in the future")
}

/// The date as it was written.
fn date_of<'a>(view: &Observation<'a>) -> Option<Cow<'a, str>> {
    let text =
        |j: Option<Json<'a>>| j.and_then(Json::string).filter(|t| FhirDate::parse(t).is_some());
    let period = || {
        let period = Period::read(view.effective_period()?)?;
        text(period.end()).or_else(|| text(period.start()))
    };
    text(view.effective_date_time())
        .or_else(period)
        .or_else(|| text(view.effective_instant()))
        .or_else(|| text(view.applies_date_time()))
        .or_else(|| text(view.issued()))
}

/// An Observation or one of its components.
struct Part<'a> {
    code: Option<Json<'a>>,
    quantity: Option<Json<'a>>,
    concept: Option<Json<'a>>,
    string: Option<Json<'a>>,
    integer: Option<Json<'a>>,
    boolean: Option<Json<'a>>,
    interpretation: Option<Json<'a>>,
    absent: Option<Json<'a>>,
    /// A kind of value that nobody reads.
    other: Option<Json<'a>>,
    reference_range: Option<Json<'a>>,
}

impl<'a> Part<'a> {
    fn lab<'t>(&self, terminology: &'t Terminology) -> Option<(&'t Lab, String)> {
        let concept = CodeableConcept::read(self.code?);
        concept.codings.iter().find_map(|coding: &Coding<'_>| {
            if System::of(coding.system.as_deref()?) != Some(System::Loinc) {
                return None;
            }
            let code = coding.code.as_deref()?;
            Some((terminology.labs.by_loinc(code)?, code.to_owned()))
        })
    }

    /// What the part says, and how it was printed; `None` when it says nothing at all.
    fn value(&self, lab: &Lab, terminology: &Terminology) -> Option<(Value, String)> {
        if self.other.is_some() {
            let printed = "a kind of value that is not read".to_owned();
            return Some((Value::Unreadable("its kind of value is not read"), printed));
        }
        match lab.result {
            ResultKind::Quantity => self.number(lab, terminology),
            ResultKind::Coded => self.concepts(terminology),
            ResultKind::Qualitative | ResultKind::Thresholded | ResultKind::ViralLoad => {
                self.meaning(lab, terminology)
            }
        }
    }

    /// The one upper limit of the reference ranges; several that differ tell none.
    fn upper_limit(&self, lab: &Lab, terminology: &Terminology) -> Option<Decimal> {
        let ranges = self.reference_range.map(Json::items).unwrap_or_default();
        let mut highs = ranges.into_iter().filter_map(RangeView::read).filter_map(|range| {
            let high = Quantity::read(range.high()?)?;
            let own = self.quantity.and_then(Quantity::read).unwrap_or_default();
            let mut units: Vec<&str> = high.units().collect();
            if units.is_empty() {
                units = own.units().collect();
            }
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

    fn concepts(&self, terminology: &Terminology) -> Option<(Value, String)> {
        let concept = match (self.concept, self.string) {
            (Some(json), _) => CodeableConcept::read(json),
            (None, Some(string)) => {
                CodeableConcept { text: string.string(), ..CodeableConcept::default() }
            }
            _ => return None,
        };
        let printed = concept.label().unwrap_or("no words").to_owned();
        let found = super::condition::concepts(&concept, &terminology.conditions);
        let ids: Vec<String> = found.into_iter().map(|(id, _)| id).collect();
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
        Some(range) => Value::Number(*range),
        None if units.iter().all(|u| u.is_empty()) => Value::Unreadable("it has no unit"),
        None => Value::Unreadable("its unit does not convert"),
    }
}

fn print(comparator: Option<&str>, value: Decimal, unit: &str) -> String {
    // An annotation is no unit: `{INR}`.
    let unit = if unit.starts_with('{') && unit.ends_with('}') { "" } else { unit };
    format!("{}{value} {unit}", comparator.unwrap_or_default()).trim().to_owned()
}
