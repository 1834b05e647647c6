//! What is counted: never with a label that holds anything of a patient.

use super::house::House;
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use metrics::{counter, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::time::Instant;

/// Starts counting in this process; `None` when somebody else counts already.
pub fn install() -> Option<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().ok()
}

/// What is not counted but is so: it is written when it is asked for, so that one digest stands there.
pub fn of_house(house: &House) -> String {
    let digest = &house.knowledge.now().digest;
    let refused = u8::from(house.knowledge.refused());
    format!(
        "# TYPE jakcard_knowledge_info gauge\njakcard_knowledge_info{{digest=\"{digest}\"}} 1\n\n\
         # TYPE jakcard_knowledge_refused gauge\njakcard_knowledge_refused {refused}\n\n"
    )
}

/// Counts every answer by service and status, and how long it took.
pub async fn count(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let response = next.call(request).await?;
    // The route is known only now; only names that we gave ourselves become labels.
    let id = response.request().match_info().get("id").unwrap_or_default();
    let house = response.request().app_data::<Data<House>>();
    let known = house.and_then(|h| h.service(id)).map(|s| s.id.clone());
    let service = known.unwrap_or_else(|| "none".to_owned());
    let status = response.status().as_u16().to_string();
    counter!("jakcard_requests_total", "service" => service.clone(), "status" => status)
        .increment(1);
    histogram!("jakcard_request_seconds", "service" => service).record(started.elapsed());
    Ok(response)
}
