//! Which draft orders speak, and does any of them hold a JAK inhibitor?
//!
//! Everything here is told by the orders alone; the prefetch is opened only for a Medication that an
//! order refers to.

use super::drug::{Identified, Identity, MedicationSource, identify};
use super::fetched::Fetched;
use super::medicine::{Held, held};
use crate::cds_hooks::context::{ContextEntry, owner};
use crate::cds_hooks::{Prefetch, Request};
use crate::fhir::types::{CodeableConcept, Reference, local_reference};
use crate::fhir::views::{
    Anchor, Bundle, Condition, Dosage, Entry, Medication, MedicationOrder, Wrapped,
};
use crate::fhir::{Json, Release};
use crate::terminology::Terminology;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};

/// A draft order of a JAK inhibitor that speaks.
#[derive(Debug)]
pub struct DraftOrder<'a> {
    /// The resource.
    pub view: MedicationOrder<'a>,
    /// `MedicationRequest/id`, or `MedicationRequest#index` when it has no id.
    pub reference: String,
    /// FHIR release of the resource.
    pub release: Release,
    /// The drug.
    pub drug: Identified,
    /// The same, as it was sent.
    pub json: Json<'a>,
}

/// What the orders of a call hold.
#[derive(Debug, Default)]
pub struct Orders<'a> {
    /// Orders of a JAK inhibitor that speak.
    pub jak: Vec<DraftOrder<'a>>,
    /// Orders whose drug stands in a resource that was not sent.
    pub unreadable: Vec<String>,
    /// Orders that look like a JAK inhibitor that no table knows.
    pub look_alike: Vec<String>,
    /// Orders of another patient.
    pub foreign: usize,
    /// Other drafts of a medicine or vaccine that our tables know, selected or not.
    pub others: Vec<BesideOrder<'a>>,
    /// Conditions among the orders that an order may give as its reason.
    pub beside: Vec<Json<'a>>,
}

/// Another draft of the call.
#[derive(Debug)]
pub struct BesideOrder<'a> {
    /// The resource.
    pub view: MedicationOrder<'a>,
    /// The same, as it was sent.
    pub json: Json<'a>,
    /// `MedicationRequest/id`, or `MedicationRequest#index` when it has no id.
    pub reference: String,
    /// FHIR release of the resource.
    pub release: Release,
    /// Is it one that the user is about to order?
    pub selected: bool,
    /// What it holds of our tables.
    pub held: Held,
    /// The JAK inhibitor that it is, when it is one that was not selected.
    pub jak: Option<Identified>,
}

/// The drug of an order cannot be determined because a resource could not be read (412).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the drug of {order} is told only by a Medication that was not sent")]
pub struct NoDrug {
    /// The order.
    pub order: String,
}

/// Statuses of an order that is not, or no longer, an order.
const SILENT: &[&str] = &["cancelled", "stopped", "completed", "entered-in-error"];

/// Looks at the orders of a call.
///
/// # Errors
/// No order holds a JAK inhibitor that can be told, and the drug of one cannot be told.
pub fn orders<'a>(
    request: &Request<'a>,
    fetched: &'a [Fetched],
    terminology: &Terminology,
) -> Result<Orders<'a>, NoDrug> {
    let entries = &request.context.entries;
    let selected = selected(entries, &request.context.selections);
    let source = Beside::new(request, fetched);
    let mut orders = Orders::default();
    let mut index = 0;
    let mut seen = HashSet::new();
    for (entry, selected) in entries.iter().zip(selected) {
        let Some(anchor) = Anchor::read(entry.resource) else { continue };
        let resource_type = anchor.resource_type().and_then(Json::string);
        let is_order = match resource_type.as_deref() {
            Some("MedicationRequest" | "MedicationOrder") => true,
            Some("Condition") => {
                orders.beside.push(entry.resource);
                false
            }
            Some(_) => false,
            // A resource without a type that has a medication is an order.
            None => true,
        };
        if !is_order {
            continue;
        }
        let Some(view) = MedicationOrder::read(entry.resource) else { continue };
        let mut reference = reference(resource_type.as_deref(), &anchor, index);
        if !seen.insert(reference.clone()) {
            reference = format!("{reference}#{index}");
        }
        index += 1;
        if !speaks(&view) {
            continue;
        }
        if owner(&anchor).is_some_and(|id| id != request.context.patient_id) {
            orders.foreign += 1;
            continue;
        }
        let release = release(resource_type.as_deref(), &view);
        match identify(&view, &source, &terminology.products) {
            Identity::Jak(drug) if selected => {
                let json = entry.resource;
                orders.jak.push(DraftOrder { view, reference, release, drug, json });
            }
            Identity::Jak(drug) => {
                let (held, jak, json) = (Held::default(), Some(drug), entry.resource);
                let other = BesideOrder { view, json, reference, release, selected, held, jak };
                orders.others.push(other);
            }
            Identity::LooksAlike(word) if selected => orders.look_alike.push(word),
            Identity::Unreadable if selected => orders.unreadable.push(reference),
            Identity::Other => {
                let held = held(&view, &source, terminology);
                if !held.is_empty() {
                    let (jak, json) = (None, entry.resource);
                    let other = BesideOrder { view, json, reference, release, selected, held, jak };
                    orders.others.push(other);
                }
            }
            _ => {}
        }
    }
    match orders.unreadable.first() {
        Some(order) if orders.jak.is_empty() => Err(NoDrug { order: order.clone() }),
        _ => Ok(orders),
    }
}

