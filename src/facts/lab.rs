//! Which results are on record, newest first, in the units of the tables?

use super::known::{Evidence, Known, Shown};
use super::qualitative;
use super::result::Part;
use crate::ehr::{Chart, State};
use crate::fhir::types::local_reference;
use crate::fhir::views::{Component, Observation, Period};
use crate::fhir::{FhirDate, Json};
use crate::terminology::Terminology;
use crate::terminology::decimal::{Number, Range};
use crate::terminology::labs::{Group, Lab};
use crate::terminology::results::Meaning;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

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
    /// What a finding shows of it, once somebody asked.
    pub shown: OnceLock<Evidence>,
}

impl LabResult {
    /// What a finding shows of it.
    pub fn evidence(&self, lab: &Lab) -> Evidence {
        let show = || {
            Evidence::from(Shown {
                what: lab.title.clone(),
                value: Some(self.printed.clone()),
                date: self.date,
                reference: self.reference.clone(),
                code: Some(self.code.clone()),
            })
        };
        self.shown.get_or_init(show).clone()
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
        for results in labs.results.values_mut() {
            span_of_one_day(results);
        }
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

    fn observation<'a>(&mut self, json: Json<'a>, terminology: &Terminology, today: Date) {
        let Some(view) = Observation::read(json) else { return };
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
        let components = view.component().map(Json::items).unwrap_or_default();
        let components = components.filter_map(Component::read).map(|c| Part {
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
        // Most results of a chart are of tests that nobody asks about.
        let told = |part: Part<'a>| part.lab(terminology).map(|(lab, code)| (part, lab, code));
        let parts: Vec<_> = std::iter::once(whole).chain(components).filter_map(told).collect();
        if parts.is_empty() {
            return;
        }
        let reference = local_reference("Observation", view.id());
        let written = date_of(&view);
        let date = written.as_ref().map(|(_, date)| *date);
        let moment = written.and_then(|(text, _)| FhirDate::instant(&text));
        let status = view.status().and_then(Json::string);
        let reason = why_not(status.as_deref(), date, moment, today);
        for (part, lab, code) in parts {
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
            let shown = OnceLock::new();
            let result =
                LabResult { value, date, moment, printed, code, reference, upper_limit, shown };
            match self.results.get_mut(&lab.id) {
                Some(results) => results.push(result),
                None => _ = self.results.insert(lab.id.clone(), vec![result]),
            }
        }
    }
}

/// Numbers of one day of which nobody can tell the later become a span: what lies between them is not
/// known.
fn span_of_one_day(results: &mut [LabResult]) {
    let Some(newest) = results.first().cloned() else { return };
    let number = |r: &LabResult| match &r.value {
        Value::Number(value) => value.exact(),
        _ => None,
    };
    let same = results.iter().filter(|r| {
        let later = matches!((newest.moment, r.moment), (Some(a), Some(b)) if a != b);
        r.date.is_some() && r.date == newest.date && !later
    });
    let numbers: Vec<(Decimal, String)> =
        same.filter_map(|r| Some((number(r)?, r.printed.clone()))).collect();
    let (Some(least), Some(most)) = (
        numbers.iter().min_by_key(|(n, _)| *n).cloned(),
        numbers.iter().max_by_key(|(n, _)| *n).cloned(),
    ) else {
        return;
    };
    if least.0 != most.0 && number(&newest).is_some() {
        let (from, to) = (Some(Number(least.0)), Some(Number(most.0)));
        results[0].value = Value::Number(Range { from, to, ..Range::default() });
        results[0].printed = format!("{} and {}", least.1, most.1);
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

/// The date as it was written, and what it says.
fn date_of<'a>(view: &Observation<'a>) -> Option<(Cow<'a, str>, FhirDate)> {
    let read = |json: Option<Json<'a>>| {
        let text = json?.string()?;
        let date = FhirDate::parse(&text)?;
        Some((text, date))
    };
    let period = || {
        let period = Period::read(view.effective_period()?)?;
        read(period.end()).or_else(|| read(period.start()))
    };
    read(view.effective_date_time())
        .or_else(period)
        .or_else(|| read(view.effective_instant()))
        .or_else(|| read(view.applies_date_time()))
        .or_else(|| read(view.issued()))
}
