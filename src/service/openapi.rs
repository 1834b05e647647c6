//! The description of this interface, OpenAPI 3.1: written by hand, held against the real answers by a test.

use super::house::House;
use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`: the document, with this version and the URL at which clients call.
pub async fn document(house: Data<House>) -> HttpResponse {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    if let Some(url) = &house.config.public_url {
        document["servers"] = json!([{ "url": url.trim_end_matches('/') }]);
    }
    HttpResponse::Ok().json(document)
}
