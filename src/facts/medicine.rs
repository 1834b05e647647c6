//! Which medicines that rules ask about are on record or being ordered, and since when?

use super::dose::Dose;
use super::known::Evidence;
use super::order::{Order, Role};
use crate::ehr::drug::{Identity, identify};
use crate::ehr::{BesideOrder, Chart, DraftOrder, State, held};
use crate::fhir::types::{Quantity, local_reference};
use crate::fhir::views::{Bounds, Dosage, MedicationOrder, Period, Timing};
use crate::fhir::{FhirDate, Json, Release};
use crate::terminology::Terminology;
use jiff::civil::Date;
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
        Evidence {
            what,
            value: None,
            date: self.start.filter(|_| !self.draft),
            reference: self.reference.clone(),
            code: None,
        }
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

/// Statuses of an entry that never was a medicine.
const VOID: &[&str] = &["entered-in-error", "draft", "not-taken", "cancelled", "intended"];

impl Medicines {
    /// Reads medication orders and statements of the chart, and the other drafts of the call.
    pub fn read<'a>(
        chart: &Chart<'a>,
        others: &[BesideOrder<'a>],
        conditions: &BTreeMap<String, Json<'a>>,
        terminology: &Terminology,
    ) -> Medicines {
        let reader = Reader { chart, conditions, terminology };
        let listed = chart.medications.resources.iter().filter_map(|json| reader.listed(*json));
        let drafts = others.iter().map(|other| reader.draft(other));
        Medicines { list: listed.chain(drafts).collect(), state: chart.medications.state.clone() }
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
}

impl<'a> Reader<'_, 'a> {
    fn listed(&self, json: Json<'a>) -> Option<Medicine> {
        let view = MedicationOrder::read(json)?;
        let status = view.status().and_then(Json::string).unwrap_or("unknown".into()).into_owned();
        let flag = |json: Option<Json<'_>>| json.and_then(Json::boolean) == Some(true);
        // Planned, proposed, refused or not taken: no medicine.
        let never_given = VOID.contains(&&*status)
            || flag(view.was_not_taken())
            || flag(view.do_not_perform())
            || view.taken().and_then(Json::string).is_some_and(|t| t == "n")
            || view.intent().and_then(Json::string).is_some_and(|i| i == "plan" || i == "proposal");
        if never_given {
            return None;
        }
        let source = self.chart.source();
        let identified = match identify(&view, &source, &self.terminology.products) {
            Identity::Jak(identified) => Some(identified),
            _ => None,
        };
        let held = held(&view, &source, self.terminology);
        if identified.is_none() && held.is_empty() {
            return None;
        }
        let date = |j: Option<Json<'_>>| j.and_then(Json::string).and_then(|t| FhirDate::parse(&t));
        let bounds = bounds(&view);
        let bounded = bounds.as_ref().and_then(|b| b.bounds_period()).and_then(Period::read);
        let period = view.effective_period().and_then(Period::read).or(bounded);
        let start = date(period.as_ref().and_then(|p| p.start()))
            .or_else(|| date(view.effective_date_time()))
            .or_else(|| date(view.authored_on()))
            .or_else(|| date(view.date_written()));
        let end = date(period.as_ref().and_then(|p| p.end())).or_else(|| date(view.date_ended()));
        let resource_type = view.resource_type().and_then(Json::string).unwrap_or_default();
        let reference = local_reference(&resource_type, view.id());
        let dose = Dose::read(&view, held.strength);
        let active = matches!(&*status, "active" | "on-hold" | "recorded");
        let completed = status == "completed";
        let end = end.or_else(|| Some(FhirDate::day(lasts(bounds?, start?)?)));
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
        let jak = jak.into_iter().flat_map(|order| order.drug.drugs.iter().cloned());
        let names: Vec<String> = jak.chain(substances).chain(vaccines).collect();
        names.join(" with ")
    }
}

/// `timing.repeat` of the first dosage.
fn bounds<'a>(view: &MedicationOrder<'a>) -> Option<Bounds<'a>> {
    let dosage = view.dosage_instruction().or(view.dosage())?.one().and_then(Dosage::read)?;
    Bounds::read(Timing::read(dosage.timing()?)?.repeat()?)
}

/// The last day of a course of so many days, weeks or months.
fn lasts(bounds: Bounds<'_>, start: FhirDate) -> Option<Date> {
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
