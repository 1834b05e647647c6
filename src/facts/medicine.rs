//! Which medicines that rules ask about are on record, and since when?

use crate::ehr::drug::{Identity, MedicationSource, identify, ordered};
use crate::ehr::{Chart, State};
use crate::fhir::types::{CodeableConcept, local_reference};
use crate::fhir::views::{Dosage, MedicationOrder, Period};
use crate::fhir::{FhirDate, Json};
use crate::terminology::{System, Terminology};

/// A medicine on record.
#[derive(Clone, Debug)]
pub struct Medicine {
    /// Substances of `medicines.toml` that it holds.
    pub substances: Vec<String>,
    /// Drug files of the JAK inhibitor that it is.
    pub jak: Vec<String>,
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
}

/// The medicines on record that a table knows.
#[derive(Clone, Debug)]
pub struct Medicines {
    /// Those on record.
    pub list: Vec<Medicine>,
    /// What the absence of others means.
    pub state: State,
}

/// Statuses of an entry that never was a medicine.
const VOID: &[&str] = &["entered-in-error", "draft", "not-taken", "cancelled", "intended"];

impl Medicines {
    /// Reads medication orders and statements of the chart.
    pub fn read(chart: &Chart<'_>, terminology: &Terminology) -> Medicines {
        let read = |json: &Json<'_>| read_one(*json, chart, terminology);
        let list = chart.medications.resources.iter().filter_map(read).collect();
        Medicines { list, state: chart.medications.state.clone() }
    }
}

struct InChart<'c, 'a>(&'c Chart<'a>);

impl<'a> MedicationSource<'a> for InChart<'_, 'a> {
    fn medication(&self, id: &str) -> Option<Json<'a>> {
        self.0.medication_resources.get(id).copied()
    }
}

fn read_one(json: Json<'_>, chart: &Chart<'_>, terminology: &Terminology) -> Option<Medicine> {
    let view = MedicationOrder::read(json)?;
    let status = view.status().and_then(Json::string);
    let status = status.as_deref().unwrap_or("unknown");
    let flag = |json: Option<Json<'_>>| json.and_then(Json::boolean) == Some(true);
    // Planned, proposed, refused or not taken: no medicine.
    let never_given = VOID.contains(&status)
        || flag(view.was_not_taken())
        || flag(view.do_not_perform())
        || view.taken().and_then(Json::string).is_some_and(|t| t == "n")
        || view.intent().and_then(Json::string).is_some_and(|i| i == "plan" || i == "proposal");
    if never_given {
        return None;
    }
    let source = InChart(chart);
    let jak = match identify(&view, &source, &terminology.products) {
        Identity::Jak(identified) => identified.drugs,
        _ => Vec::new(),
    };
    let substances = substances(&view, &source, terminology);
    if jak.is_empty() && substances.is_empty() {
        return None;
    }
    let date = |j: Option<Json<'_>>| j.and_then(Json::string).and_then(|t| FhirDate::parse(&t));
    let period = view.effective_period().and_then(Period::read).or_else(|| bounds(&view));
    let start = date(period.as_ref().and_then(|p| p.start()))
        .or_else(|| date(view.effective_date_time()))
        .or_else(|| date(view.authored_on()))
        .or_else(|| date(view.date_written()));
    let resource_type = view.resource_type().and_then(Json::string).unwrap_or_default();
    Some(Medicine {
        substances,
        jak,
        active: matches!(status, "active" | "on-hold" | "recorded"),
        completed: status == "completed",
        start,
        end: date(period.as_ref().and_then(|p| p.end())).or_else(|| date(view.date_ended())),
        reference: local_reference(&resource_type, view.id()),
    })
}

/// `timing.repeat.boundsPeriod` of the first dosage.
fn bounds<'a>(view: &MedicationOrder<'a>) -> Option<Period<'a>> {
    let dosage = view.dosage_instruction().or(view.dosage())?.one().and_then(Dosage::read)?;
    let timing = crate::fhir::views::Timing::read(dosage.timing()?)?;
    let repeat = crate::fhir::views::Bounds::read(timing.repeat()?)?;
    Period::read(repeat.bounds_period()?)
}

fn substances<'a>(
    view: &MedicationOrder<'a>,
    source: &dyn MedicationSource<'a>,
    terminology: &Terminology,
) -> Vec<String> {
    let ordered = ordered(view, source);
    let mut concepts = ordered.concepts;
    let medication = ordered.medication.and_then(crate::fhir::views::Medication::read);
    concepts.extend(medication.and_then(|m| m.code()).map(CodeableConcept::read));
    let table = &terminology.medicines;
    let mut found: Vec<String> = Vec::new();
    for concept in &concepts {
        let coded = concept
            .codings
            .iter()
            .filter_map(|c| table.by_code(System::of(c.system.as_deref()?)?, c.code.as_deref()?));
        let written = concept.words().flat_map(|w| table.by_text(w));
        for row in coded.chain(written) {
            if !found.contains(&row.id) {
                found.push(row.id.clone());
            }
        }
    }
    found
}
