//! The pages of which origins may call from a browser? <https://fetch.spec.whatwg.org/#http-cors-protocol>
//!
//! Never with credentials: a token stands in a header that the page sets itself. A preflight carries no
//! token and needs none.

use crate::config::Config;
use actix_cors::Cors;
use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use actix_web::middleware::Condition;

/// Seconds that a browser may remember the answer to a preflight.
const REMEMBERED: usize = 600;

/// Every origin in sandbox mode, those of `cors.origins` otherwise. Without any, the service does not
/// know CORS at all and no page can read an answer.
pub fn of(config: &Config) -> Condition<Cors> {
    let origins = &config.cors.origins;
    let methods = ["GET", "HEAD", "POST"];
    if config.is_sandbox() {
        let open = Cors::default()
            .allow_any_origin()
            .send_wildcard()
            .allow_any_header()
            .allowed_methods(methods);
        return Condition::new(true, open);
    }
    let listed = Cors::default()
        .allowed_methods(methods)
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, ACCEPT])
        .max_age(REMEMBERED);
    let listed = origins.iter().fold(listed, |cors, origin| cors.allowed_origin(origin));
    Condition::new(!origins.is_empty(), listed)
}
