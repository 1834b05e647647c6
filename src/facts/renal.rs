//! How well do the kidneys work, in the measure that the label names?
//!
//! A result on record or an estimate out of the newest creatinine, whichever rests on newer data;
//! another measure only when the named one cannot be had, and then named as a substitute; the stage
//! on the problem list last. Dialysis and end-stage disease outweigh every number.

use super::Facts;
use super::estimate::{bedside_schwartz, ckd_epi_2021, cockcroft_gault};
use super::known::{Evidence, Known};
use super::lab::{LabResult, Value};
use super::person::Sex;
use crate::fhir::FhirDate;
use crate::knowledge::policy::KidneyStage;
use crate::knowledge::{Knowledge, RenalMeasure};
use crate::terminology::decimal::Range;
use crate::terminology::labs::Lab;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// Where a renal function is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenalSource {
    /// A result on record.
    Measured,
    /// Cockcroft–Gault.
    CockcroftGault,
    /// CKD-EPI 2021.
    CkdEpi2021,
    /// Bedside Schwartz.
    BedsideSchwartz,
    /// A result with a race factor; the lower of the pair.
    RaceSpecific,
    /// A stage, dialysis or end-stage disease on the problem list.
    ProblemList,
}

/// A renal function.
#[derive(Clone, Debug)]
pub struct RenalFunction {
    /// In the unit of `measure`.
    pub value: Range,
    /// The measure that the value is in.
    pub measure: RenalMeasure,
    /// Where it is from.
    pub source: RenalSource,
    /// The day of the newest result that it rests on.
    pub date: Option<FhirDate>,
    /// It is not the measure that was asked for, for this reason.
    pub substitute: Option<String>,
    /// It is older than the policy lets count as current.
    pub stale: bool,
    /// What it rests on.
    pub basis: Vec<Evidence>,
}

/// Any of these on record, and renal function is not "none on record".
const RENAL_LABS: &[&str] = &["creatinine", "egfr", "creatinine-clearance", "egfr-race-specific"];

/// Ages below this are children for the formulas (CKD-EPI 2021 and Schwartz).
const ADULT: u16 = 18;

impl Facts {
    /// On dialysis?
    pub fn dialysis(&self) -> Known<bool> {
        let on_list =
            self.conditions.all("kidney.dialysis").any(|c| c.standing != super::Standing::Past);
        match (on_list, self.conditions.state.why_open()) {
            (true, _) => Known::Is(true),
            (false, None) => Known::Is(false),
            (false, Some(why)) => Known::not_available(format!("the problem list: {why}")),
        }
    }

    /// The renal function, in the measure that a label names or a substitute.
    pub fn renal_function(
        &self,
        wanted: RenalMeasure,
        knowledge: &Knowledge,
    ) -> Known<RenalFunction> {
        if let Some(end_stage) = self.end_stage(wanted, knowledge) {
            return Known::Is(end_stage);
        }
        if let Some(injury) = self.active("kidney.acute-injury", knowledge) {
            let what = &injury.what;
            return Known::not_available(format!(
                "{what} on record: creatinine tells nothing about clearance now"
            ));
        }
        let other = match wanted {
            RenalMeasure::CreatinineClearance => RenalMeasure::Egfr,
            RenalMeasure::Egfr => RenalMeasure::CreatinineClearance,
        };
        let gather = Gather { facts: self, knowledge };
        let (named, why_not) = gather.measure(wanted);
        let substitutes = || {
            let (mut found, _) = gather.measure(other);
            for function in &mut found {
                function.substitute = Some(why_not.clone());
            }
            found
        };
        let mut candidates = named;
        if !candidates.iter().any(|f| !f.stale) {
            candidates.extend(substitutes());
        }
        // Current before old; among those the named measure; among those the newest.
        let best = candidates.into_iter().reduce(|best, next| {
            let rank =
                |f: &RenalFunction| (!f.stale, f.substitute.is_none(), f.date.map(|d| d.latest));
            if rank(&next) > rank(&best) { next } else { best }
        });
        // A stage on the problem list outweighs a result that is old.
        let diagnosed = || self.by_diagnosis(wanted, knowledge, |_| true);
        let best = match best {
            Some(function) if !function.stale => Some(function),
            old => diagnosed().or(old),
        };
        match best {
            Some(function) => Known::Is(function),
            None => gather.nothing(why_not),
        }
    }

    fn active(&self, concept: &str, knowledge: &Knowledge) -> Option<Evidence> {
        let days = knowledge.policy.windows.infection_days;
        self.conditions
            .all(concept)
            .find(|c| c.is_active(self.today, days))
            .map(|c| c.evidence(concept))
    }

