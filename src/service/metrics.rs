//! What is counted: never with a label that holds anything of a patient.

use super::house::House;
use metrics::{counter, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::time::Duration;

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

/// Counts an answer and the time that it took. `service` is a name of our own.
pub fn answered(service: &str, status: u16, took: Duration) {
    counter!("jakcard_requests_total", "service" => service.to_owned(), "status" => status.to_string())
        .increment(1);
    histogram!("jakcard_request_seconds", "service" => service.to_owned()).record(took);
}
