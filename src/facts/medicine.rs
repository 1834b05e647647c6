//! Which medicines that rules ask about are on record or being ordered, and since when?

use super::dose::Dose;
use super::known::{Evidence, Shown};
use super::order::{Order, Role};
use crate::ehr::drug::{Identity, identify};
use crate::ehr::{BesideOrder, Chart, DraftOrder, State, held};
use crate::fhir::types::{CodeableConcept, Quantity, local_reference};
use crate::fhir::views::{
    Adherence, Bounds, DispenseRequest, Dosage, MedicationOrder, Period, Timing,
};
use crate::fhir::{FhirDate, Json, Release};
use crate::knowledge::Knowledge;
use crate::terminology::Terminology;
use jiff::civil::Date;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A medicine on record, or a draft of the same call.
#[derive(Clone, Debug)]
pub struct Medicine {
    /// Its name on cards: that of our tables.
    pub title: String,
    /// Substances of `medicines.toml` that it holds.
    pub substances: Vec<String>,
    /// Vaccines of `vaccines.toml` that it is.
    pub vaccines: Vec<String>,
    /// The JAK inhibitor that it is, as if it were ordered.
    pub jak: Option<Box<Order>>,
    /// How much of it.
    pub dose: Dose,
    /// Is it being taken?
    pub active: bool,
    /// The EHR is sure of it: not planned, not of unknown status. What a rule fears counts all the
    /// same; what would calm it does not.
    pub sure: bool,
    /// Has its course been completed?
    pub completed: bool,
    /// First known day.
    pub start: Option<FhirDate>,
    /// Last known day.
    pub end: Option<FhirDate>,
    /// `Type/id`.
    pub reference: Option<String>,
    /// It is being ordered in this call.
    pub draft: bool,
}

impl Medicine {
    /// The drug files of the JAK inhibitor that it is.
    pub fn jak_drugs(&self) -> &[String] {
        self.jak.as_ref().map_or(&[], |order| &order.drug.drugs)
    }

    /// Taken now, or about to be.
    pub fn is_current(&self, today: Date) -> bool {
        let ended = self.end.is_some_and(|end| end.latest < today);
        self.draft || (self.active && !ended)
    }

    /// What a finding shows of it.
    pub fn evidence(&self) -> Evidence {
        let what = match self.draft {
            true => format!("{}, ordered with it", self.title),
            false => self.title.clone(),
        };
        Evidence::from(Shown {
            what,
            value: None,
            date: self.start.filter(|_| !self.draft),
            reference: self.reference.clone(),
            code: None,
        })
    }
}

/// The medicines that a table knows.
#[derive(Clone, Debug)]
pub struct Medicines {
    /// Those on record, and the other drafts of the call.
    pub list: Vec<Medicine>,
    /// What the absence of others means.
    pub state: State,
}

/// Why the list is not whole, when one of its entries is told only by a Medication that is missing.
const UNREAD: &str = "a medicine on it is told only by a resource that was not sent";

/// Statuses of an entry that never was a medicine.
const VOID: &[&str] = &["entered-in-error", "draft", "not-taken", "cancelled", "intended"];

impl Medicines {
    /// Reads medication orders and statements of the chart, and the other drafts of the call.
    pub fn read<'a>(
        chart: &Chart<'a>,
        others: &[BesideOrder<'a>],
        conditions: &BTreeMap<String, Json<'a>>,
        knowledge: &Knowledge,
    ) -> Medicines {
        let terminology = &knowledge.terminology;
        let reader = Reader { chart, conditions, terminology, knowledge };
        let mut unread = false;
        let resources = chart.medications.resources.iter();
        let mut list: Vec<Medicine> =
            resources.filter_map(|json| reader.listed(*json, &mut unread)).collect();
        list.extend(others.iter().map(|other| reader.draft(other)));
        let state = match (&chart.medications.state, unread) {
            (State::Complete, true) => State::Incomplete(UNREAD),
            (state, _) => state.clone(),
        };
        Medicines { list, state }
    }

    /// Those taken now, or about to be.
    pub fn current(&self, today: Date) -> impl Iterator<Item = &Medicine> {
        self.list.iter().filter(move |m| m.is_current(today))
    }
}

struct Reader<'c, 'a> {
    chart: &'c Chart<'a>,
    conditions: &'c BTreeMap<String, Json<'a>>,
    terminology: &'c Terminology,
    knowledge: &'c Knowledge,
}

