//! Reading the body of a call: JSON, not compressed, not too large, not too slow.

use super::error::ServiceError;
use crate::cds_hooks::BadRequest;
use crate::config::Limits;
use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{BytesMut, Payload};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Reads the whole body.
///
/// # Errors
/// 415, 413, 408, or 400 when the connection breaks off.
pub async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    limits: &Limits,
) -> Result<BytesMut, ServiceError> {
    media_type(request)?;
    let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    let announced: usize = header(CONTENT_LENGTH).and_then(|v| v.parse().ok()).unwrap_or(0);
    let too_large = || ServiceError::TooLarge { limit: limits.body_bytes };
    if announced > limits.body_bytes {
        return Err(too_large());
    }
    let started = Instant::now();
    let mut body = BytesMut::with_capacity(announced);
    loop {
        // Every byte buys the time that it needs at the slowest rate.
        let bought = Duration::from_secs_f64(body.len() as f64 / limits.body_rate.max(1) as f64);
        let deadline = started + Duration::from_secs(limits.body_seconds) + bought;
        match timeout_at(deadline, payload.next()).await {
            Err(_) => return Err(ServiceError::TooSlow { received: body.len() }),
            Ok(None) => return Ok(body),
            Ok(Some(Err(_))) => {
                let received = body.len();
                let message = format!("the body broke off after {received} bytes");
                return Err(BadRequest::text(message).into());
            }
            Ok(Some(Ok(chunk))) if body.len() + chunk.len() > limits.body_bytes => {
                return Err(too_large());
            }
            Ok(Some(Ok(chunk))) => body.extend_from_slice(&chunk),
        }
    }
}

/// JSON in any of the spellings of FHIR servers, and as it is: a compressed body is not opened.
fn media_type(request: &HttpRequest) -> Result<(), ServiceError> {
    let mut encodings = request.headers().get_all(CONTENT_ENCODING);
    if !encodings.all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let message = "the body is compressed, expected it without content-encoding".to_owned();
        return Err(ServiceError::MediaType(message));
    }
    let Some(given) = request.headers().get(CONTENT_TYPE) else { return Ok(()) };
    let given = given.to_str().unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "application/fhir+json" | "application/json+fhir" | "text/json" => {
            Ok(())
        }
        _ => {
            let message = "the body has another media type, expected application/json".to_owned();
            Err(ServiceError::MediaType(message))
        }
    }
}
