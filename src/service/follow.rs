//! What is done for every request on its way in and out: it gets an id, its log lines name it, and how
//! it ended is counted.

use super::house::House;
use super::metrics::{Endpoint, answered};
use super::readiness::Readiness;
use super::request_id::{HEADER, RequestId};
use super::traces::{Trace, parent};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::HeaderName;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use std::rc::Rc;
use std::time::Instant;
use tracing::Instrument;

/// Follows a request to its answer.
///
/// # Errors
/// What broke before there was an answer.
pub async fn follow(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let parent = parent(request.headers());
    let sender = parent.as_ref().map(|parent| parent.trace_id().to_string());
    let trace = Trace::begin(parent).map(Rc::new);
    let trace_id = trace.as_ref().map(|trace| trace.id()).or(sender);
    if let Some(trace) = &trace {
        request.extensions_mut().insert(trace.clone());
    }
    // An error, so that warnings name their request too, whatever `RUST_LOG` leaves out.
    let span = tracing::error_span!("request", request_id = %id, trace_id);
    let mut response = next.call(request).instrument(span).await?;
    // The route is known only now; only names that we gave ourselves become labels.
    let route = response.request().match_info().get("id").unwrap_or_default();
    let house = response.request().app_data::<Data<House>>();
    let service = house.and_then(|house| house.service(route));
    let service = service.as_ref().map_or("none", |service| &service.id);
    let endpoint = Endpoint::of(response.request().path());
    let status = response.status().as_u16();
    answered(service, endpoint, status, started.elapsed());
    if let Some(trace) = trace {
        trace.end(service, endpoint.word(), status, &id);
    }
    // Whoever keeps a connection asks elsewhere next time.
    let readiness = response.request().app_data::<Data<Readiness>>();
    let last = readiness.is_some_and(|readiness| readiness.stopping());
    let head = response.response_mut().head_mut();
    if last {
        head.set_connection_type(ConnectionType::Close);
    }
    head.headers_mut().insert(HeaderName::from_static(HEADER), id.header());
    Ok(response)
}
