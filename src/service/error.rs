//! Why a call is not answered with 200: the only error that knows HTTP.
//!
//! The body is a FHIR OperationOutcome (CDS Hooks 3.0, returning OperationOutcome).

use crate::cds_hooks::BadRequest;
use crate::ehr::NoDrug;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use std::borrow::Cow;

/// Why a call is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// 404
    #[error("there is no such service; GET /cds-services lists them")]
    NoService,
    /// 404
    #[error("there is nothing here; GET /cds-services lists the services")]
    NoPage,
    /// 405
    #[error("this method is not allowed here, expected {allow}")]
    Method {
        /// The method that is.
        allow: &'static str,
    },
    /// 401: nothing is said of the reason.
    #[error("not authenticated")]
    NotAuthenticated,
    /// 503: it cannot be told whether the token was used before.
    #[error("too busy now, try again")]
    Busy,
    /// 503: as many calls as may be are being answered.
    #[error("too busy now, try again")]
    Full,
    /// 431
    #[error("the request line and the headers are larger than {limit} bytes")]
    HeadTooLarge {
        /// Largest head.
        limit: usize,
    },
    /// 415
    #[error("{0}")]
    MediaType(String),
    /// 413
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// Largest body.
        limit: usize,
    },
    /// 408
    #[error("the body did not arrive in time: {received} bytes came")]
    TooSlow {
        /// Bytes that came.
        received: usize,
    },
    /// 400
    #[error(transparent)]
    Bad(#[from] BadRequest),
    /// 412
    #[error(transparent)]
    NoDrug(#[from] NoDrug),
    /// 500
    #[error("the request could not be evaluated")]
    Broken,
    /// 503: what must outlive the process could not be written.
    #[error("this could not be kept, send it again")]
    NotKept,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationOutcome {
    resource_type: &'static str,
    issue: [Issue; 1],
}

#[derive(Serialize)]
struct Issue {
    severity: &'static str,
    code: &'static str,
    details: Details,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression: Option<[Cow<'static, str>; 1]>,
}

#[derive(Serialize)]
struct Details {
    text: String,
}

impl ServiceError {
    /// The body: a FHIR OperationOutcome.
    pub fn outcome(&self) -> String {
        let (code, expression) = match self {
            ServiceError::NoService | ServiceError::NoPage => ("not-found", None),
            ServiceError::Method { .. } | ServiceError::MediaType(_) => ("not-supported", None),
            ServiceError::NotAuthenticated => ("login", None),
            ServiceError::Busy | ServiceError::Full => ("throttled", None),
            ServiceError::TooLarge { .. } | ServiceError::HeadTooLarge { .. } => {
                ("too-costly", None)
            }
            ServiceError::TooSlow { .. } => ("timeout", None),
            ServiceError::Bad(bad) => ("invalid", bad.expression.clone().map(|e| [e])),
            ServiceError::NoDrug(_) => ("incomplete", None),
            ServiceError::Broken => ("exception", None),
            ServiceError::NotKept => ("no-store", None),
        };
        let details = Details { text: self.to_string() };
        let outcome = OperationOutcome {
            resource_type: "OperationOutcome",
            issue: [Issue { severity: "error", code, details, expression }],
        };
        serde_json::to_string(&outcome).unwrap_or_default()
    }
}

impl ResponseError for ServiceError {
    fn status_code(&self) -> StatusCode {
        match self {
            ServiceError::NoService | ServiceError::NoPage => StatusCode::NOT_FOUND,
            ServiceError::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            ServiceError::NotAuthenticated => StatusCode::UNAUTHORIZED,
            ServiceError::Busy | ServiceError::Full => StatusCode::SERVICE_UNAVAILABLE,
            ServiceError::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            ServiceError::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ServiceError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            ServiceError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            ServiceError::Bad(_) => StatusCode::BAD_REQUEST,
            ServiceError::NoDrug(_) => StatusCode::PRECONDITION_FAILED,
            ServiceError::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            ServiceError::NotKept => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        tracing::info!(status = self.status_code().as_u16(), reason = self.kind(), "not answered");
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CONTENT_TYPE, "application/fhir+json"));
        match self {
            // RFC 9110, section 11.6.1.
            ServiceError::NotAuthenticated => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer"));
            }
            ServiceError::Busy | ServiceError::Full | ServiceError::NotKept => {
                response.insert_header((RETRY_AFTER, "1"));
            }
            _ => {}
        }
        // A body that was not read to its end leaves the connection unusable.
        if matches!(
            self,
            ServiceError::TooLarge { .. }
                | ServiceError::TooSlow { .. }
                | ServiceError::MediaType(_)
                | ServiceError::NotAuthenticated
                | ServiceError::Busy
                | ServiceError::Full
                | ServiceError::HeadTooLarge { .. }
        ) {
            response.force_close();
        }
        response.body(self.outcome())
    }
}

impl ServiceError {
    /// The reason in one word, for logs and metrics: nothing of the request.
    pub fn kind(&self) -> &'static str {
        match self {
            ServiceError::NoService => "unknown-service",
            ServiceError::NoPage => "unknown-path",
            ServiceError::Method { .. } => "method",
            ServiceError::NotAuthenticated => "not-authenticated",
            ServiceError::Busy => "busy",
            ServiceError::Full => "full",
            ServiceError::HeadTooLarge { .. } => "head-too-large",
            ServiceError::MediaType(_) => "media-type",
            ServiceError::TooLarge { .. } => "too-large",
            ServiceError::TooSlow { .. } => "too-slow",
            ServiceError::Bad(_) => "bad-request",
            ServiceError::NoDrug(_) => "no-drug",
            ServiceError::Broken => "panic",
            ServiceError::NotKept => "not-kept",
        }
    }
}
