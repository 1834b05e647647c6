//! PROTOCOL: the routes, on one screen.
//!
//! Checks run in this order: 404, 405, 401, 415, 413, 408, 400 (body), orders, 412, 400 (another
//! patient), 200.

pub mod body;
pub mod caller;
pub mod error;
pub mod house;
pub mod in_force;
pub mod invoke;
pub mod metrics;
mod reach;
mod reload;

pub use caller::Caller;
pub use error::ServiceError;
pub use house::{Calendar, House};
pub use in_force::{InForce, Served};
pub use invoke::invoke;

use crate::config::Config;
use crate::ehr::Client;
use crate::ehr::client::Limits;
use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::header::{ALLOW, CONTENT_TYPE};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde::Serialize;
use serde_json::value::RawValue;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// Starts the service and tells the address that it listens on.
///
/// # Errors
/// The address cannot be bound.
pub fn start(house: House) -> std::io::Result<(Server, SocketAddr)> {
    let listener = TcpListener::bind(house.config.bind)?;
    let address = listener.local_addr()?;
    let house = Data::new(house);
    actix_web::rt::spawn(tend(house.clone()));
    actix_web::rt::spawn(reload::watch(house.clone()));
    let server = HttpServer::new(move || {
        // Sandbox mode: open, without credentials.
        let cors = Cors::default()
            .allow_any_origin()
            .send_wildcard()
            .allow_any_header()
            .allowed_methods(["GET", "POST"]);
        App::new()
            .app_data(house.clone())
            .wrap(cors)
            .wrap(from_fn(metrics::count))
            .service(
                web::resource("/cds-services").get(discover).default_service(web::to(only_get)),
            )
            .service(web::resource("/cds-services/{id}").default_service(web::to(call)))
            .service(web::resource("/healthz").get(healthy).default_service(web::to(only_get)))
            .service(web::resource("/readyz").get(healthy).default_service(web::to(only_get)))
            .service(web::resource("/metrics").get(exposition).default_service(web::to(only_get)))
            .default_service(web::to(nowhere))
    })
    .client_request_timeout(Duration::from_secs(5))
    .shutdown_timeout(10)
    .listen(listener)?
    .run();
    Ok((server, address))
}

/// What is done beside the calls: keys are read before the first of them, and expired tokens forgotten.
async fn tend(house: Data<House>) {
    let Some(gate) = &house.gate else { return };
    gate.warm_up().await;
    loop {
        gate.forget_expired(jiff::Timestamp::now().as_second()).await;
        tokio::time::sleep(FORGETTING).await;
    }
}

/// Time between two cleanings of the store.
const FORGETTING: Duration = Duration::from_secs(600);

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
) -> Result<HttpResponse, ServiceError> {
    let started = Instant::now();
    let service = house.service(&id).ok_or(ServiceError::NoService)?;
    if request.method() != actix_web::http::Method::POST {
        return Ok(not_allowed("POST"));
    }
    let caller =
        caller::admit(&request, &[format!("/cds-services/{}", service.id)], &house).await?;
    let body = body::read(&request, payload, &house.config.limits).await?;
    let answer = invoke(&body, &service, &caller, &house).await?;
    answer.log(&service, &caller, started.elapsed());
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(answer.json))
}

async fn healthy() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain")).body("ok\n")
}

async fn exposition(house: Data<House>) -> HttpResponse {
    let mut text = house.metrics.as_ref().map(|m| m.render()).unwrap_or_default();
    text.push_str(&metrics::of_house(&house));
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4")).body(text)
}

async fn only_get() -> HttpResponse {
    not_allowed("GET")
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
