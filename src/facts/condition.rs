//! Which diagnoses are on record, and do they still hold?

use super::known::{Evidence, Shown};
use crate::ehr::{Collected, State};
use crate::fhir::types::{CodeableConcept, local_reference};
use crate::fhir::views::{self, Stage, period_date};
use crate::fhir::{FhirDate, Json};
use crate::terminology::conditions::Said;
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
    /// Concepts of the table that its codes name, with the code that told each; none where only its
    /// words did.
    pub concepts: Vec<(String, Option<String>)>,
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
    /// Do its codes, or without one that is known its words, name the concept?
    pub fn is(&self, concept: &str) -> bool {
        self.concepts.iter().any(|(id, _)| id == concept)
    }

    /// Is it told by words alone?
    pub fn in_words(&self) -> bool {
        self.concepts.iter().all(|(_, code)| code.is_none())
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
        let code = self.concepts.iter().find(|(id, _)| id == concept).and_then(|(_, c)| c.clone());
        Evidence::from(Shown {
            what: match self.standing {
                Standing::Past => format!("{} (resolved)", self.title),
                _ => self.title.clone(),
            },
            value: None,
            date: self.date,
            reference: self.reference.clone(),
            code,
        })
    }
}

/// All diagnoses that a table knows.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// Those on record.
    pub list: Vec<Condition>,
    /// What the absence of others means.
    pub state: State,
    /// Entries in words alone, which no table understands.
    pub not_understood: usize,
}

impl Conditions {
    /// Reads the Conditions of the chart; refuted and entered-in-error ones never count.
    pub fn read(collected: &Collected<'_>, table: &Table) -> Conditions {
        let mut conditions =
            Conditions { list: Vec::new(), state: collected.state.clone(), not_understood: 0 };
        for json in &collected.resources {
            match read_one(*json, table) {
                Read::Known(condition) => conditions.list.push(*condition),
                Read::NotUnderstood => conditions.not_understood += 1,
                Read::Other => {}
            }
        }
        conditions
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

/// What an entry of the problem list is to us.
enum Read {
    Known(Box<Condition>),
    /// Words without any code, and none that the table has.
    NotUnderstood,
    /// No diagnosis that a rule asks about.
    Other,
}

/// The concepts of an entry: those of its codes, else those of its words; and do the words say that it
/// is over?
fn named(code: &CodeableConcept<'_>, table: &Table) -> (Vec<(String, Option<String>)>, bool) {
    let coded = concepts(code, table);
    if !coded.is_empty() {
        return (coded.into_iter().map(|(id, code)| (id, Some(code))).collect(), false);
    }
    let said: Vec<Said<'_>> = code.words().flat_map(|words| table.by_words(words)).collect();
    let over = !said.is_empty() && said.iter().all(|s| s.past);
    (said.into_iter().map(|s| (s.concept.id.clone(), None)).collect(), over)
}

fn read_one(json: Json<'_>, table: &Table) -> Read {
    let Some(view) = views::Condition::read(json) else { return Read::Other };
    let verification = view.verification_status().map(CodeableConcept::read).unwrap_or_default();
    if verification.has_code(&["refuted", "entered-in-error"]) {
        return Read::Other;
    }
    let Some(code) = view.code().map(CodeableConcept::read) else { return Read::Other };
    let (concepts, over) = named(&code, table);
    let first = concepts.first().and_then(|(id, _)| table.get(id));
    let Some(title) = first.map(|concept| concept.title.clone()) else {
        let coded = code.codings.iter().any(|c| c.code.is_some());
        let written = code.words().any(|w| !w.trim().is_empty());
        return if coded || !written { Read::Other } else { Read::NotUnderstood };
    };
    let status = view.clinical_status().map(CodeableConcept::read).unwrap_or_default();
    let ended = view.abatement_date_time().or(view.abatement_period()).is_some()
        || view.abatement_boolean().and_then(Json::boolean) == Some(true);
    let standing = if over {
        Standing::Past
    } else if status.has_code(&["active", "recurrence", "relapse"]) {
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
    Read::Known(Box::new(Condition {
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
    }))
}