fn reference(resource_type: Option<&str>, anchor: &Anchor<'_>, index: usize) -> String {
    let resource_type = resource_type.unwrap_or("MedicationRequest");
    local_reference(resource_type, anchor.id())
        .unwrap_or_else(|| format!("{resource_type}#{index}"))
}

fn speaks(view: &MedicationOrder<'_>) -> bool {
    let status = view.status().and_then(Json::string);
    let silent = status.as_deref().is_some_and(|s| SILENT.contains(&s));
    !silent && view.do_not_perform().and_then(Json::boolean) != Some(true)
}

/// Which entries are selected; selections that match nothing mean all.
fn selected(entries: &[ContextEntry<'_>], selections: &[Cow<'_, str>]) -> Vec<bool> {
    let wanted: HashSet<&str> =
        selections.iter().map(|s| s.trim()).filter(|s| !s.is_empty()).collect();
    if wanted.is_empty() {
        return vec![true; entries.len()];
    }
    let is_wanted = |entry: &ContextEntry<'_>| {
        let anchor = Anchor::read(entry.resource);
        let part = |j: Option<Json<'_>>| j.and_then(Json::string).unwrap_or_default().into_owned();
        let resource_type = part(anchor.as_ref().and_then(|a| a.resource_type()));
        let id = part(anchor.as_ref().and_then(|a| a.id()));
        let url = part(entry.full_url);
        let tail = url.rmatch_indices('/').nth(1).map_or(&*url, |(at, _)| &url[at + 1..]);
        let local = format!("{resource_type}/{id}");
        [&*local, &*id, &*url, tail].iter().any(|name| wanted.contains(name))
    };
    let hits: Vec<bool> = entries.iter().map(is_wanted).collect();
    let orders = entries
        .iter()
        .zip(&hits)
        .any(|(entry, hit)| *hit && MedicationOrder::read(entry.resource).is_some());
    if orders { hits } else { vec![true; entries.len()] }
}

/// The release that an order is written in, by the members that only one release has.
fn release(resource_type: Option<&str>, view: &MedicationOrder<'_>) -> Release {
    if resource_type == Some("MedicationOrder") {
        return Release::Dstu2;
    }
    if view.medication().is_some_and(Json::is_object) {
        return Release::R5;
    }
    let dosages = view.dosage_instruction().map(Json::items).unwrap_or_default();
    for dosage in dosages.into_iter().filter_map(Dosage::read) {
        if dosage.dose_and_rate().is_some() {
            return Release::R4;
        }
        if dosage
            .dose_quantity()
            .or(dosage.dose_simple_quantity())
            .or(dosage.dose_range())
            .is_some()
        {
            return Release::Stu3;
        }
    }
    let agent = view.requester().is_some_and(|r| r.text().contains("\"agent\""));
    if agent { Release::Stu3 } else { Release::R4 }
}

impl Orders<'_> {
    /// The release of the drafts; an open chart has none.
    pub fn release(&self) -> Option<Release> {
        let jak = self.jak.first().map(|order| order.release);
        jak.or_else(|| self.others.first().map(|order| order.release))
    }
}

/// Medications beside the orders, and in the prefetch; the prefetch is opened when an order refers to
/// a Medication that is not beside it.
struct Beside<'c, 'a> {
    request: &'c Request<'a>,
    fetched: &'a [Fetched],
    beside: OnceCell<BTreeMap<String, Json<'a>>>,
    prefetched: OnceCell<BTreeMap<String, Json<'a>>>,
}

