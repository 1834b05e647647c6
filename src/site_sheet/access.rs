//! What must a token allow, so that the service can read what it asks for?

use crate::knowledge::ServiceFile;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a token must allow for one kind of resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// Kind of resource.
    pub resource: String,
    /// `read`, `search`.
    pub interactions: Vec<&'static str>,
    /// Scope of SMART App Launch 1.
    pub smart_v1: String,
    /// Scope of SMART App Launch 2.
    pub smart_v2: String,
    /// Names of the interfaces in Epic's catalogue, release R4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub epic: Vec<&'static str>,
}

/// Names of Epic's catalogue of FHIR interfaces (fhir.epic.com), as applications list them that are
/// registered there; no Epic system was asked.
const EPIC: [(&str, &[&str]); 6] = [
    ("Patient", &["Patient.Read (Demographics) (R4)"]),
    (
        "Condition",
        &["Condition.Search (Problems) (R4)", "Condition.Search (Encounter Diagnosis) (R4)"],
    ),
    (
        "Observation",
        &[
            "Observation.Search (Labs) (R4)",
            "Observation.Search (Vital Signs) (R4)",
            "Observation.Search (Social History) (R4)",
        ],
    ),
    ("MedicationRequest", &["MedicationRequest.Search (Signed Medication Order) (R4)"]),
    ("Medication", &["Medication.Read (Organization Med List) (R4)"]),
    ("Immunization", &["Immunization.Search (Patient Chart) (R4)"]),
];

/// What the templates of all services, and orders that refer to a Medication, ask for.
pub fn scopes(services: &[ServiceFile]) -> Vec<Scope> {
    let mut asked: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
    let templates = services.iter().flat_map(|service| service.prefetch.values());
    let asks = templates.map(|template| match template.split_once(['?', '/']) {
        Some((resource, _)) if template.contains('?') => (resource, "search"),
        Some((resource, _)) => (resource, "read"),
        None => (&**template, "read"),
    });
    // An order may only refer to its drug.
    for (resource, interaction) in asks.chain([("Medication", "read")]) {
        let all = asked.entry(resource).or_default();
        if !all.contains(&interaction) {
            all.push(interaction);
        }
    }
    let scope = |(resource, interactions): (&str, Vec<&'static str>)| {
        let letters: String = [("read", 'r'), ("search", 's')]
            .iter()
            .filter(|(word, _)| interactions.contains(word))
            .map(|(_, c)| c)
            .collect();
        Scope {
            resource: resource.to_owned(),
            smart_v1: format!("patient/{resource}.read"),
            smart_v2: format!("patient/{resource}.{letters}"),
            epic: EPIC
                .iter()
                .find(|(r, _)| *r == resource)
                .map(|(_, n)| n.to_vec())
                .unwrap_or_default(),
            interactions,
        }
    };
    asked.into_iter().map(scope).collect()
}
