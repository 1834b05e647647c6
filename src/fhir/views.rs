//! Resources of which only the members that somebody asks for are decoded.
//!
//! A view lists the members that any rule may need, over all releases of FHIR. Reading one goes over
//! the names of its members; what they hold stays text until it is asked for. A member that stands twice makes
//! the resource unreadable: which of the two is meant cannot be told.

use super::json::Json;

/// Declares a view: a struct of members, each a JSON value with an accessor of its name.
macro_rules! view {
    ($(#[$doc:meta])* struct $name:ident { $($field:ident $(as $json:literal)?),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<'a> {
            $($field: Option<$crate::fhir::Json<'a>>,)*
        }
        #[allow(missing_docs, dead_code)]
        impl<'a> $name<'a> {
            /// The view of an object; `None` for anything else, and when one of these members stands
            /// twice.
            pub fn read(json: $crate::fhir::Json<'a>) -> Option<Self> {
                if !json.is_object() {
                    return None;
                }
                let mut view = $name { $($field: None,)* };
                for (key, value) in json.pairs() {
                    let name = key.name();
                    let place = $(if *name == *$crate::fhir::views::name_of!($field $($json)?).as_bytes() {
                        &mut view.$field
                    } else)* {
                        continue;
                    };
                    if place.replace(value).is_some() {
                        return None;
                    }
                }
                Some(view)
            }
            $(pub fn $field(&self) -> Option<$crate::fhir::Json<'a>> {
                self.$field.filter(|value| !value.is_null())
            })*
        }
    };
}
pub(crate) use view;

/// The name of a member in JSON.
macro_rules! name_of {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $json:literal) => {
        $json
    };
}
pub(crate) use name_of;

