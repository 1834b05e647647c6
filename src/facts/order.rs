//! What is ordered, for what, and is it new?

use super::condition::{Conditions, concepts};
use super::dose::Dose;
use super::known::{Evidence, Shown};
use super::medicine::{Medicine, Medicines};
use crate::ehr::orders::reasons;
use crate::ehr::{DraftOrder, Identified, State};
use crate::fhir::types::CodeableConcept;
use crate::fhir::{FhirDate, Json, Release};
use crate::knowledge::{Drug, Knowledge, Phase};
use crate::terminology::Terminology;
use crate::terminology::conditions::Concept;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Why the rows of a drug are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The drug is being ordered.
    Ordered,
    /// The patient takes the drug, and the order with this reference is of something else.
    Beside,
    /// The patient takes the drug, and the chart is open.
    Taken,
}

/// A JAK inhibitor that is being ordered or taken.
#[derive(Clone, Debug)]
pub struct Order {
    /// Why its rows are asked.
    pub role: Role,
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
    /// What the order gives as its reason.
    pub reasons: Vec<Reason>,
    /// What it is ordered for, by drug of [`Identified::drugs`].
    pub indications: Vec<Indication>,
    /// The draft as it was sent, for a changed one; none of what is only taken.
    pub draft: Option<Box<str>>,
}

/// A reason that an order gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Concept of the condition table.
    pub concept: String,
    /// Its name in the table.
    pub title: String,
    /// The code that told it; none when words did.
    pub code: Option<String>,
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
    pub fn read<'a>(
        draft: &DraftOrder<'a>,
        role: Role,
        conditions: &BTreeMap<String, Json<'a>>,
        terminology: &Terminology,
    ) -> Order {
        let dose = Dose::read(&draft.view, draft.drug.strength);
        let mut found: Vec<Reason> = Vec::new();
        for reason in reasons(&draft.view, conditions) {
            for hit in concepts_of(&reason, terminology) {
                if !found.iter().any(|r| r.concept == hit.concept) {
                    found.push(hit);
                }
            }
        }
        Order {
            draft: (role == Role::Ordered).then(|| draft.json.text().into()),
            role,
            reference: draft.reference.clone(),
            release: draft.release,
            drug: draft.drug.clone(),
            phase: dose.phase(),
            dose,
            reasons: found,
            indications: Vec::new(),
        }
    }

    /// What the drug, one of those that it may be, is ordered for.
    pub fn indication(&self, drug: &Drug) -> &Indication {
        let index = self.drug.drugs.iter().position(|id| *id == drug.drug);
        let told = index.and_then(|index| self.indications.get(index));
        told.unwrap_or(&Indication::NotTold("it was not looked for"))
    }

    /// Tells what each drug is ordered for: the order's own reason, else the problem list.
    pub fn find_indications(&mut self, conditions: &Conditions, knowledge: &Knowledge) {
        let told = |id: &String| match knowledge.drug(id) {
            Some(drug) => self.told(drug, conditions),
            None => Indication::NotTold("no label is known"),
        };
        self.indications = self.drug.drugs.iter().map(told).collect();
    }

    fn told(&self, drug: &Drug, conditions: &Conditions) -> Indication {
        let labelled = || drug.indications.iter().map(|i| i.get_ref());
        let given: Vec<&Reason> =
            self.reasons.iter().filter(|r| labelled().any(|l| *l == r.concept)).collect();
        match given.as_slice() {
            [] if !self.reasons.is_empty() => {
                return Indication::NotTold("the order names a reason that is not on the label");
            }
            [] => {}
            [reason] => {
                let evidence = Evidence::from(Shown {
                    what: format!("ordered for {}", reason.title),
                    value: None,
                    date: None,
                    reference: Some(self.reference.clone()),
                    code: reason.code.clone(),
                });
                return Indication::Is(reason.concept.clone(), vec![evidence]);
            }
            several => {
                return Indication::OneOf(several.iter().map(|r| r.concept.clone()).collect());
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
        let days = i32::from(knowledge.policy.windows.continuing_days);
        let long = |day: Date| {
            let span = day.until((jiff::Unit::Day, today));
            span.is_ok_and(|s| s.get_days() >= days)
        };
        if let Some(start) = self.first_day(drug, medicines, knowledge, today) {
            if long(start.latest) {
                return Since::Continuing(start);
            }
            if long(start.earliest) {
                return Since::NotTold("its start is only partly on record".to_owned());
            }
        }
        let undated = |m: &&Medicine| m.start.is_none() || !m.sure;
        let mut taken = medicines.current(today).filter(|m| m.is_of(drug, knowledge));
        if taken.find(undated).is_some() {
            return Since::NotTold("it is on the medication list without a date".to_owned());
        }
        match medicines.state.why_open() {
            Some(why) => Since::NotTold(format!("the medication list: {why}")),
            None => Since::New,
        }
    }
}

impl Order {
    /// Has the patient been on the ingredient for longer than a new start?
    pub fn is_continuing(&self, facts: &super::Facts, knowledge: &Knowledge) -> bool {
        let drugs = self.drug.drugs.iter().filter_map(|id| knowledge.drug(id));
        let since = |drug| self.since(drug, &facts.medicines, knowledge, facts.today);
        drugs.map(since).any(|since| matches!(since, Since::Continuing(_)))
    }

    /// The first known day of the course that goes on: entries that follow each other are one.
    pub fn first_day(
        &self,
        drug: &Drug,
        medicines: &Medicines,
        knowledge: &Knowledge,
        today: Date,
    ) -> Option<FhirDate> {
        let windows = &knowledge.policy.windows;
        let ours = medicines.list.iter().filter(|m| m.sure && !m.draft && m.is_of(drug, knowledge));
        let mut entries: Vec<(FhirDate, &Medicine)> =
            ours.filter_map(|m| Some((m.start?, m))).collect();
        entries.sort_by_key(|(start, _)| std::cmp::Reverse(*start));
        let now = entries.iter().position(|(_, m)| m.is_current(today))?;
        let mut first = entries[now].0;
        for (start, entry) in &entries[now + 1..] {
            // An entry without an end may have lasted until it was renewed.
            let lasted = match entry.end {
                Some(end) => (end.latest, windows.renewal_gap_days),
                None => (start.latest, windows.renewal_days),
            };
            let gap = lasted.0.until((jiff::Unit::Day, first.earliest));
            if gap.is_ok_and(|gap| gap.get_days() <= i32::from(lasted.1)) {
                first = first.min(*start);
            }
        }
        Some(first)
    }
}

impl Medicine {
    /// The same ingredient, in whatever form.
    fn is_of(&self, drug: &Drug, knowledge: &Knowledge) -> bool {
        self.jak_drugs()
            .iter()
            .any(|id| knowledge.drug(id).is_some_and(|other| other.ingredient == drug.ingredient))
    }
}

/// Concepts that codes name; words only where no code does.
fn concepts_of(reason: &CodeableConcept<'_>, terminology: &Terminology) -> Vec<Reason> {
    let table = &terminology.conditions;
    let coded = concepts(reason, table);
    if !coded.is_empty() {
        let named = |(concept, code): (String, String)| {
            let title = table.get(&concept).map(|c| c.title.clone())?;
            Some(Reason { concept, title, code: Some(code) })
        };
        return coded.into_iter().filter_map(named).collect();
    }
    let said = reason.words().flat_map(|words| table.by_words(words)).map(|said| said.concept);
    let named = |row: &Concept| {
        let (concept, title) = (row.id.clone(), row.title.clone());
        Reason { concept, title, code: None }
    };
    said.map(named).collect()
}
