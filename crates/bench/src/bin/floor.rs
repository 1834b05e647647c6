//! What jakcard is held against: a server that reads the same body and returns a fixed answer.
//!
//! `floor scan` reads the JSON and keeps nothing: the least that a server can do. `floor value` reads
//! it into `serde_json::Value`: the ordinary way. Prints the address when it is ready.

use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{self, Bytes, BytesMut, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::StreamExt;
use serde::de::IgnoredAny;
use std::net::TcpListener;

/// Longest answer that can be asked for.
const LONGEST: usize = 1 << 20;

#[derive(Clone, Copy)]
enum Reading {
    Scan,
    Value,
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let reading = match std::env::args().nth(1).as_deref() {
        Some("scan") => Reading::Scan,
        Some("value") => Reading::Value,
        _ => panic!("expected `scan` or `value`"),
    };
    let answer = Data::new(Bytes::from(vec![b' '; LONGEST]));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("floor is ready at http://{}", listener.local_addr()?);
    HttpServer::new(move || {
        App::new()
            .app_data(answer.clone())
            .app_data(Data::new(reading))
            .route("/floor/{bytes}", web::post().to(answer_fixed))
    })
    .listen(listener)?
    .run()
    .await
}

/// Answers with so many bytes.
async fn answer_fixed(
    request: HttpRequest,
    bytes: web::Path<usize>,
    payload: Payload,
    answer: Data<Bytes>,
    reading: Data<Reading>,
) -> HttpResponse {
    let body = read(&request, payload).await;
    let is_json = match **reading {
        Reading::Scan => serde_json::from_slice::<IgnoredAny>(&body).is_ok(),
        Reading::Value => serde_json::from_slice::<serde_json::Value>(&body).is_ok(),
    };
    if !is_json {
        return HttpResponse::BadRequest().finish();
    }
    let answer = answer.slice(..(*bytes).min(LONGEST));
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(answer)
}

/// The same body, read in the same way as jakcard reads it: into a buffer of the announced size.
async fn read(request: &HttpRequest, mut payload: Payload) -> BytesMut {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    let announced = announced.and_then(|v| v.parse().ok()).unwrap_or(0);
    let mut body = BytesMut::with_capacity(announced);
    while let Some(Ok(chunk)) = payload.next().await {
        body.extend_from_slice(&chunk);
    }
    body
}
