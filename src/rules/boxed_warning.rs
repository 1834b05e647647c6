//! Which risks of the label's warning does this patient have?
//!
//! The warning itself needs no patient data: the row always fires. A risk on the chart raises it; a
//! part of the chart that could not be read is named beside it.

use super::{Because, Gap, Missing, Outcome, Question, Verdict};
use crate::facts::{Condition, Evidence, Indication, Known, LabResult, Shown, Value, unique};
use crate::knowledge::{BoxedWarning, Exception, RiskGroup};
use std::borrow::Cow;

/// A risk of the warning that the chart shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Id of the risk group.
    pub id: String,
    /// Its name on cards.
    pub title: String,
    /// Does it raise the warning, or is it only shown?
    pub raises: bool,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// One outcome for every warning of the drug.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.boxed_warning);
    rows.map(|row| check_row(question, row)).collect()
}

fn check_row<'k>(question: Question<'k>, row: &'k BoxedWarning) -> Outcome<'k> {
    let mut risks = Vec::new();
    let mut missing: Vec<Missing> = Vec::new();
    let mut not_found: Vec<String> = Vec::new();
    let groups =
        row.raised_by.iter().map(|g| (g, true)).chain(row.noted.iter().map(|g| (g, false)));
    for (id, raises) in groups {
        let Some(group) = question.knowledge.policy.risk(id.get_ref()) else { continue };
        let Look { evidence, missing: open, absent } = Look::at(question, &row.except, group);
        not_found.extend(absent);
        for gap in open {
            if !missing.contains(&gap) {
                missing.push(gap);
            }
        }
        if !evidence.is_empty() {
            let (id, title) = (group.id.get_ref().clone(), group.title.clone());
            risks.push(Risk { id, title, raises, evidence });
        }
    }
    let action = match risks.iter().any(|r| r.raises) {
        true => row.raised_action,
        false => row.action,
    };
    let found = risks.iter().flat_map(|r| r.evidence.clone()).collect();
    let verdict = match missing.is_empty() {
        true => Verdict::Fires(action),
        false => Verdict::CannotTell(action, missing),
    };
    Outcome { found, not_found, ..question.outcome(row, verdict, Because::Boxed(risks)) }
}

/// What the chart tells of a risk.
pub(super) struct Look {
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// What could not be looked at.
    pub missing: Vec<Missing>,
    /// What was asked of nobody.
    pub absent: Vec<String>,
}

impl Look {
    /// Looks at one group of risks.
    pub fn at(question: Question<'_>, except: &[Exception], group: &RiskGroup) -> Look {
        let facts = question.facts;
        let (mut evidence, mut missing) = (Vec::new(), Vec::new());
        if let Some(from) = group.age_from {
            match (facts.person.age(facts.today), &facts.person.birth) {
                (Some((least, _)), _) if least >= from => evidence.push(Evidence::from(Shown {
                    what: format!("{least} years old"),
                    value: None,
                    date: None,
                    reference: None,
                    code: None,
                })),
                (Some((_, most)), _) if most < from => {}
                (_, birth) => missing.push(gap(
                    "age",
                    birth.why_unknown().unwrap_or("only partly on record".into()),
                    birth == &Known::NoneOnRecord,
                )),
            }
        }
        let days = question.knowledge.policy.windows.infection_days;
        let history = group.history.iter().map(|c| (c.get_ref(), false));
        let active = group.active.iter().map(|c| (c.get_ref(), true));
        for (concept, only_active) in history.chain(active) {
            if excepted(question, except, concept) {
                continue;
            }
            let lasting =
                question.knowledge.terminology.conditions.get(concept).is_some_and(|c| c.lasting);
            let holds = |c: &&Condition| match only_active {
                true => c.is_active(facts.today, days),
                false => lasting || c.standing != crate::facts::Standing::Past,
            };
            // Problem lists repeat themselves: of one diagnosis the newest entry is shown.
            let newest = facts.conditions.all(concept).filter(holds).max_by_key(|c| c.date);
            evidence.extend(newest.map(|c| c.evidence(concept)));
        }
        let uses_conditions = !group.history.is_empty() || !group.active.is_empty();
        if let (true, true, Some(why)) =
            (uses_conditions, evidence.is_empty(), facts.conditions.state.why_open())
        {
            missing.push(gap("problem list", why, false));
        }
        let absent = answers(question, group, &mut evidence, &mut missing);
        Look { evidence: unique(evidence), missing, absent }
    }
}

/// The end of the ids of concepts that say that nothing is known.
const UNKNOWN: &str = ".unknown";

/// Answers to questions (smoking status). Returns the questions that were never answered.
fn answers(
    question: Question<'_>,
    group: &RiskGroup,
    evidence: &mut Vec<Evidence>,
    missing: &mut Vec<Missing>,
) -> Vec<String> {
    let mut absent = Vec::new();
    for id in &group.answers {
        let Some(lab) = question.knowledge.terminology.labs.get(id.get_ref()) else { continue };
        let results = question.facts.labs.results.get(&lab.id);
        let shows = |r: &&LabResult| match &r.value {
            Value::Concepts(concepts) => {
                group.history.iter().any(|c| concepts.contains(c.get_ref()))
            }
            _ => false,
        };
        // Who has ever been a smoker is a past smoker at least, whatever was asked later.
        if let Some(result) = results.into_iter().flatten().find(shows) {
            evidence.push(result.evidence(lab));
            continue;
        }
        let unknown = "the answer on record tells nothing";
        match question.facts.labs.newest(lab) {
            Known::Is(result) => match &result.value {
                Value::Unreadable(why) if evidence.is_empty() => {
                    missing.push(gap(&lab.title, *why, false));
                }
                Value::Concepts(concepts)
                    if evidence.is_empty() && concepts.iter().all(|c| c.ends_with(UNKNOWN)) =>
                {
                    missing.push(gap(&lab.title, unknown, false));
                }
                _ => {}
            },
            Known::NotAvailable { why } if evidence.is_empty() => {
                missing.push(gap(&lab.title, why, false));
            }
            Known::NoneOnRecord => absent.push(lab.title.clone()),
            Known::NotAvailable { .. } => {}
        }
    }
    absent
}

/// Is the concept what the drug is ordered for?
fn excepted(question: Question<'_>, except: &[Exception], concept: &str) -> bool {
    let indication = question.order.indication(question.drug);
    except.iter().any(|e| {
        e.concept.get_ref() == concept
            && matches!(indication, Indication::Is(id, _) if id == e.indication.get_ref())
    })
}

fn gap(what: &str, reason: impl Into<Cow<'static, str>>, none_on_record: bool) -> Missing {
    let gap = if none_on_record { Gap::NoneOnRecord } else { Gap::Chart };
    Missing { what: what.to_owned(), reason: reason.into(), gap }
}
