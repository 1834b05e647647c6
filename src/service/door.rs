//! What every request passes: its head is small enough, a panic ends it and nothing else.

use super::connections::Connection;
use super::error::ServiceError;
use super::house::House;
use actix_web::Error;
use actix_web::ResponseError;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use futures_util::FutureExt;
use metrics::counter;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Lets a request in, or answers it at the door.
///
/// # Errors
/// 500 when something panicked.
pub async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let connection = request.conn_data::<Arc<Connection>>().cloned();
    let _busy = connection.map(Busy::new);
    let most = request.app_data::<Data<House>>().map_or(usize::MAX, |h| h.config.limits.head_bytes);
    if head_bytes(&request) > most {
        let answer = ServiceError::HeadTooLarge { limit: most }.error_response();
        return Ok(request.into_response(answer).map_into_right_body());
    }
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(answer) => answer.map(ServiceResponse::map_into_left_body),
        Err(_) => {
            counter!("jakcard_panics_total").increment(1);
            Err(ServiceError::Broken.into())
        }
    }
}

/// The request line and the headers, without their separators.
fn head_bytes(request: &ServiceRequest) -> usize {
    let target = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    let headers = request.headers().iter();
    target + headers.map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>()
}

/// A connection for which something is done until this is dropped.
struct Busy(Arc<Connection>);

impl Busy {
    fn new(connection: Arc<Connection>) -> Busy {
        connection.busy();
        Busy(connection)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.quiet();
    }
}
