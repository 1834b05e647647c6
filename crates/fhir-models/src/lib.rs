//! The typed FHIR R4 resources that jakcard sends, and the strict reading of FHIR that tests use.
//!
//! This is the only crate that names fhirbolt. It is at work when jakcard is built and when it is tested; the
//! program carries what the models wrote (`build.rs`), not the models. Its functions are not generic, so that
//! the 148 resources of the model are compiled here once and not again in every crate above.
//!
//! Only strict mode is used: the lax and compatibility modes of fhirbolt 0.4.0 never return on an
//! unknown member that is an array. Only the `Resource` enum is used for reading: the struct types
//! cannot read a decimal. Both are held by tests below.

use fhirbolt::model::r4::Resource;
use fhirbolt::model::r4::resources::ServiceRequest;
use fhirbolt::model::r4::types::{CodeableConcept, Coding, Reference};
use serde_json::value::RawValue;

/// A coding as it stands in a suggested order.
#[derive(Clone, Copy, Debug)]
pub struct Code<'a> {
    /// Code system, a URI such as `http://loinc.org`.
    pub system: &'a str,
    /// The code in that system.
    pub code: &'a str,
    /// The system's own display of the code.
    pub display: &'a str,
}

/// What a suggested laboratory order says (FHIR R4 ServiceRequest).
#[derive(Clone, Copy, Debug)]
pub struct LabOrder<'a> {
    /// The test.
    pub code: Code<'a>,
    /// The test in words, shown by EHRs that do not know the code.
    pub text: &'a str,
    /// The logical id of the Patient, without the type.
    pub patient: &'a str,
    /// The Encounter of the hook call, without the type.
    pub encounter: Option<&'a str>,
}

/// The draft ServiceRequest (FHIR R4 and R4B) for one laboratory test, as JSON.
///
/// `status` is `draft`, `intent` is `order`: the prescriber signs it.
///
/// # Errors
/// The serializer's words, when the model cannot be written (not seen to happen).
pub fn service_request(order: &LabOrder<'_>) -> Result<Box<RawValue>, String> {
    let resource = Resource::ServiceRequest(Box::new(ServiceRequest {
        status: "draft".into(),
        intent: "order".into(),
        code: Some(Box::new(CodeableConcept {
            coding: vec![Coding {
                system: Some(order.code.system.into()),
                code: Some(order.code.code.into()),
                display: Some(order.code.display.into()),
                ..Default::default()
            }],
            text: Some(order.text.into()),
            ..Default::default()
        })),
        subject: Box::new(reference("Patient", order.patient)),
        encounter: order.encounter.map(|id| Box::new(reference("Encounter", id))),
        ..Default::default()
    }));
    write(&resource)
}

/// Reads one FHIR R4 resource strictly and writes it again: an error names what is not valid R4.
///
/// The text must be exactly one JSON value; fhirbolt alone would accept text behind it.
///
/// # Errors
/// The first thing in the text that is not FHIR R4.
pub fn read_strictly(json: &str) -> Result<Box<RawValue>, String> {
    let one_value: &RawValue = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let resource: Resource =
        fhirbolt::json::from_str(one_value.get(), None).map_err(|e| e.to_string())?;
    write(&resource)
}

fn reference(resource_type: &str, id: &str) -> Reference {
    Reference { reference: Some(format!("{resource_type}/{id}").into()), ..Default::default() }
}

fn write(resource: &Resource) -> Result<Box<RawValue>, String> {
    let json = fhirbolt::json::to_string(resource, None).map_err(|e| e.to_string())?;
    RawValue::from_string(json).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBSERVATION: &str = r#"{"resourceType":"Observation","status":"final",
        "code":{"text":"creatinine"},"valueQuantity":{"value":1.60,"unit":"mg/dL"}}"#;

    #[test]
    fn a_suggested_order_reads_back_strictly_and_unchanged() {
        let order = LabOrder {
            code: Code { system: "http://loinc.org", code: "5196-1", display: "HBsAg" },
            text: "Hepatitis B surface antigen",
            patient: "p1",
            encounter: Some("e1"),
        };
        let json = service_request(&order).unwrap();
        assert_eq!(read_strictly(json.get()).unwrap().get(), json.get());
        assert!(json.get().contains(r#""subject":{"reference":"Patient/p1"}"#), "{json}");
    }

    #[test]
    fn decimals_keep_their_digits() {
        assert!(read_strictly(OBSERVATION).unwrap().get().contains("1.60"));
    }

    #[test]
    fn the_struct_types_cannot_read_a_decimal_so_only_the_enum_is_used() {
        use fhirbolt::model::r4::resources::Observation;
        let result: Result<Observation, _> = fhirbolt::json::from_str(OBSERVATION, None);
        assert!(result.is_err(), "fhirbolt has mended its struct types: use them");
    }

    #[test]
    fn text_behind_the_resource_is_refused_though_fhirbolt_accepts_it() {
        let json = r#"{"resourceType":"Basic","code":{"text":"x"}} trailing"#;
        assert!(fhirbolt::json::from_str::<Resource>(json, None).is_ok(), "fhirbolt has mended it");
        assert!(read_strictly(json).is_err());
    }

    #[test]
    fn an_unknown_array_is_an_error_and_not_an_endless_loop() {
        let json = r#"{"resourceType":"Basic","code":{"text":"x"},"unknownMember":[1,2]}"#;
        assert!(read_strictly(json).unwrap_err().contains("unknownMember"));
    }

    #[test]
    fn the_modes_that_loop_for_ever_are_never_named() {
        let code = include_str!("lib.rs").split("#[cfg(test)]").next().unwrap();
        assert!(!code.contains("DeserializationMode"), "only strict mode may be used");
    }

    #[test]
    fn a_null_member_is_an_error() {
        let json = r#"{"resourceType":"Basic","code":{"text":"x"},"subject":null}"#;
        assert!(read_strictly(json).is_err());
    }
}