    /// Dialysis or end-stage disease, which no result outweighs.
    fn end_stage(&self, measure: RenalMeasure, knowledge: &Knowledge) -> Option<RenalFunction> {
        self.by_diagnosis(measure, knowledge, |stage| stage.outweighs_results)
    }

    /// The worst renal function that a diagnosis on record tells.
    fn by_diagnosis(
        &self,
        measure: RenalMeasure,
        knowledge: &Knowledge,
        counts: impl Fn(&KidneyStage) -> bool,
    ) -> Option<RenalFunction> {
        // With a working transplant the disease before it tells nothing.
        let transplant = self.conditions.all("kidney.transplant").next().is_some();
        let stages = knowledge.policy.kidney_stage.iter();
        let stages = stages.filter(|s| counts(s) && !(transplant && s.outweighs_results));
        let mut hits = stages.filter_map(|stage| {
            let concept = stage.concept.get_ref();
            let mut conditions = self.conditions.all(concept);
            let condition = conditions.find(|c| c.standing != super::Standing::Past)?;
            Some(RenalFunction {
                value: stage.gfr,
                measure,
                source: RenalSource::ProblemList,
                date: condition.date,
                substitute: None,
                stale: false,
                basis: vec![condition.evidence(concept)],
            })
        });
        hits.next()
    }
}

struct Gather<'f> {
    facts: &'f Facts,
    knowledge: &'f Knowledge,
}

