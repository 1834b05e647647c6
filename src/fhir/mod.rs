//! FHIR as it arrives: every release from DSTU2 to R5, valid or not, borrowed from the request.
//!
//! [`document`] is a JSON text taken apart once, by [`scan`], [`json`] one value of it; [`views`] are resources of
//! which only the members that somebody asks for are decoded; [`types`] are the few datatypes; [`date`]
//! is a date as precise as it was written. Nothing here knows a rule or a code.

pub mod date;
pub mod document;
pub mod json;
pub mod scan;
pub mod types;
pub mod views;

pub use date::FhirDate;
pub use document::Document;
pub use json::Json;
pub use types::{CodeableConcept, Coding, Quantity, Reference};

/// The FHIR release of a resource, as far as what we send depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Release {
    /// FHIR 1.0.2.
    Dstu2,
    /// FHIR 3.0.
    Stu3,
    /// FHIR 4.0 and 4.3.
    R4,
    /// FHIR 5.0.
    R5,
}
