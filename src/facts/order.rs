//! What is ordered, for what, and is it new?

use super::condition::{Conditions, concepts};
use super::dose::Dose;
use super::known::Evidence;
use super::medicine::Medicines;
use crate::ehr::orders::reasons;
use crate::ehr::{DraftOrder, Identified, State};
use crate::fhir::types::CodeableConcept;
use crate::fhir::{FhirDate, Json, Release};
use crate::knowledge::{Drug, Knowledge, Phase};
use crate::terminology::Terminology;
use jiff::civil::Date;

/// A draft order of a JAK inhibitor.
#[derive(Clone, Debug)]
pub struct Order {
    /// `MedicationRequest/id`, or `MedicationRequest#index`.
    pub reference: String,
    /// FHIR release of the order, and so of what we suggest.
    pub release: Release,
    /// The drug.
    pub drug: Identified,
    /// Dose and frequency.
    pub dose: Dose,
    /// Part of the course, where it is told.
    pub phase: Option<Phase>,
    /// Concepts that the order gives as its reason, with the code or words that told each.
    pub reasons: Vec<(String, String)>,
}

/// What the drug is ordered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indication {
    /// One of the drug's indications.
    Is(String, Vec<Evidence>),
    /// Several of the drug's indications are on the problem list.
    OneOf(Vec<String>),
    /// None that the drug is labelled for can be told.
    NotTold(&'static str),
}

/// Since when has the patient been on this ingredient?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// A new start.
    New,
    /// At least as long as the policy asks of a continuing order.
    Continuing(FhirDate),
    /// Cannot be told; counts as a new start.
    NotTold(String),
}

impl Order {
    /// Reads a draft order.
    pub fn read(draft: &DraftOrder<'_>, beside: &[Json<'_>], terminology: &Terminology) -> Order {
        let dose = Dose::read(&draft.view, &draft.drug);
        let mut found: Vec<(String, String)> = Vec::new();
        for reason in reasons(&draft.view, beside) {
            for hit in told(&reason, terminology) {
                if !found.iter().any(|(id, _)| *id == hit.0) {
                    found.push(hit);
                }
            }
        }
        Order {
            reference: draft.reference.clone(),
            release: draft.release,
            drug: draft.drug.clone(),
            phase: dose.phase(),
            dose,
            reasons: found,
        }
    }

    /// What the drug is ordered for: the order's own reason, else the problem list.
    pub fn indication(&self, drug: &Drug, conditions: &Conditions) -> Indication {
        let labelled = || drug.indications.iter().map(|i| i.get_ref());
        let given: Vec<&(String, String)> =
            self.reasons.iter().filter(|(id, _)| labelled().any(|l| l == id)).collect();
        match given.as_slice() {
            [] if !self.reasons.is_empty() => {
                return Indication::NotTold("the order names a reason that is not on the label");
            }
            [] => {}
            [(id, told)] => {
                let evidence = Evidence {
                    what: format!("reason given in the order: {told}"),
                    value: None,
                    date: None,
                    reference: Some(self.reference.clone()),
                    code: None,
                };
                return Indication::Is(id.clone(), vec![evidence]);
            }
            several => {
                return Indication::OneOf(several.iter().map(|(id, _)| id.clone()).collect());
            }
        }
        let listed: Vec<&String> = labelled()
            .filter(|id| conditions.all(id).any(|c| c.standing != super::Standing::Past))
            .collect();
        match listed.as_slice() {
            [] if conditions.state == State::Complete => {
                Indication::NotTold("neither the order nor the problem list names one")
            }
            [] => Indication::NotTold("the order names none, and the problem list is not complete"),
            [id] => {
                let evidence = conditions.all(id).map(|c| c.evidence(id)).collect();
                Indication::Is((*id).clone(), evidence)
            }
            several => Indication::OneOf(several.iter().map(|id| (*id).clone()).collect()),
        }
    }

    /// Since when has the patient been on this ingredient?
    pub fn since(
        &self,
        drug: &Drug,
        medicines: &Medicines,
        knowledge: &Knowledge,
        today: Date,
    ) -> Since {
        let same = |id: &String| {
            knowledge.drug(id).is_some_and(|other| other.ingredient == drug.ingredient)
        };
        let on_list = medicines.list.iter().filter(|m| m.active && m.jak.iter().any(same));
        let starts: Vec<Option<FhirDate>> = on_list.map(|m| m.start).collect();
        let days = i32::from(knowledge.policy.windows.continuing_days);
        let long = |start: &FhirDate| {
            let span = start.latest.until((jiff::Unit::Day, today));
            span.is_ok_and(|s| s.get_days() >= days)
        };
        if let Some(start) = starts.iter().flatten().find(|s| long(s)) {
            return Since::Continuing(*start);
        }
        if starts.iter().any(Option::is_none) {
            return Since::NotTold("it is on the medication list without a date".to_owned());
        }
        match medicines.state.why_open() {
            Some(why) => Since::NotTold(format!("the medication list: {why}")),
            None => Since::New,
        }
    }
}

/// Concepts that codes name; words only where no code does.
fn told(reason: &CodeableConcept<'_>, terminology: &Terminology) -> Vec<(String, String)> {
    let coded = concepts(reason, &terminology.conditions);
    if !coded.is_empty() {
        return coded;
    }
    let rows = terminology.conditions.rows();
    let mut found = Vec::new();
    for words in reason.words() {
        let folded = words.to_lowercase();
        for row in rows.iter().filter(|r| folded.contains(&r.title.to_lowercase())) {
            found.push((row.id.clone(), row.title.clone()));
        }
    }
    found
}
