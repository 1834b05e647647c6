//! The data that came with the call, sorted by what it is and checked for whose it is.

use super::answer::{Collected, State};
use super::drug::MedicationSource;
use super::fetched::Fetched;
use super::tested::tells_of_none;
use crate::cds_hooks::context::owner;
use crate::cds_hooks::{BadRequest, Prefetch};
use crate::fhir::types::CodeableConcept;
use crate::fhir::views::{Anchor, Bundle, Entry, Issue, Link, Outcome, Wrapped};
use crate::fhir::{Json, Release};
use crate::terminology::labs::{Group, Labs};
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// Prefetch keys that are no group of observations.
const PATIENT: &str = "patient";
const CONDITIONS: &str = "conditions";
const MEDICATIONS: &str = "medications";
const IMMUNIZATIONS: &str = "immunizations";

/// What the EHR told about one patient.
#[derive(Debug, Default)]
pub struct Chart<'a> {
    /// The Patient.
    pub patient: Collected<'a>,
    /// Conditions.
    pub conditions: Collected<'a>,
    /// Observations under any key, of tests that our tables know; their state is that of the key that asks
    /// for them.
    pub observations: Vec<Json<'a>>,
    /// What the absence of an observation means, by group.
    pub observation_states: BTreeMap<Group, State>,
    /// Medication orders and statements on record.
    pub medications: Collected<'a>,
    /// Medications that orders refer to, by id.
    pub medication_resources: BTreeMap<String, Json<'a>>,
    /// Immunizations.
    pub immunizations: Collected<'a>,
    /// Resources that belong to another patient, or to nobody that can be told.
    pub dropped: Dropped,
}

/// Resources that were not used, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Of another patient.
    pub foreign: usize,
    /// Of nobody that can be told.
    pub ownerless: usize,
    /// Not readable (a member stands twice).
    pub unreadable: usize,
}

/// Sorts the prefetch of a call.
///
/// # Errors
/// The Patient resource is another's.
pub fn gather<'a>(
    prefetch: &Prefetch<'a>,
    fetched: &'a [Fetched],
    patient_id: &str,
    labs: &Labs,
) -> Result<Chart<'a>, BadRequest> {
    let mut chart = Chart::default();
    for group in Group::ALL {
        chart.observation_states.insert(group, State::NotAsked);
    }
    let (seen, ours) = (HashSet::new(), false);
    let mut sorter = Sorter { patient_id, labs, seen, ours, chart: &mut chart };
    for (key, value) in &prefetch.0 {
        let state = sorter.value(*value)?;
        sorter.set_state(key, state);
    }
    sorter.ours = true;
    for answer in fetched {
        let mut state = State::Complete;
        for page in answer.values() {
            match sorter.value(page)? {
                State::Complete => {}
                open => state = open,
            }
        }
        for key in &answer.keys {
            let state = match answer.open {
                Some(why) if answer.pages.is_empty() => State::Failed(why),
                Some(why) => State::Incomplete(why),
                None => state.clone(),
            };
            sorter.set_state(key, state);
        }
    }
    // There is one Patient, under whatever key the site has put it.
    if !chart.patient.resources.is_empty() {
        chart.patient.state = State::Complete;
    }
    Ok(chart)
}

impl<'a> Chart<'a> {
    /// What the absence of more under a prefetch key means.
    pub fn state(&self, key: &str) -> Option<&State> {
        let group = Group::ALL.into_iter().find(|g| g.key() == key);
        match (key, group) {
            (_, Some(group)) => self.observation_states.get(&group),
            (PATIENT, _) => Some(&self.patient.state),
            (CONDITIONS, _) => Some(&self.conditions.state),
            (MEDICATIONS, _) => Some(&self.medications.state),
            (IMMUNIZATIONS, _) => Some(&self.immunizations.state),
            _ => None,
        }
    }

    /// Nobody sent these parts, and the server could not be asked for this reason.
    pub fn not_asked_because(&mut self, why: &'static str) {
        let mut states: Vec<&mut State> = self.observation_states.values_mut().collect();
        states.extend([
            &mut self.patient.state,
            &mut self.conditions.state,
            &mut self.medications.state,
            &mut self.immunizations.state,
        ]);
        for state in states.into_iter().filter(|s| **s == State::NotAsked) {
            *state = State::Failed(why);
        }
    }

    /// The release of the medication list, as far as questions depend on it; `None` of an empty one.
    pub fn release(&self) -> Option<Release> {
        let anchor = Anchor::read(*self.medications.resources.first()?)?;
        match anchor.resource_type().and_then(Json::string).as_deref() {
            Some("MedicationOrder") => Some(Release::Dstu2),
            Some("MedicationRequest") => Some(Release::R4),
            _ => None,
        }
    }

    /// The Medications of the chart, for entries of the list that refer to them.
    pub fn source(&self) -> InChart<'_, 'a> {
        InChart(self)
    }
}