view! {
    /// What every resource tells: its type, its id and whose it is; an Observation also, of which tests.
    struct Anchor {
        resource_type as "resourceType", id, subject, patient, code, component,
    }
}
view! {
    /// A Bundle.
    struct Bundle { resource_type as "resourceType", entry, link, total }
}
view! {
    /// A Bundle entry; entries without `resource` are resources themselves in some systems.
    struct Entry { resource, full_url as "fullUrl", resource_type as "resourceType", search }
}
view! {
    /// A Bundle link.
    struct Link { relation, url }
}
view! {
    /// The wrapper that old sandboxes put around a prefetched resource.
    struct Wrapped { resource, response, resource_type as "resourceType" }
}
view! {
    /// OperationOutcome and its issues.
    struct Outcome { issue }
}
view! {
    /// CapabilityStatement (Conformance in DSTU2).
    struct Capability { fhir_version as "fhirVersion" }
}
view! {
    /// One issue.
    struct Issue { severity, code, details, diagnostics }
}
view! {
    /// MedicationRequest (STU3 and later), MedicationOrder (DSTU2), MedicationStatement.
    struct MedicationOrder {
        resource_type as "resourceType", id, status, intent, subject, patient, contained,
        medication, medication_codeable_concept as "medicationCodeableConcept",
        medication_reference as "medicationReference",
        dosage_instruction as "dosageInstruction", dosage,
        reason_code as "reasonCode", reason_reference as "reasonReference", reason,
        reason_codeable_concept as "reasonCodeableConcept",
        do_not_perform as "doNotPerform", authored_on as "authoredOn",
        date_written as "dateWritten", effective_period as "effectivePeriod",
        effective_date_time as "effectiveDateTime", date_ended as "dateEnded", note, requester,
        was_not_taken as "wasNotTaken", taken, dispense_request as "dispenseRequest",
        adherence,
    }
}
view! {
    /// MedicationStatement.adherence (R5).
    struct Adherence { code }
}
view! {
    /// MedicationRequest.dispenseRequest.
    struct DispenseRequest { number_of_repeats_allowed as "numberOfRepeatsAllowed" }
}
view! {
    /// Medication: R5 renamed `code`'s neighbours, not `code`.
    struct Medication {
        resource_type as "resourceType", id, code, form, dose_form as "doseForm", product,
        ingredient, status,
    }
}
view! {
    /// Medication.ingredient.
    struct MedicationIngredient {
        item_codeable_concept as "itemCodeableConcept", item_reference as "itemReference", item,
    }
}
view! {
    /// Dosage, all releases.
    struct Dosage {
        text, timing, route, dose_and_rate as "doseAndRate", dose_quantity as "doseQuantity",
        dose_simple_quantity as "doseSimpleQuantity", dose_range as "doseRange",
        as_needed_boolean as "asNeededBoolean", additional_instruction as "additionalInstruction",
        patient_instruction as "patientInstruction", sequence,
    }
}
view! {
    /// Dosage.doseAndRate.
    struct DoseAndRate {
        kind as "type", dose_quantity as "doseQuantity", dose_range as "doseRange",
    }
}
view! {
    /// Timing.
    struct Timing { repeat, code }
}
view! {
    /// Timing.repeat, all releases.
    struct Repeat {
        frequency, frequency_max as "frequencyMax", period, period_unit as "periodUnit",
        period_units as "periodUnits", unit, code, day_of_week as "dayOfWeek",
        time_of_day as "timeOfDay", when,
    }
}
view! {
    /// Timing.repeat.bounds.
    struct Bounds {
        bounds_period as "boundsPeriod", bounds_duration as "boundsDuration",
        bounds_quantity as "boundsQuantity",
    }
}
view! {
    /// Range.
    struct RangeView { low, high, kind as "type" }
}
view! {
    /// Observation, all releases.
    struct Observation {
        resource_type as "resourceType", id, status, code, subject, patient,
        effective_date_time as "effectiveDateTime", effective_period as "effectivePeriod",
        effective_instant as "effectiveInstant", applies_date_time as "appliesDateTime", issued,
        value_quantity as "valueQuantity", value_codeable_concept as "valueCodeableConcept",
        value_string as "valueString", value_integer as "valueInteger", value_boolean as "valueBoolean",
        interpretation, component, data_absent_reason as "dataAbsentReason", note, comments,
        value_ratio as "valueRatio", value_range as "valueRange",
        value_sampled_data as "valueSampledData", reference_range as "referenceRange",
    }
}
view! {
    /// Observation.component.
    struct Component {
        code, value_quantity as "valueQuantity", value_codeable_concept as "valueCodeableConcept",
        value_string as "valueString", value_integer as "valueInteger", value_boolean as "valueBoolean",
        interpretation, data_absent_reason as "dataAbsentReason",
        value_ratio as "valueRatio", value_range as "valueRange",
        reference_range as "referenceRange",
    }
}
view! {
    /// Condition.stage.
    struct Stage { summary }
}
view! {
    /// Condition, all releases.
    struct Condition {
        resource_type as "resourceType", id, subject, patient, code, clinical_status as "clinicalStatus",
        verification_status as "verificationStatus", onset_date_time as "onsetDateTime",
        onset_period as "onsetPeriod", recorded_date as "recordedDate", date_recorded as "dateRecorded",
        asserted_date as "assertedDate", abatement_date_time as "abatementDateTime",
        abatement_boolean as "abatementBoolean", abatement_period as "abatementPeriod", stage,
    }
}
view! {
    /// Period.
    struct Period { start, end }
}
view! {
    /// Patient.
    struct Patient {
        resource_type as "resourceType", id, birth_date as "birthDate", gender,
    }
}
view! {
    /// Immunization, all releases.
    struct Immunization {
        resource_type as "resourceType", id, status, vaccine_code as "vaccineCode",
        occurrence_date_time as "occurrenceDateTime", date, was_not_given as "wasNotGiven",
        not_given as "notGiven",
    }
}

impl<'a> MedicationOrder<'a> {
    /// Its dosage instructions, whatever the release calls them.
    pub fn dosages(&self) -> impl Iterator<Item = Dosage<'a>> + use<'a> {
        let listed = self.dosage_instruction().or(self.dosage());
        listed.into_iter().flat_map(Json::items).filter_map(Dosage::read)
    }
}

/// The day of a period: its end when it has ended, else its start.
pub fn period_date(json: Json<'_>) -> Option<super::FhirDate> {
    let period = Period::read(json)?;
    let date =
        |j: Option<Json<'_>>| j.and_then(Json::string).and_then(|t| super::FhirDate::parse(&t));
    date(period.end()).or_else(|| date(period.start()))
}
