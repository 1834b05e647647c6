//! Is the patient pregnant or breast-feeding, and could she be?

use super::known::Evidence;
use super::lab::{LabResult, Value};
use super::{Facts, Sex, Standing};
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
    /// Not possible: a man, without a uterus, past the menopause, or outside the years in which
    /// somebody may become pregnant.
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
        let mut signs = Signs::default();
        for condition in self.conditions.all(question.condition) {
            let recent = condition.date.is_none_or(|d| within(d.latest, self.today, question.days));
            if condition.standing != Standing::Past && recent {
                signs.said.push((condition.told, condition.evidence(question.condition)));
            }
        }
        let days = knowledge.policy.windows.pregnancy_test_days;
        for id in [Some(question.answer), question.test].into_iter().flatten() {
            let Some(lab) = knowledge.terminology.labs.get(id) else { continue };
            let test = question.test == Some(id);
            for result in self.labs.results.get(id).into_iter().flatten() {
                let sign = (result.date, result.evidence(lab));
                let (earliest, latest) =
                    (result.date.map(|d| d.earliest), result.date.map(|d| d.latest));
                match says(result, question) {
                    // Without a date it may be now.
                    Some(true) if latest.is_none_or(|d| within(d, self.today, question.days)) => {
                        match test {
                            true => signs.tested.push(sign),
                            false => signs.said.push(sign),
                        }
                    }
                    // Without a date it proves nothing.
                    Some(false) if earliest.is_some_and(|d| within(d, self.today, days)) => {
                        match test {
                            true => signs.tested_no.push(sign),
                            false => signs.said_no.push(sign),
                        }
                    }
                    Some(_) => {}
                    None => signs.unclear = Some("the answer on record tells nothing"),
                }
            }
        }
        signs.weigh(self, knowledge, question)
    }
}

type Sign = (Option<FhirDate>, Evidence);

#[derive(Default)]
struct Signs {
    tested: Vec<Sign>,
    said: Vec<Sign>,
    tested_no: Vec<Sign>,
    said_no: Vec<Sign>,
    unclear: Option<&'static str>,
}

impl Signs {
    fn weigh(self, facts: &Facts, knowledge: &Knowledge, question: &Question) -> Pregnancy {
        let no: Vec<Sign> = self.tested_no.iter().chain(&self.said_no).cloned().collect();
        // A test is overruled by a later test only, an answer by either.
        let mut yes = standing(self.tested, &self.tested_no);
        yes.extend(standing(self.said, &no));
        if !yes.is_empty() {
            return Pregnancy::Yes(yes);
        }
        let never = facts.conditions.all("pregnancy.impossible").next().is_some();
        if never || facts.person.sex.known() == Some(&Sex::Male) {
            return Pregnancy::Impossible;
        }
        let years = knowledge.policy.windows.childbearing_age;
        let inside = |n: u16| years.contains(Decimal::from(n));
        let outside = facts.person.age(facts.today).is_some_and(|(a, b)| !inside(a) && !inside(b));
        if outside {
            return Pregnancy::Impossible;
        }
        if !no.is_empty() {
            return Pregnancy::No(no.into_iter().map(|(_, e)| e).collect());
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

/// The signs that no later "no" overrules: one that is surely later than what it overrules.
fn standing(yes: Vec<Sign>, no: &[Sign]) -> Vec<Evidence> {
    let newest = no.iter().filter_map(|(date, _)| *date).map(|d| d.earliest).max();
    let overruled = |date: &Option<FhirDate>| match (date, newest) {
        (Some(date), Some(newest)) => newest > date.latest,
        _ => false,
    };
    yes.into_iter().filter(|(date, _)| !overruled(date)).map(|(_, evidence)| evidence).collect()
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

/// Not in the future, and not older than so many days.
fn within(day: Date, today: Date, days: u16) -> bool {
    let span = day.until((jiff::Unit::Day, today));
    span.is_ok_and(|s| (0..=i32::from(days)).contains(&s.get_days()))
}
