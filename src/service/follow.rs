//! What is done for every request on its way in and out: it gets an id, its log lines name it, and how
//! it ended is counted.

use super::house::House;
use super::metrics;
use super::readiness::Readiness;
use super::request_id::{HEADER, RequestId};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::HeaderName;
use actix_web::middleware::Next;
use actix_web::web::Data;
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
    let span = tracing::info_span!("request", request_id = %id);
    let mut response = next.call(request).instrument(span).await?;
    // The route is known only now; only names that we gave ourselves become labels.
    let route = response.request().match_info().get("id").unwrap_or_default();
    let house = response.request().app_data::<Data<House>>();
    let service = house.and_then(|house| house.service(route));
    let service = service.as_ref().map_or("none", |service| &service.id);
    metrics::answered(service, response.status().as_u16(), started.elapsed());
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