/// Medications by id.
pub struct InChart<'c, 'a>(&'c Chart<'a>);

impl<'a> MedicationSource<'a> for InChart<'_, 'a> {
    fn medication(&self, id: &str) -> Option<Json<'a>> {
        self.0.medication_resources.get(id).copied()
    }
}

/// Few entries of a Bundle have fewer bytes.
const SHORT_ENTRY: usize = 512;

struct Sorter<'c, 'a> {
    patient_id: &'c str,
    labs: &'c Labs,
    seen: HashSet<(Cow<'a, str>, Cow<'a, str>)>,
    /// The answer to a question of our own: its pages were followed, and its totals are the server's
    /// business.
    ours: bool,
    chart: &'c mut Chart<'a>,
}

impl<'a> Sorter<'_, 'a> {
    fn set_state(&mut self, key: &str, state: State) {
        let group = Group::ALL.into_iter().find(|g| g.key() == key);
        match (key, group) {
            (_, Some(group)) => _ = self.chart.observation_states.insert(group, state),
            (PATIENT, _) => self.chart.patient.state = state,
            (CONDITIONS, _) => self.chart.conditions.state = state,
            (MEDICATIONS, _) => self.chart.medications.state = state,
            (IMMUNIZATIONS, _) => self.chart.immunizations.state = state,
            _ => {}
        }
    }

    /// Sorts one value of the prefetch and tells what its absence of more means.
    fn value(&mut self, value: Json<'a>) -> Result<State, BadRequest> {
        if value.is_null() {
            return Ok(State::Complete);
        }
        if !value.is_object() {
            return Ok(State::Failed("the EHR sent something that is no resource"));
        }
        let Some(anchor) = Anchor::read(value) else {
            self.chart.dropped.unreadable += 1;
            return Ok(State::Failed("the EHR sent a resource with a member that stands twice"));
        };
        match anchor.resource_type().and_then(Json::string).as_deref() {
            Some("Bundle") => self.bundle(value),
            // An outcome in place of an answer: only "none found" (Epic's 4101) is one.
            Some("OperationOutcome") => Ok(match outcome_state(value) {
                State::Complete if !issues(value).iter().any(none_found) => {
                    State::Failed("the EHR answered with an outcome and no data")
                }
                state => state,
            }),
            Some(resource_type) => {
                let expected = OWNED.iter().chain(UNOWNED).any(|t| *t == resource_type);
                Ok(match self.resource(value, &anchor)? {
                    Use::Counted if expected => State::Complete,
                    Use::Counted => State::Failed("the EHR sent another kind of resource"),
                    Use::Dropped(why) => State::Incomplete(why),
                })
            }
            None => match Wrapped::read(value) {
                Some(wrapped) if wrapped.resource().is_some() || wrapped.response().is_some() => {
                    match wrapped.resource() {
                        Some(inner) => self.value(inner),
                        None => Ok(State::Failed("the EHR sent no resource")),
                    }
                }
                // A Bundle without a type: the sandbox sends it.
                _ if Bundle::read(value).is_some_and(|b| b.entry().is_some()) => self.bundle(value),
                _ => Ok(State::Failed("the EHR sent something that is no resource")),
            },
        }
    }

    fn bundle(&mut self, value: Json<'a>) -> Result<State, BadRequest> {
        let Some(bundle) = Bundle::read(value) else {
            self.chart.dropped.unreadable += 1;
            return Ok(State::Failed("the EHR sent a Bundle with a member that stands twice"));
        };
        let mut state = State::Complete;
        for link in bundle.link().map(Json::items).unwrap_or_default() {
            let relation = Link::read(link).and_then(|l| l.relation()).and_then(Json::string);
            if relation.as_deref() == Some("next") && !self.ours {
                state = State::Incomplete("the EHR has further pages that were not sent");
            }
        }
        let items = bundle.entry().map(Json::items).unwrap_or_default();
        self.seen.reserve(value.text().len() / SHORT_ENTRY);
        let mut entries = 0;
        for item in items {
            entries += 1;
            let Some(entry) = Entry::read(item) else {
                self.chart.dropped.unreadable += 1;
                state = State::Incomplete("an entry could not be read");
                continue;
            };
            let resource = entry.resource().filter(|r| r.is_object()).unwrap_or(item);
            let anchor = Anchor::read(resource);
            let resource_type =
                anchor.as_ref().and_then(Anchor::resource_type).and_then(Json::string);
            match (&anchor, resource_type.as_deref()) {
                (_, Some("OperationOutcome")) => match outcome_state(resource) {
                    State::Complete => {}
                    open => state = open,
                },
                (None, _) | (_, Some("") | None) => {
                    self.chart.dropped.unreadable += 1;
                    state = State::Incomplete("an entry could not be read");
                }
                (_, Some("Bundle")) => match self.bundle(resource)? {
                    State::Complete => {}
                    open => state = open,
                },
                (Some(anchor), Some(kind)) => match self.resource(resource, anchor)? {
                    Use::Counted => {
                        // A Medication may be named by the UUID of its entry.
                        let url = entry.full_url().and_then(Json::string);
                        let uuid = url.as_deref().and_then(|u| u.strip_prefix("urn:uuid:"));
                        if let (Some(uuid), "Medication") = (uuid, kind) {
                            self.chart.medication_resources.insert(uuid.to_owned(), resource);
                        }
                    }
                    Use::Dropped(why) => state = State::Incomplete(why),
                },
            }
        }
        let told = bundle.total().and_then(Json::decimal);
        if state == State::Complete
            && !self.ours
            && told.is_some_and(|total| total > Decimal::from(entries))
        {
            state = State::Incomplete("the EHR has more results than it sent");
        }
        Ok(state)
    }

    fn resource(&mut self, resource: Json<'a>, anchor: &Anchor<'a>) -> Result<Use, BadRequest> {
        let resource_type = anchor.resource_type().and_then(Json::string).unwrap_or_default();
        // Most results are of tests that nobody asks about: nothing else is read of them.
        let unasked = resource_type == "Observation" && tells_of_none(anchor, self.labs);
        if !unasked && resource.twin().is_some() {
            self.chart.dropped.unreadable += 1;
            return Ok(Use::Dropped("an entry could not be read"));
        }
        let id = anchor.id().and_then(Json::string);
        let owned = OWNED.contains(&&*resource_type);
        if let Some(not_used) = owned.then(|| self.not_ours(anchor)).flatten() {
            return Ok(not_used);
        }
        // It takes its id from nobody.
        if unasked {
            return Ok(Use::Counted);
        }
        if let Some(id) = &id
            && !self.seen.insert((resource_type.clone(), id.clone()))
        {
            return Ok(Use::Counted);
        }
        match &*resource_type {
            "Patient" => {
                if id.as_ref().is_some_and(|id| *id != self.patient_id) && self.ours {
                    self.chart.dropped.foreign += 1;
                    return Ok(Use::Dropped("the EHR sent another patient"));
                }
                if id.is_some_and(|id| id != self.patient_id) {
                    let message =
                        "the prefetched Patient is not the patient of `context.patientId`";
                    return Err(BadRequest::at("prefetch.patient", message));
                }
                self.chart.patient.resources.push(resource);
            }
            "Medication" => {
                let id = id.unwrap_or_default().into_owned();
                self.chart.medication_resources.insert(id, resource);
            }
            "Observation" => self.chart.observations.push(resource),
            "Condition" => self.chart.conditions.resources.push(resource),
            "Immunization" => self.chart.immunizations.resources.push(resource),
            "MedicationRequest" | "MedicationOrder" | "MedicationStatement" => {
                self.chart.medications.resources.push(resource);
            }
            _ => {}
        }
        Ok(Use::Counted)
    }

    /// Why a resource is not this patient's.
    fn not_ours(&mut self, anchor: &Anchor<'_>) -> Option<Use> {
        match owner(anchor) {
            Some(id) if id == self.patient_id => None,
            Some(_) => {
                self.chart.dropped.foreign += 1;
                Some(Use::Counted)
            }
            None => {
                self.chart.dropped.ownerless += 1;
                Some(Use::Dropped("a result does not tell whose it is"))
            }
        }
    }
}

