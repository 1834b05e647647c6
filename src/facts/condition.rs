//! Which diagnoses are on record, and do they still hold?

use super::known::Evidence;
use crate::ehr::{Collected, State};
use crate::fhir::types::{CodeableConcept, local_reference};
use crate::fhir::views::{self, Stage, period_date};
use crate::fhir::{FhirDate, Json};
use crate::terminology::{Conditions as Table, System};
use jiff::civil::Date;

/// Does a condition hold now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Active, recurrent or relapsed.
    Active,
    /// Resolved, inactive or in remission.
    Past,
    /// Not told.
    NotTold,
}

/// A diagnosis on record.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Concepts of the table that its codes name, with the code that told each.
    pub concepts: Vec<(String, String)>,
    /// Its name in the table.
    pub title: String,
    /// Does it hold now?
    pub standing: Standing,
    /// Onset, else the day it was recorded.
    pub date: Option<FhirDate>,
    /// The last day that anything of it tells: when it was recorded, or its onset.
    pub told: Option<FhirDate>,
    /// `Condition/id`.
    pub reference: Option<String>,
    /// The words of its stage (`Child-Pugh class B`), and of the condition itself.
    pub stage: Vec<String>,
}

impl Condition {
    /// Does one of its codes name the concept?
    pub fn is(&self, concept: &str) -> bool {
        self.concepts.iter().any(|(id, _)| id == concept)
    }

    /// Active, or without status and no older than the window.
    pub fn is_active(&self, today: Date, window_days: u16) -> bool {
        match self.standing {
            Standing::Active => true,
            Standing::Past => false,
            Standing::NotTold => self.date.is_some_and(|date| {
                let days = date.earliest.until((jiff::Unit::Day, today)).map(|s| s.get_days());
                days.is_ok_and(|days| (0..=i32::from(window_days)).contains(&days))
            }),
        }
    }

    /// What a finding shows of it.
    pub fn evidence(&self, concept: &str) -> Evidence {
        let code = self.concepts.iter().find(|(id, _)| id == concept).map(|(_, c)| c.clone());
        Evidence {
            what: match self.standing {
                Standing::Past => format!("{} (resolved)", self.title),
                _ => self.title.clone(),
            },
            value: None,
            date: self.date,
            reference: self.reference.clone(),
            code,
        }
    }
}

/// All diagnoses that a table knows.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// Those on record.
    pub list: Vec<Condition>,
    /// What the absence of others means.
    pub state: State,
}

impl Conditions {
    /// Reads the Conditions of the chart; refuted and entered-in-error ones never count.
    pub fn read(collected: &Collected<'_>, table: &Table) -> Conditions {
        let list = collected.resources.iter().filter_map(|c| read_one(*c, table)).collect();
        Conditions { list, state: collected.state.clone() }
    }

    /// The conditions that name a concept.
    pub fn all<'s>(&'s self, concept: &'s str) -> impl Iterator<Item = &'s Condition> {
        self.list.iter().filter(move |c| c.is(concept))
    }
}

/// The concepts that a CodeableConcept's codes name, with the code that told each.
pub fn concepts(concept: &CodeableConcept<'_>, table: &Table) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for coding in &concept.codings {
        let (Some(system), Some(code)) = (&coding.system, &coding.code) else { continue };
        let Some(system) = System::of(system) else { continue };
        for hit in table.by_code(system, code) {
            if !found.iter().any(|(id, _)| *id == hit.id) {
                found.push((hit.id.clone(), code.to_string()));
            }
        }
    }
    found
}

fn read_one(json: Json<'_>, table: &Table) -> Option<Condition> {
    let view = views::Condition::read(json)?;
    let verification = view.verification_status().map(CodeableConcept::read).unwrap_or_default();
    if verification.has_code(&["refuted", "entered-in-error"]) {
        return None;
    }
    let code = CodeableConcept::read(view.code()?);
    let concepts = concepts(&code, table);
    let title = table.get(&concepts.first()?.0)?.title.clone();
    let status = view.clinical_status().map(CodeableConcept::read).unwrap_or_default();
    let ended = view.abatement_date_time().or(view.abatement_period()).is_some()
        || view.abatement_boolean().and_then(Json::boolean) == Some(true);
    let standing = if status.has_code(&["active", "recurrence", "relapse"]) {
        Standing::Active
    } else if ended || status.has_code(&["resolved", "inactive", "remission"]) {
        Standing::Past
    } else {
        Standing::NotTold
    };
    let date = |j: Option<Json<'_>>| j.and_then(Json::string).and_then(|t| FhirDate::parse(&t));
    let mut stage: Vec<String> = code.words().map(str::to_owned).collect();
    let stages = view.stage().map(Json::items).unwrap_or_default();
    for summary in stages.into_iter().filter_map(Stage::read).filter_map(|s| s.summary()) {
        stage.extend(CodeableConcept::read(summary).words().map(str::to_owned));
    }
    let recorded = [view.recorded_date(), view.date_recorded(), view.asserted_date()];
    let recorded = recorded.into_iter().filter_map(date).max();
    let onset = date(view.onset_date_time()).or_else(|| view.onset_period().and_then(period_date));
    Some(Condition {
        told: recorded.max(onset),
        stage,
        concepts,
        title,
        standing,
        date: date(view.onset_date_time())
            .or_else(|| view.onset_period().and_then(period_date))
            .or_else(|| date(view.recorded_date()))
            .or_else(|| date(view.date_recorded()))
            .or_else(|| date(view.asserted_date())),
        reference: local_reference("Condition", view.id()),
    })
}
