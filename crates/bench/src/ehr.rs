//! An EHR's FHIR server that answers every question after a fixed time.

use crate::bodies;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// Time until it answers.
pub const LATENCY: Duration = Duration::from_millis(20);

/// Starts it in a thread of this process.
pub fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let held = Data::new(bodies::held());
        let server = HttpServer::new(move || {
            App::new().app_data(held.clone()).route("/fhir/{tail:.*}", web::get().to(answer))
        });
        let server = server.workers(1).listen(listener).expect("it listens").run();
        actix_web::rt::System::new().block_on(server).expect("it runs");
    });
    address
}

async fn answer(request: HttpRequest, held: Data<Value>) -> HttpResponse {
    tokio::time::sleep(LATENCY).await;
    let path = request.path().trim_start_matches("/fhir/");
    let body = match path {
        "Patient/pat-1" => held["patient"].to_string(),
        kind => search(&held, kind, request.query_string()),
    };
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/fhir+json")).body(body)
}

fn search(held: &Value, kind: &str, query: &str) -> String {
    let codes = query.split('&').find_map(|p| p.strip_prefix("code=")).unwrap_or_default();
    let codes: Vec<&str> = codes.split(',').filter(|c| !c.is_empty()).collect();
    let all = held.as_object().into_iter().flat_map(|keys| keys.values());
    let entries = all.filter_map(|bundle| bundle["entry"].as_array()).flatten();
    let wanted = entries.filter(|entry| {
        let resource = &entry["resource"];
        let codings = resource["code"]["coding"].as_array().into_iter().flatten();
        let mut own = codings.filter_map(|coding| coding["code"].as_str());
        resource["resourceType"] == kind && (codes.is_empty() || own.any(|c| codes.contains(&c)))
    });
    let entries: Vec<&Value> = wanted.collect();
    json!({
        "resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries,
    })
    .to_string()
}
