//! Feedback: a report is acknowledged when it is on the disk, and not before.

use super::error::ServiceError;
use super::house::House;
use super::in_flight::InFlight;
use super::{body, caller, not_allowed};
use crate::cds_hooks::feedback::{Comment, Feedback};
use crate::store::{FeedbackRow, Kept, Shelf, StoreError};
use actix_web::http::Method;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use metrics::counter;
use std::sync::Arc;

/// <https://cds-hooks.hl7.org/#feedback>
///
/// # Errors
/// As a service call; 503 when the reports could not be made durable.
pub async fn receive(
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
    house: Data<House>,
    in_flight: Data<InFlight>,
) -> Result<HttpResponse, ServiceError> {
    let service = house.service(&id).ok_or(ServiceError::NoService)?;
    if request.method() != Method::POST {
        return Ok(not_allowed("POST"));
    }
    // The sandbox asks for the first, others for the second.
    let endpoint = format!("/cds-services/{}", service.id);
    let paths = [format!("{endpoint}/feedback"), endpoint];
    in_flight.ask()?;
    let caller = caller::admit(&request, &paths, &house).await?;
    let _place = in_flight.take()?;
    let body = body::read(&request, payload, &house.config.limits).await?;
    let reports = Feedback::read(&body, house.config.limits.bounds())?;
    let received = jiff::Timestamp::now().as_millisecond();
    let rows: Vec<FeedbackRow> =
        reports.iter().map(|r| row(r, &caller.name, &service.id, received)).collect();
    let kept = keep(house.shelf.as_ref(), rows).await.map_err(|error| {
        counter!("jakcard_store_failures_total").increment(1);
        let (reports, error) = (reports.len(), error.map(|e| e.to_string()));
        tracing::warn!(client = caller.name, reports, error, "feedback could not be kept");
        ServiceError::NotKept
    })?;
    count_unknown(&house, &caller.name, &reports).await;
    for report in &reports {
        let (client, outcome) = (caller.name.clone(), report.outcome.word());
        counter!("jakcard_feedback_total", "client" => client, "outcome" => outcome).increment(1);
    }
    let (client, service) = (&caller.name, &service.id);
    tracing::info!(client, service, reports = reports.len(), new = kept.new, "feedback kept");
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body("{}"))
}

/// Counts cards that no record tells of: forged, forgotten, or of an answer whose record was lost. They are
/// kept all the same.
async fn count_unknown(house: &House, client: &str, reports: &[Feedback]) {
    let (Some(_), Some(shelf)) = (&house.audit, &house.shelf) else { return };
    let cards = reports.iter().map(|report| report.card.clone()).collect();
    let unknown = match shelf.for_records().await {
        Ok(store) => store.unknown_cards(client, cards).await,
        Err(error) => Err(error),
    };
    let counter = counter!("jakcard_feedback_unknown_cards_total", "client" => client.to_owned());
    // What is kept is acknowledged, counted or not.
    counter.increment(unknown.unwrap_or_default());
}

async fn keep(
    shelf: Option<&Arc<Shelf>>,
    rows: Vec<FeedbackRow>,
) -> Result<Kept, Option<StoreError>> {
    let store = shelf.ok_or(None)?.for_records().await?;
    Ok(store.keep_feedback(rows).await?)
}

fn row(report: &Feedback, client: &str, service: &str, received: i64) -> FeedbackRow {
    let list = |json: serde_json::Result<String>| json.unwrap_or_else(|_| "[]".to_owned());
    FeedbackRow {
        received,
        client: client.to_owned(),
        service: service.to_owned(),
        card: report.card.clone(),
        outcome: report.outcome.word().to_owned(),
        outcome_at: report.at.as_millisecond(),
        suggestions: list(serde_json::to_string(&report.suggestions)),
        reasons: list(serde_json::to_string(&report.reasons)),
        comment: report.comment.as_ref().map(|c| c.text.clone()),
        comment_sent: report.comment.as_ref().map_or(0, Comment::characters),
    }
}
