//! The requests: two orders of the fixtures, and the same invented chart in any size.

use serde_json::{Value, json};

/// A draft of tofacitinib for a patient whose chart holds no screening.
const JAK: &str =
    include_str!("../../../fixtures/wire/jak-inhibitor-order-sign/nothing-on-record/request.json");
/// A draft of ibuprofen.
const OTHER: &str =
    include_str!("../../../fixtures/wire/jak-inhibitor-order-sign/no-jak-inhibitor/request.json");

/// The day on which the fixtures are answered.
pub const TODAY: &str = "2026-11-22";

/// The drug of the draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draft {
    /// Ibuprofen.
    Other,
    /// Tofacitinib.
    Jak,
}

/// Tests of the chart; a third of them is in the tables of jakcard.
const TESTS: &[(&str, &str, &str, bool)] = &[
    ("2160-0", "Creatinine", "mg/dL", true),
    ("3094-0", "Urea nitrogen", "mg/dL", false),
    ("2345-7", "Glucose", "mg/dL", false),
    ("731-0", "Lymphocytes", "10*3/uL", true),
    ("2951-2", "Sodium", "mmol/L", false),
    ("2823-3", "Potassium", "mmol/L", false),
    ("751-8", "Neutrophils", "10*3/uL", true),
    ("2075-0", "Chloride", "mmol/L", false),
    ("17861-6", "Calcium", "mg/dL", false),
    ("718-7", "Hemoglobin", "g/dL", true),
    ("2885-2", "Protein", "g/dL", false),
    ("6768-6", "Alkaline phosphatase", "U/L", false),
    ("2089-1", "LDL cholesterol", "mg/dL", true),
    ("789-8", "Erythrocytes", "10*6/uL", false),
    ("4544-3", "Hematocrit", "%", false),
    ("2571-8", "Triglyceride", "mg/dL", true),
    ("787-2", "MCV", "fL", false),
    ("788-0", "RDW", "%", false),
];

/// A request whose prefetch has so many bytes.
pub fn with_prefetch(draft: Draft, bytes: usize) -> Vec<u8> {
    let mut prefetch = chart();
    let mut entries = Vec::new();
    let mut size = prefetch.to_string().len();
    while size < bytes {
        let entry = observation(entries.len());
        size += entry.to_string().len() + 1;
        if size < bytes {
            entries.push(entry);
        }
    }
    add(&mut prefetch, entries);
    // The rest is narrative, which nobody reads.
    let missing = bytes.saturating_sub(prefetch.to_string().len() + NARRATIVE.len() + 30);
    let words: String = NARRATIVE.chars().cycle().take(missing + NARRATIVE.len()).collect();
    prefetch["patient"]["text"] = json!({ "status": "generated", "div": words });
    request(draft, Some(prefetch)).to_string().into_bytes()
}

const NARRATIVE: &str = "An invented patient for a benchmark. ";

/// A request whose prefetch holds so many results, each as short as it can be.
pub fn with_entries(draft: Draft, entries: usize) -> Vec<u8> {
    let mut prefetch = chart();
    let short = |n: usize| {
        let (code, _, unit, _) = TESTS[n % TESTS.len()];
        json!({ "resource": {
            "resourceType": "Observation", "id": format!("o{n}"), "status": "final",
            "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
            "subject": { "reference": "Patient/pat-1" },
            "effectiveDateTime": day(n),
            "valueQuantity": { "value": value(n), "unit": unit, "code": unit },
        }})
    };
    add(&mut prefetch, (0..entries).map(short).collect());
    request(draft, Some(prefetch)).to_string().into_bytes()
}

/// A request without prefetch; what is missing may be asked of this server.
pub fn to_fetch(fhir_server: &str) -> Vec<u8> {
    let mut request = request(Draft::Jak, None);
    request["fhirServer"] = json!(fhir_server);
    request.to_string().into_bytes()
}

/// What the FHIR server of that request holds.
pub fn held() -> Value {
    let mut prefetch = chart();
    add(&mut prefetch, (0..20).map(observation).collect());
    prefetch
}

fn request(draft: Draft, prefetch: Option<Value>) -> Value {
    let text = match draft {
        Draft::Other => OTHER,
        Draft::Jak => JAK,
    };
    let mut request: Value = serde_json::from_str(text).expect("the fixture is JSON");
    let request_map = request.as_object_mut().expect("an object");
    match prefetch {
        Some(prefetch) => _ = request_map.insert("prefetch".to_owned(), prefetch),
        None => _ = request_map.remove("prefetch"),
    }
    request
}

/// The chart of the fixture.
fn chart() -> Value {
    let mut request: Value = serde_json::from_str(JAK).expect("the fixture is JSON");
    request["prefetch"].take()
}

fn add(prefetch: &mut Value, entries: Vec<Value>) {
    let labs = &mut prefetch["labs"];
    let listed = labs["entry"].as_array_mut().expect("the fixture has labs");
    listed.extend(entries);
    labs["total"] = json!(labs["entry"].as_array().map_or(0, Vec::len));
}

/// Days of the past three years, all before [`TODAY`].
fn day(n: usize) -> String {
    format!("{}-{:02}-{:02}", 2024 + n % 2, 1 + n / 2 % 12, 1 + n / 24 % 28)
}

fn value(n: usize) -> f64 {
    1.0 + (n % 7) as f64 / 10.0
}

/// A result as large EHRs write it, about 2 KB.
fn observation(n: usize) -> Value {
    let (code, name, unit, _) = TESTS[n % TESTS.len()];
    let (id, day) = (format!("result-{n}"), day(n));
    json!({
        "fullUrl": format!("https://ehr.example.org/fhir/Observation/{id}"),
        "search": { "mode": "match" },
        "resource": {
            "resourceType": "Observation", "id": id,
            "meta": { "versionId": "1", "lastUpdated": format!("{day}T09:12:31Z") },
            "identifier": [
                { "use": "official", "system": "urn:oid:2.999.1.2.3", "value": format!("{n:012}") },
            ],
            "basedOn": [{
                "reference": format!("ServiceRequest/order-{n}"),
                "display": format!("{name}, serum or plasma"),
            }],
            "status": "final",
            "category": [
                { "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                    "code": "laboratory", "display": "Laboratory",
                }], "text": "Laboratory" },
            ],
            "code": {
                "coding": [
                    { "system": "urn:oid:2.999.4.5.6", "code": format!("{}", 15_000 + n % 97), "display": name },
                    { "system": "http://loinc.org", "code": code, "display": name },
                ],
                "text": name,
            },
            "subject": { "reference": "Patient/pat-1", "display": "Invented, Patient" },
            "encounter": {
                "reference": format!("Encounter/visit-{}", n / 12),
                "identifier": { "use": "usual", "system": "urn:oid:2.999.7.8", "value": format!("{}", n / 12) },
                "display": "Office visit",
            },
            "effectiveDateTime": format!("{day}T08:40:00Z"),
            "issued": format!("{day}T09:12:31Z"),
            "performer": [
                { "reference": "Organization/laboratory-1", "display": "Invented hospital, central laboratory" },
                { "reference": "Practitioner/prac-7", "display": "Invented, Pathologist" },
            ],
            "valueQuantity": {
                "value": value(n), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit,
            },
            "interpretation": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
                "code": "N", "display": "Normal",
            }], "text": "Normal" }],
            "specimen": { "reference": format!("Specimen/tube-{n}"), "display": "Blood, venous" },
            "referenceRange": [{
                "low": { "value": 0.5, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit },
                "high": { "value": 9.5, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit },
                "text": format!("0.5 - 9.5 {unit}"),
            }],
        },
    })
}
