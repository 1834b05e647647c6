//! Which test of our tables does an Observation tell of? Most results of a chart are of none.

use crate::fhir::Json;
use crate::fhir::types::CodeableConcept;
use crate::fhir::views::{Anchor, Component};
use crate::terminology::System;
use crate::terminology::labs::{Lab, Labs};

/// The test that a code names, and the LOINC code that told it.
pub fn lab_of<'t>(code: Json<'_>, labs: &'t Labs) -> Option<(&'t Lab, String)> {
    CodeableConcept::find_coding(code, &|system, code| {
        if System::of(system?) != Some(System::Loinc) {
            return None;
        }
        Some((labs.by_loinc(code)?, code.to_owned()))
    })
}

/// Does an Observation certainly tell of no test that our tables know? A member that stands twice in what names
/// its tests leaves that open.
pub fn tells_of_none(observation: &Anchor<'_>, labs: &Labs) -> bool {
    let (code, components) = (observation.code(), observation.component());
    let parts = components.map(Json::items).unwrap_or_default();
    let mut codes = code.into_iter().chain(parts.filter_map(|part| Component::read(part)?.code()));
    !codes.any(|code| lab_of(code, labs).is_some())
        && [code, components].into_iter().flatten().all(|name| name.twin().is_none())
}
