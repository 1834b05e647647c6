//! Who is calling, and what is agreed with them?

use super::error::ServiceError;
use super::house::House;
use crate::auth::Denied;
use crate::cds_hooks::SelectionBehavior;
use crate::config::{Client, Config};
use crate::ehr::server::{Allowed, base};
use crate::knowledge::Jurisdiction;
use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

/// Who is calling, and what is agreed with them.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Name of the client; `sandbox` without one.
    pub name: String,
    /// Whose labels speak.
    pub jurisdiction: Jurisdiction,
    /// FHIR servers that may be asked on their behalf.
    pub servers: Allowed,
    /// Milliseconds for all questions of a call.
    pub deadline_ms: u64,
    /// How many suggestions a user may take; by the hook without it.
    pub selection_behavior: Option<SelectionBehavior>,
}

impl Caller {
    /// Sandbox mode: nobody is authenticated. This machine may be asked, and what is listed.
    pub fn sandbox(config: &Config) -> Caller {
        let fetch = &config.fetch;
        Caller {
            name: "sandbox".to_owned(),
            jurisdiction: config.jurisdiction,
            servers: allowed(true, &fetch.servers, &fetch.open_servers),
            deadline_ms: fetch.deadline_ms,
            selection_behavior: None,
        }
    }

    /// This client.
    pub fn of(client: &Client, config: &Config) -> Caller {
        Caller {
            name: client.name.clone(),
            jurisdiction: client.jurisdiction.unwrap_or(config.jurisdiction),
            servers: allowed(false, &client.fhir_servers, &client.open_fhir_servers),
            deadline_ms: client.deadline_ms.unwrap_or(config.fetch.deadline_ms),
            selection_behavior: client.selection_behavior,
        }
    }
}

fn allowed(loopback: bool, servers: &[String], open: &[String]) -> Allowed {
    let bases = |list: &[String]| list.iter().filter_map(|text| base(text)).collect();
    Allowed { loopback, listed: bases(servers), open: bases(open) }
}

/// Lets a caller in, before the body is read. `paths` are the ways in which `aud` may name the
/// endpoint.
///
/// # Errors
/// 401, or 503 when it cannot be told whether the token was used before.
pub async fn admit(
    request: &HttpRequest,
    paths: &[String],
    house: &House,
) -> Result<Caller, ServiceError> {
    let Some(gate) = &house.gate else { return Ok(Caller::sandbox(&house.config)) };
    let headers: Vec<&[u8]> =
        request.headers().get_all(AUTHORIZATION).map(|value| value.as_bytes()).collect();
    let now = jiff::Timestamp::now().as_second();
    match gate.admit(&headers, paths, now).await {
        Ok(client) => Ok(Caller::of(&client, &house.config)),
        Err(Denied::Refused(_)) => Err(ServiceError::NotAuthenticated),
        Err(Denied::Busy) => Err(ServiceError::Busy),
    }
}
