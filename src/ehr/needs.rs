//! What is missing, and which questions would answer it?
//!
//! The questions are those of the service's own prefetch templates: what discovery asks the EHR to
//! send is what the house asks for itself. Searches of one resource type become one.

use super::answer::State;
use super::chart::Chart;
use super::drug::unresolved;
use super::server::{FhirServer, below};
use crate::fhir::types::is_id;
use crate::fhir::views::MedicationOrder;
use crate::fhir::{Json, Release};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Prefetch keys that it answers.
    pub keys: Vec<String>,
    /// What is asked.
    pub url: Url,
}

/// The searches of one resource type, taken together.
#[derive(Default)]
struct Search {
    keys: Vec<String>,
    codes: Vec<String>,
    parameters: Vec<String>,
}

/// The questions for every key whose answer is not complete.
pub fn questions(
    chart: &Chart<'_>,
    templates: &BTreeMap<String, String>,
    only: Option<&str>,
    patient_id: &str,
    release: Option<Release>,
    server: &FhirServer,
) -> Vec<Question> {
    // What is no id is never written into an address.
    if !is_id(patient_id) {
        return Vec::new();
    }
    let mut by_type: BTreeMap<String, Search> = BTreeMap::new();
    let mut questions = Vec::new();
    for (key, template) in templates {
        let wanted = only.is_none_or(|only| only == key);
        if !wanted || chart.state(key) == Some(&State::Complete) {
            continue;
        }
        let text = template.replace("{{context.patientId}}", patient_id);
        let Some((resource_type, query)) = text.split_once('?') else {
            questions.extend(question(vec![key.clone()], &text, server));
            continue;
        };
        // One search for each resource type: the codes in one comma list, every parameter once.
        let search = by_type.entry(resource_type.to_owned()).or_default();
        search.keys.push(key.clone());
        for parameter in query.split('&') {
            match parameter.strip_prefix("code=") {
                Some(codes) => search.codes.extend(codes.split(',').map(str::to_owned)),
                None if !search.parameters.iter().any(|p| p == parameter) => {
                    search.parameters.push(parameter.to_owned());
                }
                None => {}
            }
        }
    }
    for (resource_type, Search { keys, codes, mut parameters }) in by_type {
        if !codes.is_empty() {
            parameters.push(format!("code={}", codes.join(",")));
        }
        let text = format!("{resource_type}?{}", parameters.join("&"));
        let text = in_release(&text, release);
        questions.extend(question(keys, &text, server));
    }
    questions
}

/// A search as this release knows it: DSTU2 has MedicationOrder, and says otherwise which way to sort.
pub fn in_release(search: &str, release: Option<Release>) -> String {
    if release != Some(Release::Dstu2) {
        return search.to_owned();
    }
    let text = search.replace("_sort=-", "_sort:desc=");
    match text.strip_prefix("MedicationRequest?") {
        Some(parameters) => format!("MedicationOrder?{parameters}"),
        None => text,
    }
}

fn question(keys: Vec<String>, text: &str, server: &FhirServer) -> Option<Question> {
    Some(Question { keys, url: below(&server.base, text)? })
}

/// The Medications that the medication list refers to and that were not sent, each once.
pub fn medications(chart: &Chart<'_>, server: &FhirServer) -> Vec<Question> {
    let listed = chart.medications.resources.iter();
    let views = listed.filter_map(|json: &Json<'_>| MedicationOrder::read(*json));
    let references: BTreeSet<String> =
        views.filter_map(|view| unresolved(&view, &chart.source())).collect();
    by_reference(references.into_iter(), server)
}

/// Reads of Medications by reference: relative, or absolute on the same server. Another host is
/// never asked.
pub fn by_reference(
    references: impl Iterator<Item = String>,
    server: &FhirServer,
) -> Vec<Question> {
    let question = |reference: String| {
        let url = below(&server.base, &reference)?;
        if url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        let tail = url.path().strip_prefix(server.base.path())?;
        let id = tail.strip_prefix("Medication/")?;
        let id = id.split("/_history/").next()?;
        is_id(id).then(|| Question { keys: Vec::new(), url: url.clone() })
    };
    references.filter_map(question).collect()
}
