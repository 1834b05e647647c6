//! Which vaccines were given, and when?

use super::known::{Evidence, Shown};
use crate::ehr::{Collected, State};
use crate::fhir::types::{CodeableConcept, local_reference};
use crate::fhir::views::Immunization;
use crate::fhir::{FhirDate, Json};
use crate::terminology::vaccines::Vaccine;
use crate::terminology::{System, Terminology};
use std::collections::HashSet;

/// A vaccine that was given.
#[derive(Clone, Debug)]
pub struct Vaccination {
    /// Id of `vaccines.toml`.
    pub vaccine: String,
    /// Its name in the table.
    pub title: String,
    /// A live vaccine.
    pub live: bool,
    /// The code does not tell whether it is live.
    pub may_be_live: bool,
    /// When it was given.
    pub date: Option<FhirDate>,
    /// `Immunization/id`.
    pub reference: Option<String>,
    /// The code that told it.
    pub code: Option<String>,
}

impl Vaccination {
    /// What a finding shows of it.
    pub fn evidence(&self) -> Evidence {
        Evidence::from(Shown {
            what: self.title.clone(),
            value: None,
            date: self.date,
            reference: self.reference.clone(),
            code: self.code.clone(),
        })
    }
}

/// The vaccines that a table knows.
#[derive(Clone, Debug)]
pub struct Vaccinations {
    /// Those given.
    pub list: Vec<Vaccination>,
    /// What the absence of others means.
    pub state: State,
}

impl Vaccinations {
    /// Reads the Immunizations of the chart; those not done or entered in error never count.
    pub fn read(collected: &Collected<'_>, terminology: &Terminology) -> Vaccinations {
        let list = collected.resources.iter().flat_map(|json| read_one(*json, terminology));
        Vaccinations { list: list.collect(), state: collected.state.clone() }
    }
}

fn read_one(json: Json<'_>, terminology: &Terminology) -> Vec<Vaccination> {
    let Some(view) = Immunization::read(json) else { return Vec::new() };
    let status = view.status().and_then(Json::string);
    let flag = |json: Option<Json<'_>>| json.and_then(Json::boolean) == Some(true);
    let void = matches!(status.as_deref(), Some("entered-in-error" | "not-done"))
        || flag(view.was_not_given())
        || flag(view.not_given());
    let Some(code) = view.vaccine_code().filter(|_| !void).map(CodeableConcept::read) else {
        return Vec::new();
    };
    let table = &terminology.vaccines;
    let coded = code.codings.iter().filter_map(|coding| {
        let code = coding.code.as_deref()?;
        let vaccine = table.by_code(System::of(coding.system.as_deref()?)?, code)?;
        Some((vaccine, Some(code.to_owned())))
    });
    let mut found: Vec<(&Vaccine, Option<String>)> = coded.collect();
    if found.is_empty() {
        found = code.words().flat_map(|w| table.by_text(w)).map(|v| (v, None)).collect();
    }
    // One immunization is one dose of a vaccine, however often it is named.
    let mut named = HashSet::new();
    found.retain(|(vaccine, _)| named.insert(vaccine.id.as_str()));
    let date = [view.occurrence_date_time(), view.date()].into_iter().flatten();
    let date = date.filter_map(Json::string).find_map(|t| FhirDate::parse(&t));
    let reference = local_reference("Immunization", view.id());
    let given = |(vaccine, code): (&Vaccine, Option<String>)| Vaccination {
        vaccine: vaccine.id.clone(),
        title: vaccine.title.clone(),
        live: vaccine.live,
        may_be_live: vaccine.may_be_live,
        date,
        reference: reference.clone(),
        code,
    };
    found.into_iter().map(given).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Document;
    use crate::knowledge::{embedded, read};

    #[test]
    fn one_immunization_is_one_dose_however_often_the_vaccine_is_named() {
        let knowledge = read::read(&embedded::embedded()).expect("the knowledge is sound");
        let concept =
            r#"{"text":"Shingrix and Zostavax","coding":[{"display":"shingrix and zostavax"}]}"#;
        let text = format!(r#"{{"status":"completed","vaccineCode":{concept}}}"#);
        let document = Document::read(text).expect("JSON");
        let given = read_one(document.root(), &knowledge.terminology);
        let mut vaccines: Vec<&str> = given.iter().map(|v| v.vaccine.as_str()).collect();
        assert_eq!(vaccines.len(), 2, "{vaccines:?}");
        vaccines.dedup();
        assert_eq!(vaccines.len(), 2, "two vaccines");
    }
}
