//! Traces: what a request did and how long each part took, for a collector that speaks OTLP over HTTP.
//!
//! Only when `otel.endpoint` is configured. A span holds names and numbers of our own, never anything of
//! a patient.

use super::course::Course;
use super::request_id::RequestId;
use crate::config::Otel;
use actix_web::http::header::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, Span};
use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// The collector answers by then.
const PATIENCE: Duration = Duration::from_secs(5);

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Sends what is still to be sent when it is dropped.
#[must_use = "traces are sent only while it lives"]
pub struct Traces(SdkTracerProvider);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Starts sending traces, when these settings ask for it. Not inside of a runtime.
///
/// # Errors
/// The endpoint cannot be used.
pub fn start(settings: &Otel) -> Result<Option<Traces>, String> {
    let Some(endpoint) = &settings.endpoint else { return Ok(None) };
    let http = reqwest::blocking::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .map_err(|e| e.to_string())?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(http)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .map_err(|e| format!("`otel.endpoint`: {e}"))?;
    let ratio = f64::from(settings.percent) / 100.0;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
        .with_resource(
            Resource::builder_empty()
                .with_service_name("jakcard")
                .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                .build(),
        )
        .build();
    _ = TRACER.set(provider.tracer("jakcard"));
    Ok(Some(Traces(provider)))
}

/// The trace that the sender says this request belongs to (W3C Trace Context).
pub fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    headers.contains_key("traceparent").then_some(())?;
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Sent(headers));
    let parent = context.span().span_context().clone();
    parent.is_valid().then_some(parent)
}

struct Sent<'h>(&'h HeaderMap);

impl Extractor for Sent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

/// The trace of one request.
pub struct Trace(RefCell<Span>);

impl Trace {
    /// A request came in; `None` when nobody collects.
    pub fn begin(parent: Option<SpanContext>) -> Option<Trace> {
        let tracer = TRACER.get()?;
        let context = Context::new();
        let context = match parent {
            Some(parent) => context.with_remote_span_context(parent),
            None => context,
        };
        let span = tracer.span_builder("request").with_kind(SpanKind::Server);
        Some(Trace(RefCell::new(span.start_with_context(tracer, &context))))
    }

    /// Its id.
    pub fn id(&self) -> String {
        self.0.borrow().span_context().trace_id().to_string()
    }

    /// Tells the parts of a call.
    pub fn tell(&self, course: &Course, client: &str, digest: &str) {
        let Some(tracer) = TRACER.get() else { return };
        let mut span = self.0.borrow_mut();
        if !span.is_recording() {
            return;
        }
        let context = Context::new().with_remote_span_context(span.span_context().clone());
        for (phase, begin, end) in course.phases() {
            let part = tracer.span_builder(phase.word()).with_start_time(at(begin));
            part.start_with_context(tracer, &context).end_with_timestamp(at(end));
        }
        let rules: Vec<&str> = course.fired.iter().map(|(rule, _)| rule.as_str()).collect();
        span.set_attributes([
            KeyValue::new("jakcard.client", client.to_owned()),
            KeyValue::new("jakcard.knowledge", digest.to_owned()),
            KeyValue::new("jakcard.cards", i64::try_from(course.cards.len()).unwrap_or(i64::MAX)),
            KeyValue::new("jakcard.rules", rules.join(" ")),
        ]);
    }

    /// The answer goes out.
    pub fn end(&self, service: &str, endpoint: &'static str, status: u16, id: &RequestId) {
        let mut span = self.0.borrow_mut();
        span.set_attributes([
            KeyValue::new("jakcard.service", service.to_owned()),
            KeyValue::new("jakcard.endpoint", endpoint),
            KeyValue::new("jakcard.request_id", id.to_string()),
            KeyValue::new("http.response.status_code", i64::from(status)),
        ]);
        if status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// The time of the clock on the wall at a moment of this process.
fn at(moment: Instant) -> SystemTime {
    SystemTime::now() - moment.elapsed()
}