/// What became of a resource.
enum Use {
    /// It is in the chart, or is of no use to it.
    Counted,
    /// It may be the patient's and was not used, for this reason.
    Dropped(&'static str),
}

/// Resources that say whose they are.
const OWNED: &[&str] = &[
    "Observation",
    "Condition",
    "Immunization",
    "MedicationRequest",
    "MedicationOrder",
    "MedicationStatement",
];

/// Resources besides those that a prefetch key may hold by themselves.
const UNOWNED: &[&str] = &["Patient", "Medication"];

fn issues(outcome: Json<'_>) -> Vec<Issue<'_>> {
    let issues = Outcome::read(outcome).and_then(|o| o.issue()).map(Json::items);
    issues.unwrap_or_default().filter_map(Issue::read).collect()
}

fn none_found(issue: &Issue<'_>) -> bool {
    issue.details().map(CodeableConcept::read).is_some_and(|details| details.has_code(&["4101"]))
}

/// Epic's 4101 says "none found"; any other error or warning leaves the question open.
fn outcome_state(outcome: Json<'_>) -> State {
    let mut state = State::Complete;
    for issue in issues(outcome).iter().filter(|i| !none_found(i)) {
        match issue.severity().and_then(Json::string).as_deref() {
            Some("information") => {}
            Some("warning") => {
                state = State::Incomplete("the EHR warns that its answer may be incomplete");
            }
            _ => return State::Failed("the EHR answered with an error"),
        }
    }
    state
}
