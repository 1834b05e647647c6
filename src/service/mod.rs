//! PROTOCOL: the routes, on one screen.
//!
//! Checks run in this order: 431, 404, 405, 503, 401, 415, 413, 408, 400 (body), orders, 412, 400
//! (another patient), 200.

pub mod body;
pub mod caller;
mod connections;
mod cors;
pub mod course;
mod door;
pub mod error;
mod feedback;
mod follow;
pub mod house;
mod in_flight;
pub mod in_force;
pub mod invoke;
mod listen;
pub mod metrics;
mod openapi;
mod reach;
mod readiness;
mod recorded;
mod reload;
mod request_id;
pub mod self_test;
mod stop;
pub mod tls;
pub mod traces;

pub use caller::Caller;
pub use error::ServiceError;
pub use house::{Calendar, House};
pub use in_force::{InForce, Served};
pub use invoke::invoke;
pub use listen::{Listening, start};

use crate::audit::{self, Audit};
use crate::config::Config;
use crate::ehr::Client;
use crate::ehr::client::Limits;
use crate::store::Shelf;
use actix_web::http::header::{ALLOW, CONTENT_TYPE};
use actix_web::web::{self, Data, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Route, guard};
use course::{Course, Phase};
use in_flight::InFlight;
use readiness::Readiness;
use serde::Serialize;
use serde_json::value::RawValue;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use traces::Trace;

/// What EHRs ask for.
fn services(routes: &mut web::ServiceConfig) {
    routes
        .service(
            web::resource("/cds-services")
                .route(reading().to(discover))
                .default_service(only_get()),
        )
        .service(
            web::resource("/openapi.json")
                .route(reading().to(openapi::document))
                .default_service(only_get()),
        )
        .service(web::resource("/cds-services/{id}").default_service(web::to(call)))
        .service(
            web::resource("/cds-services/{id}/feedback")
                .default_service(web::to(feedback::receive)),
        );
}

/// What the operators ask for.
fn operations(routes: &mut web::ServiceConfig) {
    for (path, route) in [
        ("/healthz", reading().to(healthy)),
        ("/readyz", reading().to(ready)),
        ("/metrics", reading().to(exposition)),
    ] {
        routes.service(web::resource(path).route(route).default_service(only_get()));
    }
}

/// GET, and HEAD, which is GET without the body (RFC 9110, section 9.3.2).
fn reading() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// What is done beside the calls: keys are read before the first of them, and expired tokens forgotten.
async fn tend(house: Data<House>, readiness: Data<Readiness>) {
    if let Some(gate) = &house.gate {
        gate.warm_up().await;
    }
    actix_web::rt::spawn(self_test::keep(house.clone(), readiness));
    let Some(gate) = &house.gate else { return };
    loop {
        gate.forget_expired(jiff::Timestamp::now().as_second()).await;
        tokio::time::sleep(FORGETTING).await;
    }
}

/// Time between two cleanings of the store.
const FORGETTING: Duration = Duration::from_secs(600);

/// The audit that these settings ask for.
///
/// # Errors
/// Its thread cannot be started.
pub fn audit(config: &Config, shelf: &Arc<Shelf>) -> Result<Option<Arc<Audit>>, String> {
    let audit = &config.audit;
    if !audit.enabled {
        return Ok(None);
    }
    let settings = audit::Settings {
        replica: audit.replica.clone().unwrap_or_else(machine),
        strict: audit.strict,
        keep_days: audit.keep_days,
        queue: audit.queue,
    };
    let started = Audit::start(Arc::clone(shelf), settings);
    started.map(|audit| Some(Arc::new(audit))).map_err(|e| format!("the audit cannot start: {e}"))
}

/// The machine's name: in Kubernetes, that of the pod.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || "-._".contains(*c);
    let name: String = name.trim().chars().filter(plain).take(64).collect();
    if name.is_empty() { "jakcard".to_owned() } else { name }
}

/// The client for FHIR servers that these settings ask for.
///
/// # Errors
/// The TLS library does not start.
pub fn client(config: &Config) -> Result<Client, String> {
    let fetch = &config.fetch;
    Client::new(Limits {
        in_flight: fetch.in_flight,
        per_call: fetch.per_call,
        pages: fetch.pages,
        entries: fetch.entries,
        bytes: fetch.answer_bytes,
        private_networks: fetch.private_networks,
    })
}

#[derive(Serialize)]
struct Discovery<'a> {
    services: Vec<&'a RawValue>,
}

/// <https://cds-hooks.hl7.org/#discovery>
async fn discover(house: Data<House>) -> HttpResponse {
    let knowledge = house.knowledge.now();
    let services = knowledge.services.iter().map(|s| &*s.json).collect();
    HttpResponse::Ok().json(Discovery { services })
}

/// <https://cds-hooks.hl7.org/#calling-a-cds-service>
async fn call(
    request: HttpRequest,
    id: web::Path<String>,
    payload: Payload,
    house: Data<House>,
    in_flight: Data<InFlight>,
) -> Result<HttpResponse, ServiceError> {
    let mut course = Course::begin();
    let service = house.service(&id).ok_or(ServiceError::NoService)?;
    if request.method() != actix_web::http::Method::POST {
        return Ok(not_allowed("POST"));
    }
    in_flight.ask()?;
    let caller =
        caller::admit(&request, &[format!("/cds-services/{}", service.id)], &house).await?;
    let _place = in_flight.take()?;
    course.did(Phase::Admit);
    let body = body::read(&request, payload, &house.config.limits).await?;
    course.did(Phase::Body);
    let answer = invoke(&body, &service, &caller, &house, &mut course).await;
    course.tell(&service.id, &caller.name);
    if let Some(trace) = request.extensions().get::<Rc<Trace>>() {
        trace.tell(&course, &caller.name, &service.knowledge.digest);
    }
    let mut answer = answer?;
    answer.record(&house).await?;
    answer.log(&service, &caller, &course);
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(answer.json))
}

async fn healthy() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain")).body("ok\n")
}

/// Whether calls should be sent here.
async fn ready(readiness: Data<Readiness>) -> HttpResponse {
    let (mut response, text) = match readiness.ready() {
        Ok(()) => (HttpResponse::Ok(), "ready"),
        Err(why) => (HttpResponse::ServiceUnavailable(), why.word()),
    };
    response.insert_header((CONTENT_TYPE, "text/plain")).body(format!("{text}\n"))
}

async fn exposition(house: Data<House>) -> HttpResponse {
    let mut text = house.metrics.as_ref().map(|m| m.render()).unwrap_or_default();
    text.push_str(&metrics::of_house(&house));
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4")).body(text)
}

fn only_get() -> Route {
    web::to(async || not_allowed("GET, HEAD"))
}

async fn nowhere() -> Result<HttpResponse, ServiceError> {
    Err(ServiceError::NoPage)
}

fn not_allowed(allow: &'static str) -> HttpResponse {
    let error = ServiceError::Method { allow };
    let mut response = actix_web::ResponseError::error_response(&error);
    response.headers_mut().insert(ALLOW, actix_web::http::header::HeaderValue::from_static(allow));
    response
}
