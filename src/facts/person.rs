//! How old is the patient, and of which sex?

use super::known::Known;
use crate::ehr::Collected;
use crate::fhir::views::Patient;
use crate::fhir::{FhirDate, Json};
use jiff::civil::Date;

/// Administrative gender, as the formulas for renal function use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// Age and sex.
#[derive(Clone, Debug)]
pub struct Person {
    /// Date of birth, as precise as it is on record.
    pub birth: Known<FhirDate>,
    /// Sex.
    pub sex: Known<Sex>,
}

impl Person {
    /// Reads the Patient resource.
    pub fn read(patient: &Collected<'_>) -> Person {
        let Some(view) = patient.resources.first().and_then(|p| Patient::read(*p)) else {
            let why = patient.state.why_open().unwrap_or("no Patient was sent");
            return Person { birth: Known::not_available(why), sex: Known::not_available(why) };
        };
        let birth = match view.birth_date().and_then(Json::string) {
            None => Known::NoneOnRecord,
            Some(text) => match FhirDate::parse(&text) {
                Some(date) => Known::Is(date),
                None => Known::not_available("the date of birth cannot be read"),
            },
        };
        let sex = match view.gender().and_then(Json::string).as_deref() {
            Some("female") => Known::Is(Sex::Female),
            Some("male") => Known::Is(Sex::Male),
            None => Known::NoneOnRecord,
            Some(_) => Known::not_available("the gender on record is neither female nor male"),
        };
        Person { birth, sex }
    }

    /// Completed years: the least and the most that the date of birth allows.
    pub fn age(&self, today: Date) -> Option<(u16, u16)> {
        let birth = self.birth.known()?;
        let years = |from: Date| {
            let span = today.since((jiff::Unit::Year, from)).ok()?;
            u16::try_from(span.get_years()).ok()
        };
        Some((years(birth.latest)?, years(birth.earliest)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(birth: &str, today: &str) -> Option<(u16, u16)> {
        let birth = Known::Is(FhirDate::parse(birth).unwrap());
        Person { birth, sex: Known::NoneOnRecord }.age(today.parse().unwrap())
    }

    #[test]
    fn a_birthday_counts_from_its_day_on() {
        assert_eq!(age("1961-11-23", "2026-11-22"), Some((64, 64)));
        assert_eq!(age("1961-11-22", "2026-11-22"), Some((65, 65)));
        assert_eq!(age("1960-02-29", "2025-02-28"), Some((64, 64)));
    }

    #[test]
    fn a_year_of_birth_leaves_two_ages() {
        assert_eq!(age("1961", "2026-11-22"), Some((64, 65)));
    }

    #[test]
    fn a_birth_in_the_future_has_no_age() {
        assert_eq!(age("2030-01-01", "2026-11-22"), None);
    }
}