impl<'a> Reader<'_, 'a> {
    fn listed(&self, json: Json<'a>, unread: &mut bool) -> Option<Medicine> {
        let view = MedicationOrder::read(json)?;
        let status = view.status().and_then(Json::string).unwrap_or("unknown".into()).into_owned();
        let flag = |json: Option<Json<'_>>| json.and_then(Json::boolean) == Some(true);
        let intent = view.intent().and_then(Json::string);
        let adherence = view.adherence().and_then(Adherence::read).and_then(|a| a.code());
        let refused = adherence
            .map(CodeableConcept::read)
            .is_some_and(|c| c.has_code(&["not-taking", "never"]));
        // Proposed, refused or not taken: no medicine. A plan is one: home medicines are told as plans.
        let never_given = VOID.contains(&&*status)
            || refused
            || flag(view.was_not_taken())
            || flag(view.do_not_perform())
            || view.taken().and_then(Json::string).is_some_and(|t| t == "n")
            || intent.as_deref() == Some("proposal");
        if never_given {
            return None;
        }
        let source = self.chart.source();
        let identified = match identify(&view, &source, &self.terminology.products) {
            Identity::Jak(identified) => Some(identified),
            _ => None,
        };
        let held = held(&view, &source, self.terminology);
        let active = matches!(&*status, "active" | "on-hold" | "recorded" | "unknown");
        let sure = status != "unknown" && intent.as_deref() != Some("plan");
        if identified.is_none() && held.is_empty() {
            *unread |= held.unread && active;
            return None;
        }
        let date = |j: Option<Json<'_>>| j.and_then(Json::string).and_then(|t| FhirDate::parse(&t));
        let bounds = bounds(&view);
        let bounded = |b: &Bounds<'a>| b.bounds_period().and_then(Period::read);
        let period = view.effective_period().and_then(Period::read);
        let period = period.or_else(|| bounds.first().and_then(Option::as_ref).and_then(bounded));
        let start = date(period.as_ref().and_then(|p| p.start()))
            .or_else(|| date(view.effective_date_time()))
            .or_else(|| date(view.authored_on()))
            .or_else(|| date(view.date_written()));
        let told = view.effective_period().and_then(Period::read).and_then(|p| p.end());
        let end = date(told).or_else(|| date(view.date_ended()));
        let resource_type = view.resource_type().and_then(Json::string).unwrap_or_default();
        let reference = local_reference(&resource_type, view.id());
        let dose = Dose::read(&view, held.strength);
        let completed = status == "completed";
        let end = end.or_else(|| last_day(&view, &bounds, start?));
        let jak = identified.map(|drug| {
            let reference = reference.clone().unwrap_or_else(|| resource_type.clone().into_owned());
            let draft = DraftOrder { view, reference, release: Release::R4, drug, json };
            Box::new(Order::read(&draft, Role::Taken, self.conditions, self.terminology))
        });
        Some(Medicine {
            title: self.title(&held.substances, &held.vaccines, jak.as_deref()),
            substances: held.substances,
            vaccines: held.vaccines,
            dose: jak.as_ref().map_or(dose, |order| order.dose.clone()),
            jak,
            active,
            sure,
            completed,
            start,
            end,
            reference,
            draft: false,
        })
    }

    fn draft(&self, other: &BesideOrder<'a>) -> Medicine {
        let jak = other.jak.clone().map(|drug| {
            let (reference, release) = (other.reference.clone(), other.release);
            let (view, json) = (other.view.clone(), other.json);
            let draft = DraftOrder { view, reference, release, drug, json };
            Box::new(Order::read(&draft, Role::Ordered, self.conditions, self.terminology))
        });
        Medicine {
            title: self.title(&other.held.substances, &other.held.vaccines, jak.as_deref()),
            substances: other.held.substances.clone(),
            vaccines: other.held.vaccines.clone(),
            dose: Dose::read(&other.view, other.held.strength),
            jak,
            active: false,
            sure: true,
            completed: false,
            start: None,
            end: None,
            reference: Some(other.reference.clone()),
            draft: true,
        }
    }

    /// The names of our tables: what the EHR wrote never stands on a card without need.
    fn title(&self, substances: &[String], vaccines: &[String], jak: Option<&Order>) -> String {
        let medicines = &self.terminology.medicines;
        let substances =
            substances.iter().filter_map(|id| medicines.get(id)).map(|m| m.title.clone());
        let table = &self.terminology.vaccines;
        let vaccines = vaccines.iter().filter_map(|id| table.get(id)).map(|v| v.title.clone());
        let name = |id: &String| self.knowledge.drug(id).map(|drug| drug.name.clone());
        let jak = jak.into_iter().flat_map(|order| order.drug.drugs.iter().filter_map(name));
        let names: Vec<String> = jak.chain(substances).chain(vaccines).collect();
        names.join(" with ")
    }
}

/// `timing.repeat` of every dosage.
fn bounds<'a>(view: &MedicationOrder<'a>) -> Vec<Option<Bounds<'a>>> {
    let dosages = view.dosage_instruction().or(view.dosage()).map(Json::items).unwrap_or_default();
    let repeat = |json| Bounds::read(Timing::read(Dosage::read(json)?.timing()?)?.repeat()?);
    dosages.into_iter().map(repeat).collect()
}

/// The last day of the last instruction; none when one has no end, or when it may be filled again.
fn last_day(
    view: &MedicationOrder<'_>,
    bounds: &[Option<Bounds<'_>>],
    start: FhirDate,
) -> Option<FhirDate> {
    let request = view.dispense_request().and_then(DispenseRequest::read);
    let repeats = request.and_then(|r| r.number_of_repeats_allowed()).and_then(Json::decimal);
    if repeats.is_some_and(|n| n > Decimal::ZERO) {
        return None;
    }
    let ends = bounds.iter().map(|bounds| ends(bounds.as_ref()?, start));
    let ends: Option<Vec<Date>> = ends.collect();
    ends?.into_iter().max().map(FhirDate::day)
}

/// The last day of one instruction: of its period, or after so many days, weeks or months.
fn ends(bounds: &Bounds<'_>, start: FhirDate) -> Option<Date> {
    if let Some(period) = bounds.bounds_period().and_then(Period::read) {
        let end = period.end().and_then(Json::string)?;
        return FhirDate::parse(&end).map(|end| end.latest);
    }
    let duration = bounds.bounds_duration().or(bounds.bounds_quantity())?;
    let duration = Quantity::read(duration)?;
    let count = i32::try_from(duration.value?.ceil()).ok()?;
    let span = jiff::Span::new();
    let span = match duration.units().next()? {
        "d" | "day" | "days" => span.try_days(count),
        "wk" | "week" | "weeks" => span.try_weeks(count),
        "mo" | "month" | "months" => span.try_months(count),
        _ => return None,
    };
    start.latest.checked_add(span.ok()?).ok()
}
