//! The order for a missing test: one test, one action, one suggestion; each test once per request.
//!
//! FHIR R4 (and R4B) as the typed models write it; DSTU2, STU3 and R5 by the small structs below, because
//! three releases of the models would triple the build.

use super::finding::Finding;
use super::ids::Ids;
use super::{Call, markdown, order_form};
use crate::cds_hooks::{Action, ActionType, Suggestion};
use crate::facts::Order;
use crate::fhir::Release;
use crate::fhir::types::reference_to;
use crate::knowledge::Knowledge;
use crate::terminology::System;
use crate::terminology::labs::Orderable;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeSet;

/// The suggestions of one card.
pub fn of_card<'a>(
    findings: &[Finding<'a>],
    order: &Order,
    knowledge: &Knowledge,
    call: &Call<'_>,
    ids: &Ids,
    suggested: &mut BTreeSet<&'a str>,
) -> Vec<Suggestion> {
    let mut suggestions = Vec::new();
    // Whom the orders are for; without an id nobody can be named.
    let Some(subject) = reference("Patient", call.patient_id) else { return suggestions };
    let encounter = call.encounter_id.and_then(|id| reference("Encounter", id));
    for test in findings.iter().flat_map(|f| &f.tests) {
        let orderable = knowledge.terminology.labs.get(test).and_then(|l| l.order.as_ref());
        let Some(orderable) = orderable else { continue };
        if suggested.contains(test) {
            continue;
        }
        let resource = resource(orderable, order.release, &subject, encounter.as_ref());
        let Ok(resource) = resource else { continue };
        suggested.insert(test);
        let label = format!("Order {}", markdown::plain(&orderable.text));
        suggestions.push(Suggestion {
            uuid: ids.suggestion(test),
            actions: vec![Action {
                kind: ActionType::Create,
                description: label.clone(),
                resource: Some(resource),
                resource_id: None,
            }],
            label,
        });
    }
    suggestions
}

/// The order as a draft in the client's release.
fn resource(
    test: &Orderable,
    release: Release,
    subject: &Reference,
    encounter: Option<&Reference>,
) -> serde_json::Result<Box<RawValue>> {
    match release {
        Release::R4 => {
            let encounter = encounter.map(|e| &*e.reference);
            order_form::service_request(test, &subject.reference, encounter)
        }
        Release::R5 => to_raw_value(&ServiceRequestR5 {
            resource_type: "ServiceRequest",
            status: "draft",
            intent: "order",
            code: CodeableReference { concept: concept(test) },
            subject,
            encounter,
        }),
        Release::Stu3 => to_raw_value(&ProcedureRequest {
            resource_type: "ProcedureRequest",
            status: "draft",
            intent: "order",
            code: concept(test),
            subject,
            context: encounter,
        }),
        Release::Dstu2 => to_raw_value(&DiagnosticOrder {
            resource_type: "DiagnosticOrder",
            subject,
            encounter,
            status: "draft",
            item: vec![DiagnosticOrderItem { code: concept(test) }],
        }),
    }
}

fn reference(resource_type: &str, id: &str) -> Option<Reference> {
    Some(Reference { reference: reference_to(resource_type, id)? })
}

fn concept(test: &Orderable) -> CodeableConcept<'_> {
    CodeableConcept {
        coding: [Coding { system: System::Loinc.uri(), code: &test.code, display: &test.display }],
        text: &test.text,
    }
}

#[derive(Serialize)]
struct Reference {
    reference: String,
}

#[derive(Serialize)]
struct Coding<'a> {
    system: &'a str,
    code: &'a str,
    display: &'a str,
}

#[derive(Serialize)]
struct CodeableConcept<'a> {
    coding: [Coding<'a>; 1],
    text: &'a str,
}

#[derive(Serialize)]
struct CodeableReference<'a> {
    concept: CodeableConcept<'a>,
}

/// FHIR R5 ServiceRequest: `code` is a CodeableReference.
#[derive(Serialize)]
struct ServiceRequestR5<'a> {
    #[serde(rename = "resourceType")]
    resource_type: &'static str,
    status: &'static str,
    intent: &'static str,
    code: CodeableReference<'a>,
    subject: &'a Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter: Option<&'a Reference>,
}

/// FHIR STU3 ProcedureRequest: the encounter is called `context`.
#[derive(Serialize)]
struct ProcedureRequest<'a> {
    #[serde(rename = "resourceType")]
    resource_type: &'static str,
    status: &'static str,
    intent: &'static str,
    code: CodeableConcept<'a>,
    subject: &'a Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a Reference>,
}

/// FHIR DSTU2 DiagnosticOrder.
#[derive(Serialize)]
struct DiagnosticOrder<'a> {
    #[serde(rename = "resourceType")]
    resource_type: &'static str,
    subject: &'a Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter: Option<&'a Reference>,
    status: &'static str,
    item: Vec<DiagnosticOrderItem<'a>>,
}

#[derive(Serialize)]
struct DiagnosticOrderItem<'a> {
    code: CodeableConcept<'a>,
}
