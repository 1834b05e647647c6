//! Which code system does a FHIR `Coding.system` name?
//!
//! EHRs send URLs, OIDs with and without `urn:oid:`, and trailing slashes.

use serde::Deserialize;

/// The code systems that the tables use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// RxNorm (US National Library of Medicine).
    Rxnorm,
    /// National Drug Code (US FDA).
    Ndc,
    /// Anatomical Therapeutic Chemical classification (WHO).
    Atc,
    /// SNOMED CT.
    Snomed,
    /// LOINC.
    Loinc,
    /// ICD-10-CM (US clinical modification).
    #[serde(rename = "icd-10-cm")]
    Icd10Cm,
    /// ICD-10 (WHO). Its codes differ in meaning from ICD-10-CM: never one table for both.
    #[serde(rename = "icd-10")]
    Icd10,
    /// Vaccines administered (CDC).
    Cvx,
    /// HL7 v3 ObservationInterpretation, and its v2 and FHIR spellings.
    Interpretation,
}

impl System {
    /// The system that a `Coding.system` means; `None` for one that no table uses.
    pub fn of(uri: &str) -> Option<System> {
        let uri = uri.trim().trim_end_matches('/');
        let uri = uri.strip_prefix("urn:oid:").unwrap_or(uri);
        Some(match uri {
            "http://www.nlm.nih.gov/research/umls/rxnorm" | "2.16.840.1.113883.6.88" => {
                System::Rxnorm
            }
            "http://hl7.org/fhir/sid/ndc" | "2.16.840.1.113883.6.69" => System::Ndc,
            "http://www.whocc.no/atc" | "2.16.840.1.113883.6.73" => System::Atc,
            "http://snomed.info/sct" | "2.16.840.1.113883.6.96" => System::Snomed,
            "http://loinc.org" | "2.16.840.1.113883.6.1" => System::Loinc,
            "http://hl7.org/fhir/sid/icd-10-cm" | "2.16.840.1.113883.6.90" => System::Icd10Cm,
            "http://hl7.org/fhir/sid/icd-10" | "2.16.840.1.113883.6.3" => System::Icd10,
            "http://hl7.org/fhir/sid/cvx" | "2.16.840.1.113883.12.292" => System::Cvx,
            "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
            | "http://hl7.org/fhir/v3/ObservationInterpretation"
            | "http://hl7.org/fhir/v2/0078"
            | "http://terminology.hl7.org/CodeSystem/v2-0078"
            | "2.16.840.1.113883.5.83" => System::Interpretation,
            _ => return None,
        })
    }

    /// The canonical URI of the system, as we send it.
    pub fn uri(self) -> &'static str {
        match self {
            System::Rxnorm => "http://www.nlm.nih.gov/research/umls/rxnorm",
            System::Ndc => "http://hl7.org/fhir/sid/ndc",
            System::Atc => "http://www.whocc.no/atc",
            System::Snomed => "http://snomed.info/sct",
            System::Loinc => "http://loinc.org",
            System::Icd10Cm => "http://hl7.org/fhir/sid/icd-10-cm",
            System::Icd10 => "http://hl7.org/fhir/sid/icd-10",
            System::Cvx => "http://hl7.org/fhir/sid/cvx",
            System::Interpretation => {
                "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_oids_and_trailing_slashes_name_the_same_system() {
        for uri in [
            "http://snomed.info/sct",
            "http://snomed.info/sct/",
            "urn:oid:2.16.840.1.113883.6.96",
            "2.16.840.1.113883.6.96",
        ] {
            assert_eq!(System::of(uri), Some(System::Snomed), "{uri}");
        }
        assert_eq!(System::of("urn:oid:1.2.3"), None);
    }

    #[test]
    fn icd_10_and_icd_10_cm_stay_apart() {
        assert_ne!(
            System::of("http://hl7.org/fhir/sid/icd-10"),
            System::of("http://hl7.org/fhir/sid/icd-10-cm")
        );
    }
}