impl Gather<'_> {
    /// Every value in one measure, and why there is none better.
    fn measure(&self, measure: RenalMeasure) -> (Vec<RenalFunction>, String) {
        let (lab, estimate) = match measure {
            RenalMeasure::CreatinineClearance => ("creatinine-clearance", self.clearance()),
            RenalMeasure::Egfr => ("egfr", self.filtration()),
        };
        let mut found: Vec<RenalFunction> = self.result(lab, measure).into_iter().collect();
        let why_not = match estimate {
            Ok(function) => {
                // An estimate is told only when it rests on newer data than the result.
                let newer = found
                    .iter()
                    .all(|f| f.date.map(|d| d.latest) < function.date.map(|d| d.latest));
                if newer {
                    found.push(function);
                }
                String::new()
            }
            Err(why) => why,
        };
        if found.is_empty() && measure == RenalMeasure::Egfr {
            found.extend(self.race_specific());
        }
        (found, why_not)
    }

    fn lab(&self, id: &str) -> Option<&Lab> {
        self.knowledge.terminology.labs.get(id)
    }

    /// The newest readable result of a test; why there is none.
    fn newest(&self, id: &str) -> Result<(&LabResult, Range), String> {
        let Some(lab) = self.lab(id) else { return Err(format!("{id} is in no table")) };
        let absent = || self.facts.labs.absent::<()>(lab);
        match self.facts.labs.decisive(id) {
            None => {
                Err(format!("{}: {}", lab.title, absent().why_unknown().unwrap_or("none".into())))
            }
            Some(result) => match result.value {
                Value::Number(range) => Ok((result, range)),
                Value::Unreadable(why) => Err(format!("{} on record, but {why}", lab.title)),
                _ => Err(format!("{} on record, but it is no number", lab.title)),
            },
        }
    }

    fn result(&self, id: &str, measure: RenalMeasure) -> Option<RenalFunction> {
        let (result, value) = self.newest(id).ok()?;
        Some(self.function(value, measure, RenalSource::Measured, vec![(id, result)]))
    }

    fn function(
        &self,
        value: Range,
        measure: RenalMeasure,
        source: RenalSource,
        basis: Vec<(&str, &LabResult)>,
    ) -> RenalFunction {
        let date = basis.first().and_then(|(_, r)| r.date);
        let months = self.knowledge.policy.windows.renal_months;
        let basis = basis
            .into_iter()
            .filter_map(|(id, result)| Some(result.evidence(self.lab(id)?)))
            .collect();
        let stale = !within_months(date, months, self.facts.today);
        RenalFunction { value, measure, source, date, substitute: None, stale, basis }
    }

    /// Age, sex and creatinine: what every estimate needs.
    fn inputs(&self) -> Result<(u16, u16, &LabResult, Decimal), String> {
        let (creatinine, range) = self.newest("creatinine")?;
        let Some(value) = range.exact().filter(|v| *v > Decimal::ZERO) else {
            return Err("the creatinine on record is no single number".to_owned());
        };
        let Some((least, most)) = self.facts.person.age(self.facts.today) else {
            let why = self.facts.person.birth.why_unknown().unwrap_or("it is in the future".into());
            return Err(format!("date of birth: {why}"));
        };
        Ok((least, most, creatinine, value))
    }

    fn sex(&self) -> Result<Sex, String> {
        let sex = &self.facts.person.sex;
        let why = || format!("sex: {}", sex.why_unknown().unwrap_or_default());
        sex.known().copied().ok_or_else(why)
    }

    /// Cockcroft–Gault; the older of two possible ages gives the lower, safer value.
    fn clearance(&self) -> Result<RenalFunction, String> {
        let (least, age, creatinine, value) = self.inputs()?;
        if least < ADULT {
            return Err("Cockcroft–Gault is for adults".to_owned());
        }
        let sex = self.sex()?;
        let (weight_result, weight) = self.newest("weight")?;
        let months = self.knowledge.policy.windows.weight_months;
        if !within_months(weight_result.date, months, self.facts.today) {
            return Err(format!("the newest body weight is older than {months} months"));
        }
        let weight = weight.exact().ok_or("the body weight on record is no single number")?;
        let estimate =
            cockcroft_gault(age, weight, value, sex).ok_or("Cockcroft–Gault has no value here")?;
        Ok(self.function(
            Range::exactly(estimate),
            RenalMeasure::CreatinineClearance,
            RenalSource::CockcroftGault,
            vec![("creatinine", creatinine), ("weight", weight_result)],
        ))
    }

    /// CKD-EPI 2021 for adults, bedside Schwartz for children.
    fn filtration(&self) -> Result<RenalFunction, String> {
        let (least, age, creatinine, value) = self.inputs()?;
        if least < ADULT {
            let (height_result, height) = self.newest("height")?;
            let months = self.knowledge.policy.windows.weight_months;
            if !within_months(height_result.date, months, self.facts.today) {
                return Err(format!("the newest body height is older than {months} months"));
            }
            let height = height.exact().ok_or("the body height on record is no single number")?;
            let estimate = bedside_schwartz(height, value).ok_or("Schwartz has no value here")?;
            let basis = vec![("creatinine", creatinine), ("height", height_result)];
            let value = Range::exactly(estimate);
            let source = RenalSource::BedsideSchwartz;
            return Ok(self.function(value, RenalMeasure::Egfr, source, basis));
        }
        let estimate = ckd_epi_2021(age, value, self.sex()?).ok_or("CKD-EPI has no value here")?;
        let value = Range::exactly(estimate);
        let basis = vec![("creatinine", creatinine)];
        Ok(self.function(value, RenalMeasure::Egfr, RenalSource::CkdEpi2021, basis))
    }

    /// Race-specific pairs: the lower value of the newest day, when there is nothing better.
    fn race_specific(&self) -> Option<RenalFunction> {
        let id = "egfr-race-specific";
        let results = self.facts.labs.results.get(id)?;
        let newest = results.iter().find(|r| matches!(r.value, Value::Number(_)))?;
        let same_day = results.iter().filter(|r| r.date == newest.date);
        let lowest = same_day
            .filter_map(|r| match r.value {
                Value::Number(range) => Some((range.exact()?, r)),
                _ => None,
            })
            .min_by_key(|(value, _)| *value)?;
        let source = RenalSource::RaceSpecific;
        let value = Range::exactly(lowest.0);
        Some(self.function(value, RenalMeasure::Egfr, source, vec![(id, lowest.1)]))
    }

    fn nothing(&self, why_not: String) -> Known<RenalFunction> {
        let lab = self.lab("creatinine");
        match lab.map(|l| self.facts.labs.absent::<()>(l)) {
            Some(Known::NoneOnRecord)
                if RENAL_LABS.iter().all(|id| !self.facts.labs.results.contains_key(*id)) =>
            {
                Known::NoneOnRecord
            }
            _ => match RENAL_LABS.iter().find_map(|id| self.unreadable(id)) {
                Some(unread) if unread != why_not => {
                    Known::not_available(format!("{why_not}; {unread}"))
                }
                _ => Known::not_available(why_not),
            },
        }
    }

    /// What is on record of a test and cannot be read.
    fn unreadable(&self, id: &str) -> Option<String> {
        self.facts.labs.decisive(id)?;
        self.newest(id).err()
    }
}

/// Is a day no longer ago than so many calendar months, the last day included? An unknown day is
/// not.
pub fn within_months(date: Option<FhirDate>, months: u16, today: Date) -> bool {
    let Some(date) = date else { return false };
    let span = jiff::Span::new().months(i64::from(months));
    today.checked_sub(span).is_ok_and(|first| date.earliest >= first)
}
