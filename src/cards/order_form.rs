//! The draft order for one laboratory test as FHIR R4 and R4B want it.
//!
//! fhirbolt's typed models wrote it when the program was built (`build.rs`); a call fills in the test, the
//! patient and the encounter.

use crate::terminology::System;
use crate::terminology::labs::Orderable;
use serde::ser::Error;
use serde_json::value::RawValue;

// ALONE and WITHIN: the text around what is filled in, without an encounter and with one.
include!(concat!(env!("OUT_DIR"), "/order_form.rs"));

/// The draft ServiceRequest for a test, with `Patient/id` and `Encounter/id`.
///
/// # Errors
/// The serializer's words (not seen to happen).
pub fn service_request(
    test: &Orderable,
    patient: &str,
    encounter: Option<&str>,
) -> serde_json::Result<Box<RawValue>> {
    let parts: &[&str] = if encounter.is_some() { &WITHIN } else { &ALONE };
    let told = [System::Loinc.uri(), &test.code, &test.display, &test.text, patient];
    let mut strings = told.into_iter().chain(encounter);
    let mut json = Vec::with_capacity(ROOM);
    for part in parts {
        json.extend(part.as_bytes());
        // Between two parts stands a JSON string.
        if let Some(string) = strings.next() {
            serde_json::to_writer(&mut json, string)?;
        }
    }
    RawValue::from_string(String::from_utf8(json).map_err(serde_json::Error::custom)?)
}

/// Room for most orders, in bytes.
const ROOM: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use fhir_models::{Code, LabOrder};

    #[test]
    fn an_order_that_is_filled_in_is_what_the_models_write() {
        let texts = ["HBsAg \"quick\" \\ test", "Hépatite\u{2028}B\n"];
        for (text, encounter) in texts.into_iter().flat_map(|t| [(t, None), (t, Some("e-1"))]) {
            let code = Code { system: "http://loinc.org", code: "5196-1", display: text };
            let order = LabOrder { code, text, patient: "A.b-2", encounter };
            let written = fhir_models::service_request(&order).expect("written");
            let encounter = encounter.map(|id| format!("Encounter/{id}"));
            let (code, text) = ("5196-1".to_owned(), text.to_owned());
            let test = Orderable { code, display: text.clone(), text };
            let filled = service_request(&test, "Patient/A.b-2", encounter.as_deref());
            assert_eq!(filled.expect("filled").get(), written.get());
        }
    }
}
