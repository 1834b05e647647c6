//! Is the patient pregnant or breast-feeding, and could she be?

use super::known::Evidence;
use super::lab::{LabResult, Value};
use super::{Condition, Facts, Sex, Standing};
use crate::fhir::FhirDate;
use crate::knowledge::Knowledge;
use crate::terminology::results::Meaning;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// What the chart tells of a pregnancy, or of breast-feeding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pregnancy {
    /// It is on record.
    Yes(Vec<Evidence>),
    /// It was asked or tested, and it is not so.
    No(Vec<Evidence>),
    /// Not possible: a man, or outside the years in which somebody may become pregnant.
    Impossible,
    /// Possible, and nothing is on record.
    NoneOnRecord,
    /// Possible, and not to be told.
    NotAvailable(String),
}

/// The words of one question: its diagnosis, its answers, its test.
struct Question {
    condition: &'static str,
    none: &'static str,
    answer: &'static str,
    test: Option<&'static str>,
    days: u16,
}

impl Facts {
    /// Is the patient pregnant?
    pub fn pregnancy(&self, knowledge: &Knowledge) -> Pregnancy {
        self.asked(
            knowledge,
            &Question {
                condition: "pregnancy",
                none: "pregnancy.none",
                answer: "pregnancy-status",
                test: Some("pregnancy-test"),
                days: knowledge.policy.windows.pregnancy_days,
            },
        )
    }

    /// Is the patient breast-feeding?
    pub fn breast_feeding(&self, knowledge: &Knowledge) -> Pregnancy {
        self.asked(
            knowledge,
            &Question {
                condition: "breast-feeding",
                none: "breast-feeding.none",
                answer: "breast-feeding",
                test: None,
                days: knowledge.policy.windows.breast_feeding_days,
            },
        )
    }

    fn asked(&self, knowledge: &Knowledge, question: &Question) -> Pregnancy {
        let male = self.person.sex.known() == Some(&Sex::Male);
        if male {
            return Pregnancy::Impossible;
        }
        let mut signs = Signs { yes: Vec::new(), no: Vec::new(), unclear: None };
        for condition in self.conditions.all(question.condition) {
            let over = condition.standing == Standing::Past;
            if !over && self.counts(condition, question.days) {
                signs.yes.push((condition.date, condition.evidence(question.condition)));
            }
        }
        let days = knowledge.policy.windows.pregnancy_test_days;
        for id in [Some(question.answer), question.test].into_iter().flatten() {
            let Some(lab) = knowledge.terminology.labs.get(id) else { continue };
            for result in self.labs.results.get(id).into_iter().flatten() {
                let said = (result.date, result.evidence(lab));
                match says(result, question) {
                    Some(true) if within(result.date, self.today, question.days) => {
                        signs.yes.push(said);
                    }
                    Some(false) if within(result.date, self.today, days) => signs.no.push(said),
                    Some(_) => {}
                    None => signs.unclear = Some("the answer on record tells nothing"),
                }
            }
        }
        signs.weigh(self, knowledge, question)
    }

    /// Not older than a pregnancy lasts; without a date it may be now.
    fn counts(&self, condition: &Condition, days: u16) -> bool {
        condition.date.is_none() || within(condition.date, self.today, days)
    }
}

struct Signs {
    yes: Vec<(Option<FhirDate>, Evidence)>,
    no: Vec<(Option<FhirDate>, Evidence)>,
    unclear: Option<&'static str>,
}

impl Signs {
    fn weigh(self, facts: &Facts, knowledge: &Knowledge, question: &Question) -> Pregnancy {
        let newest = |list: &[(Option<FhirDate>, Evidence)]| list.iter().map(|(d, _)| *d).max();
        let only =
            |list: Vec<(Option<FhirDate>, Evidence)>| list.into_iter().map(|(_, e)| e).collect();
        if !self.yes.is_empty() {
            // A later "no" ends it; without a date nothing does.
            let undated = self.yes.iter().any(|(date, _)| date.is_none());
            if !undated && newest(&self.no) > newest(&self.yes) {
                return Pregnancy::No(only(self.no));
            }
            return Pregnancy::Yes(only(self.yes));
        }
        let years = knowledge.policy.windows.childbearing_age;
        let inside = |n: u16| years.contains(Decimal::from(n));
        let outside = facts.person.age(facts.today).is_some_and(|(a, b)| !inside(a) && !inside(b));
        if outside {
            return Pregnancy::Impossible;
        }
        if !self.no.is_empty() {
            return Pregnancy::No(only(self.no));
        }
        if let Some(why) = self.unclear {
            return Pregnancy::NotAvailable(why.to_owned());
        }
        if let Some(why) = facts.conditions.state.why_open() {
            return Pregnancy::NotAvailable(format!("the problem list: {why}"));
        }
        for id in [question.test, Some(question.answer)].into_iter().flatten() {
            let Some(lab) = knowledge.terminology.labs.get(id) else { continue };
            if let super::Known::NotAvailable { why } = facts.labs.absent::<()>(lab) {
                return Pregnancy::NotAvailable(format!("{}: {why}", lab.title));
            }
        }
        Pregnancy::NoneOnRecord
    }
}

/// What a result says of the question.
fn says(result: &LabResult, question: &Question) -> Option<bool> {
    match &result.value {
        Value::Meaning(Meaning::Positive) => Some(true),
        Value::Meaning(Meaning::Negative) => Some(false),
        Value::Concepts(ids) if ids.iter().any(|id| id == question.condition) => Some(true),
        Value::Concepts(ids) if ids.iter().any(|id| id == question.none) => Some(false),
        _ => None,
    }
}

/// Not older than so many days; a result without a date counts.
fn within(date: Option<FhirDate>, today: Date, days: u16) -> bool {
    date.is_none_or(|date| {
        let span = date.latest.until((jiff::Unit::Day, today));
        span.is_ok_and(|s| s.get_days() <= i32::from(days))
    })
}
