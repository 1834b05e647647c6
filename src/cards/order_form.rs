//! The draft order for one laboratory test as FHIR R4 and R4B want it.
//!
//! fhirbolt's typed models wrote it when the program was built (`build.rs`); a call fills in the test, the
//! patient and the encounter.

use serde_json::value::RawValue;

// ALONE and WITHIN: the text around what is filled in, without an encounter and with one.
include!(concat!(env!("OUT_DIR"), "/order_form.rs"));

/// What is filled in.
pub struct LabOrder<'a> {
    /// Code system of the test, a URI.
    pub system: &'a str,
    /// The code in that system.
    pub code: &'a str,
    /// The system's own display of the code.
    pub display: &'a str,
    /// The test in words, shown by EHRs that do not know the code.
    pub text: &'a str,
    /// `Patient/id`.
    pub patient: &'a str,
    /// `Encounter/id`.
    pub encounter: Option<&'a str>,
}

impl LabOrder<'_> {
    /// The draft ServiceRequest.
    ///
    /// # Errors
    /// The serializer's words (not seen to happen).
    pub fn write(&self) -> serde_json::Result<Box<RawValue>> {
        let told = [self.system, self.code, self.display, self.text, self.patient];
        match self.encounter {
            None => filled(&ALONE, told),
            Some(encounter) => filled(&WITHIN, told.into_iter().chain([encounter])),
        }
    }
}

/// Between two parts of the text stands a JSON string.
fn filled<'a>(
    parts: &[&str],
    strings: impl IntoIterator<Item = &'a str>,
) -> serde_json::Result<Box<RawValue>> {
    let mut json = Vec::with_capacity(ROOM);
    let mut strings = strings.into_iter();
    for part in parts {
        json.extend_from_slice(part.as_bytes());
        if let Some(string) = strings.next() {
            serde_json::to_writer(&mut json, string)?;
        }
    }
    RawValue::from_string(String::from_utf8(json).map_err(serde::de::Error::custom)?)
}

/// Room for most orders, in bytes.
const ROOM: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use fhir_models::Code;

    #[test]
    fn an_order_that_is_filled_in_is_what_the_models_write() {
        let texts = ["HBsAg \"quick\" \\ test", "Hépatite\u{2028}B\n"];
        for (text, encounter) in texts.into_iter().flat_map(|t| [(t, None), (t, Some("e-1"))]) {
            let code = Code { system: "http://loinc.org", code: "5196-1", display: text };
            let order = fhir_models::LabOrder { code, text, patient: "A.b-2", encounter };
            let written = fhir_models::service_request(&order).expect("written");
            let encounter = encounter.map(|id| format!("Encounter/{id}"));
            let filled = LabOrder {
                system: code.system,
                code: code.code,
                display: code.display,
                text,
                patient: "Patient/A.b-2",
                encounter: encounter.as_deref(),
            };
            assert_eq!(filled.write().expect("filled").get(), written.get());
        }
    }
}
