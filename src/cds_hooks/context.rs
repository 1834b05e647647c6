//! The context of a hook call: whose chart, and which orders.
//!
//! medication-prescribe 1.0 (`medications`), order-select and order-sign (`draftOrders`), the list
//! forms of 2017 (`medications` as a list, `context` itself as a list beside a top-level `patient`).

use super::request::{BadRequest, kind_of};
use crate::fhir::Json;
use crate::fhir::types::{Reference, is_id, type_and_id};
use crate::fhir::views::{Anchor, Bundle, Entry, view};
use std::borrow::Cow;

view! {
    /// Members of the context object.
    struct ContextView {
        patient_id as "patientId", user_id as "userId", encounter_id as "encounterId",
        medications, draft_orders as "draftOrders", orders, selections,
    }
}

/// One resource of the context's Bundle or list.
#[derive(Clone, Copy, Debug)]
pub struct ContextEntry<'a> {
    /// The resource.
    pub resource: Json<'a>,
    /// `entry.fullUrl`.
    pub full_url: Option<Json<'a>>,
}

/// Whose chart, and which orders.
#[derive(Debug)]
pub struct Context<'a> {
    /// Logical id of the Patient, without `Patient/`.
    pub patient_id: Cow<'a, str>,
    /// Logical id of the Encounter, without `Encounter/`.
    pub encounter_id: Option<Cow<'a, str>>,
    /// The draft orders and what stands beside them.
    pub entries: Vec<ContextEntry<'a>>,
    /// Local references of the selected orders; empty means all.
    pub selections: Vec<Cow<'a, str>>,
}

impl<'a> Context<'a> {
    /// Reads the context; `patient` is the top-level member of the drafts before 1.0. Only
    /// patient-view may come without orders.
    ///
    /// # Errors
    /// A context without patient, or without orders where there must be some.
    pub fn read(
        json: Json<'a>,
        patient: Option<Json<'a>>,
        needs_orders: bool,
    ) -> Result<Context<'a>, BadRequest> {
        if json.is_array() {
            return Ok(Context {
                patient_id: patient_id(patient, "patient")?,
                encounter_id: None,
                entries: list(json),
                selections: Vec::new(),
            });
        }
        if !json.is_object() {
            let message = format!("`context` is {}, expected an object", kind_of(json));
            return Err(BadRequest::at("context", message));
        }
        let view = ContextView::read(json)
            .ok_or_else(|| BadRequest::at("context", "`context` has a member that stands twice"))?;
        let patient_id = match view.patient_id() {
            None if patient.is_some() => patient_id(patient, "patient")?,
            id => patient_id(id, "context.patientId")?,
        };
        let orders = [view.draft_orders(), view.medications(), view.orders()];
        let orders = orders.into_iter().flatten().find(|o| !o.is_null());
        if needs_orders && orders.is_none() {
            let message = "`context` has neither `draftOrders` nor `medications`";
            return Err(BadRequest::at("context.draftOrders", message));
        }
        Ok(Context {
            patient_id,
            encounter_id: view
                .encounter_id()
                .and_then(Json::string)
                .map(|id| without_type(id, "Encounter/"))
                .filter(|id| is_id(id)),
            entries: orders.map(entries).transpose()?.unwrap_or_default(),
            selections: view
                .selections()
                .into_iter()
                .flat_map(Json::items)
                .filter_map(Json::string)
                .collect(),
        })
    }
}

fn patient_id<'a>(value: Option<Json<'a>>, name: &'static str) -> Result<Cow<'a, str>, BadRequest> {
    let missing = || BadRequest::at("context.patientId", "the request has no `context.patientId`");
    let value = value.filter(|v| !v.is_null()).ok_or_else(missing)?;
    let Some(text) = value.string() else {
        let message = format!("`{name}` is {}, expected a string", kind_of(value));
        return Err(BadRequest::at("context.patientId", message));
    };
    let id = without_type(text, "Patient/");
    match id.trim().is_empty() {
        true => Err(BadRequest::at("context.patientId", format!("`{name}` is empty"))),
        false => Ok(id),
    }
}

fn without_type<'a>(id: Cow<'a, str>, prefix: &str) -> Cow<'a, str> {
    match id {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix(prefix).unwrap_or(text)),
        Cow::Owned(text) => Cow::Owned(text.strip_prefix(prefix).unwrap_or(&text).to_owned()),
    }
}

fn entries(orders: Json<'_>) -> Result<Vec<ContextEntry<'_>>, BadRequest> {
    if orders.is_array() {
        return Ok(list(orders));
    }
    let wrong = |message: String| BadRequest::at("context.draftOrders", message);
    if !orders.is_object() {
        let found = kind_of(orders);
        return Err(wrong(format!("the draft orders are {found}, expected a Bundle")));
    }
    let bundle = Bundle::read(orders)
        .ok_or_else(|| wrong("the Bundle of draft orders has a member that stands twice".into()))?;
    let resource_type = bundle.resource_type().and_then(Json::string);
    if resource_type.as_deref().is_some_and(|t| t != "Bundle") {
        // One order without a Bundle around it.
        return Ok(vec![ContextEntry { resource: orders, full_url: None }]);
    }
    Ok(bundle.entry().map(list).unwrap_or_default())
}

/// Entries of a Bundle, or resources in a list.
fn list(json: Json<'_>) -> Vec<ContextEntry<'_>> {
    json.items()
        .filter_map(|item| {
            let entry = Entry::read(item)?;
            let resource = entry.resource().filter(|r| r.is_object()).unwrap_or(item);
            Some(ContextEntry { resource, full_url: entry.full_url() })
        })
        .collect()
}

/// Whose resource is it: the Patient that `subject` or `patient` names, when it names one.
pub fn owner<'a>(anchor: &Anchor<'a>) -> Option<Cow<'a, str>> {
    let reference = anchor.subject().or(anchor.patient()).and_then(Reference::read)?;
    match reference.reference? {
        Cow::Borrowed(text) => patient_in(text).map(Cow::Borrowed),
        Cow::Owned(text) => patient_in(&text).map(|id| Cow::Owned(id.to_owned())),
    }
}

fn patient_in(reference: &str) -> Option<&str> {
    type_and_id(reference).and_then(|(kind, id)| (kind == "Patient").then_some(id))
}