impl<'c, 'a> Beside<'c, 'a> {
    fn new(request: &'c Request<'a>, fetched: &'a [Fetched]) -> Beside<'c, 'a> {
        let (beside, prefetched) = (OnceCell::new(), OnceCell::new());
        Beside { request, fetched, beside, prefetched }
    }
}

impl<'a> MedicationSource<'a> for Beside<'_, 'a> {
    fn medication(&self, id: &str) -> Option<Json<'a>> {
        let beside = self.beside.get_or_init(|| {
            let mut found = BTreeMap::new();
            for entry in &self.request.context.entries {
                let url = entry.full_url.and_then(Json::string);
                let uuid = url.as_deref().and_then(|u| u.strip_prefix("urn:uuid:"));
                add_medication(entry.resource, uuid, &mut found);
            }
            found
        });
        beside.get(id).copied().or_else(|| {
            let prefetched =
                self.prefetched.get_or_init(|| medications(&self.request.prefetch(), self.fetched));
            prefetched.get(id).copied()
        })
    }
}

/// Adds a Medication under its id and under the UUID of its entry.
fn add_medication<'a>(
    resource: Json<'a>,
    uuid: Option<&str>,
    found: &mut BTreeMap<String, Json<'a>>,
) {
    let Some(medication) = Medication::read(resource) else { return };
    if medication.resource_type().and_then(Json::string).as_deref() != Some("Medication") {
        return;
    }
    let id = medication.id().and_then(Json::string);
    for id in id.as_deref().into_iter().chain(uuid) {
        found.entry(id.to_owned()).or_insert(resource);
    }
}

fn medications<'a>(prefetch: &Prefetch<'a>, fetched: &'a [Fetched]) -> BTreeMap<String, Json<'a>> {
    let mut found = BTreeMap::new();
    let sent = prefetch.0.iter().map(|(_, value)| *value);
    for value in sent.chain(fetched.iter().flat_map(Fetched::values)) {
        let value = Wrapped::read(value)
            .filter(|w| w.resource_type().is_none())
            .and_then(|w| w.resource())
            .unwrap_or(value);
        add_medication(value, None, &mut found);
        let entries = Bundle::read(value).and_then(|b| b.entry()).map(Json::items);
        for entry in entries.unwrap_or_default().filter_map(Entry::read) {
            if let Some(resource) = entry.resource() {
                add_medication(resource, None, &mut found);
            }
        }
    }
    found
}

/// The Medications that drafts refer to and that were not sent.
pub fn missing_medications(request: &Request<'_>) -> Vec<String> {
    let source = Beside::new(request, &[]);
    let views = request.context.entries.iter().filter_map(|e| MedicationOrder::read(e.resource));
    let mut missing: Vec<String> =
        views.filter(speaks).filter_map(|view| super::drug::unresolved(&view, &source)).collect();
    missing.sort();
    missing.dedup();
    missing
}

/// Conditions by id, for orders that refer to them.
pub fn by_id<'a>(conditions: impl Iterator<Item = Json<'a>>) -> BTreeMap<String, Json<'a>> {
    let id = |json: Json<'a>| {
        let id = Anchor::read(json)?.id().and_then(Json::string)?;
        Some((id.into_owned(), json))
    };
    conditions.filter_map(id).collect()
}

/// The codes and words that an order gives as its reason, with the Conditions that it refers to.
pub fn reasons<'a>(
    view: &MedicationOrder<'a>,
    conditions: &BTreeMap<String, Json<'a>>,
) -> Vec<CodeableConcept<'a>> {
    let mut reasons = Vec::new();
    let coded = [view.reason_code(), view.reason(), view.reason_codeable_concept()];
    for json in coded.into_iter().flatten() {
        reasons.push(CodeableConcept::read(json));
    }
    for item in view.reason_reference().or(view.reason()).map(Json::items).unwrap_or_default() {
        let Some(reference) = Reference::read(item) else { continue };
        if let Some(display) = &reference.display {
            reasons.push(CodeableConcept { text: Some(display.clone()), ..Default::default() });
        }
        let Some((_, id)) = reference.type_and_id() else { continue };
        let condition = conditions.get(id).and_then(|c| Condition::read(*c));
        reasons.extend(condition.and_then(|c| c.code()).map(CodeableConcept::read));
    }
    reasons
}
